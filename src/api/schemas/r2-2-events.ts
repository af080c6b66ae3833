/** Schemas of CAMARA r2.2: webrtc-events v0.2, as far as they differ from today's. CAMARA digest 9. */
import { type Static, Type } from 'typebox';
import { deviceId, eventTypeOf, id, looseObject, sinkCredential } from './common.ts';
import { life, protocol, sink, wishes } from './events-subscriptions.ts';

/** The name this API had then; scopes and event types bear it. */
export const EVENTS_V02 = 'webrtc-events';

const types = Type.Array(eventTypeOf(EVENTS_V02), { minItems: 1, maxItems: 1, description: 'The event wanted.' });

const config = looseObject('Config', 'What is watched, and for how long.', {
  subscriptionDetail: looseObject('WebrtcSubscriptionDetail', 'The registration whose device is watched.', {
    registrationId: id('The registration.'),
    deviceId: Type.Optional(deviceId),
    sessionId: Type.Optional(id('Only events of this media session.')),
  }),
  ...wishes,
});

export const subscriptionRequestV02 = looseObject('SubscriptionRequest', 'Events of a device, sent to a sink.', {
  protocol,
  sink,
  sinkCredential: Type.Optional(
    looseObject('SinkCredential', 'Bearer token that goes with each event to the sink.', sinkCredential.properties),
  ),
  types,
  config,
});

export const subscriptionV02 = looseObject('Subscription', 'A subscription in force.', {
  protocol,
  sink,
  types,
  config,
  ...life,
});

export type SubscriptionBodyV02 = Static<typeof subscriptionRequestV02>;
