/** webrtc-events-subscriptions v0.3: who is told of what, where. CAMARA digest 8. */
import type { Settings } from '../config/settings.ts';
import { todaysEvents } from './event-field.ts';
import type { Api } from './operation.ts';
import type { Subscriptions } from './ports.ts';
import {
  type SubscriptionBody,
  subscription,
  subscriptionRequest,
  subscriptionUpdateRequest,
} from './schemas/events-subscriptions.ts';
import { type SubscriptionForm, subscriptionOperations } from './subscription-operations.ts';

export interface EventsSubscriptionsParts {
  subscriptions: Subscriptions;
  now(): number;
  settings: Pick<Settings['api'], 'eventsPaths'>;
}

/** A device is watched by its own name; it need not be registered. Decision A-38. */
const form: SubscriptionForm = {
  words: todaysEvents,
  request: subscriptionRequest,
  update: subscriptionUpdateRequest,
  subscription,
  refusals: [],
  watched({ body }) {
    const { deviceId } = (body as unknown as SubscriptionBody).config.subscriptionDetail;
    return { deviceId: deviceId.toLowerCase(), registrationId: null, mediaSessionId: null };
  },
  detail: ({ deviceId }) => ({ deviceId }),
};

export function eventsSubscriptionsApi({ subscriptions, now, settings }: EventsSubscriptionsParts): Api {
  return {
    name: form.words.api,
    title: 'WebRTC events subscriptions',
    description: 'Subscribes to what happens to a device: calls that come in, changes of calls, ends of registrations.',
    version: '0.3.0-rc.1',
    basePaths: settings.eventsPaths,
    pathParameters: { subscriptionId: 'Id of a subscription.' },
    operations: subscriptionOperations({ subscriptions, now, form }),
  };
}
