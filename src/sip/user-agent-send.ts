/** Sends a request to the servers of its next hop, one after the other until one takes it. RFC 3263 4.3. */
import type { RequestSpec } from './dialog/types.ts';
import type { Locate } from './locate/locator.ts';
import { lossReportOf } from './locate/overload-control.ts';
import type { TargetHealth } from './locate/target-health.ts';
import { createResponse } from './message/build.ts';
import { isEmergencyUri } from './message/emergency.ts';
import type { SipResponse } from './message/message.ts';
import { parseUri } from './message/uri.ts';
import type { SipTimers } from './transaction/port.ts';
import type { Target, TransactionKey, TransactionLayer } from './transaction/types.ts';
import { requestOf } from './user-agent-message.ts';
import type { ExtraHeaders, LocalCause } from './user-agent-types.ts';

/** Who sent a request. Told of provisional responses, one final one (every 2xx to an INVITE) or one failure; never from inside `send`. */
export interface SendUser {
  /** `unheard`: why another server that was asked has given no answer; it may have done what it was asked for. Null: there is none. */
  onResponse(response: SipResponse, unheard: LocalCause | null): void;
  onFailure(cause: LocalCause): void;
  /** The request for the next server. Default: the same once more, as RFC 3263 4.3 has it. */
  again?(): RequestSpec;
}

/** A request on its way. */
export interface Sending {
  /** CANCELs an INVITE: at once when a 1xx came, else as soon as one comes. No further server is tried. RFC 3261 9.1. */
  cancel(headers: ExtraHeaders): void;
}

export interface Sender {
  /** `to`: this target alone, whatever the next hop. */
  send(spec: RequestSpec, user: SendUser, to?: Target): Sending;
  /** Sends the ACK of a 2xx, to the first server of its next hop. */
  ack(spec: RequestSpec): void;
}

export interface SenderOptions {
  layer(): TransactionLayer;
  locate: Locate;
  health: TargetHealth;
  timers: SipTimers;
  /** Makes the timers' keys the sender's own. */
  prefix: string;
  /** User-Agent, empty for none. */
  product: string;
  /** How long a server may say nothing while there is another to try, in ms; the last one has until timer B or F. */
  patienceMs: number;
}

/** Servers tried for one request. */
const MAX_TRIES = 5;

/** The request at one server. */
interface Try {
  readonly target: Target;
  readonly key: TransactionKey;
  /** It has had a final response. */
  answered: boolean;
  /** Why it never will. */
  failed: LocalCause | null;
}

/** One request and how far it is. */
interface Flight {
  readonly id: string;
  spec: RequestSpec;
  readonly user: SendUser;
  left: Target[];
  /** The last one counts; those before it were passed over, or given up without an answer. */
  readonly tries: Try[];
  /** A response above 100 came: the request is somewhere, and goes nowhere else. */
  heard: boolean;
  /** Servers that answered and were passed over. */
  passed: Target[];
  /** What one of them said, or a server given up: it is the answer when nobody says more. */
  answer: SipResponse | null;
  cancelled: ExtraHeaders | null;
  /** The final response or the failure was told. */
  settled: boolean;
}

export function createSender(options: SenderOptions): Sender {
  const { locate, health, timers, product, patienceMs } = options;
  let flights = 0;

  function hopsOf(spec: RequestSpec, tell: (targets: readonly Target[]) => void): void {
    const uri = parseUri(spec.nextHop);
    if (uri === null) tell([]);
    else locate(uri, tell);
  }

  function send(spec: RequestSpec, user: SendUser, to?: Target): Sending {
    flights += 1;
    const id = `${options.prefix}s${flights.toString(36)}`;
    const flight: Flight = {
      id,
      spec,
      user,
      left: [],
      tries: [],
      heard: false,
      passed: [],
      answer: null,
      cancelled: null,
      settled: false,
    };
    if (to !== undefined) tryNext(flight, [to]);
    else hopsOf(spec, targets => begin(flight, targets));
    return {
      cancel(headers) {
        flight.cancelled = headers;
        const asked = flight.tries.at(-1);
        if (asked !== undefined) options.layer().cancel(asked.key, headers);
      },
    };
  }

  function begin(flight: Flight, targets: readonly Target[]): void {
    const { spec, cancelled } = flight;
    if (cancelled !== null || targets.length === 0) {
      later(flight, () => flight.user.onFailure(cancelled === null ? 'no-route' : 'cancelled'));
      return;
    }
    const fit = health.choose(targets, () => isUrgent(spec));
    if (fit.length > 0) tryNext(flight, fit.slice(0, MAX_TRIES));
    else later(flight, () => flight.user.onResponse(heldResponse(spec, health.heldForS(targets)), null));
  }

  function later(flight: Flight, tell: () => void): void {
    flight.settled = true;
    timers.start(`${flight.id}!`, 0, tell);
  }

  /** Sends the request, as a new one with a branch of its own, to the first of these. */
  function tryNext(flight: Flight, targets: Target[]): void {
    const target = targets[0];
    if (target === undefined) return;
    flight.left = targets.slice(1);
    const key = options.layer().request(requestOf(flight.spec, product), target, {
      onResponse: response => onResponse(flight, asked, response),
      onFailure: cause => onFailure(flight, asked, cause),
    });
    const asked: Try = { target, key, answered: false, failed: null };
    flight.tries.push(asked);
    if (flight.left.length > 0) timers.start(flight.id, patienceMs, () => giveUp(flight, asked));
  }

  function counts(flight: Flight, asked: Try): boolean {
    return !flight.settled && asked === flight.tries.at(-1);
  }

  function onResponse(flight: Flight, asked: Try, response: SipResponse): void {
    const { target } = asked;
    const { status } = response;
    const final = status >= 200;
    asked.answered = final;
    const poor = leadsOn(flight.spec, status);
    if (status === 503) health.failed(target, response.headers.number('Retry-After') ?? null);
    else if (!poor) health.alive(target);
    const report = lossReportOf(response);
    if (report !== null) health.loss(target, report);
    const accepted = final && status < 300;
    if (!counts(flight, asked)) {
      if (accepted) acceptedLate(flight, response);
      return;
    }
    timers.stop(flight.id);
    if (!final) {
      if (status > 100) hear(flight);
      flight.user.onResponse(response, null);
      return;
    }
    if (!poor) blame(flight);
    else if (goOn(flight)) {
      flight.answer = response;
      flight.passed.push(target);
      return;
    }
    // What one server has done stands, though another refuses it.
    settle(flight, !accepted && isAccepted(flight.answer) ? flight.answer : response);
  }

  /** A server that was given up says yes all the same; anything else it says comes too late. */
  function acceptedLate(flight: Flight, response: SipResponse): void {
    if (flight.spec.method === 'INVITE') {
      // One more fork of the call. The try that is still under way is cancelled with the others: it would ring on.
      settle(flight, response);
    } else if (!flight.settled) {
      // The server asked behind it has the last word, if it says one: of two REGISTERs the later one counts.
      flight.answer = response;
      timers.start(flight.id, patienceMs, () => settle(flight, response));
    }
  }

  function hear(flight: Flight): void {
    flight.heard = true;
    flight.answer = null;
  }

  /** Whoever was passed over refused what another took, or decided: it comes last for a while. */
  function blame({ passed }: Flight): void {
    for (const target of passed.splice(0)) if (health.isUp(target)) health.failed(target, null);
  }

  function settle(flight: Flight, response: SipResponse): void {
    end(flight);
    const unheard = flight.tries.find(({ answered }) => !answered);
    flight.user.onResponse(response, unheard === undefined ? null : (unheard.failed ?? 'timeout'));
  }

  /** The copies end too: a server that comes back would do what may be of the past by then. */
  function end(flight: Flight): void {
    timers.stop(flight.id);
    flight.settled = true;
    for (const { key, answered } of flight.tries) if (!answered) options.layer().cancel(key, []);
  }

  function onFailure(flight: Flight, asked: Try, cause: 'timeout' | 'transport'): void {
    const { target } = asked;
    asked.failed = cause;
    // Nobody answering a request in a dialog, or any but an INVITE, may be the fault of who is behind the target.
    if (cause === 'transport' || (flight.spec.method === 'INVITE' && !flight.heard)) health.failed(target, null);
    if (!counts(flight, asked)) return;
    timers.stop(flight.id);
    if (goOn(flight)) return;
    if (flight.answer !== null) {
      settle(flight, flight.answer);
      return;
    }
    end(flight);
    flight.user.onFailure(cause);
  }

  /** True when the request went to the next server. */
  function goOn(flight: Flight): boolean {
    const { heard, cancelled, left, answer } = flight;
    if (heard || cancelled !== null || left.length === 0 || isAccepted(answer)) return false;
    flight.spec = flight.user.again?.() ?? flight.spec;
    tryNext(flight, left);
    return true;
  }

  /** The server has said nothing at all: should it ever ring, it is told to stop. */
  function giveUp(flight: Flight, asked: Try): void {
    if (!counts(flight, asked) || !goOn(flight)) return;
    health.failed(asked.target, null);
    if (flight.spec.method === 'INVITE') options.layer().cancel(asked.key, []);
  }

  return {
    send,
    ack(spec) {
      hopsOf(spec, targets => {
        const [target] = health.choose(targets, () => true);
        if (target !== undefined) options.layer().sendAck(requestOf(spec, product), target);
      });
    },
  };
}

/** True for a response that leaves the next server to try; a REGISTER reaches its registrar by any of them. RFC 3263 4.3, IMS digest 2.7. */
function leadsOn({ method }: RequestSpec, status: number): boolean {
  if (status === 503) return true;
  return method === 'REGISTER' && ((status >= 300 && status < 400) || [408, 500, 502].includes(status));
}

function isAccepted(answer: SipResponse | null): answer is SipResponse {
  return answer !== null && answer.status < 300;
}

/** Requests in a dialog and emergency calls are sent whatever a server has asked for. IMS digest 7.5. */
function isUrgent(spec: RequestSpec): boolean {
  const to = spec.headers.find(([name]) => name === 'To')?.[1] ?? '';
  return /;\s*tag=/i.test(to.slice(to.indexOf('>') + 1)) || isEmergencyUri(spec.uri);
}

/** What a server that wants to be left alone would say again: the user need not know that it was not asked. RFC 3261 21.5.4. */
function heldResponse(spec: RequestSpec, seconds: number): SipResponse {
  return createResponse(requestOf(spec, ''), 503, 'Service Unavailable', {
    headers: [['Retry-After', String(seconds)]],
  });
}
