/** Schemas of webrtc-ice-servers v0.1, our extension: STUN and TURN servers for a browser. CAMARA digest 11c. */
import { type Static, Type } from 'typebox';
import { dateTime, id, strictObject } from './common.ts';

export const iceServersRequest = strictObject(
  'IceServersRequest',
  'What the servers are for, if the client has it already.',
  {
    registrationId: Type.Optional(id('A registration of the caller.')),
    channelId: Type.Optional(id('A notification channel of the caller.')),
  },
);

export const iceServer = strictObject('IceServer', 'One RTCIceServer, as RTCPeerConnection takes it.', {
  urls: Type.Array(Type.String({ maxLength: 512 }), { minItems: 1, description: 'RFC 7064 and RFC 7065.' }),
  username: Type.Optional(
    Type.String({ maxLength: 128, description: 'Of a TURN server. It says nothing of the user.' }),
  ),
  credential: Type.Optional(Type.String({ maxLength: 128, description: 'Of a TURN server; to be kept secret.' })),
});

export const iceServersAnswer = strictObject('IceServers', 'The servers.', {
  iceServers: Type.Array(iceServer, { description: 'Empty when the service has none.' }),
  ttl: Type.Integer({ minimum: 1, description: 'Seconds for which this counts.' }),
  expiresAt: dateTime('When new relays are refused with this credential. One that is open goes on.'),
});

export type IceServersRequest = Static<typeof iceServersRequest>;
export type IceServer = Static<typeof iceServer>;
