/** When the sound of an answered call is brought back over a new connection: after a loss, after a change of network, again until it flows. */
import type { Environment } from './environment.ts';
import type { MediaState } from './media.ts';

export interface Recovery {
  mediaChanged(state: MediaState): void;
  /** Tries at once, whatever the sound does. */
  now(): Promise<void>;
  stop(): void;
}

/** A connection that only stumbles is back by then. */
const PATIENCE_MS = 3000;
/** An attempt that brought no sound in this time is followed by the next; the service ends the call when none does. */
const AGAIN_MS = 5000;

/** `attempt` makes a new connection; when it rejects or no sound comes, it is called again. */
export function createRecovery(environment: Environment, attempt: () => Promise<void>): Recovery {
  let stopTimer: (() => void) | null = null;
  let running: Promise<void> | null = null;
  let flowing = false;
  let over = false;

  function wait(ms: number): void {
    stopTimer?.();
    stopTimer = environment.after(ms, () => {
      stopTimer = null;
      void now();
    });
  }

  function now(): Promise<void> {
    if (over) return Promise.resolve();
    running ??= attempt()
      .catch(() => {})
      .then(() => {
        running = null;
        if (!over && !flowing) wait(AGAIN_MS);
      });
    return running;
  }

  return {
    mediaChanged(state) {
      flowing = state === 'flowing';
      if (state === 'recovering' && stopTimer === null && running === null) wait(PATIENCE_MS);
      if (state === 'lost' && running === null) void now();
      if (!flowing) return;
      stopTimer?.();
      stopTimer = null;
    },
    now,
    stop() {
      over = true;
      stopTimer?.();
    },
  };
}
