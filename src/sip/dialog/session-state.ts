/** The state of a session inside its dialog and the steps several of its machines share. RFC 3261 12 to 15. */
import type { TransactionKey } from '../transaction/types.ts';
import type { Body, ExtraHeaders, Refusal } from '../user-agent-types.ts';
import { type Dialog, requestIn } from './dialog.ts';
import { plain } from './in-dialog.ts';
import type { Seeded } from './random.ts';
import { type answerTimer, armTimer, type SessionTimer, stopTimers } from './session-timer.ts';
import type { CallEffect, Facts, Header, RequestSpec, ResponseSpec } from './types.ts';

/** Our INVITE inside the dialog. */
export interface Outgoing {
  id: number;
  seq: number;
  headers: ExtraHeaders;
  body: Body;
  purpose: 'user' | 'refresh';
  /** Sent so often: the first time and after 491, 422, 401. */
  tries: number;
  /** The answer to a challenge, for this INVITE and its ACK. */
  auth: readonly Header[];
  /** Refused with 491 and not sent again yet. */
  waiting: boolean;
  /** Last RSeq PRACKed, and how many were. */
  rseq: number | null;
  pracks: number;
}

/** Our UPDATE: a refresh without description, or what the user sends. RFC 3311. */
export interface OutgoingUpdate {
  id: number;
  headers: ExtraHeaders;
  body: Body | null;
  purpose: 'user' | 'refresh';
  /** It carries a session description: an offer. */
  offer: boolean;
  /** Sent so often: the first time and after 491, 422, 401. */
  tries: number;
  /** The answer to a challenge. */
  auth: readonly Header[];
  /** Refused with 491 and not sent again yet. */
  waiting: boolean;
}

/** Their INVITE or UPDATE that waits for its answer by the user. */
interface Incoming {
  key: TransactionKey;
  method: string;
  seq: number;
  /** Contact of the request: the new target once it is accepted. */
  target: string | null;
  timer: ReturnType<typeof answerTimer>;
}

/** A request whose answer decides nothing by itself, to send again when it is challenged. */
export interface Lone {
  method: string;
  headers: readonly Header[];
  body: Body | null;
}

/** Request ids of one session: `base` + n. The INVITE of a call out has ids below the first base. */
export const ID_BASE = 0x10000;

export interface Session extends Seeded {
  dialog: Dialog;
  facts: Facts;
  phase: 'early' | 'confirmed' | 'ending' | 'over';
  /** We made the Call-ID (decides who waits longer after 491). */
  owner: boolean;
  nextId: number;
  /** Offer and answer of the first INVITE are complete. */
  settled: boolean;
  /** Our INVITE inside the dialog. */
  outgoing: Outgoing | null;
  /** Their INVITE or UPDATE with an offer, not answered yet. */
  incoming: Incoming | null;
  /** Our 2xx without ACK. */
  unacked: { key: TransactionKey; seq: number; intervalMs: number; until: number; first: boolean } | null;
  /** Our last ACK, for copies of its 2xx. */
  acked: { id: number; spec: RequestSpec } | null;
  bye: { id: number; headers: ExtraHeaders; tries: number } | null;
  /** BYE that waits for the ACK of our 2xx. RFC 3261 15. */
  byeAfterAck: ExtraHeaders | null;
  update: OutgoingUpdate | null;
  timer: SessionTimer | null;
  peerUpdates: boolean;
  /** The peer takes INFO, and has refused none of ours. */
  peerInfos: boolean;
  /** Our INFO without an answer, by its id. */
  info: number | null;
  /** Our INFOs and the PRACKs of a re-INVITE without an answer, by id. */
  lone: Record<number, Lone>;
  /** Last description we sent, for refreshes by re-INVITE. */
  localBody: Body | null;
}

/** A session whose dialog is early. `index` separates its request ids from those of other forks. */
export function newSession(dialog: Dialog, facts: Facts, owner: boolean, seed: number, index: number): Session {
  return {
    seed,
    dialog,
    facts,
    phase: 'early',
    owner,
    nextId: (index + 1) * ID_BASE,
    settled: false,
    outgoing: null,
    incoming: null,
    unacked: null,
    acked: null,
    bye: null,
    byeAfterAck: null,
    update: null,
    timer: null,
    peerUpdates: false,
    peerInfos: false,
    info: null,
    lone: {},
    localBody: null,
  };
}

/** True when a re-INVITE of ours may be sent now. RFC 3261 14.1. */
export function canReoffer(session: Session): boolean {
  const { phase, outgoing, incoming, unacked, update } = session;
  if (phase !== 'confirmed' || update?.offer === true) return false;
  return outgoing === null && incoming === null && unacked === null;
}

/** True when an UPDATE of ours may be sent now; with an offer only while no other is open in either direction. RFC 3311 5.1. */
export function canUpdate(session: Session, offer: boolean): boolean {
  if (session.update !== null || !session.peerUpdates || !isKnown(session)) return false;
  return offer ? isQuiet(session) && session.outgoing === null : isAlive(session);
}

/** The peer has the dialog: before the ACK of our first 2xx a request of ours may overtake it, and find nobody. */
export function isKnown({ unacked }: Session): boolean {
  return unacked?.first !== true;
}

/** Nothing of the peer's is open: what waited after 491 may be sent. */
export function isQuiet(session: Session): boolean {
  const { settled, incoming, unacked } = session;
  return isAlive(session) && settled && incoming === null && unacked === null;
}

/** Not ended, and not about to. */
export function isAlive({ phase }: Session): boolean {
  return phase === 'early' || phase === 'confirmed';
}

/** The session is confirmed by a 2xx; `timer` starts to run. */
export function confirm(session: Session, timer: SessionTimer | null, out: CallEffect[]): void {
  session.phase = 'confirmed';
  session.settled = true;
  session.timer = timer;
  armTimer(timer, out);
}

export function nextId(session: Session): number {
  session.nextId += 1;
  return session.nextId;
}

/** Refusal as a response. */
export function refusalSpec(refusal: Refusal): ResponseSpec {
  const { status, reason, headers = [], body = null } = refusal;
  return { status, reason, headers: [...headers], body };
}

/** Starts the copies of a 2xx just sent. */
export function awaitAck(
  session: Session,
  key: TransactionKey,
  seq: number,
  first: boolean,
  now: number,
  out: CallEffect[],
): void {
  const { t1 } = session.facts;
  session.unacked = { key, seq, intervalMs: t1, until: now + 64 * t1, first };
  out.push({ type: 'start-timer', name: '2xx', ms: t1 });
}

/** BYE on our own account; the user is told why. */
export function die(
  session: Session,
  cause: 'dead' | 'no-ack' | 'session-timer',
  headers: ExtraHeaders,
  out: CallEffect[],
): void {
  if (session.phase !== 'confirmed') return;
  sendBye(session, headers, out);
  out.push({ type: 'tell', event: { type: 'ended', cause, request: null } });
}

/** BYE now; everything that runs in the session stops. */
export function sendBye(
  session: Session,
  headers: ExtraHeaders,
  out: CallEffect[],
  auth: readonly Header[] = [],
): void {
  closeSession(session, out);
  session.phase = 'ending';
  session.byeAfterAck = null;
  const id = nextId(session);
  session.bye = { id, headers, tries: (session.bye?.tries ?? 0) + 1 };
  out.push({ type: 'send', id, spec: requestIn(session.dialog, 'BYE', [...auth, ...headers]) });
}

/** Stops everything that runs and refuses what is pending. */
export function closeSession(session: Session, out: CallEffect[]): void {
  refusePending(session, out);
  if (session.unacked !== null)
    out.push({ type: 'stop-timer', name: '2xx' }, { type: 'forget', key: session.unacked.key });
  if (session.outgoing?.waiting || session.update?.waiting) out.push({ type: 'stop-timer', name: 'glare' });
  // The peer may be done with our INVITE and its answer lost: CANCEL gives the transaction an end.
  else if (session.outgoing !== null) out.push({ type: 'cancel', id: session.outgoing.id, headers: [] });
  if (session.timer !== null) stopTimers(out);
  session.unacked = null;
}

/** 487 for their re-INVITE or UPDATE that was not answered yet. */
export function refusePending(session: Session, out: CallEffect[]): void {
  if (session.incoming === null) return;
  out.push({ type: 'respond', key: session.incoming.key, spec: plain(487, 'Request Terminated') });
  session.incoming = null;
}
