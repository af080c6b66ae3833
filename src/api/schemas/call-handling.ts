/** Schemas of webrtc-call-handling v0.4. CAMARA digest 5. */
import { type Static, Type } from 'typebox';
import { dateTime, id, sdpDescriptor, strictObject, words } from './common.ts';

const label = '[A-Za-z0-9](?:[A-Za-z0-9\\-]*[A-Za-z0-9])?';
const localNumber = `[0-9*#]{1,15};phone-context=(?:\\+[1-9][0-9]{0,14}|${label}(?:\\.${label})+)`;
const host = '[A-Za-z0-9.-]+\\.[A-Za-z]{2,}';

/** The forms `parseAddress` reads. CAMARA digest 5.3. */
const FORMS = [
  'tel:\\+[1-9][0-9]{4,14}',
  `tel:${localNumber}`,
  `sip:[A-Za-z0-9_.!%+\\-]+@${host}`,
  `sip:${localNumber}@${host};user=phone`,
  'urn:service:sos(?:\\.[a-z0-9](?:[a-z0-9\\-]{0,30}[a-z0-9])?)*',
  'sip:anonymous@anonymous\\.invalid',
];

export const address = Type.String({
  title: 'Address',
  pattern: `^(${FORMS.join('|')})$`,
  maxLength: 256,
  example: 'tel:+15550100001',
  description:
    'Somebody to talk to: tel:+ and 5 to 15 digits, tel: with a local number and ;phone-context=, ' +
    'sip: with user and domain, sip: with a local number, ;phone-context= and ;user=phone, urn:service:sos, ' +
    'or sip:anonymous@anonymous.invalid for an originator that hides its number.',
});

export const displayName = Type.String({
  // A name must not be able to become a header: neither C0, DEL nor C1.
  pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f]*$',
  maxLength: 256,
  description: 'Name to be shown; no control characters.',
  example: 'Ada',
});

export const sessionStatus = words('SessionStatus', 'State of a media session.', [
  'Initial',
  'InProgress',
  'Ringing',
  'Proceeding',
  'Connected',
  'Terminated',
  'Hold',
  'Resume',
  'SessionCancelled',
  'Declined',
  'Failed',
  'Waiting',
  'NoAnswer',
  'NotReachable',
  'Busy',
]);

const callType = Type.Enum(['REGULAR', 'EMERGENCY'], {
  type: 'string',
  description: 'REGULAR when it is left out. EMERGENCY needs an operator that supports it.',
});

const latitude = Type.Number({
  format: 'float',
  minimum: -90,
  maximum: 90,
  description: 'Degrees, north positive. WGS 84.',
});
const longitude = Type.Number({
  format: 'float',
  minimum: -180,
  maximum: 180,
  description: 'Degrees, east positive. WGS 84.',
});
const length = (description: string) => Type.Number({ minimum: 0, description: `${description} Metres.` });

const coordinates = strictObject(
  'Coordinates',
  'A circle has latitude, longitude and radius; an ellipsoid latitude, longitude, zAxis, semiMajorAxis, ' +
    'semiMinorAxis, verticalAxis and orientation.',
  {
    latitude,
    longitude,
    radius: Type.Optional(Type.Number({ format: 'float', minimum: 0, description: 'Radius of the circle. Metres.' })),
    zAxis: Type.Optional(Type.Number({ format: 'float', description: 'Height of the centre. Metres.' })),
    semiMajorAxis: Type.Optional(length('Longer half axis.')),
    semiMinorAxis: Type.Optional(length('Shorter half axis.')),
    verticalAxis: Type.Optional(length('Vertical half axis.')),
    orientation: Type.Optional(
      Type.Number({ minimum: 0, maximum: 360, description: 'Degrees clockwise from north to the longer axis.' }),
    ),
  },
);

export const locationDetails = strictObject('LocationDetails', 'Where the party that makes the request is. RFC 5491.', {
  shape: Type.Optional(Type.Enum(['Circle', 'Ellipsoid'], { type: 'string', description: 'Comes with coordinates.' })),
  coordinates: Type.Optional(coordinates),
  method: Type.Optional(
    Type.Enum(['GPS', 'DBH', 'DBH_HELO', 'Other'], { type: 'string', description: 'How the place was found.' }),
  ),
  confidence: Type.Optional(
    strictObject('LocationConfidence', 'How sure it is.', {
      pdf: Type.Optional(Type.Enum(['normal', 'uniform'], { type: 'string', description: 'Shape of the doubt.' })),
      value: Type.Optional(Type.Number({ minimum: 0, maximum: 100, description: 'Per cent.' })),
    }),
  ),
  timestamp: Type.Optional(dateTime('When the place was found.')),
});

const parties = {
  originatorAddress: address,
  originatorName: Type.Optional(displayName),
  receiverAddress: address,
  receiverName: Type.Optional(displayName),
};

export const mediaSessionCreate = strictObject('MediaSessionCreate', 'A call to be made.', {
  ...parties,
  offer: sdpDescriptor,
  callType: Type.Optional(callType),
  locationDetails: Type.Optional(locationDetails),
});

export const mediaSessionId = id(
  'Names the session in later requests and in events.',
  'pZ4nD0m3kq1xV7sYcRf2Tq9aLw8uHb5oEj6gIiMtNzA',
);

export const mediaSessionResponse = strictObject('MediaSessionResponse', 'A media session.', {
  mediaSessionId,
  ...parties,
  status: sessionStatus,
  offer: sdpDescriptor,
  answer: Type.Optional(sdpDescriptor),
  callType: Type.Optional(callType),
  locationDetails: Type.Optional(locationDetails),
});

const ignored = Type.Optional(
  Type.String({ maxLength: 256, description: 'May be sent back as it was received; changes nothing.' }),
);

export const mediaSessionStatusChange = strictObject('MediaSessionStatusChange', 'A change of a media session.', {
  status: sessionStatus,
  offer: Type.Optional(sdpDescriptor),
  answer: Type.Optional(sdpDescriptor),
  locationDetails: Type.Optional(locationDetails),
  // Read-only names that published request examples carry; decision A-12.
  originatorAddress: ignored,
  originatorName: ignored,
  receiverAddress: ignored,
  receiverName: ignored,
  mediaSessionId: Type.Optional(Type.String({ maxLength: 256, description: 'Must be the one of the path.' })),
});

export type LocationBody = Static<typeof locationDetails>;
export type MediaSessionCreate = Static<typeof mediaSessionCreate>;
export type MediaSessionStatusChange = Static<typeof mediaSessionStatusChange>;
