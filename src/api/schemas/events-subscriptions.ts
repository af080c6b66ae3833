/** Schemas of webrtc-events-subscriptions v0.3. CAMARA digest 8. */
import { type Static, Type } from 'typebox';
import { EVENTS_API } from '../../ep-cscf/event-word.ts';
import { dateTime, deviceId, eventTypeOf, id, sinkCredential, strictObject, words } from './common.ts';

export const protocol = words('Protocol', 'How events are delivered.', ['HTTP']);

export const sink = Type.String({
  format: 'uri',
  pattern: '^https:\\/\\/.+$',
  maxLength: 1024,
  description: 'https URL that events are posted to.',
  example: 'https://application.example.com/events',
});

const types = Type.Array(eventTypeOf(EVENTS_API), {
  minItems: 1,
  maxItems: 3,
  description: 'The events wanted; repeats count once.',
});

/** What a subscription may be asked for beside what it watches. */
export const wishes = {
  subscriptionExpireTime: Type.Optional(dateTime('Asked end, in the future; cut to the longest life.')),
  subscriptionMaxEvents: Type.Optional(
    Type.Integer({
      format: 'int32',
      minimum: 1,
      maximum: 1_000_000,
      description: 'Echoed; without effect in this API.',
      example: 5,
    }),
  ),
  initialEvent: Type.Optional(Type.Boolean({ description: 'Echoed; without effect in this API.' })),
};

const config = strictObject('Config', 'What is watched, and for how long.', {
  subscriptionDetail: strictObject('WebrtcSubscriptionDetail', 'The device; it need not be registered yet.', {
    deviceId,
  }),
  ...wishes,
});

export const subscriptionRequest = strictObject('SubscriptionRequest', 'Events of a device, sent to a sink.', {
  protocol,
  sink,
  sinkCredential: Type.Optional(sinkCredential),
  types,
  config,
});

export const subscriptionUpdateRequest = strictObject(
  'SubscriptionUpdateRequest',
  'A new credential, a new end, or both.',
  {
    sinkCredential: Type.Optional(sinkCredential),
    config: Type.Optional(
      strictObject(
        'SubscriptionUpdateConfig',
        'What of the configuration can be changed.',
        { subscriptionExpireTime: Type.Optional(dateTime('Asked end, in the future; cut to the longest life.')) },
        { minProperties: 1 },
      ),
    ),
  },
  { minProperties: 1 },
);

/** What every subscription shows of its life. */
export const life = {
  id: id('Names the subscription in later requests and in events.'),
  startsAt: dateTime('When it began.'),
  expiresAt: dateTime('When it ends.'),
  status: Type.Enum(['ACTIVATION_REQUESTED', 'ACTIVE', 'EXPIRED', 'INACTIVE', 'DELETED'], {
    type: 'string',
    description: 'ACTIVE; a subscription that ended cannot be seen.',
  }),
};

export const subscription = strictObject('Subscription', 'A subscription in force.', {
  protocol,
  sink,
  types,
  config,
  ...life,
});

export type SubscriptionBody = Static<typeof subscriptionRequest>;
export type SubscriptionUpdateBody = Static<typeof subscriptionUpdateRequest>;
