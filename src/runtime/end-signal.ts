/** What a signal asks of a process that may be ending already. */

/** How a process ends: `drain` lets calls go on for a while, `end` is at once but in order, `force` is without a word to anybody. */
export type EndStep = 'drain' | 'end' | 'force';

/** One press of Ctrl-C may arrive several times: from the terminal, from npm, from a parent. What comes within this is one, in ms. */
const SAME_SIGNAL_MS = 1000;

export interface EndSignals {
  /** A signal came at `now` (ms): the step to take, or null when it says nothing new. */
  signal(name: 'SIGTERM' | 'SIGINT', now: number): EndStep | null;
  /** The parent process let go of this one at `now` (ms): never a reason to force, and with the press it may have heard first it is one. */
  orphaned(now: number): EndStep | null;
}

/** SIGTERM drains, SIGINT ends at once; a second signal cuts a drain short, one after that forces. */
export function createEndSignals(): EndSignals {
  let step: EndStep | null = null;
  let heardAt = Number.NEGATIVE_INFINITY;

  function take(next: EndStep): EndStep {
    step = next;
    return next;
  }

  return {
    signal(name, now) {
      if (now - heardAt < SAME_SIGNAL_MS) return null;
      heardAt = now;
      if (step === null) return take(name === 'SIGTERM' ? 'drain' : 'end');
      return take(step === 'drain' ? 'end' : 'force');
    },
    orphaned(now) {
      heardAt = now;
      return step === null || step === 'drain' ? take('end') : null;
    },
  };
}
