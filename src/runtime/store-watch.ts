/** Watches whether a store keeps what it is given, whoever writes: one health, one counter, one line when it changes. */

import type { Write } from '../ep-cscf/effect.ts';
import type { Store } from '../ep-cscf/ports.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';

export interface WatchedStore extends Store {
  /** False from a commit that failed until one that did not. */
  healthy(): boolean;
}

export interface StoreWatchParts {
  log: Pick<Log, 'info' | 'error'>;
  metrics: Pick<Metrics, 'count'>;
  /** Runs `fire` after so many ms, and keeps no process alive for it. */
  after(ms: number, fire: () => void): void;
}

/** A node that is not ready gets no work, so nothing else would find out that the disk has room again. */
const PROBE_MS = 1000;
/** More than one page: a probe that fits into what is there already would say nothing. */
const PROBE: readonly Write[] = [
  { op: 'put', kind: 'lease', key: 'store-probe', value: '.'.repeat(16_384) },
  { op: 'delete', kind: 'lease', key: 'store-probe' },
];

/** The same store, watched. A failed commit still throws (or rejects) to whoever made it, and is tried no more; while the store fails it is probed every second. */
export function watchStore(store: Store, { log, metrics, after }: StoreWatchParts): WatchedStore {
  let healthy = true;
  let closed = false;

  function kept(): void {
    if (!healthy) log.info({}, 'the store keeps state again');
    healthy = true;
  }

  function failed(error: unknown): never {
    metrics.count('store_failures_total');
    if (healthy) {
      log.error({ fault: (error as Error).message }, 'the store cannot keep state');
      healthy = false;
      after(PROBE_MS, probe);
    }
    throw error;
  }

  function commit(writes: readonly Write[]): void | Promise<void> {
    let done: void | Promise<void>;
    try {
      done = store.commit(writes);
    } catch (error) {
      return failed(error);
    }
    if (done !== undefined) return done.then(kept, failed);
    kept();
  }

  /** Its failures are no lost state, so they are not counted. */
  async function probe(): Promise<void> {
    if (healthy || closed) return;
    try {
      await store.commit(PROBE);
      kept();
    } catch {
      after(PROBE_MS, probe);
    }
  }

  return {
    load: kind => store.load(kind),
    commit,
    close() {
      closed = true;
      return store.close();
    },
    healthy: () => healthy,
  };
}
