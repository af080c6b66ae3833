/** What one subscription is owed at an https sink: order within a call, independence between calls, retry, giving up. CAMARA digest 8.5. */
import type { CircuitBreaker } from './circuit-breaker.ts';
import type { Clock, OutboxRow, Outcome, SinkAnswer, SinkTransport, TimerHandle } from './ports.ts';
import type { SubscriptionRow } from './subscription-table.ts';

export interface SinkQueueDeps {
  clock: Clock;
  sink: SinkTransport;
  breaker: CircuitBreaker;
  limits: { giveUpMs: number; giveUpEndMs: number; queueLength: number };
  /** A row has left the queue for good. */
  finish(row: OutboxRow, outcome: Outcome): void;
  /** The sink said 410. */
  gone(): void;
}

export interface SinkQueue {
  push(row: OutboxRow): void;
  /** Drops everything; what is under way is no longer listened to. */
  abandon(outcome: Outcome): void;
  /** Stops without dropping: the rows stay in the store. */
  stop(): void;
}

/** Events of one call (or registration); the first of `rows` is under way or waits for its timer. */
interface Lane {
  key: string;
  rows: OutboxRow[];
  /** Attempts made for the first row. */
  attempts: number;
  /** 401 answers to the first row in a row. */
  unauthorized: number;
  busy: boolean;
  timer: TimerHandle | null;
}

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;
const UNAUTHORIZED_RETRY_MS = 1000;

/** Makes the queue of a subscription. `row` is read at each attempt, so that a new token counts at once. */
export function createSinkQueue(row: SubscriptionRow, deps: SinkQueueDeps): SinkQueue {
  const { clock, breaker, limits } = deps;
  const host = new URL(row.sink).host;
  const lanes = new Map<string, Lane>();
  /** `subscription-ended` waits until all else has left. */
  let end: OutboxRow | null = null;
  let length = 0;
  let stopped = false;

  const deadline = (of: OutboxRow): number => of.at + (isEnd(of) ? limits.giveUpEndMs : limits.giveUpMs);

  function push(added: OutboxRow): void {
    if (stopped) return;
    length += 1;
    if (added.type === 'subscription-ended') {
      end = added;
      if (lanes.size === 0) startEnd();
      return;
    }
    let lane = lanes.get(added.lane);
    if (lane === undefined) {
      lane = { key: added.lane, rows: [], attempts: 0, unauthorized: 0, busy: false, timer: null };
      lanes.set(added.lane, lane);
    }
    lane.rows.push(added);
    pump(lane);
    while (length > limits.queueLength && dropOne(length > 2 * limits.queueLength));
  }

  function startEnd(): void {
    if (end === null) return;
    const lane: Lane = { key: '', rows: [end], attempts: 0, unauthorized: 0, busy: false, timer: null };
    end = null;
    lanes.set('', lane);
    pump(lane);
  }

  /** Makes room: the oldest status that more follow, else the oldest session event; the two end events only when `any`. */
  function dropOne(any: boolean): boolean {
    let best: { lane: Lane; index: number; row: OutboxRow; rank: number } | null = null;
    for (const lane of lanes.values()) {
      for (let index = lane.busy ? 1 : 0; index < lane.rows.length; index += 1) {
        const candidate = lane.rows[index];
        if (candidate === undefined) continue;
        const rank = isEnd(candidate) ? 2 : candidate.type === 'session-status' && !candidate.final ? 0 : 1;
        if (rank === 2 && !any) continue;
        if (best === null || rank < best.rank || (rank === best.rank && candidate.key < best.row.key)) {
          best = { lane, index, row: candidate, rank };
        }
      }
    }
    if (best === null) return false;
    best.lane.rows.splice(best.index, 1);
    length -= 1;
    deps.finish(best.row, 'dropped');
    if (best.index === 0) next(best.lane);
    return true;
  }

  function pump(lane: Lane): void {
    if (stopped || lane.busy || lane.timer !== null) return;
    const first = lane.rows[0];
    if (first === undefined) {
      lanes.delete(lane.key);
      if (lanes.size === 0) startEnd();
      return;
    }
    const now = clock.now();
    // An end event gets one attempt however long it waited behind others; a stale session event is worse than none.
    if (now > deadline(first) && !(isEnd(first) && lane.attempts === 0)) {
      settle(lane, 'given-up');
      return;
    }
    const wait = breaker.ask(host, now);
    if (wait > 0) {
      again(lane, Math.max(1, Math.min(wait, deadline(first) + 1 - now)));
      return;
    }
    lane.busy = true;
    lane.attempts += 1;
    const { sink: url, accessToken } = row;
    void deps.sink
      .deliver({ url, body: first.body, accessToken, correlator: first.correlator })
      .then(answer => hear(lane, first, answer));
  }

  function hear(lane: Lane, first: OutboxRow, answer: SinkAnswer): void {
    const reached = answer.type === 'answered' && answer.status < 500;
    if (reached) breaker.succeeded(host);
    else breaker.failed(host, clock.now());
    if (stopped) return;
    lane.busy = false;
    const status = answer.type === 'answered' ? answer.status : 0;
    if (status !== 401) lane.unauthorized = 0;
    if (status >= 200 && status < 300) settle(lane, 'delivered');
    else if (answer.type === 'blocked') settle(lane, 'refused');
    else if (status === 401) unauthorized(lane, first);
    else if (status === 410) deps.gone();
    else if (status === 429) later(lane, first, answer.type === 'answered' ? answer.retryAfterMs : null);
    else if (status === 0 || status === 408 || status >= 500) later(lane, first, null);
    else settle(lane, 'refused');
  }

  /** A subscription ends before its token does, so that what is refused again after its end is refused for good. */
  function unauthorized(lane: Lane, first: OutboxRow): void {
    lane.unauthorized += 1;
    if (lane.unauthorized === 1) later(lane, first, UNAUTHORIZED_RETRY_MS);
    else if (row.ended) settle(lane, 'refused');
    else later(lane, first, null);
  }

  /** Tries again after `asked` ms, or after the usual pause; the last attempt falls on the deadline. */
  function later(lane: Lane, first: OutboxRow, asked: number | null): void {
    const left = deadline(first) - clock.now();
    const usual = Math.min(FIRST_RETRY_MS * 2 ** Math.min(lane.attempts - 1, 16), LONGEST_RETRY_MS);
    if (left <= 0 || (asked !== null && asked > left)) settle(lane, 'given-up');
    else again(lane, asked ?? Math.min(usual, left));
  }

  function again(lane: Lane, ms: number): void {
    lane.timer = clock.setTimer(ms, () => {
      lane.timer = null;
      pump(lane);
    });
  }

  function settle(lane: Lane, outcome: Outcome): void {
    const first = lane.rows.shift();
    if (first === undefined) return;
    length -= 1;
    deps.finish(first, outcome);
    next(lane);
  }

  function next(lane: Lane): void {
    if (lane.timer !== null) clock.clearTimer(lane.timer);
    lane.timer = null;
    lane.attempts = 0;
    lane.unauthorized = 0;
    pump(lane);
  }

  function stop(): void {
    stopped = true;
    for (const lane of lanes.values()) if (lane.timer !== null) clock.clearTimer(lane.timer);
  }

  return {
    push,
    stop,
    abandon(outcome) {
      stop();
      const left = [...lanes.values()].flatMap(lane => lane.rows);
      lanes.clear();
      if (end !== null) left.push(end);
      for (const each of left) deps.finish(each, outcome);
    },
  };
}

function isEnd(row: OutboxRow): boolean {
  return row.type === 'registration-ends' || row.type === 'subscription-ended';
}
