/** Schemas that several APIs share. CAMARA Commonalities r4.3. */
import { type TProperties, Type } from 'typebox';
import { eventPrefix } from '../../ep-cscf/event-word.ts';

/** An object that takes no property but these. `title` is its name in the OpenAPI document. */
export function strictObject<T extends TProperties>(
  title: string,
  description: string,
  properties: T,
  options: { minProperties?: number } = {},
) {
  return Type.Object(properties, { title, description, additionalProperties: false, ...options });
}

/** An object in which unknown properties are ignored, as CAMARA r2.2 has them. */
export function looseObject<T extends TProperties>(title: string, description: string, properties: T) {
  return Type.Object(properties, { title, description, additionalProperties: true });
}

/** One of some words. */
export function words<const T extends readonly string[]>(title: string, description: string, values: T) {
  return Type.Enum(values, { title, description, type: 'string', example: values[0] });
}

export function dateTime(description: string) {
  return Type.String({
    format: 'date-time',
    maxLength: 64,
    description: `${description} RFC 3339 with a zone.`,
    example: '2026-12-01T12:00:00.000Z',
  });
}

export const deviceId = Type.String({
  format: 'uuid',
  maxLength: 36,
  description: 'UUID the application gave to this device or browser profile. Letter case makes no difference.',
});

export const phoneNumber = Type.String({
  title: 'PhoneNumber',
  pattern: '^\\+[1-9][0-9]{4,14}$',
  maxLength: 128,
  description: 'Telephone number in E.164 form with a leading plus sign.',
  example: '+15550100001',
});

export function id(description: string, example = '3f2504e0-4f89-41d3-9a0c-0305e82c3301') {
  return Type.String({ maxLength: 256, description, example });
}

export const errorInfo = strictObject('ErrorInfo', 'Why a request was refused.', {
  status: Type.Integer({ minimum: 100, maximum: 599, description: 'The HTTP status again.' }),
  code: Type.String({ maxLength: 96, description: 'What went wrong, for programs.' }),
  message: Type.String({ maxLength: 512, description: 'What went wrong, for people.' }),
});

export const sdpDescriptor = strictObject('WrtcSdpDescriptor', 'A session description.', {
  sdp: Type.String({ minLength: 1, maxLength: 65_536, description: 'SDP as the browser makes it. RFC 8866.' }),
});

export const EVENT_NAMES = ['session-status', 'session-invitation', 'registration-ends'] as const;

/** The types of events of an API. */
export function eventTypeOf(api: string) {
  return words(
    'SubscriptionEventType',
    'An event to be told of: a change of a media session, a call that comes in, the end of a registration.',
    EVENT_NAMES.map(name => eventPrefix(api) + name),
  );
}

export const sinkCredential = strictObject('SinkCredential', 'Bearer token that goes with each event to the sink.', {
  credentialType: words('CredentialType', 'Only ACCESSTOKEN is supported.', ['ACCESSTOKEN']),
  accessToken: Type.String({
    minLength: 1,
    maxLength: 8192,
    writeOnly: true,
    pattern: '^[\\x21-\\x7e]+$',
    description: 'The token: visible ASCII. Never shown again.',
  }),
  accessTokenExpiresUtc: dateTime('When the token ends; must lie in the future.'),
  accessTokenType: Type.Enum(['bearer'], {
    type: 'string',
    writeOnly: true,
    description: 'Only bearer is supported.',
  }),
});
