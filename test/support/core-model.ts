/** Test help: the core with one number as a model to walk: its machines, its timers, and what everybody around it still waits for. */
import assert from 'node:assert/strict';
import type { ApiRequest, Reply } from '../../src/ep-cscf/api-request.ts';
import { createCore } from '../../src/ep-cscf/core.ts';
import type { Effect, EventEffect } from '../../src/ep-cscf/effect.ts';
import type { BindingId, CallId, Ids, MediaSessionId, Owner, Ref, RegistrationId } from '../../src/ep-cscf/ids.ts';
import type { Input, TimerName } from '../../src/ep-cscf/input.ts';
import { createRegistry, type Registry } from '../../src/ep-cscf/registry.ts';
import type { CoreSettings } from '../../src/ep-cscf/settings.ts';
import { T0 } from './core-world.ts';

/** What an application was told of a session. */
export interface Told {
  status: string;
  seq: number;
  incoming: boolean;
  answered: boolean;
  final: boolean;
}

export interface Node {
  registry: Registry;
  now: number;
  /** Ids given out so far. */
  serial: number;
  timers: Array<{ owner: Owner; name: TimerName }>;
  /** Requests of the API without a reply, and the registration that each would end. */
  asked: Array<{ ref: Ref; leaves: RegistrationId | null }>;
  /** REGISTERs without an answer, the newest last. */
  registers: Array<{ ref: Ref; leaving: boolean }>;
  /** Registrations an application has and was not told the end of. */
  admitted: RegistrationId[];
  told: Record<MediaSessionId, Told>;
  records: MediaSessionId[];
  /** Where the core network is with the one call: `asked`: the INVITE waits for us, or for it. */
  line: 'none' | 'asked' | 'answered' | 'over';
  /** Our re-INVITEs and the far end's that were not answered. */
  updates: Ref[];
  reoffers: Ref[];
  media: 'none' | 'live' | 'released';
  /** What the media plane was asked last and has not answered. */
  work: { ref: Ref; type: Effect['type']; legs: MediaSessionId[] } | null;
  /** Keys of stored rows. */
  rows: Record<string, unknown>;
}

export const EMPTY: Node = {
  registry: createRegistry(),
  now: T0,
  serial: 0,
  timers: [],
  asked: [],
  registers: [],
  admitted: [],
  told: {},
  records: [],
  line: 'none',
  updates: [],
  reoffers: [],
  media: 'none',
  work: null,
  rows: {},
};

/** Requests without their `ref`. */
type Ask = ApiRequest extends infer R ? (R extends { ref: Ref } ? Omit<R, 'ref'> : never) : never;

/** A ref is told from other numbers by its size, an id from other texts by its first character. */
const FIRST_REF = 1_000_000;
const NAMES = /#\d+|\b1\d{6}\b/g;

/** The node after one input: a copy. `rest` states what must hold of it beside what holds always. */
export function give(node: Node, input: Input, settings: CoreSettings): Node {
  const next = copy(node);
  const out: Effect[] = [];
  heed(next, input);
  core(next, settings).handle(input, next.now, out);
  const gone = new Set<Owner>();
  for (const effect of out) hear(next, effect, gone);
  atRest(next);
  return next;
}

/** The node after a request of the API. */
export function ask(node: Node, request: Ask, settings: CoreSettings): Node {
  const ref = (FIRST_REF + node.serial) as Ref;
  const leaves = request.type === 'unregister' ? request.registrationId : null;
  const asking = { ...node, serial: node.serial + 1, asked: [...node.asked, { ref, leaves }] };
  return give(asking, { ...request, ref } as ApiRequest, settings);
}

/** The node after one of its timers has fired, no earlier than at `at`. */
export function fire(node: Node, timer: Node['timers'][number], settings: CoreSettings, at = node.now): Node {
  const timers = node.timers.filter(({ owner, name }) => owner !== timer.owner || name !== timer.name);
  return give({ ...node, timers, now: Math.max(node.now, at) }, { type: 'timer', ...timer }, settings);
}

/** A new process over the rows of the old one. */
export function restart(node: Node, settings: CoreSettings): Node {
  const kept = (kind: string) =>
    Object.entries(node.rows).flatMap(([key, value]) => (key.startsWith(`${kind} `) ? [value] : []));
  const { now, serial, told, rows, records } = node;
  const admitted = kept('binding').flatMap(row =>
    (row as { registrations: Array<{ id: RegistrationId }> }).registrations.map(({ id }) => id),
  );
  assert.deepEqual([...admitted].sort(), [...node.admitted].sort(), 'what was granted is stored');
  const fresh = { ...EMPTY, now, serial, told, rows, records, admitted };
  return give(fresh, { type: 'restore', bindings: kept('binding'), calls: kept('call'), leases: [] }, settings);
}

/** A copy in which what was one object is one object; ten times as fast as structuredClone. */
function copy<T>(value: T, copies = new Map<object, object>()): T {
  if (typeof value !== 'object' || value === null) return value;
  const known = copies.get(value);
  if (known !== undefined) return known as T;
  const put = <M extends object>(made: M) => {
    copies.set(value, made);
    return made;
  };
  if (value instanceof Map) {
    const map = put(new Map());
    for (const [key, one] of value) map.set(copy(key, copies), copy(one, copies));
    return map as T;
  }
  if (value instanceof Set) {
    const set = put(new Set());
    for (const one of value) set.add(copy(one, copies));
    return set as T;
  }
  if (Array.isArray(value)) {
    const array: unknown[] = put([]);
    for (const one of value) array.push(copy(one, copies));
    return array as T;
  }
  const object = put({} as Record<string, unknown>);
  for (const key of Object.keys(value)) object[key] = copy((value as Record<string, unknown>)[key], copies);
  return object as T;
}

/** All that makes two nodes the same: not when things happened, nor what ids they got. */
export function identityOf(node: Node): string {
  const { registry, now, serial: _serial, rows: _rows, told, ...around } = node;
  const { bindings, calls } = registry;
  const text = write([bindings, calls, told, around], now);
  const names = new Map<string, string>();
  return text.replace(NAMES, name => {
    const short = names.get(name) ?? `#${names.size}`;
    names.set(name, short);
    return short;
  });
}

/** Left out: no two nodes differ in these alone. */
const TIMELESS = new Set(['attempts', 'correlator', 'seq', 'order', 'forkOrder', 'createdAt', 'sentAt', 'endedAt']);
const MOMENT = /(At|Until)$/;
/** Descriptions of the browser's side, and the request that gave them: that there is one tells enough. */
const TEXTS = new Set(['offer', 'answer', 'imsSdp', 'invited', 'lastPut']);

function write(value: unknown, now: number, key = ''): string {
  if (typeof value === 'number' && MOMENT.test(key)) return value > now ? 'later' : 'past';
  if (key === 'failures') return String(Math.min(Number(value), 2));
  if (value !== null && TEXTS.has(key)) return 'given';
  if (typeof value !== 'object' || value === null) return String(value);
  if (value instanceof Map) return `{${[...value].map(([name, one]) => `${name}:${write(one, now)}`).join()}}`;
  if (value instanceof Set || key === 'timers')
    return `{${[...(value as Set<unknown>)]
      .map(one => write(one, now))
      .sort()
      .join()}}`;
  if (Array.isArray(value)) return `[${value.map(one => write(one, now)).join()}]`;
  let text = '{';
  for (const [name, one] of Object.entries(value)) if (!TIMELESS.has(name)) text += `${name}:${write(one, now, name)},`;
  return `${text}}`;
}

function core(node: Node, settings: CoreSettings) {
  const id = <T extends string>() => {
    node.serial += 1;
    return `#${node.serial}` as T;
  };
  const ids: Ids = {
    registration: () => id<RegistrationId>(),
    mediaSession: () => id<MediaSessionId>(),
    binding: () => id<BindingId>(),
    call: () => id<CallId>(),
    uuid: () => 'uuid',
    ref() {
      node.serial += 1;
      return (FIRST_REF + node.serial) as Ref;
    },
  };
  return createCore({ settings, ids, registry: node.registry });
}

/** What the world no longer waits for once it has said this. */
function heed(node: Node, input: Input): void {
  switch (input.type) {
    case 'ims-registered':
    case 'ims-register-failed':
    case 'ims-deregistered':
      node.registers = node.registers.filter(({ ref }) => ref !== input.ref);
      return;
    case 'ims-updated':
    case 'ims-update-failed':
      node.updates = node.updates.filter(ref => ref !== input.ref);
      return;
    case 'media-ready':
    case 'media-asks':
    case 'media-failed':
    case 'media-offers':
      if (node.work?.ref === input.ref) node.work = null;
      return;
    case 'ims-invited':
      node.line = 'asked';
      return;
    case 'ims-reoffered':
      node.reoffers.push(input.ref);
      // One of ours that waits after a 491 is dropped by the Mw side; one under way would have kept theirs from us.
      node.updates = [];
      return;
    case 'ims-answered':
      // Behind our CANCEL it is for the Mw side to end.
      if (node.line === 'asked') node.line = 'answered';
      return;
    case 'ims-is-emergency':
    case 'ims-state-lost':
      node.line = 'none';
      return;
    case 'ims-rejected':
    case 'ims-cancelled':
    case 'ims-ended':
      node.line = 'over';
      node.reoffers = [];
      node.updates = [];
      return;
    default:
  }
}

function hear(node: Node, effect: Effect, gone: Set<Owner>): void {
  if ('owner' in effect && effect.owner !== null && effect.type !== 'ims.reject')
    assert.ok(!gone.has(effect.owner), `${effect.type} behind gone`);
  switch (effect.type) {
    case 'timer.start':
      assert.ok(effect.ms >= 0);
      node.timers = node.timers.filter(timer => !isSame(timer, effect));
      node.timers.push({ owner: effect.owner, name: effect.name });
      return;
    case 'timer.stop':
      assert.ok(
        node.timers.some(timer => isSame(timer, effect)),
        `${effect.name} stopped but not running`,
      );
      node.timers = node.timers.filter(timer => !isSame(timer, effect));
      return;
    case 'gone':
      gone.add(effect.owner);
      assert.ok(!node.timers.some(({ owner }) => owner === effect.owner), 'a timer outlives its machine');
      return;
    case 'reply':
      replied(node, effect.ref, effect.reply);
      return;
    case 'event.publish':
      published(node, effect);
      return;
    case 'store':
      stored(node, effect.write);
      return;
    case 'log':
    case 'count':
      return;
    default:
      if (effect.type.startsWith('media.')) media(node, effect);
      else network(node, effect);
  }
}

function isSame(one: { owner: Owner; name: TimerName }, other: { owner: Owner; name: TimerName }): boolean {
  return one.owner === other.owner && one.name === other.name;
}

function replied(node: Node, ref: Ref, reply: Reply): void {
  const request = node.asked.find(one => one.ref === ref);
  assert.ok(request !== undefined, 'a reply that nobody waits for');
  node.asked = node.asked.filter(one => one !== request);
  if (reply.ok) node.admitted = node.admitted.filter(id => id !== request.leaves);
  if (reply.ok && 'registration' in reply) {
    const { registrationId } = reply.registration;
    if (!node.admitted.includes(registrationId)) node.admitted.push(registrationId);
  }
}

function stored(node: Node, write: Extract<Effect, { type: 'store' }>['write']): void {
  const key = `${write.kind} ${write.key}`;
  if (write.op === 'delete') {
    delete node.rows[key];
    return;
  }
  if (write.kind === 'record') {
    assert.ok(!node.records.includes(write.key as MediaSessionId), 'a second record of one session');
    node.records.push(write.key as MediaSessionId);
  } else node.rows[key] = JSON.parse(JSON.stringify(write.value));
}

const BEFORE = new Set(['Initial', 'InProgress', 'Ringing', 'Proceeding', 'Waiting']);
const AFTER = new Set(['Connected', 'Hold', 'Resume']);

/** The path of a session through the states of the API, and the one end of a registration. */
function published(node: Node, { event }: EventEffect): void {
  if (event.kind === 'registration-ends') {
    assert.ok(
      node.admitted.includes(event.registrationId),
      'the end of a registration is told once, and of one that was',
    );
    node.admitted = node.admitted.filter(id => id !== event.registrationId);
    return;
  }
  const { mediaSessionId: id, status, final, kind, sequenceNumber } = event;
  const incoming = kind === 'session-invitation';
  const before = node.told[id] ?? { status: 'Initial', seq: 0, incoming, answered: false, final: false };
  assert.ok(!before.final, `${status} behind the final word`);
  assert.equal(sequenceNumber, before.seq + 1, 'a gap in the sequence');
  assert.equal(incoming, before.incoming && before.seq === 0, 'an invitation is the first event, and only it');
  const answered = before.answered || status === 'Connected';
  if (final) assert.ok(event.reason, 'an end without a reason');
  else if (AFTER.has(status)) assert.ok(answered, `${status} before the answer`);
  else assert.ok(BEFORE.has(status) && !answered, `${status} out of place`);
  if (final && before.answered) assert.equal(status, 'Terminated');
  node.told[id] = { status, seq: sequenceNumber, incoming: before.incoming, answered, final };
}

function network(node: Node, effect: Effect): void {
  switch (effect.type) {
    case 'ims.register':
    case 'ims.deregister':
      node.registers.push({ ref: effect.ref, leaving: effect.type === 'ims.deregister' });
      // Of older ones that nobody waits for any more one is enough to say something late.
      node.registers = node.registers.slice(-2);
      return;
    case 'ims.forget':
      node.registers = [];
      return;
    case 'ims.invite':
      assert.equal(node.line, 'none', 'a second INVITE of one call');
      node.line = 'asked';
      return;
    case 'ims.end':
      assert.notEqual(node.line, 'over', 'the network is told the end twice, or told what it said');
      node.line = 'over';
      return;
    case 'ims.update':
      assert.deepEqual([node.line, node.updates, node.reoffers], ['answered', [], []], 'a re-INVITE out of place');
      node.updates.push(effect.ref);
      return;
    case 'ims.answer':
    case 'ims.reject': {
      const { ref } = effect;
      if (ref === null) {
        assert.equal(node.line, 'asked', 'a 200 to a call that does not wait for it');
        node.line = 'answered';
        return;
      }
      // What the end of the call overtook is refused all the same.
      assert.ok(node.reoffers.includes(ref) || node.line === 'over', 'a re-INVITE answered twice');
      node.reoffers = node.reoffers.filter(one => one !== ref);
      return;
    }
    case 'ims.provisional':
      assert.equal(node.line, 'asked', 'a provisional response behind the final one');
      return;
    default:
  }
}

function media(node: Node, effect: Effect): void {
  assert.notEqual(node.media, 'released', `${effect.type} behind the release`);
  if (effect.type === 'media.release') assert.equal(node.media, 'live', 'a release of nothing');
  node.media = effect.type === 'media.release' ? 'released' : 'live';
  if ('ref' in effect && effect.ref !== null)
    node.work = { ref: effect.ref, type: effect.type, legs: 'legs' in effect ? effect.legs : [] };
}

/** What holds between any two inputs. */
function atRest(node: Node): void {
  const { registry, timers, asked } = node;
  const machines = [...registry.bindings.values(), ...registry.calls.values()];
  const armed = machines.flatMap(({ id, timers: names }) => [...names].map(name => `${id} ${name}`));
  assert.deepEqual(timers.map(({ owner, name }) => `${owner} ${name}`).sort(), armed.sort(), 'timers and machines');
  assert.deepEqual(
    [...registry.registrations.keys()].sort(),
    [...node.admitted].sort(),
    'what was granted and not ended',
  );
  const waits = JSON.stringify(machines, (_key, value: unknown) => (value instanceof Map ? [...value] : value));
  for (const { ref } of asked) assert.ok(waits.includes(String(ref)), 'a request of the API was lost');
  for (const ref of node.line === 'over' ? [] : node.reoffers)
    assert.ok(waits.includes(String(ref)), 'a re-INVITE of the far end was lost');
}
