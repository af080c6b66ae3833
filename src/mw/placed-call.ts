/** A call out as it is tried: one first hop after another, once more without the location or with preconditions when that is the fault. IMS digest 3.6, 6.2, 6.4. */
import {
  type Call,
  type CallUser,
  type Failure,
  type OutgoingCall,
  reasonPhrase,
  type SipTimers,
  type UserAgent,
} from '../sip/index.ts';
import { asksForPreconditions } from './precondition.ts';

/** How one attempt differs from another. */
export interface Attempt {
  route: readonly string[];
  /** The location goes along. */
  located: boolean;
  /** Preconditions are named. */
  precondition: boolean;
}

export interface Placement {
  /** Route sets in the order they are tried; at least one. */
  routes: ReadonlyArray<readonly string[]>;
  /** Time each of them has to say anything, in ms; null: as long as the transaction lives. */
  attemptMs: number | null;
  /** A location goes along. */
  located: boolean;
  /** The request of one attempt. */
  request(attempt: Attempt): OutgoingCall;
}

interface Tools {
  agent: UserAgent;
  timers: SipTimers;
  /** Key of the timer, unlike any other. */
  key: string;
}

const UNANSWERED: Failure = { response: null, cause: 'timeout' };

/** Places the call. `user` hears of one attempt at a time, and a refusal only when nothing is left to try. */
export function placeCall({ agent, timers, key }: Tools, placement: Placement, user: CallUser): Call {
  const { routes, attemptMs } = placement;
  let { located } = placement;
  let precondition = false;
  let next = 0;
  let serial = 0;
  let over = false;
  let current = start();

  function start(): Call {
    serial += 1;
    const mine = serial;
    if (attemptMs !== null) timers.start(key, attemptMs, () => passOver(mine));
    return agent.call(placement.request({ route: routes[next] ?? [], located, precondition }), listener(mine));
  }

  /** Nothing was heard: this one is given up, and if nobody is left the caller is told at once. */
  function passOver(mine: number): void {
    if (mine !== serial || over) return;
    // Should it answer after all, the agent ends what comes of it.
    current.end([['Reason', `SIP;cause=408;text="${reasonPhrase(408)}"`]]);
    if (next + 1 < routes.length) {
      next += 1;
      current = start();
      return;
    }
    over = true;
    serial += 1;
    user.onRejected(UNANSWERED);
  }

  function listener(mine: number): CallUser {
    /** What an attempt that was given up says is not heard. */
    const heard =
      <T extends unknown[]>(tell: (...args: T) => void) =>
      (...args: T): void => {
        if (mine !== serial) return;
        if (attemptMs !== null) timers.stop(key);
        tell(...args);
      };
    return {
      onTrying: heard(() => {}),
      onProgress: heard(user.onProgress),
      onAnswered: heard(user.onAnswered),
      onRejected: heard(failure => {
        if (!tryAgain(failure)) user.onRejected(failure);
      }),
      onCancelled: heard(user.onCancelled),
      onAcked: heard(user.onAcked),
      onEnded: heard(user.onEnded),
      onReoffer: heard(user.onReoffer),
      onInfo: heard(request => user.onInfo?.(request)),
      onUpdated: heard(user.onUpdated),
      onUpdateFailed: heard(user.onUpdateFailed),
    };
  }

  function tryAgain(failure: Failure): boolean {
    if (over) return false;
    // RFC 6442 4.4: the location is at fault, not the call.
    if (located && failure.response?.status === 424) located = false;
    else if (!precondition && failure.response !== null && asksForPreconditions(failure.response)) precondition = true;
    else if (next + 1 < routes.length && leadsOn(failure)) next += 1;
    else return false;
    current = start();
    return true;
  }

  return {
    get callId() {
      return current.callId;
    },
    provisional: response => current.provisional(response),
    answer: (body, headers) => current.answer(body, headers),
    reject: refusal => current.reject(refusal),
    end(headers, refusal) {
      over = true;
      timers.stop(key);
      return current.end(headers, refusal);
    },
    reinvite: (body, headers) => current.reinvite(body, headers),
    update: (body, headers, fork) => current.update(body, headers, fork),
    info: body => current.info(body),
    ack: body => current.ack(body),
  };
}

/** Silence and the faults of a server say nothing of the next one. */
function leadsOn({ response }: Failure): boolean {
  return response === null || response.status === 408 || (response.status >= 500 && response.status < 600);
}
