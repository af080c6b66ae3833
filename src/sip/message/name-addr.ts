/** From, To, Contact, Route and their kin: display name, URI, parameters. RFC 3261 20.10, 25.1. */
import { isToken, isWs, quote, quotedEnd, skipWs, splitList, unquote } from './chars.ts';
import type { NameAddr } from './message.ts';
import { formatParams, parseParams } from './param.ts';
import { isUriText } from './uri.ts';

/** Reads one name-addr or addr-spec with its parameters; null when malformed. "*" (Contact) is no address: see `parseNameAddrList`. */
export function parseNameAddr(text: string): NameAddr | null {
  const start = skipWs(text, 0);
  if (text.charCodeAt(start) === 0x22) {
    const end = quotedEnd(text, start);
    if (end === -1) return null;
    const open = skipWs(text, end);
    return text.charCodeAt(open) === 0x3c ? bracketed(text, open, unquote(text, start + 1, end - 1)) : null;
  }
  const open = text.indexOf('<', start);
  if (open !== -1 && isDisplay(text, start, open)) {
    const display = text.slice(start, open).trim();
    return bracketed(text, open, display.length === 0 ? null : display);
  }
  return bare(text, start);
}

function bracketed(text: string, open: number, display: string | null): NameAddr | null {
  const close = text.indexOf('>', open);
  if (close === -1) return null;
  const uri = text.slice(open + 1, close);
  if (!isUriText(uri)) return null;
  const params = parseParams(text, close + 1);
  return params === null ? null : { display, uri, params };
}

/** Without brackets every ";" starts a header parameter, and "?" and "," may not stand in the URI. RFC 3261 20. */
function bare(text: string, start: number): NameAddr | null {
  let end = start;
  for (; end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (code === 0x3b || isWs(code)) break;
    if (code === 0x3f || code === 0x2c) return null;
  }
  const uri = text.slice(start, end);
  if (!isUriText(uri)) return null;
  const params = parseParams(text, end);
  return params === null ? null : { display: null, uri, params };
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
export function parseNameAddrList(text: string): NameAddr[] | null {
  return parseNameAddrs(splitList(text));
}

/** Reads elements already split; null when one is malformed. */
export function parseNameAddrs(elements: readonly string[]): NameAddr[] | null {
  if (elements.length === 1 && elements[0]?.trim() === '*') return [{ display: null, uri: '*', params: new Map() }];
  const result: NameAddr[] = [];
  for (const element of elements) {
    const address = parseNameAddr(element);
    if (address === null) return null;
    result.push(address);
  }
  return result;
}
