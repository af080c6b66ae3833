/** Test help: plays inputs into a transaction machine and reads its effects as short words. */
import { createRequest, createResponse } from '../../src/sip/message/build.ts';
import type { SipMessage, SipRequest, SipResponse } from '../../src/sip/message/message.ts';
import type { Out, Setup } from '../../src/sip/transaction/machine.ts';
import type { TransactionEffect, TransactionKey } from '../../src/sip/transaction/types.ts';

export const VALUES = { t1: 500, t2: 4000, t4: 5000 };

/** A request as it stands after the layer pushed its Via. */
export function sampleRequest(method: string, extra: ReadonlyArray<readonly [string, string]> = []): SipRequest {
  return createRequest(method, 'sip:bob@192.0.2.2', [
    ['Via', 'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKabc;rport'],
    ['Max-Forwards', '70'],
    ['From', '<sip:alice@192.0.2.1>;tag=a1'],
    ['To', '<sip:bob@192.0.2.2>'],
    ['Call-ID', 'call-1'],
    ['CSeq', `7 ${method}`],
    ...extra,
  ]);
}

export function sampleResponse(request: SipRequest, status: number): SipResponse {
  return createResponse(request, status, undefined, { toTag: 'b1' });
}

export function sampleSetup(reliable: boolean): Setup {
  return { key: 'key' as TransactionKey, reliable, values: VALUES };
}

/** One effect as a word: `send INVITE`, `send 180`, `start A 500`, `stop A`, `tell 180`, `failed timeout`, `terminated`. */
export function word(effect: TransactionEffect): string {
  switch (effect.type) {
    case 'send':
      return `send ${name(effect.message)}`;
    case 'start-timer':
      return `start ${effect.name} ${effect.ms}`;
    case 'stop-timer':
      return `stop ${effect.name}`;
    case 'response':
      return `tell ${effect.response.status}`;
    case 'request':
      return `tell ${effect.request.method}`;
    case 'ack':
      return 'tell ACK';
    case 'failed':
      return `failed ${effect.cause}`;
    case 'terminated':
      return 'terminated';
  }
}

function name(message: SipMessage): string {
  return message.type === 'request' ? message.method : String(message.status);
}

/** Steps one machine; the clock is set by hand. */
export function player<S, I>(state: S, handle: (state: S, input: I, now: number, out: Out) => void) {
  const out: Out = [];
  return {
    state,
    /** Effects of one input, as words. */
    step(input: I, now = 0): string[] {
      out.length = 0;
      handle(state, input, now, out);
      return out.map(word);
    },
    /** Effects of the last input. */
    effects: (): readonly TransactionEffect[] => out,
  };
}
