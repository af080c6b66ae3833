/** Early dialogs of a call out: which one drives the media, when early media may be heard, what the client is shown. IMS digest 3.4, 3.8. */
import { type Call, CLOSED, type Fork, type Gates } from './call.ts';
import { gate, startOp, syncRingBack } from './call-media.ts';
import { progressStatus } from './call-status.ts';
import type { ImsInput } from './input.ts';
import { moveTo } from './leg.ts';
import { sipReason } from './reason.ts';
import type { Done, Turn } from './turn.ts';

type Progress = Extract<ImsInput, { type: 'ims-progress' }>;

/** Early dialogs that are told apart; more than any network makes, so that a hostile one costs nothing. */
const MAX_FORKS = 32;
/** States told before the answer; a far end that changes its mind without end is heard no more. */
const MAX_TOLD = 64;

/** A provisional response above 100. IMS digest 3.4, 3.8, 3.9.1. */
export function onProgress(turn: Turn, call: Call, input: Progress): Done {
  if (call.phase !== 'inviting') return;
  if (input.code === 199) return forkEnded(turn, call, input.fork);
  if (input.code === 180 && call.ringingAt === null) call.ringingAt = turn.now;
  const fork = touchFork(call, input);
  const best = audibleFork(call);
  const sdp = best?.fork.sdp ?? null;
  if (best === null || sdp === null || fork === null || sdp === call.appliedSdp) {
    call.audible = best?.name ?? call.audible;
    return showProgress(turn, call, input);
  }
  applyEarly(turn, call, best.name, sdp, input);
}

function applyEarly(turn: Turn, call: Call, fork: string, sdp: string, progress: Progress | null): Done {
  const ref = turn.ids.ref();
  startOp(
    turn,
    call,
    { kind: 'early', ref, fork, sdp, progress },
    { type: 'media.answer', owner: call.id, ref, from: 'ims', fork, sdp },
  );
}

/** The browser's answer for an early dialog is ready; it is the same text for every dialog. */
export function earlyReady(
  turn: Turn,
  call: Call,
  op: { fork: string; sdp: string; progress: Progress | null },
  answer: string,
): Done {
  const first = takeAnswer(call, op, answer);
  if (op.progress !== null) showProgress(turn, call, op.progress, first);
  else gate(turn, call, gatesOf(call.forks.get(op.fork)));
}

/** Remembers the browser's answer and the dialog it was made for; true when it is the first. */
export function takeAnswer(call: Call, op: { fork: string; sdp: string }, answer: string): boolean {
  call.audible = op.fork;
  call.appliedSdp = op.sdp;
  const leg = call.main;
  const first = leg !== null && leg.answer === null;
  if (leg !== null) leg.answer = answer;
  return first;
}

/** State and early-media gates after a provisional; repeats without news are swallowed. */
function showProgress(turn: Turn, call: Call, input: Progress, firstAnswer = false): Done {
  const gates = gatesOf(call.audible === null ? undefined : call.forks.get(call.audible));
  gate(turn, call, gates);
  syncRingBack(turn, call);
  const status = progressStatus(input.code);
  const leg = call.main;
  if (leg === null || status === null) return;
  if (!firstAnswer && leg.seq >= MAX_TOLD) return;
  if (!firstAnswer && (status === leg.status || (leg.status === 'Ringing' && status === 'InProgress'))) return;
  moveTo(turn, call, leg, status, progressReason(input, gates.fromIms || call.ringBack));
}

function progressReason(input: Progress, open: boolean): string | null {
  if (input.callWaiting) return sipReason(input.code, 'call waiting');
  return open && (input.code === 180 || input.code === 183) ? sipReason(input.code, 'early-media') : null;
}

function touchFork(call: Call, input: Progress): Fork | null {
  let fork = call.forks.get(input.fork);
  if (fork === undefined) {
    if (call.forks.size >= MAX_FORKS) return null;
    fork = { sdp: null, earlyMedia: 'inactive', rang: false, order: 0 };
    call.forks.set(input.fork, fork);
  }
  call.forkOrder += 1;
  fork.order = call.forkOrder;
  // The first SDP of a dialog is its answer; later ones before the 2xx say nothing new. RFC 3261 13.2.1.
  fork.sdp ??= input.sdp;
  if (input.earlyMedia !== 'unsaid') fork.earlyMedia = input.earlyMedia;
  fork.rang ||= input.code === 180;
  return fork;
}

/** Both ways as the network authorises them, once there is a dialog to hear. RFC 5009 8. */
function gatesOf(fork: Fork | undefined): Gates {
  if (fork === undefined || fork.sdp === null) return CLOSED;
  const { earlyMedia } = fork;
  return {
    fromIms: earlyMedia === 'sendrecv' || earlyMedia === 'sendonly',
    fromWeb: earlyMedia === 'sendrecv' || earlyMedia === 'recvonly',
  };
}

/** The early dialog that drives the media: authorised early media first, then the latest. */
function audibleFork(call: Call): { name: string; fork: Fork } | null {
  let best: { name: string; fork: Fork } | null = null;
  for (const [name, fork] of call.forks) {
    if (fork.sdp === null) continue;
    const better = best === null || rank(fork) > rank(best.fork);
    if (better) best = { name, fork };
  }
  return best;
}

function rank(fork: Fork): number {
  return (gatesOf(fork).fromIms ? 1e9 : 0) + fork.order;
}

/** 199: this early dialog is over, the INVITE is not; when nobody rings any more, the call goes on elsewhere. RFC 6228, IMS digest 3.9.1. */
function forkEnded(turn: Turn, call: Call, name: string): Done {
  call.forks.delete(name);
  const rings = [...call.forks.values()].some(fork => fork.rang);
  if (call.main?.status === 'Ringing' && !rings) moveTo(turn, call, call.main, 'Proceeding');
  if (call.audible !== name) return;
  call.audible = null;
  gate(turn, call, CLOSED);
  syncRingBack(turn, call);
  const next = audibleFork(call);
  if (next !== null && next.fork.sdp !== null) applyEarly(turn, call, next.name, next.fork.sdp, null);
}
