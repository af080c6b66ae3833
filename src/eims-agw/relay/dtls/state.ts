/** The plain data of one association, and how flights, timers and the end are written down in it. RFC 6347 4.2.4. */
import type { KeyObject } from 'node:crypto';
import { Alert, AlertLevel, ContentType } from './code.ts';
import { type FlightItem, makeRecord, packFlight, type Writer } from './flight.ts';
import { type Inbox, wholeMessage } from './inbox.ts';
import type { KeyShare } from './key-share.ts';
import type { DtlsRecord, ReplayWindow } from './record.ts';
import type { Protection, Suite } from './suite.ts';
import type { DtlsCounters, DtlsEffect, DtlsFailure, DtlsOptions, DtlsRole, SrtpProfile } from './types.ts';

const MAX_REPEAT_MS = 8000;
const HANDSHAKE_MS = 30_000;
/** Answers to a flight that the peer sends again: so many, so far apart. */
const MAX_ANSWERS = 10;
const ANSWER_GAP_MS = 50;

/** The message that is waited for, or `done` or `over`. */
export type Phase =
  | 'client-hello'
  | 'client-certificate'
  | 'client-key-exchange'
  | 'certificate-verify'
  | 'client-finished'
  | 'server-hello'
  | 'server-certificate'
  | 'server-key-exchange'
  | 'certificate-request'
  | 'server-hello-done'
  | 'server-finished'
  | 'done'
  | 'over';

export interface Association {
  role: DtlsRole;
  options: DtlsOptions;
  profiles: readonly SrtpProfile[];
  random: (size: number) => Buffer;
  phase: Phase;
  started: boolean;
  /** How it ended, once the phase is `over`. */
  ending: 'closed' | 'failed';
  counters: DtlsCounters;
  inbox: Inbox;
  window: ReplayWindow;
  /** Records of epoch 1 that came before the keys. */
  early: DtlsRecord[];
  writer: Writer;
  writeEpoch: 0 | 1;
  readKeys: Protection | undefined;
  /** message_seq of our next message. */
  sendSeq: number;
  flight: FlightItem[];
  /** First message_seq of the peer's flight that ours answered, and of the one awaited. */
  answeredFrom: number;
  awaitedFrom: number;
  answers: number;
  sentAt: number;
  repeatMs: number;
  repeatAt: number;
  /** End of the handshake; later the end of keeping the last flight. */
  deadline: number;
  timerAt: number;
  /** Client: the server asked for a cookie. */
  cookieSeen: boolean;
  cookie: Buffer;
  transcript: Buffer[];
  clientRandom: Buffer;
  serverRandom: Buffer;
  suite: Suite | undefined;
  profile: SrtpProfile | undefined;
  share: KeyShare | undefined;
  /** The server's public value, until the client answers. */
  peerValue: Buffer;
  peerKey: KeyObject | undefined;
  master: KeyObject | undefined;
  refusedRenegotiation: boolean;
  /** The last alert in clear: told when the time is up, believed by nobody. */
  hint: string;
}

/** Why a handshake cannot go on. `alert` is told to the peer. */
export interface Fault {
  reason: DtlsFailure;
  alert: number;
  detail: string;
}

export function fault(reason: DtlsFailure, alert: number, detail: string): Fault {
  return { reason, alert, detail };
}

/** Adds a message to the flight in the making and to the transcript. */
export function addMessage(a: Association, messageType: number, body: Buffer): void {
  a.flight.push({ type: 'message', epoch: a.writeEpoch, messageType, seq: a.sendSeq, body });
  a.transcript.push(wholeMessage(messageType, a.sendSeq, body));
  a.sendSeq += 1;
}

/** All that follows is protected. */
export function addChangeCipherSpec(a: Association): void {
  a.flight.push({ type: 'change-cipher-spec' });
  a.writeEpoch = 1;
}

/** Sends the flight for the first time; `repeats` says whether a timer guards it. */
export function sendFlight(a: Association, repeats: boolean, now: number, out: DtlsEffect[]): void {
  a.answeredFrom = a.awaitedFrom;
  a.awaitedFrom = a.inbox.expected;
  a.answers = 0;
  a.repeatMs = Math.max(ANSWER_GAP_MS, 2 * (a.options.rttMs ?? 0));
  a.repeatAt = repeats ? now + a.repeatMs : Number.POSITIVE_INFINITY;
  emitFlight(a, now, out);
  setTimer(a, out);
}

/** The timer of the flight fired. RFC 6347 4.2.4.1. */
export function repeatFlight(a: Association, now: number, out: DtlsEffect[]): void {
  a.repeatMs = Math.min(2 * a.repeatMs, MAX_REPEAT_MS);
  a.repeatAt = now + a.repeatMs;
  a.counters.resentFlights += 1;
  emitFlight(a, now, out);
}

/** A message of the flight that ours answered came again: the peer did not get ours. RFC 6347 4.2.4. */
export function answerRepeat(a: Association, now: number, out: DtlsEffect[]): void {
  if (a.flight.length === 0 || a.answers >= MAX_ANSWERS || now - a.sentAt < ANSWER_GAP_MS) return;
  a.answers += 1;
  a.counters.resentFlights += 1;
  emitFlight(a, now, out);
}

/** The time of the whole handshake begins. */
export function beginDeadline(a: Association, now: number, out: DtlsEffect[]): void {
  a.started = true;
  a.deadline = now + HANDSHAKE_MS;
  setTimer(a, out);
}

/** Tells the time of the next event when it changed. */
export function setTimer(a: Association, out: DtlsEffect[]): void {
  const at = Math.min(a.repeatAt, a.deadline);
  if (at === a.timerAt) return;
  a.timerAt = at;
  out.push(at === Number.POSITIVE_INFINITY ? { type: 'stop-timer' } : { type: 'set-timer', at });
}

/** Forgets the flight and all times. */
export function forgetFlight(a: Association, out: DtlsEffect[]): void {
  a.flight = [];
  a.repeatAt = Number.POSITIVE_INFINITY;
  a.deadline = Number.POSITIVE_INFINITY;
  setTimer(a, out);
}

export function sendAlert(a: Association, level: number, description: number, out: DtlsEffect[]): void {
  const datagram = makeRecord(a.writer, ContentType.alert, a.writeEpoch, Buffer.from([level, description]));
  out.push({ type: 'send', datagram });
}

/** Ends with an alert and no keys. */
export function fail(a: Association, { reason, alert, detail }: Fault, out: DtlsEffect[]): void {
  sendAlert(a, AlertLevel.fatal, alert, out);
  endFailed(a, reason, detail, out);
}

/** Ends without a word to the peer. */
export function endFailed(a: Association, reason: DtlsFailure, detail: string, out: DtlsEffect[]): void {
  end(a, 'failed', out);
  out.push({ type: 'failed', reason, detail });
}

/** close_notify, and the end. RFC 5246 7.2.1. */
export function endClosed(a: Association, reason: 'remote' | 'local', out: DtlsEffect[]): void {
  if (a.started) sendAlert(a, AlertLevel.warning, Alert.closeNotify, out);
  end(a, 'closed', out);
  out.push({ type: 'closed', reason });
}

/** Drops every reference to a secret: KeyObjects cannot be wiped. */
function end(a: Association, ending: 'closed' | 'failed', out: DtlsEffect[]): void {
  a.phase = 'over';
  a.ending = ending;
  forgetFlight(a, out);
  forgetSecrets(a);
  a.readKeys = undefined;
  a.writer.protection = undefined;
  a.early = [];
  a.inbox.slots.clear();
  a.inbox.heldBytes = 0;
}

/** Drops what only the handshake needs. */
export function forgetSecrets(a: Association): void {
  a.share = undefined;
  a.peerKey = undefined;
  a.master = undefined;
  a.transcript = [];
}

function emitFlight(a: Association, now: number, out: DtlsEffect[]): void {
  a.sentAt = now;
  for (const datagram of packFlight(a.flight, a.writer)) out.push({ type: 'send', datagram });
}
