/** Drives one call machine: its effects become transactions, timers and calls of its user. */
import { sdpOf } from './dialog/body.ts';
import { type CallState, fits, handleCall, isConfirmed } from './dialog/call.ts';
import type { CallEffect, CallEvent, CallInput, RequestSpec } from './dialog/types.ts';
import type { SipRequest, SipResponse } from './message/message.ts';
import type { SipTimers } from './transaction/port.ts';
import type { TransactionKey, TransactionLayer } from './transaction/types.ts';
import type { Authorizer } from './user-agent-auth.ts';
import { responseOf } from './user-agent-message.ts';
import type { Sender, Sending } from './user-agent-send.ts';
import { performTimer } from './user-agent-timer.ts';
import type {
  Body,
  Call,
  CallUser,
  ExtraHeaders,
  Failure,
  LocalCause,
  Provisional,
  Refusal,
  UserAgentUser,
} from './user-agent-types.ts';

/** What a driven call needs of its agent. */
export interface CallHost {
  layer(): TransactionLayer;
  sender(): Sender;
  timers: SipTimers;
  now(): number;
  product: string;
  log: NonNullable<UserAgentUser['log']>;
}

export interface CallDriver extends Call {
  /** Unique in the agent; part of its timers' keys. */
  readonly id: string;
  readonly localTag: string;
  readonly confirmed: boolean;
  input(input: CallInput): void;
  /** Keeps a request until it is answered for good. */
  hold(key: TransactionKey, request: SipRequest): void;
  /** A request in the dialog, for the machine. */
  request(key: TransactionKey, request: SipRequest): void;
  setUser(user: CallUser): void;
}

const DEFAULT_REFUSAL: Refusal = { status: 480, reason: 'Temporarily Unavailable' };

export function createCallDriver(
  host: CallHost,
  id: string,
  callId: string,
  localTag: string,
  state: CallState,
  authorize: Authorizer,
  onGone: (driver: CallDriver) => void,
): CallDriver {
  const queue: CallInput[] = [];
  const requests = new Map<TransactionKey, SipRequest>();
  const sent = new Map<TransactionKey, SipResponse>();
  const out: CallEffect[] = [];
  let invite: { id: number; sending: Sending } | null = null;
  let user: CallUser | null = null;
  let running = false;
  let gone = false;

  /** One input, all its effects, then the next: what the user does in a callback waits its turn. */
  function input(next: CallInput): void {
    queue.push(next);
    if (running) return;
    running = true;
    try {
      for (let now = queue.shift(); now !== undefined; now = queue.shift()) {
        out.length = 0;
        handleCall(state, now, host.now(), out);
        for (const effect of out) perform(effect);
      }
    } finally {
      running = false;
      out.length = 0;
    }
  }

  function perform(effect: CallEffect): void {
    switch (effect.type) {
      case 'send':
        send(effect.id, effect.spec);
        return;
      case 'send-ack':
        host.sender().ack(effect.spec);
        return;
      case 'cancel':
        if (invite?.id === effect.id) invite.sending.cancel(effect.headers);
        return;
      case 'respond':
        respond(effect);
        return;
      case 'repeat': {
        const response = sent.get(effect.key);
        if (response !== undefined) host.layer().respond(effect.key, response);
        return;
      }
      case 'forget':
        forget(effect.key);
        return;
      case 'start-timer':
      case 'stop-timer':
        performTimer(host.timers, id, effect, input);
        return;
      case 'tell':
        if (user !== null) tell(user, effect.event);
        return;
      case 'log':
        host.log(effect.level, effect.message, { sip_call_id: callId });
        return;
      case 'gone':
        finish();
        return;
      default:
        effect satisfies never;
    }
  }

  function send(sendId: number, spec: RequestSpec): void {
    const sending = host.sender().send(spec, {
      onResponse: response =>
        input({ type: 'response', id: sendId, response, authorization: authorize.answer(response, spec) }),
      onFailure: cause => input({ type: 'failure', id: sendId, cause }),
    });
    if (spec.method === 'INVITE') invite = { id: sendId, sending };
  }

  function respond(effect: CallEffect & { type: 'respond' }): void {
    const { key, spec } = effect;
    const request = requests.get(key);
    if (request === undefined) return;
    const response = responseOf(request, spec, localTag, host.product);
    if (request.method === 'INVITE' && spec.status < 300) sent.set(key, response);
    else forget(key);
    host.layer().respond(key, response);
  }

  function forget(key: TransactionKey): void {
    requests.delete(key);
    sent.delete(key);
  }

  function finish(): void {
    if (gone) return;
    gone = true;
    requests.clear();
    sent.clear();
    // Nothing more is told, yet late copies of a 2xx reach us for half a minute.
    user = null;
    invite = null;
    onGone(driver);
  }

  function tell(to: CallUser, event: CallEvent): void {
    switch (event.type) {
      case 'trying':
        to.onTrying?.();
        return;
      case 'progress': {
        const { fork, response, reliable } = event;
        to.onProgress({ fork, response, sdp: sdpOf(response), reliable });
        return;
      }
      case 'answered':
        to.onAnswered({ fork: event.fork, response: event.response, sdp: sdpOf(event.response) });
        return;
      case 'rejected':
        to.onRejected(failureOf(event.response, event.cause));
        return;
      case 'cancelled':
        to.onCancelled(event.request);
        return;
      case 'acked':
        to.onAcked(sdpOf(event.request), event.request);
        return;
      case 'ended':
        if (event.cause === 'bye' && event.request !== null) to.onEnded({ cause: 'bye', request: event.request });
        else if (event.cause !== 'bye') to.onEnded({ cause: event.cause, request: null });
        return;
      case 'reoffer': {
        const { key, request } = event;
        to.onReoffer({
          request,
          sdp: sdpOf(request),
          accept: (body, headers = []) => input({ type: 'accept', key, body, headers }),
          reject: refusal => input({ type: 'refuse', key, refusal }),
        });
        return;
      }
      case 'info':
        to.onInfo?.(event.request);
        return;
      case 'updated':
        to.onUpdated({ fork: event.fork, response: event.response, sdp: sdpOf(event.response) });
        return;
      case 'update-failed':
        to.onUpdateFailed(failureOf(event.response, event.cause));
        return;
      default:
        event satisfies never;
    }
  }

  /** Hands an input of the user on when it fits the state. */
  function wish(next: CallInput): boolean {
    if (!fits(state, next)) return false;
    input(next);
    return true;
  }

  const driver: CallDriver = {
    id,
    callId,
    localTag,
    get confirmed() {
      return isConfirmed(state);
    },
    input,
    hold: (key, request) => requests.set(key, request),
    request(key, request) {
      requests.set(key, request);
      input({ type: 'request', key, request });
    },
    setUser(next) {
      user = next;
    },
    provisional(response: Provisional) {
      const { status, reason, body = null, headers = [], reliable = 'auto' } = response;
      return wish({ type: 'provisional', status, reason, headers, body, reliable });
    },
    answer: (body: Body | null, headers: ExtraHeaders = []) => wish({ type: 'answer', body, headers }),
    reject: (refusal: Refusal) => wish({ type: 'reject', refusal }),
    end: (headers: ExtraHeaders = [], refusal: Refusal = DEFAULT_REFUSAL) => wish({ type: 'end', headers, refusal }),
    reinvite: (body: Body, headers: ExtraHeaders = []) => wish({ type: 'reinvite', body, headers }),
    update: (body: Body | null, headers: ExtraHeaders = [], fork: string | null = null) =>
      wish({ type: 'update', fork, body, headers }),
    info: (body: Body) => wish({ type: 'info', body }),
    ack: (body: Body) => wish({ type: 'ack', body }),
  };
  return driver;
}

function failureOf(response: SipResponse | null, cause: LocalCause | null): Failure {
  return response !== null ? { response, cause: null } : { response: null, cause: cause ?? 'internal' };
}
