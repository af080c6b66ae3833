/** The demo operator's subscribers, clients and scopes. */
import { SUBSCRIBERS } from '../subscribers.ts';

export interface Subscriber {
  /** Opaque subject of the tokens; never the number. */
  subject: string;
  /** E.164 with "+". */
  number: string;
  name: string;
  pin: string;
}

export const subscribers: readonly Subscriber[] = SUBSCRIBERS.map(({ number, name }, index) => ({
  subject: `subscriber-${index + 1}-of-the-demo-operator`,
  number,
  name,
  pin: `000${index + 1}`,
}));

export function subscriberByNumber(number: string): Subscriber | undefined {
  return subscribers.find(subscriber => subscriber.number === number);
}

export function subscriberBySubject(subject: string): Subscriber | undefined {
  return subscribers.find(subscriber => subscriber.subject === subject);
}

const EVENT = 'webrtc-events-subscriptions:org.camaraproject.webrtc-events-subscriptions.v0';

/** Every API scope a token of the sandbox may carry. CAMARA webrtc APIs, and our notification channels. */
export const apiScopes: readonly string[] = [
  ...['create', 'read', 'write', 'delete'].map(action => `webrtc-registration:sessions:${action}`),
  ...['create', 'read', 'write', 'delete'].map(action => `webrtc-call-handling:sessions:${action}`),
  ...['session-status', 'session-invitation', 'registration-ends'].map(event => `${EVENT}.${event}:create`),
  ...['read', 'update', 'delete'].map(action => `webrtc-events-subscriptions:${action}`),
  ...['create', 'read', 'delete'].map(action => `webrtc-notification-channels:channels:${action}`),
];

/** The one purpose of the W3C Data Privacy Vocabulary the demo operator knows. */
export const PURPOSE = 'dpv:RequestedServiceProvision';

/** Grant that hands out any token for tests and demos. It exists in the sandbox only. */
export const SANDBOX_GRANT = 'urn:lineside:sandbox';

/** Clients that ask for tokens by the sandbox grant or by client credentials; their secrets guard nothing. */
export const demoClients: Readonly<Record<string, string>> = {
  demo: 'demo-secret-of-the-sandbox',
  other: 'other-secret-of-the-sandbox',
};

export const AUDIENCE = 'lineside';
