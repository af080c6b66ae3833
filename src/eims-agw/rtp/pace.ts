/** Rests between turns of the event loop that carry packets: each waking costs about as much as a packet, so one shall find several. */

/** To be told of each packet of one socket. */
export type Pace = () => void;

/** A socket gives no more than this in one turn (libuv's udp.c); the rest stays in its queue, which must not run over. */
const FULL_TURN = 32;

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
 * Gives each socket its pace: a rest of `ms` after each turn that carried packets; 0: none. A turn that was longer than
 * the rest, or in which a socket gave all it can, has none: behind it packets wait already, and a worker that has enough
 * to do loses no time.
 */
export function createPace(ms: number, world: PaceWorld = thread): () => Pace {
  if (ms === 0) return () => () => undefined;
  let turn = 0;
  let since: number | null = null;
  let full = false;
  const end = () => {
    const took = world.now() - (since ?? 0);
    const rests = took < ms && !full;
    since = null;
    full = false;
    turn += 1;
    if (rests) world.rest(ms);
  };
  return () => {
    let mine = 0;
    let given = 0;
    return () => {
      if (mine !== turn) {
        mine = turn;
        given = 0;
      }
      given += 1;
      full ||= given >= FULL_TURN;
      if (since !== null) return;
      since = world.now();
      world.atTurnEnd(end);
    };
  };
}
