/** Character classes and small scanners of the SIP grammar: linear, no regular expression over input. RFC 3261 25.1. */

const TOKEN = 1;
/** What a parameter value may hold unquoted: a token, a host, and what deployed stacks put there. */
const LOOSE = 2;
const USER = 4;
const PASSWORD = 8;
const URI_PARAM = 16;
const URI_HEADER = 32;
const HOST = 64;
const ALNUM = 128;

const CLASS = new Uint8Array(128);

function mark(chars: string, bits: number): void {
  for (let i = 0; i < chars.length; i++) {
    const code = chars.charCodeAt(i);
    CLASS[code] = (CLASS[code] ?? 0) | bits;
  }
}

mark('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789', 255);
mark("-.!%*_+`'~", TOKEN | LOOSE);
mark('[]:=/@&$?#()|{}^', LOOSE);
mark("-_.!~*'()", USER | PASSWORD | URI_PARAM | URI_HEADER);
mark('%', USER | PASSWORD | URI_PARAM | URI_HEADER);
mark('&=+$,;?/#', USER);
mark('&=+$,', PASSWORD);
mark('[]/:&+$', URI_PARAM);
mark('[]/?:+$&=', URI_HEADER);
mark('-._', HOST);

function all(text: string, from: number, to: number, bit: number): boolean {
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i);
    if (code > 127 || ((CLASS[code] ?? 0) & bit) === 0) return false;
  }
  return true;
}

/** True when the text is a non-empty token. RFC 3261 25.1. */
export function isToken(text: string): boolean {
  return text.length > 0 && all(text, 0, text.length, TOKEN);
}

export function isLooseValue(text: string): boolean {
  return text.length > 0 && all(text, 0, text.length, LOOSE);
}

export const isUserText = (text: string): boolean => all(text, 0, text.length, USER) && escapesAreWhole(text);
export const isPasswordText = (text: string): boolean => all(text, 0, text.length, PASSWORD) && escapesAreWhole(text);
export const isUriParamText = (text: string): boolean => all(text, 0, text.length, URI_PARAM) && escapesAreWhole(text);
export const isUriHeaderText = (text: string): boolean =>
  all(text, 0, text.length, URI_HEADER) && escapesAreWhole(text);
export const isHostText = (text: string): boolean => text.length > 0 && all(text, 0, text.length, HOST);

/** True for the characters of an alphanum. RFC 3261 25.1. */
export function isAlnum(code: number): boolean {
  return code < 128 && ((CLASS[code] ?? 0) & ALNUM) !== 0;
}

function isHex(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x46) || (code >= 0x61 && code <= 0x66);
}

function escapesAreWhole(text: string): boolean {
  for (let i = text.indexOf('%'); i !== -1; i = text.indexOf('%', i + 3)) {
    if (i + 2 >= text.length || !isHex(text.charCodeAt(i + 1)) || !isHex(text.charCodeAt(i + 2))) return false;
  }
  return true;
}

/** True for space and tab. */
export function isWs(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** Position of the first character at or after `pos` that is neither space nor tab. */
export function skipWs(text: string, pos: number): number {
  while (pos < text.length && isWs(text.charCodeAt(pos))) pos++;
  return pos;
}

/** Unsigned integer of 1 or more digits and nothing else, not above `max`; undefined otherwise. Leading zeros are fine. */
export function parseDigits(text: string, max: number): number | undefined {
  if (text.length === 0) return undefined;
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
    if (value > max) return undefined;
  }
  return value;
}

/** Index just behind the quoted string that opens at `pos`, or -1 when it is never closed. */
export function quotedEnd(text: string, pos: number): number {
  for (let i = pos + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x5c) i++;
    else if (code === 0x22) return i + 1;
  }
  return -1;
}

/** Content of a quoted string between its quotes, escapes undone. */
export function unquote(text: string, from: number, to: number): string {
  const inner = text.slice(from, to);
  if (!inner.includes('\\')) return inner;
  let result = '';
  for (let i = 0; i < inner.length; i++) {
    if (inner.charCodeAt(i) === 0x5c && i + 1 < inner.length) i++;
    result += inner[i] ?? '';
  }
  return result;
}

/** The text as a quoted string; control characters, which only a quoted pair could carry, are left out. */
export function quote(text: string): string {
  let result = '"';
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (isControl(code)) continue;
    if (code === 0x22 || code === 0x5c) result += '\\';
    result += text[i] ?? '';
  }
  return `${result}"`;
}

/** Splits a list field at its commas, outside quotes and angle brackets; spaces around an element go. RFC 3261 7.3.1. */
export function splitList(value: string): string[] {
  if (!value.includes(',')) return [value];
  const result: string[] = [];
  let start = 0;
  let angle = false;
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code === 0x22) {
      const end = quotedEnd(value, i);
      if (end === -1) break;
      i = end - 1;
    } else if (code === 0x3c) angle = true;
    else if (code === 0x3e) angle = false;
    else if (code === 0x2c && !angle) {
      result.push(trimWs(value.slice(start, i)));
      start = i + 1;
    }
  }
  result.push(trimWs(value.slice(start)));
  return result;
}

/** True when the text holds a control character other than tab. */
export function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (isControl(text.charCodeAt(i))) return true;
  }
  return false;
}

/** The text without spaces and tabs at its ends; other Unicode spaces belong to the value. */
export function trimWs(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isWs(text.charCodeAt(from))) from++;
  while (to > from && isWs(text.charCodeAt(to - 1))) to--;
  return from === 0 && to === text.length ? text : text.slice(from, to);
}

/** True when the text may be a field value: controls only in quoted pairs, CR and LF nowhere. RFC 3261 25.1 (quoted-pair). */
export function isFieldValue(text: string): boolean {
  if (!hasControl(text)) return true;
  if (text.includes('\r') || text.includes('\n')) return false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x22) {
      const end = quotedEnd(text, i);
      if (end === -1 || hasUnescapedControl(text, i + 1, end - 1)) return false;
      i = end - 1;
    } else if (isControl(code)) return false;
  }
  return true;
}

function hasUnescapedControl(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x5c) i++;
    else if (isControl(code)) return true;
  }
  return false;
}

function isControl(code: number): boolean {
  return code < 0x20 ? code !== 0x09 : code === 0x7f;
}
