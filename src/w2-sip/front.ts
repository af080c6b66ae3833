/**
 * Answers what comes before a registration, and REGISTER itself, as a stateless server: a connection delivers each message once, so
 * there is nothing to repeat, and an INVITE that is refused leaves no transaction that waits for its ACK. RFC 3261 8.2.7.
 */
import {
  createResponse,
  type ParseResult,
  type Refusal,
  type SipCount,
  type SipRequest,
  serialize,
} from '../sip/index.ts';
import { countAnswer, stackCounts } from './counting.ts';
import type { Flow } from './flow.ts';
import { refusal } from './refusal.ts';

export interface Front {
  /** The one answer to a request, which is neither ACK nor CANCEL. */
  answer(flow: Flow, request: SipRequest, answer: Refusal): void;
  /** Answers what could not be read, as far as it says what it is. */
  refuse(flow: Flow, result: Extract<ParseResult, { ok: false }>): void;
}

export function createFront(count: SipCount): Front {
  const drop = (why: string) => stackCounts(count)('sip_messages_dropped', { why }, 1);

  function answer(flow: Flow, request: SipRequest, { status, reason, headers = [] }: Refusal): void {
    // The same tag for every copy of a request.
    const toTag = request.headers.via()?.params.get('branch') ?? '0';
    const response = createResponse(request, status, reason, { toTag, headers });
    countAnswer(response, count);
    flow.send(serialize(response));
  }

  return {
    answer,
    refuse(flow, { request, status }) {
      if (request === null || status === null || request.method === 'ACK' || request.headers.via() === undefined) {
        drop('malformed');
        return;
      }
      drop('malformed-answered');
      answer(flow, request, refusal(status));
    },
  };
}
