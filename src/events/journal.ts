/** The event side's own writes: at once where the outside waits for them, gathered where nobody does. */

import type { Write } from '../ep-cscf/effect.ts';
import type { Store } from '../ep-cscf/ports.ts';
import type { Log } from '../runtime/log.ts';
import type { Clock, TimerHandle } from './ports.ts';

export interface Journal {
  /** A write that may wait: it goes with the next commit, or within FLUSH_MS. Lost at a kill, which only repeats an event. */
  later(write: Write): void;
  /** Takes what waits, to be committed by the caller along with writes of its own. */
  take(): Write[];
  /** Commits these writes and what waits. False when the store refused: who watches the store tells, and memory goes on without it. */
  commit(writes: readonly Write[]): boolean | Promise<boolean>;
  flush(): boolean | Promise<boolean>;
}

const FLUSH_MS = 100;
/** Bound on what one kill can repeat. */
const FLUSH_LENGTH = 256;

/** Makes the journal over a store. */
export function createJournal(store: Store, clock: Clock, log: Log): Journal {
  let waiting: Write[] = [];
  let timer: TimerHandle | null = null;

  const take = (): Write[] => {
    if (timer !== null) clock.clearTimer(timer);
    timer = null;
    const taken = waiting;
    waiting = [];
    return taken;
  };
  const failed = (error: unknown): false => {
    log.debug({ reason: (error as Error).message }, 'The store refused a write of the event side.');
    return false;
  };
  const commit = (writes: readonly Write[]): boolean | Promise<boolean> => {
    const all = [...take(), ...writes];
    if (all.length === 0) return true;
    try {
      const kept = store.commit(all);
      return kept === undefined ? true : kept.then(() => true, failed);
    } catch (error) {
      return failed(error);
    }
  };
  const flush = () => commit([]);

  return {
    later(write) {
      waiting.push(write);
      if (waiting.length >= FLUSH_LENGTH) void flush();
      else timer ??= clock.setTimer(FLUSH_MS, () => void flush());
    },
    take,
    commit,
    flush,
  };
}
