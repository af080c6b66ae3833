/** The ports that carry the core's effects and inputs. */
import type { Effect, EventEffect, ImsEffect, MediaEffect, StoreKind, Write } from './effect.ts';
import type { Input } from './input.ts';
import type { LeaseCount } from './number-pool.ts';

/** A port takes effects and answers later with inputs; `emit` is given when it is built. It returns nothing and never throws for what the network did. */
export interface Port<E extends Effect> {
  run(effect: E): void;
}
export type Emit = (input: Input) => void;

export type ImsPort = Port<ImsEffect>;
export type MediaPlanePort = Port<MediaEffect>;

/** The event side: turns what is published into owed deliveries, in the same transaction as the state that caused it. */
export interface EventsPort {
  /** Rows to store for this event (one for each matching subscription). Pure but for the event side's own memory. */
  plan(effect: EventEffect, now: number): Write[];
  /** How much has been planned so far, for `dispatch`. */
  planned(): number;
  /** After the commit: start delivering what was planned up to there. */
  dispatch(upTo: number): void;
}

/** Durable state. Everything lives in memory while the process runs; the store is read at start and written before the world hears. */
export interface Store {
  /** All values of a kind, in the order of their first put. */
  load(kind: StoreKind): Array<{ key: string; value: unknown }>;
  /**
   * All or nothing, and durable in the order of the calls: what is kept is never without what was given before. A promise means: not durable
   * yet, and effects wait. Throws (or rejects) when it cannot be kept.
   */
  commit(writes: readonly Write[]): void | Promise<void>;
  close(): void | Promise<void>;
}

/** The core as the loop sees it. `handle` is pure: same state, input and now give the same effects; it never throws for bad input. */
export interface Core {
  handle(input: Input, now: number, out: Effect[]): void;
  /** Live counts for gauges and leak tests. */
  sizes(): { bindings: number; registrations: number; calls: number; legs: number };
  /** Numbers of each pool by state. */
  leases(now: number): LeaseCount[];
}
