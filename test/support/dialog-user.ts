/** Test help: the user of one end of a call: what it has heard, what it holds for agreed, and in which order it may be told. */
import assert from 'node:assert/strict';
import { sdpOf } from '../../src/sip/dialog/body.ts';
import type { CallEvent } from '../../src/sip/dialog/types.ts';
import type { SipRequest, SipResponse } from '../../src/sip/message/message.ts';
import type { TransactionKey } from '../../src/sip/transaction/types.ts';

/** An offer of the other side that waits for this user. */
export interface Question {
  key: TransactionKey;
  sdp: string | null;
}

export interface Listener {
  /** The one word on the call out: no 2xx comes behind a refusal, and none twice. */
  first: 'answered' | 'rejected' | null;
  /** Ends heard of, or made by the user itself. */
  ends: number;
  gone: boolean;
  /** The descriptions in force: ours and theirs. */
  mine: string | null;
  theirs: string | null;
  /** Our offer that the user waits for an answer to. */
  offering: string | null;
  questions: readonly Question[];
}

export const SILENT: Listener = {
  first: null,
  ends: 0,
  gone: false,
  mine: null,
  theirs: null,
  offering: null,
  questions: [],
};

/** The user is told something: whether it may be now, and what it makes of it. */
export function hear(user: Listener, event: CallEvent): void {
  assert.ok(!user.gone, `told of ${event.type} behind the end`);
  assert.equal(user.ends, 0, `told of ${event.type} behind the end`);
  switch (event.type) {
    case 'trying':
      assert.equal(user.first, null);
      return;
    case 'progress':
      assert.equal(user.first, null);
      if (event.reliable) answered(user, event.response);
      return;
    case 'answered':
      assert.equal(user.first, null);
      user.first = 'answered';
      answered(user, event.response);
      return;
    case 'rejected':
      assert.equal(user.first, null);
      user.first = 'rejected';
      end(user);
      return;
    case 'acked': {
      const sdp = sdpOf(event.request);
      if (sdp !== null) agree(user, user.offering, sdp);
      return;
    }
    case 'cancelled':
    case 'ended':
      end(user);
      return;
    case 'reoffer':
      assert.equal(user.questions.length, 0, 'a second offer beside theirs');
      user.offering = null;
      user.questions = [{ key: event.key, sdp: sdpOf(event.request) }];
      return;
    case 'updated':
      assert.ok(user.offering !== null, 'an answer to no offer');
      agree(user, user.offering, sdpOf(event.response));
      return;
    case 'update-failed':
      assert.ok(user.offering !== null, 'a refusal of no offer');
      user.offering = null;
      return;
    case 'info':
      return;
    default:
      event satisfies never;
  }
}

/** The user ends the call, or is told that it is over. */
export function end(user: Listener): void {
  user.ends += 1;
  user.offering = null;
  user.questions = [];
}

/** An answer to our INVITE, or an offer in its 2xx. */
function answered(user: Listener, response: SipResponse): void {
  const sdp = sdpOf(response);
  if (sdp === null) return;
  if (user.offering === null) user.questions = [{ key: '2xx' as TransactionKey, sdp }];
  else agree(user, user.offering, sdp);
}

/** What this side sends for good as an answer is in force for it from then on. */
export function took(user: Listener, request: SipRequest, response: SipResponse): void {
  const { status, headers } = response;
  const [offer, answer] = [sdpOf(request), sdpOf(response)];
  if (answer === null || status >= 300 || (status < 200 && !headers.has('RSeq'))) return;
  if (offer === null) user.offering = answer;
  else agree(user, answer, offer);
}

export function agree(user: Listener, mine: string | null, theirs: string | null): void {
  user.offering = null;
  user.mine = mine;
  user.theirs = theirs;
}
