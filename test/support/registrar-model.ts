/** Test help: a registrar for one address of record, in plain data. It goes by the letter of RFC 3261 10.3. */
import { createResponse } from '../../src/sip/message/build.ts';
import type { SipRequest, SipResponse } from '../../src/sip/message/message.ts';

export interface Registrar {
  /** By contact URI. */
  bindings: Record<string, { callId: string; seq: number; expiresS: number }>;
}

/** What it makes of a request that it could take. */
export type Mood =
  | 'grant'
  | 'grant half'
  /** 401 with a fresh nonce, whatever the request carries. */
  | 'challenge'
  /** 423 when less than `MIN_EXPIRES_S` is asked for. */
  | 'strict'
  /** 503, nothing is done. */
  | 'busy';

const MIN_EXPIRES_S = 7200;

type Fields = Array<[string, string]>;

/** True for an answer behind which another server of the registrar is asked. RFC 3263 4.3, IMS digest 2.7. */
export function leadsElsewhere({ status }: SipResponse): boolean {
  return status >= 500;
}

/** Serves one REGISTER: changes the bindings and gives the answer. A removed binding is forgotten with its CSeq. */
export function serveRegister(registrar: Registrar, request: SipRequest, mood: Mood): SipResponse {
  const answer = (status: number, headers: Fields = []) =>
    createResponse(request, status, undefined, { toTag: 'registrar', headers });
  const { headers } = request;
  const [contact] = headers.contacts();
  const [callId = '', seq = 0] = [headers.callId(), headers.cseq()?.seq];
  if (contact === undefined) return answer(400);
  const expiresS = Number(contact.params.get('expires') ?? headers.get('Expires'));
  if (mood === 'busy') return answer(503, [['Retry-After', '5']]);
  if (mood === 'challenge') return answer(401, [['WWW-Authenticate', `Digest realm="r", nonce="n${seq}"`]]);
  if (mood === 'strict' && expiresS > 0 && expiresS < MIN_EXPIRES_S) {
    return answer(423, [['Min-Expires', String(MIN_EXPIRES_S)]]);
  }
  const known = registrar.bindings[contact.uri];
  // Step 7: an older request of the same client changes nothing.
  if (known !== undefined && known.callId === callId && seq <= known.seq) return answer(500);
  if (expiresS === 0) delete registrar.bindings[contact.uri];
  else {
    registrar.bindings[contact.uri] = { callId, seq, expiresS: mood === 'grant half' ? expiresS / 2 : expiresS };
  }
  const listed = Object.entries(registrar.bindings).map(([uri, binding]): [string, string] => [
    'Contact',
    `<${uri}>;expires=${binding.expiresS}`,
  ]);
  return answer(200, listed);
}
