/** From bytes to a SIP message, within hard limits, in linear time, never throwing. RFC 3261 7, 8.1.1, 25.1. */
import { type Fault, type Head, readHead } from './head.ts';
import type { HeaderList } from './header-list.ts';
import type { ParseLimits, ParseResult, SipMessage, SipRequest, SipResponse } from './message.ts';
import { METHODS, readMethod } from './method.ts';
import { fieldOf } from './name.ts';
import {
  codeAt,
  find,
  load,
  loadBytes,
  parseDigits,
  printableEnd,
  runEnd,
  SCRATCH_BYTES,
  TOKEN,
  wordEnd,
} from './scan.ts';
import { parseUri } from './uri.ts';
import { hasControl } from './value.ts';

export const DEFAULT_LIMITS: Readonly<ParseLimits> = {
  startLineBytes: 8192,
  headerLineBytes: 8192,
  headersBytes: 65536,
  headerCount: 200,
  bodyBytes: 262144,
};

const NO_BODY = new Uint8Array(0);

/**
 * Reads one whole message: a datagram, or what the framer cut out of a stream. Octets behind Content-Length are dropped; without
 * Content-Length the body runs to the end (RFC 3261 18.3). The body is a view of `data`, not a copy. RFC 3261 7, 16.3, RFC 4475.
 */
export function parseMessage(data: Uint8Array, limits?: Partial<ParseLimits>): ParseResult {
  const max = limits === undefined ? DEFAULT_LIMITS : { ...DEFAULT_LIMITS, ...limits };
  const bytes = withoutBreaks(data);
  const room = Math.min(max.startLineBytes + max.headersBytes + 4, SCRATCH_BYTES);
  const text = loadBytes(bytes, Math.min(bytes.length, room));
  const printable = printableEnd(0, text.length);
  const isPlain = codeAt(printable) === 13 && codeAt(printable + 1) === 10;
  const lineEnd = isPlain ? printable : text.indexOf('\r\n');
  if (lineEnd === -1 || lineEnd > max.startLineBytes) return silent('start line missing or too long');
  const bound = Math.min(lineEnd + max.headersBytes + 4, room);
  const head = readHead(bytes, text, lineEnd + 2, max);
  if (head === null || head.end > bound)
    return silent(bytes.length > bound ? 'header fields too large' : 'header fields not ended');
  const line = isPlain ? { text, to: lineEnd } : decoded(bytes, lineEnd);
  // No method has a slash in it.
  const isResponse = codeAt(3) === 0x2f && text.slice(0, 3).toLowerCase() === 'sip';
  return (isResponse ? parseResponse : parseRequest)(line, head, bytes, max);
}

/** The message without the line breaks before its start line. RFC 3261 7.5. */
function withoutBreaks(data: Uint8Array): Buffer {
  let start = 0;
  while (data[start] === 13 && data[start + 1] === 10) start += 2;
  if (start === 0 && Buffer.isBuffer(data)) return data;
  return Buffer.from(data.buffer, data.byteOffset + start, data.byteLength - start);
}

/** The start line: the beginning of a text. */
interface Line {
  text: string;
  to: number;
}

/** A start line beyond ASCII. */
function decoded(bytes: Buffer, to: number): Line {
  const text = bytes.toString('utf8', 0, to);
  return { text, to: text.length };
}

function silent(reason: string): ParseResult {
  return { ok: false, reason, status: null, request: null };
}

export const MAX_CONTENT_LENGTH = 4294967295;
const CALL_ID = fieldOf('Call-ID');
const CONTENT_LENGTH = fieldOf('Content-Length');

/** A message whose fields are still known as what the parser made. */
type Parsed = SipMessage & { readonly headers: HeaderList };

function parseRequest({ text, to }: Line, head: Head, bytes: Buffer, max: ParseLimits): ParseResult {
  const { headers } = head;
  load(text, 0, to);
  const methodEnd = find(0x20, 0, to);
  const uriEnd = find(0x20, methodEnd + 1, to);
  if (methodEnd === 0 || uriEnd >= to) return silent('malformed request line');
  if (runEnd(0, methodEnd, TOKEN) < methodEnd) return silent('malformed method');
  const method = readMethod(text, 0, methodEnd);
  const request: SipRequest & Parsed = {
    type: 'request',
    method,
    uri: text.slice(methodEnd + 1, uriEnd),
    headers,
    body: NO_BODY,
  };
  const fault =
    versionFault(text, uriEnd + 1, to) ??
    head.fault ??
    uriFault(text, methodEnd + 1, uriEnd) ??
    headerFault(headers, method) ??
    requestFault(headers) ??
    takeBody(request, bytes, head.end, max);
  if (fault === null) return { ok: true, message: request };
  // An ACK is never answered (RFC 3261 17.1.1.3).
  const status = method === 'ACK' ? null : fault.status;
  return { ok: false, reason: fault.reason, status, request: canAnswer(headers) ? request : null };
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

function versionFault(text: string, from: number, to: number): Fault | null {
  if (to - from === 7 && text.startsWith('SIP/2.0', from)) return null;
  const version = text.slice(from, to);
  if (version.toLowerCase() === 'sip/2.0') return null;
  const dot = version.indexOf('.');
  const isVersion =
    version.slice(0, 4).toLowerCase() === 'sip/' && isDigits(version.slice(4, dot)) && isDigits(version.slice(dot + 1));
  return isVersion
    ? { reason: 'SIP version not supported', status: 505 }
    : { reason: 'malformed request line', status: 400 };
}

function isDigits(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) < 0x30 || text.charCodeAt(i) > 0x39) return false;
  return text.length > 0;
}

function uriFault(text: string, from: number, to: number): Fault | null {
  const uri = parseUri(text, from, to);
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
  if (headers.parseFirst(CALL_ID, isWord) !== true) return bad('Call-ID');
  if (method !== null && cseq.method !== method) {
    // Of a method we know it is our peer's error, another one is not implemented. RFC 4475 3.1.2.18.
    return { reason: 'CSeq of another method', status: METHODS.has(method) ? 400 : 501 };
  }
  if (headers.contacts().length === 0 && headers.has('Contact')) return bad('Contact');
  return null;
}

function bad(field: string): Fault {
  return { reason: `${field} missing or malformed`, status: 400 };
}

function isWord(text: string, from: number, to: number): boolean {
  load(text, from, to);
  return from < to && wordEnd(from, to) === to;
}

/** What RFC 3261 asks of requests and RFC 2543 did not: a branch with the magic cookie and more, a tag in From. */
function requestFault(headers: HeaderList): Fault | null {
  const branch = headers.via()?.params.get('branch');
  if (!branch || branch.length < 8 || !hasCookie(branch))
    return { reason: 'Via without an RFC 3261 branch', status: 400 };
  return headers.from()?.params.get('tag') ? null : { reason: 'From without tag', status: 400 };
}

function hasCookie(branch: string): boolean {
  return branch.startsWith('z9hG4bK') || branch.slice(0, 7).toLowerCase() === 'z9hg4bk';
}

/** Gives a message its body, which begins at `from`. */
function takeBody(message: Parsed, bytes: Buffer, from: number, max: ParseLimits): Fault | null {
  const rest = bytes.length - from;
  // The whole value, as the framer reads it: two readings of one length would be two messages.
  const given = message.headers.parseFirst(CONTENT_LENGTH, parseLength);
  if (given === null) return { reason: 'malformed Content-Length', status: 400 };
  const length = given ?? rest;
  if (length > max.bodyBytes) return { reason: 'body too large', status: 413 };
  if (length > rest) return { reason: 'body shorter than Content-Length', status: 400 };
  if (length > 0) message.body = bytes.subarray(from, from + length);
  return null;
}

function parseLength(text: string, from: number, to: number): number | null {
  return parseDigits(text, MAX_CONTENT_LENGTH, from, to) ?? null;
}

function parseResponse(line: Line, head: Head, bytes: Buffer, max: ParseLimits): ParseResult {
  const text = line.text.slice(0, line.to);
  // "SIP/2.0 200 OK"; the reason phrase may be empty, its space may not be missing. RFC 3261 7.2.
  if (text.slice(0, 8).toLowerCase() !== 'sip/2.0 ') return silent('malformed status line');
  const code = text.slice(8, 11);
  const status = Number(code);
  if (!isDigits(code) || status < 100 || status > 699) return silent('malformed status code');
  if (text.length > 11 && text.charCodeAt(11) !== 0x20) return silent('malformed status code');
  if (hasControl(text)) return silent('control character in the reason phrase');
  const { headers } = head;
  const message: SipResponse & Parsed = { type: 'response', status, reason: text.slice(12), headers, body: NO_BODY };
  const fault = head.fault ?? headerFault(headers, null) ?? takeBody(message, bytes, head.end, max);
  return fault === null ? { ok: true, message } : silent(fault.reason);
}
