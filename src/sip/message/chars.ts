/**
 * Character classes and small scanners of the SIP grammar: linear, no regular expression over input. They read a part of a text
 * where it stands, from `from` up to and without `to`, as cutting it out first costs more than reading it. RFC 3261 25.1.
 */

export const TOKEN = 1;
/** What a parameter value may hold unquoted: a token, a host, and what deployed stacks put there. */
export const LOOSE = 2;
export const USER = 4;
export const PASSWORD = 8;
export const URI_PARAM = 16;
export const URI_HEADER = 32;
export const HOST = 64;
export const SCHEME = 128;
/** What may stand behind the colon of any URI: all but spaces, controls, quotes and angle brackets. */
export const URI_REST = 256;
/** A host as it is compared. */
export const LOWER_HOST = 512;
export const DIGIT = 1024;

const CLASS = new Uint16Array(256).fill(URI_REST, 128);

function mark(chars: string, bits: number): void {
  for (let i = 0; i < chars.length; i++) {
    const code = chars.charCodeAt(i);
    CLASS[code] = (CLASS[code] ?? 0) | bits;
  }
}

mark('ABCDEFGHIJKLMNOPQRSTUVWXYZ', 511);
mark('abcdefghijklmnopqrstuvwxyz0123456789', 1023);
mark("-.!%*_+`'~", TOKEN | LOOSE | URI_REST);
mark('[]:=/@&$?#()|{}^', LOOSE | URI_REST);
mark(';,\\', URI_REST);
mark("-_.!~*'()", USER | PASSWORD | URI_PARAM | URI_HEADER);
mark('&=+$,;?/#', USER);
mark('&=+$,', PASSWORD);
mark('[]/:&+$', URI_PARAM);
mark('[]/?:+$&=', URI_HEADER);
mark('-._', HOST | LOWER_HOST);
mark('0123456789', DIGIT);
mark('+-.', SCHEME);

/** Where the run of characters of this class ends that begins at `from`; characters beyond ASCII are in `URI_REST` alone. */
export function runEnd(text: string, from: number, to: number, classBit: number): number {
  let end = from;
  while (end < to && ((CLASS[text.charCodeAt(end)] ?? URI_REST) & classBit) !== 0) end++;
  return end;
}

/** The same where %HH escapes may stand between the characters. */
export function escapedEnd(text: string, from: number, to: number, classBit: number): number {
  let end = runEnd(text, from, to, classBit);
  while (end + 3 <= to && text.charCodeAt(end) === 0x25 && isHex(text, end + 1) && isHex(text, end + 2))
    end = runEnd(text, end + 3, to, classBit);
  return end;
}

function isHex(text: string, pos: number): boolean {
  const code = text.charCodeAt(pos);
  return (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x46) || (code >= 0x61 && code <= 0x66);
}

/** True when the text is a non-empty token. RFC 3261 25.1. */
export function isToken(text: string, from = 0, to: number = text.length): boolean {
  return from < to && runEnd(text, from, to, TOKEN) === to;
}

export function isLooseValue(text: string): boolean {
  return text.length > 0 && runEnd(text, 0, text.length, LOOSE) === text.length;
}

/** Code of the character at `pos`, -1 at the end. */
export function codeAt(text: string, pos: number, to: number): number {
  return pos < to ? text.charCodeAt(pos) : -1;
}

/** Position of the first character of this code, `to` when there is none. */
export function find(text: string, code: number, from: number, to: number): number {
  let pos = from;
  while (pos < to && text.charCodeAt(pos) !== code) pos++;
  return pos;
}

/** True for space and tab. */
export function isWs(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** Position of the first character at or after `from` that is neither space nor tab. */
export function skipWs(text: string, from: number, to: number = text.length): number {
  let pos = from;
  while (pos < to && isWs(text.charCodeAt(pos))) pos++;
  return pos;
}

/** Position of the first space or tab at or after `from`, `to` when there is none. */
export function wordEnd(text: string, from: number, to: number): number {
  let pos = from;
  while (pos < to && !isWs(text.charCodeAt(pos))) pos++;
  return pos;
}

/** Unsigned integer of 1 or more digits and nothing else, not above `max`; undefined otherwise. Leading zeros are fine. */
export function parseDigits(text: string, max: number, from = 0, to: number = text.length): number | undefined {
  if (from === to) return undefined;
  let value = 0;
  for (let i = from; i < to; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
    if (value > max) return undefined;
  }
  return value;
}

/** Index just behind the quoted string that opens at `from`, or -1 when it is never closed. */
export function quotedEnd(text: string, from: number, to: number = text.length): number {
  for (let i = from + 1; i < to; i++) {
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
