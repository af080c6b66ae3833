/** The state of a call out. RFC 3261 13.2. */
import type { Body, ExtraHeaders } from '../user-agent-types.ts';
import { descriptionOf } from './body.ts';
import type { Dialog, SentInvite } from './dialog.ts';
import type { Seeded } from './random.ts';
import { closeSession, type Session } from './session-state.ts';
import type { Asked } from './session-timer.ts';
import type { CallEffect, Facts, Header, RequestSpec } from './types.ts';

/** Early dialogs and stray 2xx kept for one INVITE; what a fork adds beyond them is not answered. */
export const MAX_FORKS = 32;
/** INVITEs sent for one call: the first and repeats after 401, 407 or 422. */
export const MAX_TRIES = 4;

export interface Early {
  session: Session;
  /** RSeq of the last reliable response taken. */
  rseq: number | null;
  /** Our UPDATE that waits for the PRACK of this dialog. RFC 3311 5.1. */
  waiting: { body: Body | null; headers: ExtraHeaders } | null;
}

export interface Prack {
  fork: string;
  rack: string;
  /** It carries the answer to a challenge. */
  answered: boolean;
}

/** The INVITE as its user asked for it. */
export interface UacRequest {
  to: string;
  route: readonly string[];
  proxy?: string | undefined;
  headers: ExtraHeaders;
  body: Body | null;
}

export interface UacState extends Seeded {
  role: 'uac';
  phase: 'calling' | 'proceeding' | 'answered' | 'finished';
  facts: Facts;
  sent: SentInvite;
  request: UacRequest;
  /** Id of the INVITE that counts, and of everything else sent outside the sessions. */
  inviteId: number;
  lastId: number;
  tries: number;
  /** Answers to challenges, for the INVITE and its ACK. */
  auth: Header[];
  /** Session-Expires and Min-SE as the last INVITE says them; null: it asks for no session timer. */
  asked: Asked | null;
  /** In place of those of the request, after a 422. */
  raised: readonly Header[];
  cancelled: ExtraHeaders | null;
  early: Record<string, Early>;
  forks: number;
  /** Highest CSeq number sent in an early dialog that was let go: should a late response make it anew, it goes on behind it. */
  spentSeq: number;
  /** The INVITE is cancelled by us, not by its user: no dialog is left that answers a PRACK. */
  abandoned: boolean;
  /** PRACKs on their way. */
  pracks: Record<number, Prack>;
  session: Session | null;
  ack: RequestSpec | null;
  strays: Record<string, RequestSpec>;
  /** The dialogs of their BYEs without an answer, by id. */
  byes: Record<number, Dialog>;
}

/** A call out that has sent nothing yet; input `invite` sends it. `sent.seq` is the first CSeq number. */
export function newUac(sent: SentInvite, request: UacRequest, facts: Facts, seed: number): UacState {
  const said = (name: string) => Number.parseInt(request.headers.find(([given]) => given === name)?.[1] ?? '', 10);
  const [intervalS, minSeS] = [said('Session-Expires'), said('Min-SE')];
  return {
    seed,
    role: 'uac',
    phase: 'calling',
    facts,
    sent,
    request,
    inviteId: 0,
    lastId: 0,
    tries: 0,
    auth: [],
    asked: Number.isNaN(intervalS) ? null : { intervalS, minSeS: Math.max(minSeS || 0, facts.minSeS) },
    raised: [],
    cancelled: null,
    early: {},
    forks: 0,
    spentSeq: 0,
    abandoned: false,
    pracks: {},
    session: null,
    ack: null,
    strays: {},
    byes: {},
  };
}

/** The sessions that may hear something: the confirmed one, or every early one. */
export function sessionsOf(state: UacState): Session[] {
  if (state.session !== null) return [state.session];
  return Object.values(state.early).map(early => early.session);
}

/** An early dialog is over: nothing of it stays open, and an offer of the user's in it has failed. */
export function dropEarly(state: UacState, fork: string, out: CallEffect[]): void {
  const early = state.early[fork];
  if (early === undefined) return;
  const { session, waiting } = early;
  closeSession(session, out);
  const offered = session.update?.offer === true || descriptionOf(waiting?.body ?? null) !== null;
  if (offered && state.cancelled === null)
    out.push({ type: 'tell', event: { type: 'update-failed', response: null, cause: 'cancelled' } });
  spend(state, session);
  delete state.early[fork];
}

/** The peer knows an early dialog no more: it is dropped, and the INVITE cancelled when it was the only one. RFC 3261 12.2.1.2. */
export function loseEarly(state: UacState, fork: string, out: CallEffect[]): void {
  if (state.phase !== 'proceeding' || !(fork in state.early)) return;
  dropEarly(state, fork, out);
  if (Object.keys(state.early).length > 0 || state.cancelled !== null) return;
  state.abandoned = true;
  out.push({ type: 'cancel', id: state.inviteId, headers: [] });
  out.push({ type: 'start-timer', name: 'cancel', ms: 64 * state.facts.t1 });
}

/** The numbers of an early dialog that is let go are spent. */
export function spend(state: UacState, { dialog }: Session): void {
  state.spentSeq = Math.max(state.spentSeq, dialog.localSeq);
}
