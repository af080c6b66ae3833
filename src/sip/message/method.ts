/** The methods of SIP. RFC 3261, 3262, 3311, 3428, 3515, 3903, 6086, 6665. */

/** All that are registered; whether one is answered, allowed or counted is for others to say. */
export const METHODS: ReadonlySet<string> = new Set(
  'INVITE ACK BYE CANCEL OPTIONS REGISTER PRACK UPDATE INFO SUBSCRIBE NOTIFY REFER MESSAGE PUBLISH'.split(' '),
);
