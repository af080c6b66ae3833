/** What a core would say in a dry run, as far as our next message depends on it. */
import { createResponse, parseMessage, type SipRequest, serialize } from '../sip/index.ts';

type Fields = ReadonlyArray<readonly [string, string]>;

/** The 200 to a REGISTER, so that calls have a Service-Route to follow. */
export function accepted(text: string, home: string): Uint8Array {
  const request = requestOf(text);
  return answerTo(request, 200, [
    ['Contact', request.headers.get('Contact') ?? ''],
    ['Service-Route', `<sip:service-route-of-the-core@${home};lr>`],
  ]);
}

/** A 401 with every digest there is, the weakest first, without qop: what is taken of it, and how, is a matter of settings. */
export function challenged(text: string, home: string): Uint8Array {
  const offers = ['MD5', 'SHA-256', 'SHA-512-256'].map((algorithm): [string, string] => [
    'WWW-Authenticate',
    `Digest realm="${home}", nonce="nonce-of-the-core", algorithm=${algorithm}`,
  ]);
  return answerTo(requestOf(text), 401, offers);
}

/** The refusal of an INVITE by a phone that demands preconditions. RFC 3312 6. */
export function demanding(text: string): Uint8Array {
  return answerTo(requestOf(text), 421, [['Require', 'precondition']]);
}

export function ringing(text: string): Uint8Array {
  return answerTo(requestOf(text), 180, []);
}

function requestOf(text: string): SipRequest {
  const parsed = parseMessage(Buffer.from(text, 'utf8'));
  if (!parsed.ok || parsed.message.type !== 'request') throw new Error('our own request cannot be read');
  return parsed.message;
}

function answerTo(request: SipRequest, status: number, headers: Fields): Uint8Array {
  return serialize(createResponse(request, status, undefined, { toTag: 'core', headers }));
}
