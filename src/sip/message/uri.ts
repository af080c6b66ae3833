/** SIP, SIPS and tel URIs: parse, write, compare. RFC 3261 19.1, RFC 3966. */
import {
  isAlnum,
  isHostText,
  isPasswordText,
  isUriHeaderText,
  isUriParamText,
  isUserText,
  parseDigits,
} from './chars.ts';
import type { SipUri } from './message.ts';

/** Reads a URI; null when malformed. Other schemes than sip, sips and tel keep everything after the colon in `host`. RFC 3261 19.1.1. */
export function parseUri(text: string): SipUri | null {
  const colon = text.indexOf(':');
  const scheme = schemeOf(text, colon);
  if (scheme === null) return null;
  const rest = text.slice(colon + 1);
  if (scheme === 'sip' || scheme === 'sips') return parseSip(scheme, rest);
  if (scheme === 'tel') return parseTel(rest);
  if (!isUriText(text)) return null;
  return { scheme, user: null, password: null, host: rest, port: null, params: new Map(), headers: null };
}

function schemeOf(text: string, colon: number): string | null {
  if (colon < 1 || colon > 64) return null;
  if (colon === 3 && text.startsWith('sip')) return 'sip';
  for (let i = 0; i < colon; i++) {
    const code = text.charCodeAt(i);
    const plain = isAlnum(code) || code === 0x2b || code === 0x2d || code === 0x2e;
    if (!plain || (i === 0 && code < 0x41)) return null;
  }
  return text.slice(0, colon).toLowerCase();
}

/** True when the text may be a URI at all: a scheme, a colon, and no space, control, quote or angle bracket. */
export function isUriText(text: string): boolean {
  const colon = text.indexOf(':');
  if (schemeOf(text, colon) === null || colon === text.length - 1) return false;
  for (let i = colon + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code <= 0x20 || code === 0x22 || code === 0x3c || code === 0x3e || code === 0x7f) return false;
  }
  return true;
}

function parseSip(scheme: string, rest: string): SipUri | null {
  let user: string | null = null;
  let password: string | null = null;
  // User parts may hold ";" and "?", so "@" is looked for first; it stands nowhere else unescaped.
  const at = rest.indexOf('@');
  if (at !== -1) {
    const colon = rest.lastIndexOf(':', at);
    const first = rest.indexOf(':');
    if (colon !== -1) {
      if (first !== colon) return null;
      user = rest.slice(0, colon);
      password = rest.slice(colon + 1, at);
      if (!isPasswordText(password)) return null;
    } else user = rest.slice(0, at);
    if (user.length === 0 || !isUserText(user)) return null;
  }
  let pos = at + 1;
  let headers: string | null = null;
  const question = rest.indexOf('?', pos);
  if (question !== -1) {
    headers = rest.slice(question + 1);
    if (headers.length === 0 || !isUriHeaderText(headers)) return null;
  }
  const end = question === -1 ? rest.length : question;
  const semi = rest.indexOf(';', pos);
  const hostEnd = semi === -1 || semi > end ? end : semi;
  const hostport = parseHostport(rest.slice(pos, hostEnd));
  if (hostport === null) return null;
  pos = hostEnd;
  const params = pos === end ? new Map<string, string | null>() : parseUriParams(rest.slice(pos + 1, end));
  if (params === null) return null;
  return { scheme, user, password, host: hostport.host, port: hostport.port, params, headers };
}

/** Reads "host", "host:port" or "[v6]:port"; null when malformed. */
export function parseHostport(text: string): { host: string; port: number | null } | null {
  let hostEnd: number;
  if (text.charCodeAt(0) === 0x5b) {
    hostEnd = text.indexOf(']') + 1;
    if (hostEnd < 4 || !isV6Text(text, 1, hostEnd - 1)) return null;
  } else {
    const colon = text.indexOf(':');
    hostEnd = colon === -1 ? text.length : colon;
    if (!isHostText(text.slice(0, hostEnd))) return null;
  }
  const host = text.slice(0, hostEnd).toLowerCase();
  if (hostEnd === text.length) return { host, port: null };
  if (text.charCodeAt(hostEnd) !== 0x3a) return null;
  const port = parseDigits(text.slice(hostEnd + 1), 65535);
  return port === undefined ? null : { host, port };
}

function isV6Text(text: string, from: number, to: number): boolean {
  if (to - from > 45) return false;
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i);
    const hex = (code >= 0x30 && code <= 0x3a) || (code >= 0x41 && code <= 0x46) || (code >= 0x61 && code <= 0x66);
    if (!hex && code !== 0x2e) return false;
  }
  return text.indexOf(':', from) < to;
}

function parseUriParams(text: string): Map<string, string | null> | null {
  const params = new Map<string, string | null>();
  for (const part of text.split(';')) {
    const equals = part.indexOf('=');
    const name = equals === -1 ? part : part.slice(0, equals);
    const value = equals === -1 ? null : part.slice(equals + 1);
    if (name.length === 0 || !isUriParamText(name)) return null;
    if (value !== null && !isUriParamText(value)) return null;
    const key = name.toLowerCase();
    if (params.has(key)) return null;
    params.set(key, value);
  }
  return params;
}

function parseTel(rest: string): SipUri | null {
  const semi = rest.indexOf(';');
  const number = semi === -1 ? rest : rest.slice(0, semi);
  if (!isPhoneNumber(number)) return null;
  const params = semi === -1 ? new Map<string, string | null>() : parseUriParams(rest.slice(semi + 1));
  if (params === null) return null;
  return { scheme: 'tel', user: number, password: null, host: '', port: null, params, headers: null };
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
