/** The gateway in memory: API, core, loop, store and event side are the real ones; the core network, media and sinks are played. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { sessionBody } from '../../src/api/call-handling.ts';
import type { AccessTokens } from '../../src/api/ports.ts';
import { registrationBody } from '../../src/api/registration.ts';
import { createApi } from '../../src/api/server.ts';
import { checkSettings } from '../../src/config/settings.ts';
import { createCore } from '../../src/ep-cscf/core.ts';
import type { StoreKind } from '../../src/ep-cscf/effect.ts';
import type { DeviceId } from '../../src/ep-cscf/ids.ts';
import type { Store } from '../../src/ep-cscf/ports.ts';
import type { Principal } from '../../src/ep-cscf/words.ts';
import { createEvents, type Events } from '../../src/events/events.ts';
import type { SinkAnswer, SinkRequest } from '../../src/events/ports.ts';
import { createSink } from '../../src/events/sink.ts';
import { createSinkPolicy, type Resolve } from '../../src/events/sink-policy.ts';
import { createClickToCall } from '../../src/gateway-click-to-call.ts';
import { coreSettingsOf } from '../../src/gateway-settings.ts';
import { createIds } from '../../src/runtime/ids.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { createLoop, type Loop } from '../../src/runtime/loop.ts';
import { createMetrics } from '../../src/runtime/metrics.ts';
import { createCallerRates } from '../../src/runtime/rate-limit.ts';
import { createTimerWheel } from '../../src/runtime/timer-wheel.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { createW2Sip, type W2Sip } from '../../src/w2-sip/w2-sip.ts';
import { createContract } from './contract.ts';
import { createManualClock, settled } from './manual-clock.ts';
import { createNetwork, type Network } from './network-fake.ts';

export const REGISTRATION = '/webrtc-registration/v0.4rc1';
export const CALLS = '/webrtc-call-handling/v0.4rc1';
export const EVENTS = '/webrtc-events-subscriptions/v0.3rc1';
export const CLICK_TO_CALL = '/webrtc-click-to-call/v0.1';
export const CHANNELS = '/webrtc-notification-channels/v0.1';
const KEY = Buffer.alloc(32, 7);
export const SINK = 'https://app.example.com/events';

export interface Response {
  status: number;
  headers: Readonly<Record<string, unknown>>;
  // biome-ignore lint/suspicious/noExplicitAny: looked at by assertions.
  body: any;
}

export interface Delivered {
  url: string;
  correlator: string;
  accessToken: string | null;
  /** Number of the last response that had gone out when the event left. */
  afterResponse: number;
  // biome-ignore lint/suspicious/noExplicitAny: looked at by assertions.
  event: any;
}

export interface WholeGateway {
  network: Network;
  /** SIP over WebSocket, when the settings have it. */
  w2Sip: W2Sip | null;
  /** Figures that were counted, by name and labels. */
  counted: Map<string, number>;
  store: Store;
  /** Every attempt at a sink, in order; the contract was held for each. */
  delivered: Delivered[];
  answer(request: SinkRequest): SinkAnswer | Promise<SinkAnswer>;
  /** One API request as the holder of a token; the response was held against the served document. */
  call(
    who: string | null,
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Response>;
  now(): number;
  /** Moves time on, and everything with it. */
  advance(ms: number): Promise<void>;
  settle(): Promise<void>;
  /** Ends everything at once, as a kill does; the store stays. */
  kill(): void;
  sizes(): Record<string, number>;
}

const apiScopes = [
  ...['create', 'read', 'write', 'delete'].flatMap(verb => [
    `webrtc-registration:sessions:${verb}`,
    `webrtc-call-handling:sessions:${verb}`,
    `webrtc-notification-channels:channels:${verb}`,
  ]),
  ...['webrtc-events-subscriptions', 'webrtc-events'].flatMap(api => [
    ...['read', 'update', 'delete'].map(verb => `${api}:${verb}`),
    ...['session-status', 'session-invitation', 'registration-ends'].map(
      name => `${api}:org.camaraproject.${api}.v0.${name}:create`,
    ),
  ]),
  'webrtc-ice-servers:servers:retrieve',
  ...['create', 'read', 'update', 'delete'].map(verb => `webrtc-click-to-call:entry-points:${verb}`),
  'webrtc-click-to-call:visitor-tokens:create',
];

/** `ada` and `bela` are subscribers, `ada-brief` is Ada for 30 s from the start, `ada-second` her other number, `ada-other` Ada through another client, `shop` a business with two numbers, `rival` another. */
const principals: Readonly<Record<string, Principal>> = {
  ada: { clientId: 'demo', subject: 'ada', number: '+15550100001' as never, legs: 3 },
  'ada-brief': { clientId: 'demo', subject: 'ada', number: '+15550100001' as never, legs: 3 },
  'ada-second': { clientId: 'demo', subject: 'ada', number: '+15550100005' as never, legs: 3 },
  bela: { clientId: 'demo', subject: 'bela', number: '+15550100002' as never, legs: 3 },
  'ada-other': { clientId: 'other', subject: 'ada', number: '+15550100001' as never, legs: 3 },
  shop: { clientId: 'shop', subject: null, number: null, legs: 2 },
  rival: { clientId: 'rival', subject: null, number: null, legs: 2 },
};

const tokens: AccessTokens = {
  verify: async token => {
    const principal = Object.hasOwn(principals, token) ? principals[token] : undefined;
    const expiresAt = token === 'ada-brief' ? Date.UTC(2030, 0, 1) + 30_000 : Number.MAX_SAFE_INTEGER;
    return principal === undefined ? null : { principal, scopes: new Set(apiScopes), expiresAt };
  },
};

export interface WholeOptions {
  store?: Store;
  settings?: Record<string, Record<string, unknown>>;
  clock?: ReturnType<typeof createManualClock>;
  /** Sinks are real https, and this answers for DNS. */
  resolve?: Resolve;
}

/** Builds it and starts it over what the store holds. */
export async function wholeGateway(options: WholeOptions = {}): Promise<WholeGateway> {
  const clock = options.clock ?? createManualClock();
  const store = options.store ?? createMemoryStore();
  const settings = checkSettings({
    ...options.settings,
    public: { url: 'https://gateway.example.com' },
    api: {
      clients: { shop: { origins: [], numbers: ['+15550100003', '+15550100004'] } },
      ...options.settings?.['api'],
    },
    sink: { allow: ['app.example.com'], ...options.settings?.['sink'] },
  });
  const ids = createIds(randomBytes);
  const wheel = createTimerWheel(clock.now, null);
  const metrics = createMetrics();
  const core = createCore({ settings: coreSettingsOf(settings), ids });
  const network = createNetwork(input => loop.emit(input));
  let responses = 0;
  let killed = false;
  const delivered: Delivered[] = [];
  const contract = createContract();
  const policy = options.resolve === undefined ? null : createSinkPolicy(settings.sink, options.resolve);
  const https = policy === null ? null : createSink(policy, settings.sink);
  const events: Events = createEvents({
    settings,
    publicUrl: () => settings.public.url,
    channelsPath: settings.api.channelsPaths[0] ?? '',
    store,
    key: KEY,
    emit: input => loop.emit(input),
    ids,
    clock,
    log: silentLog,
    metrics,
    async snapshot(who, deviceId) {
      const reply = await loop.ask({ type: 'snapshot', ref: ids.ref(), who, deviceId: deviceId as DeviceId });
      assert.ok(reply.ok && 'sessions' in reply && 'registrations' in reply);
      return { registrations: reply.registrations.map(registrationBody), sessions: reply.sessions.map(sessionBody) };
    },
    origins: {
      ofClient: () => false,
      ofVisitors: (origin, clientId) => clickToCall.entryPoints.allows(origin, clientId),
    },
    ...(policy === null ? {} : { policy }),
    transport: {
      async deliver(request) {
        if (killed) return new Promise(() => {});
        const event = JSON.parse(request.body);
        delivered.push({
          url: request.url,
          correlator: request.correlator,
          accessToken: request.accessToken,
          afterResponse: responses,
          event,
        });
        contract.event(event, request.correlator);
        return https === null ? gateway.answer(request) : https.deliver(request);
      },
      close: async () => {},
    },
  });
  const clickToCall = createClickToCall({ settings, store, log: silentLog, uuid: ids.uuid, now: clock.now });
  const counted = new Map<string, number>();
  const rates = createCallerRates(settings.api);
  const w2Sip = settings.w2Sip.enabled
    ? createW2Sip({
        settings,
        core: { ask: request => loop.ask(request), emit: input => loop.emit(input) },
        tokens: { verify: token => tokens.verify(token, null) },
        rates,
        ids,
        timers: wheel,
        now: clock.now,
        randomHex: bytes => randomBytes(bytes).toString('hex'),
        publicUrl: () => settings.public.url,
        log: silentLog,
        count(name, labels, value) {
          const key = `${name} ${JSON.stringify(labels)}`;
          counted.set(key, (counted.get(key) ?? 0) + value);
        },
      })
    : null;
  const loop: Loop = createLoop({
    core,
    clock,
    wheel,
    store,
    ims: network.ims,
    media: network.media,
    events: w2Sip?.events(events.port) ?? events.port,
    log: silentLog,
    metrics,
  });
  const api = createApi({
    settings,
    tokens,
    rates,
    core: loop,
    subscriptions: events.subscriptions,
    channels: events.channels,
    clickToCall,
    ids,
    clock,
    log: silentLog,
    metrics,
  });
  async function settle(): Promise<void> {
    for (let turn = 0; turn < 8; turn += 1) await settled();
  }

  const gateway: WholeGateway = {
    network,
    w2Sip,
    counted,
    store,
    delivered,
    answer: () => ({ type: 'answered', status: 204, retryAfterMs: null }),
    async call(who, method, path, body, headers = {}) {
      const response = await api.inject({
        method: method as 'GET',
        url: path,
        headers: {
          ...(who === null ? {} : { authorization: `Bearer ${who}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      responses += 1;
      const got = {
        status: response.statusCode,
        headers: response.headers,
        body: response.body === '' ? null : JSON.parse(response.body),
      };
      await contract.response(base => documentOf(base), method, path, got, headers['x-correlator']);
      return got;
    },
    now: clock.now,
    async advance(ms) {
      const until = clock.now() + ms;
      while (clock.now() < until) {
        await clock.advance(Math.min(1000, until - clock.now()));
        wheel.advance(clock.now());
        await settled();
      }
      await settle();
    },
    settle,
    kill() {
      killed = true;
      network.cut();
      void https?.close();
    },
    sizes: () => ({ ...core.sizes(), ...events.sizes(), ...loop.sizes() }),
  };

  async function documentOf(base: string): Promise<unknown> {
    const response = await api.inject({ method: 'GET', url: `${base}/openapi.json` });
    return response.statusCode === 200 ? JSON.parse(response.body) : null;
  }

  await contract.learn(documentOf);
  events.start();
  clickToCall.entryPoints.start();
  const rows = (kind: StoreKind) => store.load(kind).map(row => row.value);
  loop.emit({ type: 'restore', bindings: rows('binding'), calls: rows('call'), leases: rows('lease') });
  await settle();
  return gateway;
}
