/** Schemas of CAMARA r2.2: webrtc-registration v0.3 and webrtc-call-handling v0.3, as far as they differ from today's. CAMARA digest 9. */
import { Type } from 'typebox';
import { mediaSessionResponse } from './call-handling.ts';
import { dateTime, deviceId, looseObject } from './common.ts';

const time = Type.Optional(
  dateTime('Asked end of the registration; out of range, the policy of the operator decides.'),
);

export const regSessionRequestV03 = looseObject('regSessionRequest', 'A device to be registered.', {
  deviceId,
  registrationExpireTime: time,
});

export const regSessionUpdateV03 = looseObject('regSessionUpdate', 'A new end for a registration.', {
  registrationExpireTime: time,
});

const { mediaSessionId, originatorAddress, originatorName, receiverAddress, receiverName, status, offer } =
  mediaSessionResponse.properties;

const sdp = looseObject('WrtcSDPDescriptor', 'A session description.', offer.properties);
const clientCorrelator = Type.Optional(
  Type.String({
    maxLength: 256,
    description: 'Of the client; sent again by the same caller within a day it names the same call.',
    example: '3f2504e0-4f89-41d3-9a0c-0305e82c3301',
  }),
);
const parties = { originatorAddress, originatorName, receiverAddress, receiverName };

export const mediaSessionCreateV03 = looseObject('MediaSessionRequest', 'A call to be made.', {
  ...parties,
  offer: sdp,
  clientCorrelator,
});

export const mediaSessionStatusV03 = looseObject('MediaSessionChange', 'A change of a media session.', {
  status,
  offer: Type.Optional(sdp),
  answer: Type.Optional(sdp),
});

export const mediaSessionInformation = looseObject('MediaSessionInformation', 'A media session.', {
  mediaSessionId,
  ...parties,
  status,
  offer: sdp,
  answer: Type.Optional(sdp),
  clientCorrelator,
});
