/** How a call stands: its status, who holds it, how it ended, and what its listeners hear of each change. */
import type { CallEvents, Holder } from './call-parts.ts';
import type { Emitter } from './emitter.ts';
import { type CallEnd, endOf } from './end.ts';
import type { KeptCall } from './kept-call.ts';
import { type CallStatus, type FinalStatus, isAnswered } from './session.ts';

export interface Standing {
  readonly status: CallStatus;
  /** ms since the epoch, or null before the answer. */
  readonly answeredAt: number | null;
  readonly heldBy: Holder | null;
  readonly end: CallEnd | null;
  /** Our side holds it, or has asked to. */
  heldHere: boolean;
  /** Whether news of this number are `new`, `old`, or came after others that got lost (`gap`). */
  number(sequence: number | undefined): 'new' | 'old' | 'gap';
  /** `withAnswer`: the news had one. */
  move(status: CallStatus, withAnswer: boolean): void;
  /** `by` null: whoever the reason points to. The caller lets listeners hear of it. */
  finish(status: FinalStatus, reason: string | null, by: 'local' | 'network' | null): CallEnd;
}

export function createStanding(now: () => number, { emit }: Emitter<CallEvents>, kept: KeptCall | null): Standing {
  let status: CallStatus = 'Initial';
  let answeredAt = kept?.answeredAt ?? null;
  let heldHere = kept?.heldHere ?? false;
  let heldThere = false;
  let end: CallEnd | null = null;
  let last = 0;
  return {
    get status() {
      return status;
    },
    get answeredAt() {
      return answeredAt;
    },
    get heldBy() {
      if (heldHere && heldThere) return 'both';
      if (heldHere) return 'local';
      return heldThere ? 'remote' : null;
    },
    get end() {
      return end;
    },
    get heldHere() {
      return heldHere;
    },
    set heldHere(held) {
      heldHere = held;
    },
    number(sequence) {
      if (sequence === undefined) return 'new';
      if (sequence <= last) return 'old';
      const gap = last !== 0 && sequence > last + 1;
      last = sequence;
      return gap ? 'gap' : 'new';
    },
    move(next, withAnswer) {
      const before = status;
      if (next === before || (isAnswered(before) && !isAnswered(next))) return;
      status = next;
      if (isAnswered(next) && answeredAt === null) answeredAt = now();
      const here = next === 'Hold' && heldHere;
      heldThere = next === 'Hold' && !here;
      if (before === 'Hold') heldHere = false;
      emit('statusChanged', next);
      if (next === 'Ringing') emit('ringing', { earlyMedia: withAnswer });
      if (next === 'Connected' && !isAnswered(before)) emit('connected', undefined);
      if (next === 'Hold') emit('held', { by: here ? 'local' : 'remote' });
      if (before === 'Hold') emit('resumed', undefined);
    },
    finish(final, reason, by) {
      status = final;
      end = endOf(final, reason, by, answeredAt === null ? null : now() - answeredAt);
      return end;
    },
  };
}
