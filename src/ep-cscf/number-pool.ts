/** Numbers that are leased to visitors, one to one call at a time, each with a rest after it. IMS digest 2.14, TS 33.203 REQ 3.2. */
import type { E164 } from './ids.ts';
import type { Pool, PoolSettings } from './settings.ts';
import { type Done, log, type Turn } from './turn.ts';

/** A number that is, or was, leased. It is free from `freeAt` on. */
export interface Lease {
  readonly number: E164;
  readonly pool: string;
  readonly entryPoint: string;
  /** `held` as long as its binding or its call lives; then it cools. */
  state: 'held' | 'cooling';
  /** ms since the epoch; of a held one: at the latest, should nothing more be heard of it. */
  freeAt: number;
}

export type LeaseRow = Lease & { v: 1 };

export interface NumberPool {
  readonly pools: ReadonlyMap<string, Pool>;
  /** The pool of a number. */
  readonly poolOf: ReadonlyMap<E164, Pool>;
  /** At most one for each number that was ever leased. */
  readonly leases: Map<E164, Lease>;
}

export interface LeaseCount {
  pool: string;
  state: 'free' | 'held' | 'cooling';
  count: number;
}

/** What callers are asked to wait when all numbers are in use and none rests, ms. */
const WAIT_MS = 30_000;

export function createNumberPool({ pools }: PoolSettings): NumberPool {
  const poolOf = new Map(pools.flatMap(pool => pool.numbers.map(number => [number, pool] as const)));
  return { pools: new Map(pools.map(pool => [pool.id, pool])), poolOf, leases: new Map() };
}

/** Leases the number that has rested longest; null when none is free. One that a subscriber had before it was the pool's is not, until the subscriber is gone. */
export function leaseNumber(turn: Turn, pool: Pool, entryPoint: string): E164 | null {
  const { leases } = turn.numbers;
  let best: E164 | null = null;
  let since = Number.POSITIVE_INFINITY;
  for (const number of pool.numbers) {
    const free = freeSince(leases.get(number), turn.now);
    if (free === null || free >= since || turn.registry.bindingOf.has(number)) continue;
    best = number;
    since = free;
    if (free === Number.NEGATIVE_INFINITY) break;
  }
  if (best === null) return null;
  const { registerGuardMs, expiresS } = turn.settings.ims;
  // A restart before the network has answered leaves nothing else to go by.
  const freeAt = turn.now + registerGuardMs + expiresS * 1000 + turn.settings.pool.quarantineMs;
  keep(turn, { number: best, pool: pool.id, entryPoint, state: 'held', freeAt });
  return best;
}

/** Null: not free. A number never leased is free since ever. */
function freeSince(lease: Lease | undefined, now: number): number | null {
  if (lease === undefined) return Number.NEGATIVE_INFINITY;
  return lease.state === 'cooling' && lease.freeAt <= now ? lease.freeAt : null;
}

/** How long a caller for whom there is no number had better wait, s. */
export function poolRetryS(turn: Turn, pool: Pool): number {
  let soonest = Number.POSITIVE_INFINITY;
  for (const number of pool.numbers) {
    const lease = turn.numbers.leases.get(number);
    if (lease?.state === 'cooling') soonest = Math.min(soonest, lease.freeAt - turn.now);
  }
  return Math.max(1, Math.ceil((soonest === Number.POSITIVE_INFINITY ? WAIT_MS : soonest) / 1000));
}

export function isHeld(turn: Turn, number: E164): boolean {
  return turn.numbers.leases.get(number)?.state === 'held';
}

/** Its binding is gone, or its call: a held number that has neither begins to cool. `boundUntil`: till when the network may yet know the binding, ms; null: nothing new. */
export function settleNumber(turn: Turn, number: E164, boundUntil: number | null): Done {
  const lease = turn.numbers.leases.get(number);
  if (lease?.state !== 'held') return;
  const { quarantineMs } = turn.settings.pool;
  if (boundUntil !== null) lease.freeAt = boundUntil + quarantineMs;
  if (turn.registry.bindingOf.has(number) || turn.registry.callsOf.has(number)) return;
  keep(turn, { ...lease, state: 'cooling', freeAt: Math.max(lease.freeAt, turn.now + quarantineMs) });
}

function keep(turn: Turn, lease: Lease): Done {
  turn.numbers.leases.set(lease.number, lease);
  const value: LeaseRow = { v: 1, ...lease };
  turn.out.push({ type: 'store', write: { op: 'put', kind: 'lease', key: lease.number, value } });
}

/** Calls that an entry point has, or is about to. */
export function visitsOf(turn: Turn, entryPoint: string): number {
  const { bindingOf, callsOf } = turn.registry;
  let visits = 0;
  for (const lease of turn.numbers.leases.values()) {
    if (lease.state !== 'held' || lease.entryPoint !== entryPoint) continue;
    if (callsOf.has(lease.number) || (bindingOf.get(lease.number)?.waiting.length ?? 0) > 0) visits += 1;
  }
  return visits;
}

/** Takes up the leases found at start: before the bindings, which say what becomes of the held ones. */
export function restoreLeases(turn: Turn, rows: readonly unknown[]): Done {
  for (const row of rows) {
    if (isLeaseRow(row)) {
      const { v: _, ...lease } = row;
      turn.numbers.leases.set(lease.number, lease);
    } else log(turn, 'error', null, 'stored lease not readable');
  }
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

export function countLeases({ pools, leases }: NumberPool, now: number): LeaseCount[] {
  return [...pools.values()].flatMap(({ id, numbers }) => {
    const count = { free: 0, held: 0, cooling: 0 };
    for (const number of numbers) {
      const lease = leases.get(number);
      if (freeSince(lease, now) !== null || lease === undefined) count.free += 1;
      else count[lease.state] += 1;
    }
    return (['free', 'held', 'cooling'] as const).map(state => ({ pool: id, state, count: count[state] }));
  });
}
