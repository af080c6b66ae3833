/** One thing after the other, though some take their time: what a connection says is handled in the order it was said. */

export interface Turns {
  /** Runs it at once when nothing is under way, else in its turn. False: too much waits. */
  take(run: () => void | Promise<void>): boolean;
}

export function createTurns(limit: number, onFault: (error: unknown) => void): Turns {
  const waiting: Array<() => void | Promise<void>> = [];
  let busy = false;

  async function work(): Promise<void> {
    busy = true;
    for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) {
      try {
        await run();
      } catch (error) {
        onFault(error);
      }
    }
    busy = false;
  }

  return {
    take(run) {
      if (waiting.length >= limit) return false;
      waiting.push(run);
      if (!busy) void work();
      return true;
    },
  };
}
