/** From, To, Contact, Route and their kin: display name, URI, parameters. RFC 3261 20.10, 25.1. */
import type { NameAddr } from './message.ts';
import { formatParams, readParams } from './param.ts';
import { codeAt, DISPLAY, isAt, isWs, load, quotedEnd, runEnd, skipWs } from './scan.ts';
import { readUriEnd } from './uri.ts';
import { elementEnd, quote, unquote } from './value.ts';

/** Reads one name-addr or addr-spec with its parameters; null when malformed. "*" (Contact) is no address: see `parseNameAddrList`. */
export function parseNameAddr(text: string, from = 0, to: number = text.length): NameAddr | null {
  load(text, from, to);
  return readNameAddr(text, from, to);
}

function readNameAddr(text: string, from: number, to: number): NameAddr | null {
  const start = skipWs(from, to);
  if (isAt(0x22, start, to)) {
    const end = quotedEnd(start, to);
    return end === -1 ? null : bracketed(text, skipWs(end, to), to, unquote(text, start + 1, end - 1));
  }
  const open = runEnd(start, to, DISPLAY);
  if (!isAt(0x3c, open, to)) return bare(text, start, to);
  return bracketed(text, open, to, open === start ? null : text.slice(start, open).trim() || null);
}

function bracketed(text: string, open: number, to: number, display: string | null): NameAddr | null {
  if (!isAt(0x3c, open, to)) return null;
  const close = readUriEnd(open + 1, to);
  if (close === -1 || !isAt(0x3e, close, to)) return null;
  const params = readParams(text, close + 1, to);
  return params === null ? null : { display, uri: text.slice(open + 1, close), params };
}

/** Without brackets every ";" starts a header parameter, and "?" and "," may not stand in the URI. RFC 3261 20. */
function bare(text: string, start: number, to: number): NameAddr | null {
  let end = start;
  for (; end < to; end++) {
    const code = codeAt(end);
    if (code === 0x3b || isWs(code)) break;
    if (code === 0x3f || code === 0x2c) return null;
  }
  if (readUriEnd(start, end) !== end) return null;
  const params = readParams(text, end, to);
  return params === null ? null : { display: null, uri: text.slice(start, end), params };
}

/** Writes a name-addr, always with angle brackets; a display name is always quoted. */
export function formatNameAddr(address: NameAddr): string {
  const params = formatParams(address.params);
  if (address.uri === '*') return '*';
  return address.display === null ? `<${address.uri}>${params}` : `${quote(address.display)} <${address.uri}>${params}`;
}

/** Reads a comma-separated list; null when one element is malformed. A lone "*" (Contact) is an address whose URI is "*". */
export function parseNameAddrList(text: string, from = 0, to: number = text.length): NameAddr[] | null {
  load(text, from, to);
  // Nearly every list has one element; a comma outside quotes and brackets is in no name-addr.
  const only = readNameAddr(text, from, to);
  if (only !== null) return [only];
  if (text.slice(from, to).trim() === '*') return [{ display: null, uri: '*', params: new Map() }];
  const result: NameAddr[] = [];
  for (let start = from; start <= to; ) {
    const end = elementEnd(start, to);
    const address = readNameAddr(text, start, end);
    if (address === null) return null;
    result.push(address);
    start = end + 1;
  }
  return result;
}
