/** The two requests that are made from another one: the ACK of a refusal and the CANCEL. RFC 3261 17.1.1.3, 9.1. */
import { createRequest } from '../message/build.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';

type Field = readonly [string, string];

/** ACK of a non-2xx final response, to go the way of its INVITE: same branch, same Route; To as the response has it. RFC 3261 17.1.1.3. */
export function acknowledge(invite: SipRequest, response: SipResponse): SipRequest {
  return derive(invite, 'ACK', response.headers.get('To') ?? invite.headers.get('To') ?? '', []);
}

/** CANCEL of this INVITE: same branch, Request-URI, Route, To, From, Call-ID and CSeq number; `extra` fields behind. RFC 3261 9.1. */
export function cancelOf(invite: SipRequest, extra: readonly Field[]): SipRequest {
  return derive(invite, 'CANCEL', invite.headers.get('To') ?? '', extra);
}

function derive(invite: SipRequest, method: string, to: string, extra: readonly Field[]): SipRequest {
  const { headers } = invite;
  const fields: Field[] = [['Via', headers.get('Via') ?? '']];
  for (const route of headers.all('Route')) fields.push(['Route', route]);
  fields.push(
    ['Max-Forwards', '70'],
    ['From', headers.get('From') ?? ''],
    ['To', to],
    ['Call-ID', headers.get('Call-ID') ?? ''],
    ['CSeq', `${headers.cseq()?.seq ?? 0} ${method}`],
    ...extra,
  );
  return createRequest(method, invite.uri, fields);
}
