/** Numbers that are leased to visitors, one to one call at a time, each with a rest after it. IMS digest 2.14, TS 33.203 REQ 3.2. */
import type { E164 } from './ids.ts';
import { addTo, removeFrom } from './registry.ts';
import { dequeue, enqueue, type Place, type RestQueue } from './rest-queue.ts';
import type { Pool, PoolSettings } from './settings.ts';
import { type Done, log, type Turn } from './turn.ts';

/** A number that is, or was, leased. It is free from `freeAt` on. */
export interface Lease {
  readonly number: E164;
  readonly pool: string;
  readonly entryPoint: string;
  /** Where its visitor called from; forgotten over a restart. */
  readonly source: string | null;
  /** `held` as long as its binding or its call lives; then it cools. */
  state: 'held' | 'cooling';
  /** ms since the epoch; of a held one: at the latest, should nothing more be heard of it. */
  freeAt: number;
}

export type LeaseRow = Omit<Lease, 'source'> & { v: 1 };

export interface NumberPool {
  readonly pools: ReadonlyMap<string, Pool>;
  /** The pool of a number. */
  readonly poolOf: ReadonlyMap<E164, Pool>;
  /** At most one for each number that was ever leased. */
  readonly leases: Map<E164, Lease>;
  readonly places: ReadonlyMap<E164, Place>;
  /** Of each pool, the numbers that are neither held nor kept back. */
  readonly resting: ReadonlyMap<string, RestQueue>;
  /** Numbers that a subscriber still has. */
  readonly keptBack: Set<E164>;
  /** Held numbers of an entry point that has any. */
  readonly heldBy: Map<string, Set<E164>>;
  /** Numbers that a source has or had last. */
  readonly lastOf: Map<string, Set<E164>>;
}

export interface LeaseCount {
  pool: string;
  state: 'free' | 'held' | 'cooling';
  count: number;
}

/** What callers are asked to wait when all numbers are in use and none rests, ms. */
const WAIT_MS = 30_000;
/** Of a number that was never leased. */
const SINCE_EVER = Number.NEGATIVE_INFINITY;

export function createNumberPool({ pools }: PoolSettings): NumberPool {
  const poolOf = new Map<E164, Pool>();
  const places = new Map<E164, Place>();
  const resting = new Map<string, RestQueue>();
  for (const pool of pools) {
    const queue: RestQueue = pool.numbers.map((number, index) => ({ number, index, freeAt: SINCE_EVER }));
    resting.set(pool.id, queue);
    for (const place of queue) {
      poolOf.set(place.number, pool);
      places.set(place.number, place);
    }
  }
  const byId = new Map(pools.map(pool => [pool.id, pool]));
  return {
    pools: byId,
    poolOf,
    leases: new Map(),
    places,
    resting,
    keptBack: new Set(),
    heldBy: new Map(),
    lastOf: new Map(),
  };
}

/** Leases the number that has rested longest; null when none is free. One that a subscriber had before it was the pool's is not, until the subscriber is gone. */
export function leaseNumber(turn: Turn, pool: Pool, to: Pick<Lease, 'entryPoint' | 'source'>): E164 | null {
  const number = takeRested(turn, pool);
  if (number === null) return null;
  const { registerGuardMs, expiresS } = turn.settings.ims;
  // A restart before the network has answered leaves nothing else to go by.
  const freeAt = turn.now + registerGuardMs + expiresS * 1000 + turn.settings.pool.quarantineMs;
  keep(turn, { ...to, number, pool: pool.id, state: 'held', freeAt });
  return number;
}

function takeRested(turn: Turn, pool: Pool): E164 | null {
  const { resting, keptBack } = turn.numbers;
  const queue = resting.get(pool.id) ?? [];
  for (let front = queue[0]; front !== undefined && front.freeAt <= turn.now; front = queue[0]) {
    dequeue(queue);
    if (!turn.registry.bindingOf.has(front.number)) return front.number;
    keptBack.add(front.number);
  }
  return null;
}

/** How long a caller for whom there was no number had better wait, s. */
export function poolRetryS(turn: Turn, pool: Pool): number {
  const front = turn.numbers.resting.get(pool.id)?.[0];
  const waitMs = front === undefined ? WAIT_MS : front.freeAt - turn.now;
  return Math.max(1, Math.ceil(waitMs / 1000));
}

/** How long a visitor of a source that has as many numbers of the pool as it may had better wait, s; null: it has fewer. */
export function sourceRetryS(turn: Turn, pool: Pool, source: string): number | null {
  const { leases, lastOf } = turn.numbers;
  const rests: number[] = [];
  for (const number of lastOf.get(source) ?? []) {
    const lease = leases.get(number);
    if (lease === undefined || isOver(lease, turn.now)) removeFrom(lastOf, source, number);
    else if (lease.pool === pool.id) rests.push(lease.state === 'cooling' ? lease.freeAt - turn.now : WAIT_MS);
  }
  return rests.length < turn.settings.pool.perSource ? null : Math.max(1, Math.ceil(Math.min(...rests) / 1000));
}

export function isHeld(turn: Turn, number: E164): boolean {
  return turn.numbers.leases.get(number)?.state === 'held';
}

/** Its binding is gone, or its call: a held number that has neither begins to cool. `boundUntil`: till when the network may yet know the binding, ms; null: nothing new. */
export function settleNumber(turn: Turn, number: E164, boundUntil: number | null): Done {
  const lease = turn.numbers.leases.get(number);
  if (lease?.state !== 'held') return giveBack(turn, number);
  const { quarantineMs } = turn.settings.pool;
  if (boundUntil !== null) lease.freeAt = boundUntil + quarantineMs;
  if (turn.registry.bindingOf.has(number) || turn.registry.callsOf.has(number)) return;
  keep(turn, { ...lease, state: 'cooling', freeAt: Math.max(lease.freeAt, turn.now + quarantineMs) });
}

/** A subscriber is gone: its number is the pool's alone. */
function giveBack(turn: Turn, number: E164): Done {
  if (!turn.registry.bindingOf.has(number) && turn.numbers.keptBack.delete(number)) rest(turn.numbers, number);
}

function keep(turn: Turn, lease: Lease): Done {
  take(turn.numbers, lease);
  if (lease.state === 'cooling') rest(turn.numbers, lease.number);
  const { source: _, ...kept } = lease;
  const value: LeaseRow = { v: 1, ...kept };
  turn.out.push({ type: 'store', write: { op: 'put', kind: 'lease', key: lease.number, value } });
}

/** Writes a lease where it is looked for. */
function take({ leases, heldBy, lastOf }: NumberPool, lease: Lease): void {
  const { number, entryPoint, source, state } = lease;
  const before = leases.get(number)?.source ?? null;
  leases.set(number, lease);
  if (before !== null) removeFrom(lastOf, before, number);
  if (source !== null) addTo(lastOf, source, number);
  if (state === 'held') addTo(heldBy, entryPoint, number);
  else removeFrom(heldBy, entryPoint, number);
}

/** Puts a number that nobody holds among those of its pool; one that is no pool's any more has no place. */
function rest({ places, poolOf, resting, leases }: NumberPool, number: E164): void {
  const place = places.get(number);
  const pool = poolOf.get(number);
  if (place === undefined || pool === undefined) return;
  place.freeAt = leases.get(number)?.freeAt ?? SINCE_EVER;
  enqueue(resting.get(pool.id) ?? [], place);
}

/** Calls that an entry point has, or is about to: some of the numbers that it holds. */
export function visitsOf(turn: Turn, entryPoint: string): number {
  const { bindingOf, callsOf } = turn.registry;
  let visits = 0;
  for (const number of turn.numbers.heldBy.get(entryPoint) ?? [])
    if (callsOf.has(number) || (bindingOf.get(number)?.waiting.length ?? 0) > 0) visits += 1;
  return visits;
}

/** Takes up the leases found at start: before the bindings, which say what becomes of the held ones. */
export function restoreLeases(turn: Turn, rows: readonly unknown[]): Done {
  const { numbers } = turn;
  for (const row of rows) {
    if (isLeaseRow(row)) {
      const { v: _, ...lease } = row;
      take(numbers, { ...lease, source: null });
    } else log(turn, 'error', null, 'stored lease not readable');
  }
  for (const queue of numbers.resting.values()) queue.length = 0;
  for (const number of numbers.places.keys()) if (!isHeld(turn, number)) rest(numbers, number);
}

/** After the bindings: a number that was held without one waits as long as the network might know it, and rests after the call that ended with the restart. */
export function coolRestored(turn: Turn): Done {
  const rested = turn.now + turn.settings.pool.quarantineMs;
  for (const lease of [...turn.numbers.leases.values()])
    if (lease.state === 'held' && !turn.registry.bindingOf.has(lease.number))
      keep(turn, { ...lease, state: 'cooling', freeAt: Math.max(lease.freeAt, rested) });
}

function isLeaseRow(row: unknown): row is LeaseRow {
  if (typeof row !== 'object' || row === null) return false;
  const { v, number, pool, entryPoint, state, freeAt } = row as Record<string, unknown>;
  const words = [number, pool, entryPoint].every(word => typeof word === 'string');
  return v === 1 && words && (state === 'held' || state === 'cooling') && typeof freeAt === 'number';
}

/** It has rested: whoever comes may have the number. */
function isOver({ state, freeAt }: Lease, now: number): boolean {
  return state === 'cooling' && freeAt <= now;
}

export function countLeases({ pools, leases }: NumberPool, now: number): LeaseCount[] {
  return [...pools.values()].flatMap(({ id, numbers }) => {
    const count = { free: 0, held: 0, cooling: 0 };
    for (const number of numbers) {
      const lease = leases.get(number);
      count[lease === undefined || isOver(lease, now) ? 'free' : lease.state] += 1;
    }
    return (['free', 'held', 'cooling'] as const).map(state => ({ pool: id, state, count: count[state] }));
  });
}
