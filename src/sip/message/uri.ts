/** SIP, SIPS and tel URIs: parse, write, compare. RFC 3261 19.1, RFC 3966. */
import type { SipUri } from './message.ts';
import { addParam, type Params, readParamName } from './param.ts';
import {
  codeAt,
  DIGIT,
  escapedEnd,
  find,
  HOST,
  isAt,
  LOWER_HOST,
  load,
  PASSWORD,
  readDigits,
  runEnd,
  SCHEME,
  skipWs,
  URI_HEADER,
  URI_PARAM,
  URI_REST,
  USER,
} from './scan.ts';
import { spelled, wordAt } from './words.ts';

const SCHEMES = spelled('sip sips tel');

/** Reads a URI; null when malformed. Other schemes than sip, sips and tel keep everything after the colon in `host`. RFC 3261 19.1.1. */
export function parseUri(text: string, from = 0, to: number = text.length): SipUri | null {
  load(text, from, to);
  const colon = schemeEnd(from, to);
  if (colon === -1) return null;
  const scheme = wordAt(SCHEMES, from, colon) ?? text.slice(from, colon).toLowerCase();
  if (scheme === 'sip' || scheme === 'sips') return readSip(scheme, text, colon + 1, to);
  if (scheme === 'tel') return readTel(text, colon + 1, to);
  if (readUriEnd(from, to) !== to) return null;
  const host = text.slice(colon + 1, to);
  return { scheme, user: null, password: null, host, port: null, params: new Map(), headers: null };
}

const LONGEST_SCHEME = 64;

/** Position of the colon behind a scheme, -1 without one. */
function schemeEnd(from: number, to: number): number {
  const end = runEnd(from, to, SCHEME);
  if (end - from < 1 || end - from > LONGEST_SCHEME || !isAt(0x3a, end, to)) return -1;
  // The first one is a letter, and of the others none stands behind "A".
  return codeAt(from) < 0x41 ? -1 : end;
}

/** Where what may be a URI at all ends: a scheme, a colon, and then no space, control, quote or angle bracket. -1 when there is none. */
export function readUriEnd(from: number, to: number): number {
  const colon = schemeEnd(from, to);
  if (colon === -1) return -1;
  const end = runEnd(colon + 1, to, URI_REST);
  return end === colon + 1 ? -1 : end;
}

function readSip(scheme: string, text: string, from: number, to: number): SipUri | null {
  let user: string | null = null;
  let password: string | null = null;
  let pos = from;
  // User parts may hold ";" and "?", so "@" is looked for first; it stands nowhere else unescaped.
  const at = find(0x40, from, to);
  if (at < to) {
    const userEnd = escapedEnd(from, at, USER);
    if (userEnd === from) return null;
    user = text.slice(from, userEnd);
    if (userEnd < at) {
      if (codeAt(userEnd) !== 0x3a || escapedEnd(userEnd + 1, at, PASSWORD) !== at) return null;
      password = text.slice(userEnd + 1, at);
    }
    pos = at + 1;
  }
  const hostport = readHostport(text, pos, to);
  if (hostport === null) return null;
  const params: Params = new Map();
  pos = readUriParams(text, hostport.end, to, params);
  let headers: string | null = null;
  if (isAt(0x3f, pos, to)) {
    headers = text.slice(pos + 1, to);
    if (headers.length === 0) return null;
    pos = escapedEnd(pos + 1, to, URI_HEADER);
  }
  if (pos !== to) return null;
  return { scheme, user, password, host: hostport.host, port: hostport.port, params, headers };
}

export interface Hostport {
  /** Lower case. */
  host: string;
  port: number | null;
  /** Where it ended: what follows is the reader's to judge. */
  end: number;
}

/** Reads "host", "host:port" or "[v6]:port", with `isSpaced` also spaces around the colon; null when there is none. */
export function readHostport(text: string, from: number, to: number, isSpaced = false): Hostport | null {
  // Most hosts are in lower case already.
  const lowerEnd = runEnd(from, to, LOWER_HOST);
  let end = runEnd(lowerEnd, to, HOST);
  if (isAt(0x5b, from, to)) {
    end = find(0x5d, from, to) + 1;
    if (end > to || end - from < 4 || !isV6Text(from + 1, end - 1)) return null;
  } else if (end === from) return null;
  const host = end === lowerEnd ? text.slice(from, end) : text.slice(from, end).toLowerCase();
  const colon = isSpaced ? skipWs(end, to) : end;
  if (!isAt(0x3a, colon, to)) return { host, port: null, end: colon };
  const digits = isSpaced ? skipWs(colon + 1, to) : colon + 1;
  const portEnd = runEnd(digits, to, DIGIT);
  const port = readDigits(65535, digits, portEnd);
  return port === undefined ? null : { host, port, end: portEnd };
}

function isV6Text(from: number, to: number): boolean {
  if (to - from > 45) return false;
  for (let i = from; i < to; i++) {
    const code = codeAt(i);
    const hex = (code >= 0x30 && code <= 0x3a) || (code >= 0x41 && code <= 0x46) || (code >= 0x61 && code <= 0x66);
    if (!hex && code !== 0x2e) return false;
  }
  return find(0x3a, from, to) < to;
}

/** Reads ";name=value" as often as it comes; where it ended, -1 when one is malformed or given twice. */
function readUriParams(text: string, from: number, to: number, params: Params): number {
  let pos = from;
  while (isAt(0x3b, pos, to)) {
    const nameEnd = escapedEnd(pos + 1, to, URI_PARAM);
    if (nameEnd === pos + 1) return -1;
    const name = readParamName(text, pos + 1, nameEnd);
    pos = nameEnd;
    let value: string | null = null;
    if (isAt(0x3d, nameEnd, to)) {
      pos = escapedEnd(nameEnd + 1, to, URI_PARAM);
      value = text.slice(nameEnd + 1, pos);
    }
    if (!addParam(params, name, value)) return -1;
  }
  return pos;
}

function readTel(text: string, from: number, to: number): SipUri | null {
  const end = find(0x3b, from, to);
  const user = text.slice(from, end);
  const params: Params = new Map();
  if (!isPhoneNumber(user) || readUriParams(text, end, to, params) !== to) return null;
  return { scheme: 'tel', user, password: null, host: '', port: null, params, headers: null };
}

/** Digits with visual separators, one leading "+"; local numbers may hold hex digits, "*" and "#". RFC 3966 3. */
function isPhoneNumber(text: string): boolean {
  const global = text.charCodeAt(0) === 0x2b;
  let digits = 0;
  for (let i = global ? 1 : 0; i < text.length; i++) {
    const c = text[i] ?? '';
    if (c >= '0' && c <= '9') digits++;
    else if (!global && '*#abcdefABCDEF'.includes(c)) digits++;
    else if (!'-.()'.includes(c)) return false;
  }
  return digits > 0;
}

/** Writes a URI; the inverse of `parseUri` but for the case of scheme, host and parameter names. */
export function formatUri(uri: SipUri): string {
  let text = `${uri.scheme}:`;
  if (uri.user !== null) {
    text += uri.user;
    if (uri.password !== null) text += `:${uri.password}`;
    if (uri.scheme !== 'tel') text += '@';
  }
  text += uri.host;
  if (uri.port !== null) text += `:${uri.port}`;
  for (const [name, value] of uri.params) text += value === null ? `;${name}` : `;${name}=${value}`;
  return uri.headers === null ? text : `${text}?${uri.headers}`;
}

/** Undoes %HH escapes of ASCII characters, for comparison only; malformed escapes stay. RFC 3261 19.1.2. */
export function unescapeUri(text: string): string {
  if (!text.includes('%')) return text;
  let result = '';
  for (let i = 0; i < text.length; i++) {
    const code = text[i] === '%' ? Number.parseInt(text.slice(i + 1, i + 3), 16) : Number.NaN;
    if (Number.isNaN(code) || code > 127) result += text[i] ?? '';
    else {
      result += String.fromCharCode(code);
      i += 2;
    }
  }
  return result;
}

/** Parameters that make two URIs differ even when only one of them has it. RFC 3261 19.1.4. */
const SIGNIFICANT = ['user', 'ttl', 'method', 'maddr', 'transport'];

/** True when two URIs are equal by the rules of their scheme. RFC 3261 19.1.4, RFC 3966 4. */
export function sameUri(a: SipUri, b: SipUri): boolean {
  if (a.scheme !== b.scheme) return false;
  if (a.scheme === 'tel') return bareNumber(a.user) === bareNumber(b.user) && sameParams(a.params, b.params, true);
  if (a.scheme !== 'sip' && a.scheme !== 'sips') return a.host === b.host;
  if (unescapeUri(a.user ?? '\0') !== unescapeUri(b.user ?? '\0')) return false;
  if (unescapeUri(a.password ?? '\0') !== unescapeUri(b.password ?? '\0')) return false;
  if (a.host !== b.host || a.port !== b.port) return false;
  return sameParams(a.params, b.params, false) && sameUriHeaders(a.headers, b.headers);
}

function bareNumber(number: string | null): string {
  let bare = '';
  for (const c of number ?? '') if (!'-.()'.includes(c)) bare += c.toLowerCase();
  return bare;
}

function sameParams(a: SipUri['params'], b: SipUri['params'], strict: boolean): boolean {
  if (strict && a.size !== b.size) return false;
  for (const [name, value] of a) {
    const other = b.get(name);
    if (other === undefined) {
      if (strict) return false;
      continue;
    }
    if (unescapeUri(value ?? '').toLowerCase() !== unescapeUri(other ?? '').toLowerCase()) return false;
  }
  return SIGNIFICANT.every(name => a.has(name) === b.has(name));
}

function sameUriHeaders(a: string | null, b: string | null): boolean {
  if (a === b) return true;
  if (a === null || b === null) return false;
  const sorted = (text: string): string =>
    text
      .split('&')
      .map(part => {
        const equals = part.indexOf('=');
        const name = equals === -1 ? part : part.slice(0, equals);
        return unescapeUri(name).toLowerCase() + unescapeUri(equals === -1 ? '' : part.slice(equals));
      })
      .sort()
      .join('&');
  return sorted(a) === sorted(b);
}
