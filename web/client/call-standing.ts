/** How a call stands: its status, who holds it, how it ended, and what its listeners hear of each change. */
import type { CallEvents, Holder } from './call-parts.ts';
import type { Emitter } from './emitter.ts';
import type { CallEnd } from './end.ts';
import type { KeptCall } from './kept-call.ts';
import { type CallStatus, isAnswered } from './session.ts';

export interface Standing {
  status: CallStatus;
  /** ms since the epoch, or null before the answer. */
  answeredAt: number | null;
  /** Our side holds it, or has asked to. */
  heldHere: boolean;
  heldThere: boolean;
  end: CallEnd | null;
  /** Number of the last news; 0 before any. */
  sequence: number;
}

export function newStanding(kept: KeptCall | null): Standing {
  const { answeredAt = null, heldHere = false } = kept ?? {};
  return { status: 'Initial', answeredAt, heldHere, heldThere: false, end: null, sequence: 0 };
}

export function holderOf({ heldHere, heldThere }: Standing): Holder | null {
  if (heldHere && heldThere) return 'both';
  if (heldHere) return 'local';
  return heldThere ? 'remote' : null;
}

/** Whether news of this number are `new`, `old`, or come after others that got lost (`gap`). */
export function count(standing: Standing, sequence: number | undefined): 'new' | 'old' | 'gap' {
  if (sequence === undefined) return 'new';
  const last = standing.sequence;
  if (sequence <= last) return 'old';
  standing.sequence = sequence;
  return last !== 0 && sequence > last + 1 ? 'gap' : 'new';
}

/** To a status that is not final, at `now` (ms). `withAnswer`: the news had one. */
export function move(
  standing: Standing,
  status: CallStatus,
  now: number,
  withAnswer: boolean,
  emit: Emitter<CallEvents>['emit'],
): void {
  const before = standing.status;
  if (status === before || (isAnswered(before) && !isAnswered(status))) return;
  standing.status = status;
  if (isAnswered(status)) standing.answeredAt ??= now;
  const here = status === 'Hold' && standing.heldHere;
  standing.heldThere = status === 'Hold' && !here;
  if (before === 'Hold') standing.heldHere = false;
  emit('statusChanged', status);
  if (status === 'Ringing') emit('ringing', { earlyMedia: withAnswer });
  if (status === 'Connected' && !isAnswered(before)) emit('connected', undefined);
  if (status === 'Hold') emit('held', { by: here ? 'local' : 'remote' });
  if (before === 'Hold') emit('resumed', undefined);
}
