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

const EVENTS = ['session-status', 'session-invitation', 'registration-ends'];

/** Every API scope a token of the sandbox may carry. CAMARA webrtc APIs, and our notification channels and ICE servers. */
export const apiScopes: readonly string[] = [
  ...['create', 'read', 'write', 'delete'].map(action => `webrtc-registration:sessions:${action}`),
  ...['create', 'read', 'write', 'delete'].map(action => `webrtc-call-handling:sessions:${action}`),
  // The second is the name of CAMARA r2.2.
  ...['webrtc-events-subscriptions', 'webrtc-events'].flatMap(api => [
    ...EVENTS.map(event => `${api}:org.camaraproject.${api}.v0.${event}:create`),
    ...['read', 'update', 'delete'].map(action => `${api}:${action}`),
  ]),
  ...['create', 'read', 'delete'].map(action => `webrtc-notification-channels:channels:${action}`),
  'webrtc-ice-servers:servers:retrieve',
  ...['create', 'read', 'update', 'delete'].map(action => `webrtc-click-to-call:entry-points:${action}`),
  'webrtc-click-to-call:visitor-tokens:create',
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
