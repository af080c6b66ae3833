/** The event side on a manual clock with sinks and pages that a test plays. */

import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import { Value } from 'typebox/value';
import { createUpgrades } from '../../src/api/upgrade.ts';
import { events as eventsArea } from '../../src/config/events.ts';
import { sink as sinkArea } from '../../src/config/sink.ts';
import type { Audience, CoreEvent, EventEffect } from '../../src/ep-cscf/effect.ts';
import { EVENTS_API, type EventName, type SubscriptionRequest } from '../../src/ep-cscf/event-word.ts';
import type { EventInput } from '../../src/ep-cscf/input.ts';
import type { Store } from '../../src/ep-cscf/ports.ts';
import type { Principal } from '../../src/ep-cscf/words.ts';
import { createEvents, type Events } from '../../src/events/events.ts';
import type { SinkAnswer, SinkRequest, SinkTransport } from '../../src/events/ports.ts';
import { type Log, silentLog } from '../../src/runtime/log.ts';
import { counters, histograms, type Metrics } from '../../src/runtime/metrics.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { checkEvent, checkOwed } from './event-schema.ts';
import { createManualClock, type ManualClock } from './manual-clock.ts';

export const alice = {
  clientId: 'demo',
  subject: 'alice',
  number: '+15550100001',
  legs: 3,
} as Principal;
export const DEVICE = '11111111-2222-4333-8444-555555555555';
const KEY = Buffer.alloc(32, 7);
export const SINK = 'https://app.example.com/events';
export const PUBLIC_URL = 'http://gateway.example.com:9091';
export const CHANNELS = '/webrtc-notification-channels/v0.1';

/** What a sink got, parsed. */
export interface Got {
  url: string;
  at: number;
  correlator: string;
  accessToken: string | null;
  event: { id: string; type: string; source: string; time: string; data: Record<string, unknown> };
}

export interface Rig {
  events: Events;
  clock: ManualClock;
  store: Store;
  /** Counted so far: `name{label,label}` -> value. */
  counted: Map<string, number>;
  told: EventInput[];
  /** Every attempt, in order. */
  tried: Got[];
  /** Those that were answered 2xx. */
  got: Got[];
  answer: (request: SinkRequest) => SinkAnswer | Promise<SinkAnswer>;
  publish(event: CoreEvent, audience?: Partial<Audience>): void;
  subscribe(change?: Partial<SubscriptionRequest>, who?: Principal): Promise<string>;
}

export const OK: SinkAnswer = { type: 'answered', status: 204, retryAfterMs: null };
export const DOWN: SinkAnswer = { type: 'failed', reason: 'ECONNREFUSED' };
export const status = (code: number, retryAfterMs: number | null = null): SinkAnswer => ({
  type: 'answered',
  status: code,
  retryAfterMs,
});

export interface RigOptions {
  store?: Store;
  key?: Uint8Array;
  clock?: ManualClock;
  sink?: Record<string, unknown>;
  events?: Record<string, unknown>;
  snapshot?: () => Promise<{ registrations: unknown[]; sessions: unknown[] }>;
  /** Of the client, and of its visitors. */
  origins?: readonly string[];
  visitorOrigins?: readonly string[];
  log?: Log;
}

/** Builds and starts it. */
export function createRig(options: RigOptions = {}): Rig {
  const clock = options.clock ?? createManualClock();
  const store = options.store ?? createMemoryStore();
  const counted = new Map<string, number>();
  const transport: SinkTransport = {
    async deliver(request) {
      const got: Got = {
        url: request.url,
        at: clock.now(),
        correlator: request.correlator,
        accessToken: request.accessToken,
        event: JSON.parse(request.body),
      };
      checkEvent(got.event);
      rig.tried.push(got);
      const answer = await rig.answer(request);
      if (answer.type === 'answered' && answer.status < 300) rig.got.push(got);
      return answer;
    },
    close: async () => {},
  };
  const rig: Rig = {
    clock,
    store,
    counted,
    told: [],
    tried: [],
    got: [],
    answer: () => OK,
    events: createEvents({
      settings: {
        sink: Value.Default(sinkArea, { allow: ['app.example.com'], ...options.sink }) as never,
        events: Value.Default(eventsArea, { ...options.events }) as never,
      },
      publicUrl: () => PUBLIC_URL,
      channelsPath: CHANNELS,
      store: {
        ...store,
        commit(writes) {
          checkOwed(writes);
          return store.commit(writes);
        },
      },
      key: options.key ?? KEY,
      emit: input => rig.told.push(input),
      ids: { uuid: () => randomUUID() },
      clock,
      log: options.log ?? silentLog,
      metrics: countInto(counted),
      snapshot: options.snapshot ?? (async () => ({ registrations: [], sessions: [] })),
      origins: {
        ofClient: origin => options.origins?.includes(origin) ?? false,
        ofVisitors: origin => options.visitorOrigins?.includes(origin) ?? false,
      },
      transport,
    }),
    publish(event, audience = {}) {
      const { clientId, subject, number, legs } = alice;
      const effect = {
        type: 'event.publish',
        owner: 'c1',
        correlator: 'corr-1',
        audience: { deviceId: DEVICE, clientId, subject, number, legs, ...audience },
        event,
      } as EventEffect;
      const writes = rig.events.port.plan(effect, clock.now());
      checkOwed(writes);
      if (writes.length > 0) void store.commit(writes);
      rig.events.port.dispatch(rig.events.port.planned());
    },
    async subscribe(change = {}, who = alice) {
      const made = await rig.events.subscriptions.create(who, subscription(change), 'corr-0');
      if (!made.ok) throw new Error(`No subscription: ${made.error} ${made.message ?? ''}`);
      return made.subscription.id;
    },
  };
  rig.events.start();
  return rig;
}

/** Has a server open WebSockets for the channels of a rig. */
export function serveChannels(server: Server, { events }: Rig): void {
  const upgrades = createUpgrades(() => 0);
  upgrades.on(`${CHANNELS}/channels/:id/ws`, events.handleUpgrade);
  upgrades.attach(server);
}

/** A good request for all three types. */
export function subscription(change: Partial<SubscriptionRequest> = {}): SubscriptionRequest {
  return {
    api: EVENTS_API,
    sink: SINK,
    types: ['session-invitation', 'session-status', 'registration-ends'] as EventName[],
    deviceId: DEVICE,
    registrationId: null,
    mediaSessionId: null,
    expiresAt: null,
    maxEvents: null,
    initialEvent: null,
    credential: null,
    ...change,
  };
}

/** A session event; `change` sets what matters to the test. */
export function session(
  mediaSessionId: string,
  sequenceNumber: number,
  change: Record<string, unknown> = {},
): CoreEvent {
  return {
    kind: sequenceNumber === 1 ? 'session-invitation' : 'session-status',
    mediaSessionId,
    sequenceNumber,
    status: sequenceNumber === 1 ? 'Initial' : 'Ringing',
    originatorAddress: 'tel:+15550100002',
    receiverAddress: 'tel:+15550100001',
    originatorName: null,
    receiverName: null,
    offer: null,
    answer: null,
    reason: null,
    location: null,
    final: false,
    ...change,
  } as CoreEvent;
}

/** `registration-ends` of a registration. */
export function registrationEnds(registrationId: string): CoreEvent {
  return {
    kind: 'registration-ends',
    registrationId,
    terminationReason: 'REGISTRATION_EXPIRED',
    terminationDescription: null,
  } as CoreEvent;
}

/** `call:sequenceNumber` of a session event, the short type of another. */
export function short(got: Got): string {
  const { data, type } = got.event;
  const name = type.slice(type.lastIndexOf('.') + 1);
  return data['mediaSessionId'] === undefined ? name : `${data['mediaSessionId']}:${data['sequenceNumber']}`;
}

/** Metrics that only count; a name that is not declared throws, as the true ones do. */
function countInto(counted: Map<string, number>): Metrics {
  const add = (name: string, labels: Readonly<Record<string, string>>, value: number) => {
    if (!(name in counters) && !(name in histograms)) throw new Error(`The metric ${name} is not declared.`);
    const key = `${name}{${Object.values(labels).join(',')}}`;
    counted.set(key, (counted.get(key) ?? 0) + value);
  };
  return {
    count: (name, labels = {}, value = 1) => add(name, labels, value),
    observe: (name, _value, labels = {}) => add(name, labels, 1),
    gauge() {},
    text: async () => '',
    contentType: '',
  };
}
