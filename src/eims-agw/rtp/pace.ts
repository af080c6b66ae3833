/** Rests between turns of the event loop that carry packets: each waking costs about as much as a packet, so one shall find several. */

/** To be told of each packet. */
export type Pace = () => void;

export interface PaceWorld {
  /** ms, monotonic. */
  now(): number;
  /** Runs once what this turn has to do is done. */
  atTurnEnd(run: () => void): void;
  /** Stops the thread for so many ms. */
  rest(ms: number): void;
}

/** The thread of this process. Nobody ever wakes it early. */
const nobody = new Int32Array(new SharedArrayBuffer(4));
const thread: PaceWorld = {
  now: () => performance.now(),
  atTurnEnd: run => void setImmediate(run),
  rest: ms => void Atomics.wait(nobody, 0, 0, ms),
};

/**
 * A rest of `ms` after each turn that carried packets; 0: none. A turn that was longer than the rest has none: behind it
 * packets wait already, and a worker that has enough to do loses no time.
 */
export function createPace(ms: number, world: PaceWorld = thread): Pace {
  if (ms === 0) return () => undefined;
  let since: number | null = null;
  const end = () => {
    const took = world.now() - (since ?? 0);
    since = null;
    if (took < ms) world.rest(ms);
  };
  return () => {
    if (since !== null) return;
    since = world.now();
    world.atTurnEnd(end);
  };
}
