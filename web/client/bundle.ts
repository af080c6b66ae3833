/** Which transports the lines of a call share. */
const GROUP = /^a=group:BUNDLE/m;
const LONE = /^a=group:BUNDLE \S+\r?\n/m;

/**
 * SDP of the gateway without a bundle of the sound alone, unless the description in force has a bundle. It would bind all
 * lines that come later: a browser refuses an answer that gives a picture a transport of its own. RFC 9143 7.3.
 */
export function withoutLoneBundle(sdp: string, inForce: RTCSessionDescription | null | undefined): string {
  return GROUP.test(inForce?.sdp ?? '') ? sdp : sdp.replace(LONE, '');
}
