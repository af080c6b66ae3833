/** Counts what a piece of code does instead of how long it takes: the blocks it runs and the characters and elements its searches look at. */
import { Session } from 'node:inspector';

export interface StepCounter {
  /** Steps of `work` in the counted files. The same work has the same count on any machine. */
  count(work: () => void): number;
  close(): void;
}

interface Range {
  count: number;
}
interface Coverage {
  result: ReadonlyArray<{ url: string; functions: ReadonlyArray<{ ranges: readonly Range[] }> }>;
}

/** What the runtime does in one call that grows with its text or list: it is charged with as much of it as it can have looked at. */
const SEARCHES = ['indexOf', 'lastIndexOf', 'includes', 'split', 'toLowerCase', 'toUpperCase', 'trim'];

/** `folder`: part of the addresses of the files that count. They have to be imported after this call: code compiled before has no counters. */
export function createStepCounter(folder: string): StepCounter {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  const searched = watchSearches();

  function blocks(): number {
    let sum = 0;
    // A session in its own thread answers before `post` returns.
    session.post('Profiler.takePreciseCoverage', (error: Error | null, coverage: Coverage) => {
      if (error !== null) throw error;
      for (const { url, functions } of coverage.result) {
        if (!url.includes(folder)) continue;
        for (const { ranges } of functions) for (const { count } of ranges) sum += count;
      }
    });
    return sum;
  }

  return {
    count(work) {
      blocks();
      const before = searched.characters;
      work();
      return blocks() + searched.characters - before;
    },
    close() {
      searched.restore();
      session.disconnect();
    },
  };
}

function watchSearches(): { characters: number; restore(): void } {
  const undo: Array<() => void> = [];
  const watched = { characters: 0, restore: () => undo.forEach(turn => void turn()) };
  for (const prototype of [String.prototype, Buffer.prototype, Array.prototype] as object[]) {
    for (const name of SEARCHES) {
      const native: unknown = Reflect.get(prototype, name);
      if (typeof native !== 'function') continue;
      const wrapped = function (this: { length: number }, ...args: unknown[]): unknown {
        const result: unknown = Reflect.apply(native, this, args);
        const from = name === 'indexOf' && typeof args[1] === 'number' ? args[1] : 0;
        const found = name === 'indexOf' && typeof result === 'number' && result >= 0;
        watched.characters += Math.max(0, (found ? result : this.length) - from);
        return result;
      };
      const before = Object.getOwnPropertyDescriptor(prototype, name);
      Object.defineProperty(prototype, name, { value: wrapped, configurable: true, writable: true });
      undo.push(() => {
        if (before === undefined) Reflect.deleteProperty(prototype, name);
        else Object.defineProperty(prototype, name, before);
      });
    }
  }
  return watched;
}
