/** Timers over the runtime's own, for whoever has no timer facility of its own. */
import type { SipTimers } from '../transaction/port.ts';

/** One system timer for each key. They do not keep the process alive. `close` stops them all. */
export function createSystemTimers(): SipTimers & { readonly size: number; close(): void } {
  const running = new Map<string, NodeJS.Timeout>();
  return {
    get size() {
      return running.size;
    },
    start(key, ms, fire) {
      clearTimeout(running.get(key));
      const timer = setTimeout(() => {
        running.delete(key);
        fire();
      }, ms);
      timer.unref();
      running.set(key, timer);
    },
    stop(key) {
      clearTimeout(running.get(key));
      running.delete(key);
    },
    close() {
      for (const timer of running.values()) clearTimeout(timer);
      running.clear();
    },
  };
}
