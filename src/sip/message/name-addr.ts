/** From, To, Contact, Route and their kin: display name, URI, parameters. RFC 3261 20.10, 25.1. */
import { codeAt, find, isToken, isWs, quote, quotedEnd, skipWs, splitList, unquote } from './chars.ts';
import type { NameAddr } from './message.ts';
import { formatParams, parseParams } from './param.ts';
import { uriEnd } from './uri.ts';

/** Reads one name-addr or addr-spec with its parameters; null when malformed. "*" (Contact) is no address: see `parseNameAddrList`. */
export function parseNameAddr(text: string, from = 0, to: number = text.length): NameAddr | null {
  const start = skipWs(text, from, to);
  if (codeAt(text, start, to) === 0x22) {
    const end = quotedEnd(text, start, to);
    if (end === -1) return null;
    return bracketed(text, skipWs(text, end, to), to, unquote(text, start + 1, end - 1));
  }
  const open = find(text, 0x3c, start, to);
  if (open === start) return bracketed(text, open, to, null);
  if (open < to && isDisplay(text, start, open))
    return bracketed(text, open, to, text.slice(start, open).trim() || null);
  return bare(text, start, to);
}

function bracketed(text: string, open: number, to: number, display: string | null): NameAddr | null {
  if (codeAt(text, open, to) !== 0x3c) return null;
  const close = uriEnd(text, open + 1, to);
  if (close === -1 || codeAt(text, close, to) !== 0x3e) return null;
  const params = parseParams(text, close + 1, to);
  return params === null ? null : { display, uri: text.slice(open + 1, close), params };
}

/** Without brackets every ";" starts a header parameter, and "?" and "," may not stand in the URI. RFC 3261 20. */
function bare(text: string, start: number, to: number): NameAddr | null {
  let end = start;
  for (; end < to; end++) {
    const code = text.charCodeAt(end);
    if (code === 0x3b || isWs(code)) break;
    if (code === 0x3f || code === 0x2c) return null;
  }
  if (uriEnd(text, start, end) !== end) return null;
  const params = parseParams(text, end, to);
  return params === null ? null : { display: null, uri: text.slice(start, end), params };
}

/** Unquoted display names are tokens and spaces; characters beyond ASCII are let through, as deployed phones send them. */
function isDisplay(text: string, from: number, to: number): boolean {
  let wordStart = from;
  for (let i = from; i <= to; i++) {
    const code = i === to ? 0x20 : text.charCodeAt(i);
    if (!isWs(code)) continue;
    if (i > wordStart) {
      const word = text.slice(wordStart, i);
      if (!isToken(word) && !isWide(word)) return false;
    }
    wordStart = i + 1;
  }
  return true;
}

function isWide(word: string): boolean {
  let ascii = '';
  for (let i = 0; i < word.length; i++) if (word.charCodeAt(i) < 0x80) ascii += word[i] ?? '';
  return ascii.length < word.length && (ascii.length === 0 || isToken(ascii));
}

/** Writes a name-addr, always with angle brackets; a display name is always quoted. */
export function formatNameAddr(address: NameAddr): string {
  const params = formatParams(address.params);
  if (address.uri === '*') return '*';
  return address.display === null ? `<${address.uri}>${params}` : `${quote(address.display)} <${address.uri}>${params}`;
}

/** Reads a comma-separated list; null when one element is malformed. A lone "*" (Contact) is an address whose URI is "*". */
export function parseNameAddrList(text: string, from = 0, to: number = text.length): NameAddr[] | null {
  // Nearly every list has one element; a comma outside quotes and brackets is in no name-addr.
  const only = parseNameAddr(text, from, to);
  if (only !== null) return [only];
  const elements = splitList(text.slice(from, to));
  if (elements.length === 1)
    return elements[0]?.trim() === '*' ? [{ display: null, uri: '*', params: new Map() }] : null;
  const result: NameAddr[] = [];
  for (const element of elements) {
    const address = parseNameAddr(element);
    if (address === null) return null;
    result.push(address);
  }
  return result;
}
