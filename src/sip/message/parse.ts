/** From bytes to a SIP message, within hard limits, in linear time, never throwing. RFC 3261 7, 8.1.1, 25.1. */
import { hasControl, isToken, parseDigits } from './chars.ts';
import { type Fault, type Head, parseHead } from './head.ts';
import type { HeaderList } from './header-list.ts';
import type { ParseLimits, ParseResult, SipRequest } from './message.ts';
import { METHODS } from './method.ts';
import { parseUri } from './uri.ts';

export const DEFAULT_LIMITS: Readonly<ParseLimits> = {
  startLineBytes: 8192,
  headerLineBytes: 8192,
  headersBytes: 65536,
  headerCount: 200,
  bodyBytes: 262144,
};

const BREAK = Buffer.from('\r\n');
const EMPTY_LINE = Buffer.from('\r\n\r\n');
const NO_BODY = new Uint8Array(0);

/**
 * Reads one whole message: a datagram, or what the framer cut out of a stream. Octets behind Content-Length are dropped; without
 * Content-Length the body runs to the end (RFC 3261 18.3). The body is a view of `data`, not a copy. RFC 3261 7, 16.3, RFC 4475.
 */
export function parseMessage(data: Uint8Array, limits?: Partial<ParseLimits>): ParseResult {
  const max = limits === undefined ? DEFAULT_LIMITS : { ...DEFAULT_LIMITS, ...limits };
  const bytes = Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  let start = 0;
  while (bytes[start] === 13 && bytes[start + 1] === 10) start += 2;
  const lineEnd = bytes.indexOf(BREAK, start);
  if (lineEnd === -1 || lineEnd - start > max.startLineBytes) return silent('start line missing or too long');
  const bound = lineEnd + max.headersBytes + 4;
  const headEnd = bytes.indexOf(EMPTY_LINE, lineEnd);
  if (headEnd === -1 || headEnd + 4 > bound)
    return silent(bytes.length > bound ? 'header fields too large' : 'header fields not ended');
  const line = bytes.toString('latin1', start, lineEnd);
  const head = parseHead(bytes, lineEnd + 2, headEnd, max);
  const rest = headEnd + 4;
  if (line.startsWith('SIP/') || line.slice(0, 4).toUpperCase() === 'SIP/') {
    return parseResponse(utf8(bytes, start, lineEnd, line), head, bytes, rest, max);
  }
  return parseRequest(utf8(bytes, start, lineEnd, line), head, bytes, rest, max);
}

function silent(reason: string): ParseResult {
  return { ok: false, reason, status: null, request: null };
}

function utf8(bytes: Buffer, from: number, to: number, latin1: string): string {
  for (let i = from; i < to; i++) if ((bytes[i] ?? 0) > 127) return bytes.toString('utf8', from, to);
  return latin1;
}

const MAX_CONTENT_LENGTH = 4294967295;

function parseRequest(line: string, head: Head, bytes: Buffer, rest: number, max: ParseLimits): ParseResult {
  const first = line.indexOf(' ');
  const second = line.indexOf(' ', first + 1);
  if (first < 1 || second === -1) return silent('malformed request line');
  const request: SipRequest = {
    type: 'request',
    method: line.slice(0, first),
    uri: line.slice(first + 1, second),
    headers: head.headers,
    body: NO_BODY,
  };
  if (!isToken(request.method)) return silent('malformed method');
  const fault =
    versionFault(line.slice(second + 1)) ??
    head.fault ??
    uriFault(request.uri) ??
    headerFault(head.headers, request.method) ??
    requestFault(request) ??
    bodyFault(head.headers, bytes.length - rest, max);
  if (fault === null) {
    request.body = bodyOf(head.headers, bytes, rest);
    return { ok: true, message: request };
  }
  // An ACK is never answered (RFC 3261 17.1.1.3).
  const status = request.method === 'ACK' ? null : fault.status;
  return { ok: false, reason: fault.reason, status, request: canAnswer(head.headers) ? request : null };
}

function canAnswer(headers: HeaderList): boolean {
  return (
    headers.via() !== undefined &&
    headers.has('From') &&
    headers.has('To') &&
    headers.has('Call-ID') &&
    headers.has('CSeq')
  );
}

function versionFault(version: string): Fault | null {
  if (version === 'SIP/2.0' || version.toUpperCase() === 'SIP/2.0') return null;
  const dot = version.indexOf('.');
  const isVersion =
    version.slice(0, 4).toUpperCase() === 'SIP/' && isDigits(version.slice(4, dot)) && isDigits(version.slice(dot + 1));
  return isVersion
    ? { reason: 'SIP version not supported', status: 505 }
    : { reason: 'malformed request line', status: 400 };
}

function isDigits(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) < 0x30 || text.charCodeAt(i) > 0x39) return false;
  return text.length > 0;
}

function uriFault(text: string): Fault | null {
  const uri = parseUri(text);
  if (uri === null) return { reason: 'malformed Request-URI', status: 400 };
  // RFC 3261 19.1.1, table 1: no headers in a Request-URI.
  return uri.headers === null ? null : { reason: 'header fields in the Request-URI', status: 400 };
}

/** Checks of the fields every message has. RFC 3261 8.1.1, 8.2. */
function headerFault(headers: HeaderList, method: string | null): Fault | null {
  const cseq = headers.cseq();
  if (headers.via() === undefined) return bad('Via');
  if (headers.from() === undefined) return bad('From');
  if (headers.to() === undefined) return bad('To');
  if (cseq === undefined) return bad('CSeq');
  if (!isCallId(headers.callId())) return bad('Call-ID');
  if (method !== null && cseq.method !== method) {
    // Of a method we know it is our peer's error, another one is not implemented. RFC 4475 3.1.2.18.
    return { reason: 'CSeq of another method', status: METHODS.has(method) ? 400 : 501 };
  }
  if (headers.has('Contact') && headers.contacts().length === 0) return bad('Contact');
  return null;
}

function bad(field: string): Fault {
  return { reason: `${field} missing or malformed`, status: 400 };
}

function isCallId(value: string | undefined): boolean {
  return value !== undefined && value.length > 0 && !value.includes(' ') && !value.includes('\t');
}

/** What RFC 3261 asks of requests and RFC 2543 did not: a branch with the magic cookie and more, a tag in From. */
function requestFault(request: SipRequest): Fault | null {
  const branch = request.headers.via()?.params.get('branch');
  if (typeof branch !== 'string' || branch.length < 8 || branch.slice(0, 7).toLowerCase() !== 'z9hg4bk') {
    return { reason: 'Via without an RFC 3261 branch', status: 400 };
  }
  return request.headers.from()?.params.get('tag') ? null : { reason: 'From without tag', status: 400 };
}

/** `rest`: bytes behind the header fields. */
function bodyFault(headers: HeaderList, rest: number, max: ParseLimits): Fault | null {
  let length = rest;
  const field = headers.get('Content-Length');
  if (field !== undefined) {
    // The whole value, as the framer reads it: two readings of one length would be two messages.
    const given = parseDigits(field, MAX_CONTENT_LENGTH);
    if (given === undefined) return { reason: 'malformed Content-Length', status: 400 };
    if (given > rest && given <= max.bodyBytes) return { reason: 'body shorter than Content-Length', status: 400 };
    length = given;
  }
  return length > max.bodyBytes ? { reason: 'body too large', status: 413 } : null;
}

/** The body, which begins at `from`. */
function bodyOf(headers: HeaderList, bytes: Buffer, from: number): Uint8Array {
  const length = headers.number('Content-Length') ?? bytes.length - from;
  return length === 0 ? NO_BODY : bytes.subarray(from, from + length);
}

function parseResponse(line: string, head: Head, bytes: Buffer, rest: number, max: ParseLimits): ParseResult {
  // "SIP/2.0 200 OK"; the reason phrase may be empty, its space may not be missing. RFC 3261 7.2.
  if (line.slice(0, 8).toUpperCase() !== 'SIP/2.0 ') return silent('malformed status line');
  const code = line.slice(8, 11);
  const status = Number(code);
  if (!isDigits(code) || status < 100 || status > 699) return silent('malformed status code');
  if (line.length > 11 && line.charCodeAt(11) !== 0x20) return silent('malformed status code');
  if (hasControl(line)) return silent('control character in the reason phrase');
  const fault = head.fault ?? headerFault(head.headers, null) ?? bodyFault(head.headers, bytes.length - rest, max);
  if (fault !== null) return silent(fault.reason);
  const message = {
    type: 'response' as const,
    status,
    reason: line.slice(12),
    headers: head.headers,
    body: bodyOf(head.headers, bytes, rest),
  };
  return { ok: true, message };
}
