/** The core in memory with everything around it faked: IMS, media plane, event side, store, clock. The loop's rules are the real ones. */
import assert from 'node:assert/strict';
import type { ApiRequest, Reply } from '../../src/ep-cscf/api-request.ts';
import { createCore } from '../../src/ep-cscf/core.ts';
import type { CoreEvent, Effect, EventEffect, ImsEffect, MediaEffect } from '../../src/ep-cscf/effect.ts';
import type { Owner, Ref } from '../../src/ep-cscf/ids.ts';
import type { Input, MediaFailure, TimerName } from '../../src/ep-cscf/input.ts';
import type { Core } from '../../src/ep-cscf/ports.ts';
import { type CoreSettings, coreSettings } from '../../src/ep-cscf/settings.ts';
import { createIds } from '../../src/runtime/ids.ts';

export const HOME = 'ims.example.com';
export const T0 = Date.UTC(2026, 10, 22, 12, 0, 0);

type WithoutRef<T> = T extends { ref: Ref } ? Omit<T, 'ref'> : never;
export type Ask = WithoutRef<ApiRequest>;
export type SessionEvent = Extract<CoreEvent, { kind: 'session-invitation' | 'session-status' }>;

/** How the fakes behave; a test turns single answers off to give them itself. */
export interface Behaviour {
  /** REGISTER: `ok`, `silent`, or a status code. */
  register: 'ok' | 'silent' | number;
  /** Beside a refusal of REGISTER: another server has said nothing. */
  unanswered: boolean;
  grantedS: number;
  /** Identities the network gives; null: the number itself. */
  associated: string[] | null;
  deregister: 'ok' | 'silent';
  /** Outcome of a cancelled INVITE: 487, or nothing. */
  cancel: 'rejected' | 'silent';
  /** Our re-INVITE. */
  update: 'ok' | 'silent' | number;
  media: 'ok' | 'silent' | MediaFailure;
  /** A re-offer has to be agreed to by the other side, to this offer. */
  asks: string | null;
  /** Totals after the release. */
  stats: boolean;
  /** What becomes of an invitation, by device. */
  invitation: (deviceId: string) => 'accepted' | 'undeliverable' | 'silent';
}

export interface World {
  readonly core: Core;
  readonly behaviour: Behaviour;
  readonly settings: CoreSettings;
  /** Everything the core asked for, in order. */
  readonly effects: Effect[];
  readonly events: EventEffect[];
  readonly store: Map<string, unknown>;
  now(): number;
  /** Gives one input and everything that follows from it. */
  give(input: Input): void;
  /** Asks as the API does; the reply, or null while it is owed. */
  ask(request: Ask): Reply | null;
  /** The reply to an earlier request that was owed. */
  owed(ref: Ref): Reply | null;
  lastRef(): Ref;
  advance(ms: number): void;
  /** Effects of one type since the last call for that type. */
  take<T extends Effect['type']>(type: T): Array<Extract<Effect, { type: T }>>;
  /** Session events of one session as `seq status` texts. */
  story(id: string): string[];
  sessionEvents(id: string): SessionEvent[];
  timers(): string[];
  /** A new core over the same store, as after a crash. */
  restart(): void;
  /** Nothing is left of all calls and registrations. */
  assertQuiet(): void;
}

export function browserOffer(mark = 'a'): string {
  return sdp(
    `m=audio 9 UDP/TLS/RTP/SAVPF 111 0 8\r\na=ice-ufrag:${mark}\r\na=ice-pwd:${mark.repeat(22)}\r\na=sendrecv\r\n`,
  );
}

export function imsSdp(direction = 'sendrecv', port = 4000): string {
  return sdp(`m=audio ${port} RTP/AVP 8 0\r\na=${direction}\r\n`);
}

function sdp(media: string): string {
  return `v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n${media}`;
}

/** Deterministic bytes: mulberry32. */
export function seededBytes(seed: number): (size: number) => Uint8Array {
  let state = seed >>> 0;
  return size => {
    const bytes = new Uint8Array(size);
    for (let i = 0; i < size; i += 1) {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      bytes[i] = (t ^ (t >>> 14)) & 0xff;
    }
    return bytes;
  };
}

export function createWorld(override: Parameters<typeof coreSettings>[1] = {}, seed = 1): World {
  const settings = coreSettings(HOME, override);
  const ids = createIds(seededBytes(seed));
  const behaviour: Behaviour = {
    register: 'ok',
    unanswered: false,
    grantedS: 3600,
    associated: null,
    deregister: 'ok',
    cancel: 'rejected',
    update: 'ok',
    media: 'ok',
    asks: null,
    stats: true,
    invitation: () => 'accepted',
  };
  let core = createCore({ settings, ids });
  let now = T0;
  let lastRef = 0 as Ref;
  const queue: Input[] = [];
  const effects: Effect[] = [];
  const events: EventEffect[] = [];
  const store = new Map<string, unknown>();
  const replies = new Map<Ref, Reply>();
  const timers = new Map<string, { owner: Owner; name: TimerName; at: number }>();
  const seqs = new Map<string, { seq: number; final: boolean }>();
  const taken = new Map<string, number>();
  const media = new Map<Owner, 'live' | 'released'>();
  const asked = new Set<Ref>();
  const gone = new Set<Owner>();
  const invites = new Map<Owner, 'out' | 'answered' | 'over'>();

  function run(): void {
    for (let turns = 0; ; turns += 1) {
      const input = queue.shift();
      if (input === undefined) return;
      assert.ok(turns < 10_000, 'the core does not come to rest');
      step(input);
    }
  }

  function step(input: Input): void {
    const out: Effect[] = [];
    if (input.type === 'ims-answered') invites.set(input.owner, 'answered');
    if (input.type === 'ims-rejected') invites.set(input.owner, 'over');
    // Once more, as an emergency call or by a new registration.
    if (input.type === 'ims-is-emergency' || input.type === 'ims-state-lost') invites.delete(input.owner);
    core.handle(input, now, out);
    for (const effect of out) effects.push(effect);
    for (const effect of out) noEffectAfterGone(effect);
    for (const effect of out) if (effect.type === 'store') commit(effect.write);
    for (const effect of out) if (effect.type === 'reply') answer(effect.ref, effect.reply);
    for (const effect of out) perform(effect);
  }

  /** A machine's last effect is `gone`; only the refusal of a late re-offer may name it again. */
  function noEffectAfterGone(effect: Effect): void {
    if (!('owner' in effect) || effect.owner === null) return;
    if (effect.type === 'gone') gone.add(effect.owner);
    else if (effect.type !== 'ims.reject') assert.ok(!gone.has(effect.owner), `${effect.type} after gone`);
  }

  function commit(write: Extract<Effect, { type: 'store' }>['write']): void {
    const key = `${write.kind} ${write.key}`;
    if (write.op === 'delete') store.delete(key);
    else {
      if (write.kind === 'record') assert.ok(!store.has(key), 'a second record for one leg');
      store.set(key, JSON.parse(JSON.stringify(write.value)));
    }
  }

  function answer(ref: Ref, reply: Reply): void {
    assert.ok(asked.has(ref), 'a reply nobody asked for');
    assert.ok(!replies.has(ref), 'a second reply to one request');
    replies.set(ref, reply);
  }

  function perform(effect: Effect): void {
    switch (effect.type) {
      case 'timer.start':
        timers.set(`${effect.owner} ${effect.name}`, { owner: effect.owner, name: effect.name, at: now + effect.ms });
        return;
      case 'timer.stop':
        timers.delete(`${effect.owner} ${effect.name}`);
        return;
      case 'gone':
        for (const timer of timers.values())
          assert.notEqual(timer.owner, effect.owner, `${timer.name} outlives its machine`);
        return;
      case 'event.publish':
        published(effect);
        return;
      case 'reply':
      case 'store':
      case 'log':
      case 'count':
        return;
      default:
        if (effect.type.startsWith('media.')) fakeMedia(effect as MediaEffect);
        else fakeIms(effect as ImsEffect);
    }
  }

  function published(effect: EventEffect): void {
    events.push(effect);
    const { event, owner } = effect;
    if (event.kind === 'registration-ends') return;
    const before = seqs.get(event.mediaSessionId) ?? { seq: 0, final: false };
    assert.ok(!before.final, 'an event after the final one');
    assert.equal(event.sequenceNumber, before.seq + 1, 'a gap in the sequence numbers');
    seqs.set(event.mediaSessionId, { seq: event.sequenceNumber, final: event.final });
    if (event.kind !== 'session-invitation') return;
    const what = behaviour.invitation(effect.audience.deviceId);
    if (what !== 'silent') queue.push({ type: `invitation-${what}`, owner: owner as never, leg: event.mediaSessionId });
  }

  function fakeIms(effect: ImsEffect): void {
    const outcome = (code: number) => ({ code, phrase: 'Refused', q850: null, local: null, reason: null });
    switch (effect.type) {
      case 'ims.register': {
        const { owner, ref } = effect;
        if (behaviour.register === 'ok')
          queue.push({
            type: 'ims-registered',
            owner,
            ref,
            expiresS: behaviour.grantedS,
            associated: behaviour.associated ?? [`sip:${effect.number}@ims.example.com`],
          });
        else if (behaviour.register !== 'silent')
          queue.push({
            type: 'ims-register-failed',
            owner,
            ref,
            outcome: outcome(behaviour.register),
            retryAfterS: null,
            unanswered: behaviour.unanswered,
          });
        return;
      }
      case 'ims.deregister':
        if (behaviour.deregister === 'ok')
          queue.push({ type: 'ims-deregistered', owner: effect.owner, ref: effect.ref, confirmed: true });
        return;
      case 'ims.invite':
        assert.ok(!invites.has(effect.owner), 'a second INVITE of one call');
        invites.set(effect.owner, 'out');
        return;
      case 'ims.end':
        if (invites.get(effect.owner) === 'out' && behaviour.cancel === 'rejected')
          queue.push({
            type: 'ims-rejected',
            owner: effect.owner,
            outcome: { ...outcome(487), phrase: 'Request Terminated' },
          });
        invites.set(effect.owner, 'over');
        return;
      case 'ims.update': {
        const { owner, ref } = effect;
        if (behaviour.update === 'ok') queue.push({ type: 'ims-updated', owner, ref, sdp: imsSdp('recvonly') });
        else if (behaviour.update !== 'silent')
          queue.push({ type: 'ims-update-failed', owner, ref, outcome: outcome(behaviour.update) });
        return;
      }
      default:
        return;
    }
  }

  function fakeMedia(effect: MediaEffect): void {
    const { owner } = effect;
    if (effect.type === 'media.release') {
      assert.equal(media.get(owner), 'live', 'a release without a session');
      media.set(owner, 'released');
      if (behaviour.stats) queue.push({ type: 'media-stats', owner, stats: STATS });
      return;
    }
    assert.notEqual(media.get(owner), 'released', `${effect.type} after the release`);
    media.set(owner, 'live');
    if (!('ref' in effect) || behaviour.media === 'silent') return;
    const { ref } = effect;
    if (behaviour.media !== 'ok') queue.push({ type: 'media-failed', owner, ref, failure: behaviour.media });
    else if (effect.type === 'media.offer' && effect.from === 'ims')
      queue.push({
        type: 'media-offers',
        owner,
        ref,
        offers: effect.legs.map(leg => ({ leg, sdp: browserOffer('g') })),
        answer: effect.commit ? imsSdp('sendrecv', 5000) : null,
      });
    else if (effect.type === 'media.reoffer' && behaviour.asks !== null)
      queue.push({ type: 'media-asks', owner, ref, sdp: behaviour.asks });
    else queue.push({ type: 'media-ready', owner, ref, sdp: mediaSdp(effect) });
  }

  const world: World = {
    get core() {
      return core;
    },
    behaviour,
    settings,
    effects,
    events,
    store,
    now: () => now,
    give(input) {
      queue.push(input);
      run();
    },
    ask(request) {
      const ref = ids.ref();
      lastRef = ref;
      asked.add(ref);
      world.give({ ...request, ref } as ApiRequest);
      return replies.get(ref) ?? null;
    },
    owed: ref => replies.get(ref) ?? null,
    lastRef: () => lastRef,
    advance(ms) {
      const end = now + ms;
      for (;;) {
        let next: { owner: Owner; name: TimerName; at: number } | null = null;
        for (const timer of timers.values()) if (next === null || timer.at < next.at) next = timer;
        if (next === null || next.at > end) break;
        now = Math.max(now, next.at);
        timers.delete(`${next.owner} ${next.name}`);
        world.give({ type: 'timer', owner: next.owner, name: next.name });
      }
      now = end;
    },
    take(type) {
      const from = taken.get(type) ?? 0;
      taken.set(type, effects.length);
      return effects.slice(from).filter((e): e is Extract<Effect, { type: typeof type }> => e.type === type);
    },
    sessionEvents: id =>
      events.map(e => e.event).filter((e): e is SessionEvent => 'mediaSessionId' in e && e.mediaSessionId === id),
    story: id => world.sessionEvents(id).map(e => `${e.sequenceNumber} ${e.status}`),
    timers: () => [...timers.keys()],
    restart() {
      core = createCore({ settings, ids });
      queue.length = 0;
      timers.clear();
      media.clear();
      invites.clear();
      gone.clear();
      const rows = (kind: string) => [...store].filter(([key]) => key.startsWith(`${kind} `)).map(([, value]) => value);
      world.give({ type: 'restore', bindings: rows('binding'), calls: rows('call'), leases: rows('lease') });
    },
    assertQuiet() {
      assert.deepEqual(core.sizes(), { bindings: 0, registrations: 0, calls: 0, legs: 0 });
      assert.deepEqual([...timers.keys()], []);
      assert.deepEqual(
        [...store.keys()].filter(key => !key.startsWith('record ')),
        [],
      );
      for (const state of media.values()) assert.equal(state, 'released', 'media not released');
      for (const { final } of seqs.values()) assert.ok(final, 'a session without a final event');
      for (const ref of asked) assert.ok(replies.has(ref), 'a request without a reply');
    },
  };
  return world;
}

const LEG_STATS = { packets: 50, bytes: 8000, lost: 0, jitterMs: 1, farLost: 0, roundTripMs: 20, mos: 4.4 };
const STATS = {
  codec: 'PCMA',
  path: 'udp4 AES_CM_128_HMAC_SHA1_80',
  oneWay: null,
  fromWeb: LEG_STATS,
  fromIms: LEG_STATS,
};

function mediaSdp(effect: MediaEffect): string {
  if (effect.type === 'media.pre-answer') return browserOffer('answer');
  if (effect.type === 'media.answer') return effect.from === 'ims' ? browserOffer('answer') : imsSdp('sendrecv', 5000);
  if (effect.type === 'media.reoffer') return effect.from === 'web' ? browserOffer('again') : imsSdp('recvonly', 5000);
  if (effect.type === 'media.hold') return imsSdp(effect.held ? 'sendonly' : 'sendrecv', 5000);
  if (effect.type === 'media.agree') return effect.sdp === null ? 'refused' : 'agreed';
  return imsSdp('sendrecv', 5000);
}
