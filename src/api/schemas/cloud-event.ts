/** Schemas of the events that subscriptions deliver. CAMARA webrtc-events-subscriptions v0.3, CloudEvents 1.0; CAMARA digest 8.4. */
import { type TSchema, Type } from 'typebox';
import { eventPrefix } from '../../ep-cscf/event-word.ts';
import { locationDetails, mediaSessionId, sessionStatus } from './call-handling.ts';
import { dateTime, id, sdpDescriptor, strictObject, words } from './common.ts';

/** Narrower than the addresses of calls: decision A-31. */
const address = Type.String({
  pattern: '^(tel:\\+[0-9]{5,15}|sip:[A-Za-z0-9_.!%+\\-]+@[A-Za-z0-9.-]+\\.[A-Za-z]{2,})$',
  maxLength: 256,
  description: 'tel: with a global number, or sip: with user and domain.',
  example: 'tel:+15550100001',
});
const name = Type.String({ maxLength: 256, description: 'Name to be shown.', example: 'Ada' });
const text = (description: string) => Type.Optional(Type.String({ maxLength: 2048, description }));

const session = {
  subscriptionId: Type.Optional(id('The subscription that brought the event.')),
  mediaSessionId,
  originatorName: Type.Optional(name),
  receiverName: Type.Optional(name),
  status: sessionStatus,
  offer: Type.Optional(sdpDescriptor),
  answer: Type.Optional(sdpDescriptor),
  reason: text('Why; with every end and every failure.'),
  sequenceNumber: Type.Optional(
    Type.Integer({
      format: 'int32',
      minimum: 1,
      maximum: 2_147_483_647,
      description: 'Grows by one with each change of the session.',
    }),
  ),
  locationDetails: Type.Optional(locationDetails),
};

const invitation = strictObject('MediaSessionInvite', 'A call that comes in.', {
  ...session,
  originatorAddress: address,
  receiverAddress: address,
});

const statusUpdate = strictObject('MediaSessionStatusUpdate', 'A change of a media session.', {
  ...session,
  originatorAddress: Type.Optional(address),
  receiverAddress: Type.Optional(address),
});

const registrationEnds = strictObject('RegistrationEnds', 'A registration has ended.', {
  registrationId: id('The registration.'),
  terminationReason: words('RegistrationTerminationReason', 'Why.', ['NETWORK_TERMINATED', 'REGISTRATION_EXPIRED']),
  terminationDescription: text('The same in words.'),
});

const subscriptionEnded = strictObject('SubscriptionEnded', 'The subscription has ended; its last event.', {
  subscriptionId: id('The subscription.'),
  terminationReason: words('TerminationReason', 'Why.', [
    'MAX_EVENTS_REACHED',
    'NETWORK_TERMINATED',
    'SUBSCRIPTION_EXPIRED',
    'ACCESS_TOKEN_EXPIRED',
    'SUBSCRIPTION_DELETED',
  ]),
  terminationDescription: text('The same in words.'),
});

function event(api: string, title: string, kind: string, data: TSchema) {
  return strictObject(title, `The event ${kind}.`, {
    id: Type.String({ minLength: 1, maxLength: 256, description: 'Stays the same when the event is sent again.' }),
    source: Type.String({
      format: 'uri-reference',
      minLength: 1,
      maxLength: 2048,
      description: 'The installation.',
      example: 'https://gateway.example.com',
    }),
    specversion: Type.Enum(['1.0'], { type: 'string', description: 'Version of CloudEvents.' }),
    type: Type.Enum([eventPrefix(api) + kind], { type: 'string', maxLength: 512, description: 'What happened.' }),
    time: dateTime('When it happened.'),
    datacontenttype: Type.Enum(['application/json'], { type: 'string', description: 'How `data` is written.' }),
    data,
  });
}

/** One schema for each kind of event that subscriptions of an API bring. */
export function notificationsOf(api: string): readonly TSchema[] {
  return [
    event(api, 'EventSessionInvitation', 'session-invitation', invitation),
    event(api, 'EventSessionStatus', 'session-status', statusUpdate),
    event(api, 'EventRegistrationEnds', 'registration-ends', registrationEnds),
    event(api, 'EventSubscriptionEnded', 'subscription-ended', subscriptionEnded),
  ];
}
