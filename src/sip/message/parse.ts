/** From bytes to a SIP message, within hard limits, in linear time, never throwing. RFC 3261 7, 8.1.1, 25.1. */
import { isToken, isWs, quotedEnd } from './chars.ts';
import { HeaderList } from './header-list.ts';
import type { ParseLimits, ParseResult, SipRequest } from './message.ts';
import { fieldOf } from './name.ts';
import { parseUri } from './uri.ts';

export const DEFAULT_LIMITS: Readonly<ParseLimits> = {
  startLineBytes: 8192,
  headerLineBytes: 8192,
  headersBytes: 65536,
  headerCount: 200,
  bodyBytes: 262144,
};

const ORDINARY = 0;
const BYTE_CLASS = new Uint8Array(256);
const [CR, LF, CONTROL, WIDE, COLON] = [1, 2, 3, 4, 5] as const;
for (let i = 0; i < 256; i++) {
  BYTE_CLASS[i] = i > 127 ? WIDE : (i < 32 && i !== 9) || i === 127 ? CONTROL : ORDINARY;
}
BYTE_CLASS[13] = CR;
BYTE_CLASS[10] = LF;
BYTE_CLASS[0x3a] = COLON;

/** A fault: why, and the status a request of this fault deserves. */
interface Fault {
  reason: string;
  status: number;
}

interface Head {
  headers: HeaderList;
  fault: Fault | null;
}

/**
 * Reads one whole message: a datagram, or what the framer cut out of a stream. Octets behind Content-Length are dropped; without
 * Content-Length the body runs to the end (RFC 3261 18.3). The body is a view of `data`, not a copy. RFC 3261 7, 16.3, RFC 4475.
 */
export function parseMessage(data: Uint8Array, limits: Partial<ParseLimits> = {}): ParseResult {
  const max = { ...DEFAULT_LIMITS, ...limits };
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  let start = 0;
  while (bytes[start] === 13 && bytes[start + 1] === 10) start += 2;
  const lineEnd = bytes.subarray(0, start + max.startLineBytes + 2).indexOf('\r\n', start, 'latin1');
  if (lineEnd === -1) return silent('start line missing or too long');
  const bound = lineEnd + max.headersBytes + 4;
  const headEnd = bytes.subarray(0, bound).indexOf('\r\n\r\n', lineEnd, 'latin1');
  if (headEnd === -1) return silent(bytes.length > bound ? 'header fields too large' : 'header fields not ended');
  const line = bytes.toString('latin1', start, lineEnd);
  const head = parseHead(bytes, lineEnd + 2, headEnd, max);
  const rest = bytes.subarray(headEnd + 4);
  if (line.startsWith('SIP/') || line.slice(0, 4).toUpperCase() === 'SIP/') {
    return parseResponse(utf8(bytes, start, lineEnd, line), head, rest, max);
  }
  return parseRequest(utf8(bytes, start, lineEnd, line), head, rest, max);
}

function silent(reason: string): ParseResult {
  return { ok: false, reason, status: null, request: null };
}

function utf8(bytes: Buffer, from: number, to: number, latin1: string): string {
  for (let i = from; i < to; i++) if ((bytes[i] ?? 0) > 127) return bytes.toString('utf8', from, to);
  return latin1;
}

/** Cuts the header section into fields; goes on after a fault so that a refusal can still be addressed. */
function parseHead(bytes: Buffer, from: number, to: number, max: ParseLimits): Head {
  const keys: string[] = [];
  const names: string[] = [];
  const values: string[] = [];
  let fault: Fault | null = null;
  let seen = 0;
  // One text for the whole head, cut by offsets: latin1 keeps bytes and characters in step.
  const text = bytes.toString('latin1', from, to);
  let start = from;
  let colon = -1;
  let special = 0;
  for (let i = from; i <= to; i++) {
    const kind = BYTE_CLASS[bytes[i] ?? 0];
    if (kind === ORDINARY) continue;
    if (kind === COLON) {
      if (colon === -1) colon = i;
      continue;
    }
    if (kind === WIDE || kind === CONTROL) {
      special |= kind === WIDE ? 1 : 2;
      continue;
    }
    if (kind === LF || bytes[i + 1] !== 10) {
      fault ??= { reason: 'bare CR or LF', status: 400 };
      special |= 8;
      continue;
    }
    if (i < to && isWs(bytes[i + 2] ?? 0)) {
      special |= 4;
      i += 2;
      continue;
    }
    if (keys.length >= max.headerCount)
      return { headers: new HeaderList(keys, names, values), fault: { reason: 'too many header fields', status: 513 } };
    if (i - start > max.headerLineBytes) fault ??= { reason: 'header field too long', status: 513 };
    else if (colon === -1) fault ??= { reason: 'header field without colon', status: 400 };
    else {
      let nameEnd = colon;
      while (nameEnd > start && isWs(bytes[nameEnd - 1] ?? 0)) nameEnd--;
      const name = text.slice(start - from, nameEnd - from);
      const field = fieldOf(name);
      const value =
        special === 0
          ? plainValue(text, bytes, colon + 1 - from, i - from, from)
          : specialValue(bytes, colon + 1, i, special);
      if (value === null) fault ??= { reason: `control character in ${field.key}`, status: 400 };
      else if (field.key === name.toLowerCase() && !isToken(name))
        fault ??= { reason: 'malformed header field name', status: 400 };
      else if ((field.single & seen) !== 0) fault ??= { reason: `${field.key} twice`, status: 400 };
      else {
        seen |= field.single;
        keys.push(field.key);
        names.push(field.key === name.toLowerCase() ? name : field.key);
        values.push(value);
      }
    }
    start = i + 2;
    colon = -1;
    special = 0;
    i++;
  }
  return { headers: new HeaderList(keys, names, values), fault };
}

/** Value of a field on one line of printable ASCII, spaces around it taken off. */
function plainValue(text: string, bytes: Buffer, from: number, to: number, base: number): string {
  while (from < to && isWs(bytes[base + from] ?? 0)) from++;
  while (to > from && isWs(bytes[base + to - 1] ?? 0)) to--;
  return text.slice(from, to);
}

/** Value of a folded, non-ASCII or suspicious field: UTF-8 read, folds made one space; null when a control stands outside a quoted pair. */
function specialValue(bytes: Buffer, from: number, to: number, special: number): string | null {
  if ((special & 8) !== 0) return null;
  const raw = bytes.toString('utf8', from, to);
  let value = raw;
  if ((special & 4) !== 0) {
    const lines = raw.split('\r\n');
    value = lines
      .map(line => line.trim())
      .filter(line => line.length > 0)
      .join(' ');
  }
  value = trimWs(value);
  return (special & 2) !== 0 && !controlsAreQuoted(value) ? null : value;
}

function trimWs(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isWs(text.charCodeAt(from))) from++;
  while (to > from && isWs(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

/** A quoted pair may carry any control but CR and LF (RFC 3261 25.1, quoted-pair); nothing else may. */
function controlsAreQuoted(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code === 0x22) {
      const end = quotedEnd(value, i);
      if (end === -1) return false;
      for (let k = i + 1; k < end - 1; k++) {
        const inner = value.charCodeAt(k);
        if (inner === 0x5c) k++;
        else if ((inner < 0x20 && inner !== 9) || inner === 0x7f) return false;
      }
      i = end - 1;
    } else if ((code < 0x20 && code !== 9) || code === 0x7f) return false;
  }
  return true;
}

/** Methods a mismatch of which is our peer's error; a mismatch of an unknown method is told as not implemented. RFC 4475 3.1.2.18. */
const METHODS = new Set(
  'INVITE ACK BYE CANCEL OPTIONS REGISTER PRACK UPDATE INFO SUBSCRIBE NOTIFY REFER MESSAGE PUBLISH'.split(' '),
);

function parseRequest(line: string, head: Head, rest: Buffer, max: ParseLimits): ParseResult {
  const first = line.indexOf(' ');
  const second = line.indexOf(' ', first + 1);
  if (first < 1 || second === -1) return silent('malformed request line');
  const request: SipRequest = {
    type: 'request',
    method: line.slice(0, first),
    uri: line.slice(first + 1, second),
    headers: head.headers,
    body: rest.subarray(0, 0),
  };
  if (!isToken(request.method)) return silent('malformed method');
  const fault =
    versionFault(line.slice(second + 1)) ??
    head.fault ??
    uriFault(request.uri) ??
    headerFault(head.headers, request.method) ??
    requestFault(request) ??
    bodyFault(head.headers, rest, max);
  if (fault === null) {
    request.body = bodyOf(head.headers, rest);
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

function bodyFault(headers: HeaderList, rest: Buffer, max: ParseLimits): Fault | null {
  let length = rest.length;
  if (headers.has('Content-Length')) {
    const given = headers.number('Content-Length');
    if (given === undefined) return { reason: 'malformed Content-Length', status: 400 };
    if (given > rest.length && given <= max.bodyBytes)
      return { reason: 'body shorter than Content-Length', status: 400 };
    length = given;
  }
  return length > max.bodyBytes ? { reason: 'body too large', status: 413 } : null;
}

function bodyOf(headers: HeaderList, rest: Buffer): Uint8Array {
  return rest.subarray(0, headers.number('Content-Length') ?? rest.length);
}

function parseResponse(line: string, head: Head, rest: Buffer, max: ParseLimits): ParseResult {
  // "SIP/2.0 200 OK"; the reason phrase may be empty, its space may not be missing. RFC 3261 7.2.
  if (line.slice(0, 8).toUpperCase() !== 'SIP/2.0 ') return silent('malformed status line');
  const code = line.slice(8, 11);
  const status = Number(code);
  if (!isDigits(code) || status < 100 || status > 699) return silent('malformed status code');
  if (line.length > 11 && line.charCodeAt(11) !== 0x20) return silent('malformed status code');
  const fault = head.fault ?? headerFault(head.headers, null) ?? bodyFault(head.headers, rest, max);
  if (fault !== null) return silent(fault.reason);
  const message = {
    type: 'response' as const,
    status,
    reason: line.slice(12),
    headers: head.headers,
    body: bodyOf(head.headers, rest),
  };
  return { ok: true, message };
}
