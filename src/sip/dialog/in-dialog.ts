/** Answers that need no state: wrong method, unknown extension, unreadable body, OPTIONS, INFO. RFC 3261 8.2, 11. */
import type { SipRequest } from '../message/message.ts';
import { METHODS } from '../message/method.ts';
import { mediaType } from '../message/multipart.ts';
import { isReadable } from './body.ts';
import type { Facts, Header, ResponseSpec } from './types.ts';

const WITH_SDP = new Set(['INVITE', 'UPDATE', 'PRACK']);

/** A response without body. */
export function plain(status: number, reason: string, headers: Header[] = []): ResponseSpec {
  return { status, reason, headers, body: null };
}

/** What we can do, as header fields of a 2xx or of an OPTIONS answer. RFC 3261 20.5, 20.37. */
export function capabilities(facts: Facts): Header[] {
  const headers: Header[] = [['Allow', facts.allow.join(', ')]];
  if (facts.supported.length > 0) headers.push(['Supported', facts.supported.join(', ')]);
  return headers;
}

/** Schemes that may lead to us; `urn` are services. RFC 3261 8.2.2.1, RFC 5031. */
const KNOWN_SCHEME = /^(?:sips?|tel|urn):/i;

/** Inspection of method, Request-URI, Require, body and Accept, in this order; null when the request may go on. RFC 3261 8.2.1 to 8.2.3. */
export function refusalOf(request: SipRequest, facts: Facts): ResponseSpec | null {
  const { method, headers } = request;
  if (!METHODS.has(method)) return plain(501, 'Not Implemented', [['Allow', facts.allow.join(', ')]]);
  if (!facts.allow.includes(method)) return plain(405, 'Method Not Allowed', [['Allow', facts.allow.join(', ')]]);
  if (!KNOWN_SCHEME.test(request.uri)) return plain(416, 'Unsupported URI Scheme');
  const unknown = headers.all('Require').filter(tag => !facts.supported.includes(tag.toLowerCase()));
  if (unknown.length > 0) return plain(420, 'Bad Extension', [['Unsupported', unknown.join(', ')]]);
  if (WITH_SDP.has(method) && !isReadable(request)) {
    return plain(415, 'Unsupported Media Type', [
      ['Accept', 'application/sdp'],
      ['Accept-Encoding', 'identity'],
    ]);
  }
  // Our answer is a description: whoever reads none cannot be answered. RFC 3261 20.1, 21.4.7.
  return method === 'INVITE' && !readsSdp(request) ? plain(406, 'Not Acceptable') : null;
}

function readsSdp({ headers }: SipRequest): boolean {
  const kinds = ['application/sdp', 'application/*', '*/*'];
  return !headers.has('Accept') || headers.all('Accept').some(range => kinds.includes(mediaType(range)));
}

/** The answer to a request that changes nothing in a dialog, or null when a machine has to look (INVITE, BYE, UPDATE, PRACK). */
export function standingAnswer(request: SipRequest, facts: Facts): ResponseSpec | null {
  switch (request.method) {
    case 'OPTIONS':
      return optionsAnswer(facts);
    case 'INFO':
      return infoAnswer(request);
    case 'NOTIFY':
      // No subscription lives in a call, also none made by a REFER: REFER is refused.
      return plain(481, 'Subscription Does Not Exist');
    case 'INVITE':
    case 'BYE':
    case 'UPDATE':
    case 'PRACK':
      return null;
    default:
      return plain(405, 'Method Not Allowed', [['Allow', facts.allow.join(', ')]]);
  }
}

/** 200 to OPTIONS. RFC 3261 11.2. */
export function optionsAnswer(facts: Facts): ResponseSpec {
  return plain(200, 'OK', [...capabilities(facts), ['Accept', 'application/sdp']]);
}

/** Bodies of INFO without a package: digits, which nobody here uses, and wishes of a picture (RFC 5168). */
const INFO_BODIES = ['application/dtmf-relay', 'application/dtmf', 'application/media_control+xml'];

/** INFO: a body of those is taken; a package we never offered gets 469. RFC 6086 4.2.2. */
function infoAnswer(request: SipRequest): ResponseSpec {
  if (request.headers.has('Info-Package')) return plain(469, 'Bad Info Package', [['Recv-Info', '']]);
  if (request.body.length === 0) return plain(200, 'OK');
  const type = mediaType(request.headers.get('Content-Type') ?? '');
  if (type !== null && INFO_BODIES.includes(type)) return plain(200, 'OK');
  return plain(415, 'Unsupported Media Type', [['Accept', INFO_BODIES.join(', ')]]);
}
