/** For tests of the API layer: a small core, event side and token check in memory. */
import { todaysEvents } from '../../src/api/event-field.ts';
import type { Access, AccessTokens, Channels, CorePort, Subscriptions } from '../../src/api/ports.ts';
import type { ApiRequest, RegistrationView, Reply, SessionView } from '../../src/ep-cscf/api-request.ts';
import type { ChannelOpened, SubscriptionView } from '../../src/ep-cscf/event-word.ts';
import type { Ids, MediaSessionId, Ref, RegistrationId } from '../../src/ep-cscf/ids.ts';
import type { Principal } from '../../src/ep-cscf/words.ts';

export const NOW = Date.parse('2026-03-01T12:00:00.000Z');

const allScopes: ReadonlySet<string> = new Set([
  ...['create', 'read', 'write', 'delete'].flatMap(verb => [
    `webrtc-registration:sessions:${verb}`,
    `webrtc-call-handling:sessions:${verb}`,
    `webrtc-notification-channels:channels:${verb}`,
  ]),
  ...['read', 'update', 'delete'].map(verb => `webrtc-events-subscriptions:${verb}`),
  ...todaysEvents.createScopes,
  'webrtc-ice-servers:servers:retrieve',
]);

const alice: Principal = {
  clientId: 'demo',
  subject: 'alice',
  number: '+15550100001' as Principal['number'],
  legs: 3,
};
const bob: Principal = { ...alice, subject: 'bob', number: '+15550100002' as Principal['number'] };
const business: Principal = { clientId: 'demo', subject: null, number: null, legs: 2 };

/** Tokens by name; each is good until `expiresAt`. */
export function fakeTokens(extra: Readonly<Record<string, Access>> = {}): AccessTokens {
  const access = (principal: Principal, scopes = allScopes): Access => ({
    principal,
    scopes,
    expiresAt: NOW + 3_600_000,
  });
  const known: Readonly<Record<string, Access>> = {
    alice: access(alice),
    bob: access(bob),
    business: access(business),
    other: access({ ...alice, clientId: 'other' }),
    narrow: access(alice, new Set(['webrtc-registration:sessions:read'])),
    unplaced: { ...access(alice), emergencyAddress: false },
    status: access(alice, new Set([todaysEvents.createScopes[0] ?? ''])),
    ...extra,
  };
  return {
    verify: async token => {
      if (token === 'numberless') return { ok: false, error: 'token-context' };
      if (token === 'unchecked') return { ok: false, error: 'network-unavailable', retryAfterS: 5 };
      return Object.hasOwn(known, token) ? (known[token] ?? null) : null;
    },
  };
}

export interface FakeCore extends CorePort {
  asked: ApiRequest[];
  /** Answers the next request of this type so, once. */
  next(type: ApiRequest['type'], reply: Reply): void;
}

function sees(who: Principal, owner: Principal): boolean {
  return who.clientId === owner.clientId && who.subject === owner.subject && who.number === owner.number;
}

export function fakeCore(): FakeCore {
  const registrations = new Map<string, { view: RegistrationView; owner: Principal }>();
  const sessions = new Map<string, { view: SessionView; owner: Principal }>();
  const planned = new Map<string, Reply>();
  const asked: ApiRequest[] = [];
  let count = 0;

  function act(request: ApiRequest): Reply {
    const { who } = request;
    switch (request.type) {
      case 'register': {
        for (const { view } of registrations.values()) {
          if (view.deviceId === request.deviceId && view.phoneNumber === request.number) {
            return { ok: false, error: 'registration-exists' };
          }
        }
        count += 1;
        const view: RegistrationView = {
          registrationId: `00000000-0000-4000-8000-00000000000${count}` as RegistrationId,
          deviceId: request.deviceId,
          phoneNumber: request.number,
          expiresAt: request.expiresAt ?? NOW + 3_600_000,
          associated: [],
        };
        registrations.set(view.registrationId, { view, owner: who });
        return { ok: true, registration: view };
      }
      case 'list-registrations': {
        const mine = [...registrations.values()].filter(
          ({ view, owner }) => sees(who, owner) && view.deviceId === request.deviceId,
        );
        return { ok: true, registrations: mine.map(({ view }) => view) };
      }
      case 'get-registration':
      case 'extend-registration':
      case 'unregister': {
        const found = registrations.get(request.registrationId);
        if (found === undefined || !sees(who, found.owner)) return { ok: false, error: 'not-found' };
        if (request.type === 'unregister') registrations.delete(request.registrationId);
        if (request.type === 'extend-registration') found.view.expiresAt = request.expiresAt ?? NOW + 3_600_000;
        return request.type === 'unregister' ? { ok: true } : { ok: true, registration: found.view };
      }
      case 'originate': {
        const found = registrations.get(request.registrationId);
        if (found === undefined || !sees(who, found.owner)) return { ok: false, error: 'registration-not-usable' };
        count += 1;
        const view: SessionView = {
          mediaSessionId: `session-${count}` as MediaSessionId,
          originatorAddress: request.originator,
          receiverAddress: request.receiver,
          originatorName: request.originatorName,
          receiverName: request.receiverName,
          status: 'Initial',
          callType: request.callType,
          offer: request.offer,
          answer: null,
          location: request.location,
        };
        sessions.set(view.mediaSessionId, { view, owner: who });
        return { ok: true, session: view };
      }
      case 'get-session':
      case 'put-status':
      case 'end-session': {
        const found = sessions.get(request.mediaSessionId);
        if (found === undefined || !sees(who, found.owner)) return { ok: false, error: 'not-found' };
        if (request.type === 'end-session') sessions.delete(request.mediaSessionId);
        if (request.type === 'put-status') found.view.status = request.status;
        return request.type === 'end-session' ? { ok: true } : { ok: true, session: found.view };
      }
      case 'visit':
        return { ok: false, error: 'pool-empty' };
      case 'snapshot':
        return { ok: true, registrations: [], sessions: [] };
    }
  }

  return {
    asked,
    next: (type, reply) => planned.set(type, reply),
    async ask(request) {
      asked.push(request);
      const reply = planned.get(request.type);
      planned.delete(request.type);
      return reply ?? act(request);
    },
  };
}

export function fakeSubscriptions(): Subscriptions {
  const held = new Map<string, { view: SubscriptionView; owner: Principal }>();
  const mine = (who: Principal, id: string) => {
    const found = held.get(id);
    return found !== undefined && sees(who, found.owner) ? found : null;
  };
  return {
    async create(who, request) {
      if (request.sink.includes('refused')) return { ok: false, error: 'invalid-sink' };
      const id = `subscription-${held.size + 1}`;
      const view: SubscriptionView = {
        id,
        api: request.api,
        sink: request.sink,
        types: request.types,
        deviceId: request.deviceId,
        registrationId: request.registrationId,
        mediaSessionId: request.mediaSessionId,
        startsAt: NOW,
        expiresAt: request.expiresAt ?? NOW + 86_400_000,
        requestedExpiry: request.expiresAt,
        maxEvents: request.maxEvents,
        initialEvent: request.initialEvent,
        status: 'ACTIVE',
      };
      held.set(id, { view, owner: who });
      return { ok: true, subscription: view };
    },
    list: who => [...held.values()].filter(({ owner }) => sees(who, owner)).map(({ view }) => view),
    get: (who, id) => mine(who, id)?.view ?? null,
    async update(who, id, change) {
      const found = mine(who, id);
      if (found === null) return { ok: false, error: 'not-found' };
      if (change.expiresAt !== null) found.view.expiresAt = change.expiresAt;
      return { ok: true, subscription: found.view };
    },
    async remove(who, id) {
      if (mine(who, id) === null) return { ok: false, error: 'not-found' };
      held.delete(id);
      return { ok: true };
    },
  };
}

export function fakeChannels(): Channels {
  const held = new Map<string, { view: ChannelOpened; owner: Principal }>();
  const mine = (who: Principal, id: string) => {
    const found = held.get(id);
    return found !== undefined && sees(who, found.owner) ? found.view : null;
  };
  return {
    async create(who, request) {
      const channelId = `channel-${held.size + 1}`;
      const view: ChannelOpened = {
        channelId,
        deviceId: request.deviceId,
        state: 'DISCONNECTED',
        transport: null,
        lastSeq: 0,
        expiresAt: request.expiresAt ?? NOW + 86_400_000,
        sink: 'https://gateway.example/channels/1',
        sinkCredential: {
          credentialType: 'ACCESSTOKEN',
          accessToken: 'for-the-sink',
          accessTokenExpires: NOW + 86_400_000,
          accessTokenType: 'bearer',
        },
        websocketUrl: 'wss://gateway.example/channels/1/ws',
        sseUrl: 'https://gateway.example/channels/1/events',
        resumeToken: 'again',
        ticket: 'first',
        ticketExpiresAt: NOW + 30_000,
        subscriptionId: request.types.length === 0 ? null : 'subscription-1',
      };
      held.set(channelId, { view, owner: who });
      return { ok: true, channel: view };
    },
    get: (who, id) => mine(who, id),
    ticket: (who, id) => (mine(who, id) === null ? null : { ticket: 'second', ticketExpiresAt: NOW + 30_000 }),
    remove: async (who, id) => mine(who, id) !== null && held.delete(id),
    redeem: (id, ticket) => (ticket === 'first' ? (held.get(id)?.owner ?? null) : null),
    stream: (who, id, lastSeq) =>
      mine(who, id) === null ? null : response => response.end(`id: ${lastSeq}\ndata: {}\n\n`),
  };
}

export function fakeIds(): Ids {
  let count = 0;
  return {
    registration: () => 'r' as RegistrationId,
    mediaSession: () => 'm' as MediaSessionId,
    binding: () => 'b' as ReturnType<Ids['binding']>,
    call: () => 'c' as ReturnType<Ids['call']>,
    uuid: () => {
      count += 1;
      return `10000000-0000-4000-8000-${String(count).padStart(12, '0')}`;
    },
    ref: () => 1 as Ref,
  };
}
