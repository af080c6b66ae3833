/**
 * The scratch buffer and the small scanners of the SIP grammar that read it: linear, no regular expression over input. RFC 3261 25.1.
 *
 * What is to be read is loaded first, one byte for each character, at the positions it has in its text: V8 knows this one array when
 * it compiles, and the whole parser takes a third less time than over an array that is handed to it. The buffer holds one text at a
 * time: functions named `parse...` load what they are given; those named `read...` read what is loaded, and call none of these.
 */

/** Room for the longest head; whatever is longer reads as NUL, which no grammar has, from here on. */
export const SCRATCH_BYTES = 131_072;
const SCRATCH = new Uint8ClampedArray(SCRATCH_BYTES);
const VIEW = new DataView(SCRATCH.buffer);

/** The text that is loaded whole; null when a part of one is. */
let loaded: string | null = null;

/** Loads a part of a text, unless the whole is loaded. All beyond Latin-1 is 255: it belongs to the same classes. */
export function load(text: string, from: number, to: number): void {
  if (text === loaded) return;
  loaded = null;
  for (let i = from; i < to; i++) SCRATCH[i] = text.charCodeAt(i);
}

/**
 * Loads the first bytes of a message, `SCRATCH_BYTES` at most, and gives them as a text with a character for each. A NUL stands
 * behind them, so that what was read before completes none of their lines.
 */
export function loadBytes(bytes: Buffer, count: number): string {
  const text = bytes.toString('latin1', 0, count);
  SCRATCH.set(count === bytes.length ? bytes : bytes.subarray(0, count));
  SCRATCH[count] = 0;
  loaded = text;
  return text;
}

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
/** An unquoted display name: tokens and spaces, and what is beyond ASCII, as deployed phones send it. */
export const DISPLAY = 2048;

const CLASS = new Uint16Array(256).fill(URI_REST | DISPLAY, 128);

function mark(chars: string, bits: number): void {
  for (let i = 0; i < chars.length; i++) {
    const code = chars.charCodeAt(i);
    CLASS[code] = (CLASS[code] ?? 0) | bits;
  }
}

mark('ABCDEFGHIJKLMNOPQRSTUVWXYZ', 511 | DISPLAY);
mark('abcdefghijklmnopqrstuvwxyz0123456789', 1023 | DISPLAY);
mark("-.!%*_+`'~", TOKEN | LOOSE | URI_REST | DISPLAY);
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
mark(' \t', DISPLAY);

/** True when all of the text is of this class, one of ASCII characters alone, and it is not empty. */
export function isAll(text: string, classBit: number): boolean {
  for (let i = 0; i < text.length; i++) if (((CLASS[text.charCodeAt(i)] ?? 0) & classBit) === 0) return false;
  return text.length > 0;
}

/** True when the text is a non-empty token. RFC 3261 25.1. */
export function isToken(text: string): boolean {
  return isAll(text, TOKEN);
}

/** True for space and tab. */
export function isWs(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** Code of the character at this place of the scratch buffer. */
export function codeAt(pos: number): number {
  return SCRATCH[pos] ?? 0;
}

/** True when this character stands at `pos` and `pos` is before the end. */
export function isAt(code: number, pos: number, to: number): boolean {
  return pos < to && SCRATCH[pos] === code;
}

/** Where the run of characters of this class ends that begins at `from`. */
export function runEnd(from: number, to: number, classBit: number): number {
  let end = from;
  while (end < to && ((CLASS[SCRATCH[end] ?? 0] ?? 0) & classBit) !== 0) end++;
  return end;
}

/** The same where %HH escapes may stand between the characters. */
export function escapedEnd(from: number, to: number, classBit: number): number {
  let end = runEnd(from, to, classBit);
  while (end + 3 <= to && SCRATCH[end] === 0x25 && isHex(codeAt(end + 1)) && isHex(codeAt(end + 2)))
    end = runEnd(end + 3, to, classBit);
  return end;
}

function isHex(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x46) || (code >= 0x61 && code <= 0x66);
}

/** Where the printable ASCII (0x20 to 0x7e) ends that begins at `from`: nearly all of a head is it. */
export function printableEnd(from: number, to: number): number {
  let end = from;
  // Four at a time: the difference has the high bit of a byte below 0x20 or of 0xff, the sum that of 0x7f to 0xfe.
  for (; end + 4 <= to; end += 4) {
    const four = VIEW.getInt32(end, true);
    if ((((four - 0x20202020) | (four + 0x01010101)) & 0x80808080) !== 0) break;
  }
  while (end < to && isPrintable(SCRATCH[end] ?? 0)) end++;
  return end;
}

function isPrintable(code: number): boolean {
  return code >= 0x20 && code <= 0x7e;
}

/** Position of the first character of this code, `to` when there is none. */
export function find(code: number, from: number, to: number): number {
  let pos = from;
  while (pos < to && SCRATCH[pos] !== code) pos++;
  return pos;
}

/** Position of the first character at or after `from` that is neither space nor tab. */
export function skipWs(from: number, to: number): number {
  let pos = from;
  while (pos < to && isWs(SCRATCH[pos] ?? 0)) pos++;
  return pos;
}

/** Where what stands before `to` ends, spaces and tabs taken off, not before `from`. */
export function trimmedEnd(from: number, to: number): number {
  let end = to;
  while (end > from && isWs(SCRATCH[end - 1] ?? 0)) end--;
  return end;
}

/** Position of the first space or tab at or after `from`, `to` when there is none. */
export function wordEnd(from: number, to: number): number {
  let pos = from;
  while (pos < to && !isWs(SCRATCH[pos] ?? 0)) pos++;
  return pos;
}

/** Index just behind the quoted string that opens at `from`, or -1 when it is never closed. */
export function quotedEnd(from: number, to: number): number {
  for (let i = from + 1; i < to; i++) {
    const code = SCRATCH[i];
    if (code === 0x5c) i++;
    else if (code === 0x22) return i + 1;
  }
  return -1;
}

/** As `readDigits`, of a text that need not be loaded. */
export function parseDigits(text: string, max: number, from = 0, to: number = text.length): number | undefined {
  load(text, from, to);
  return readDigits(max, from, to);
}

/** Unsigned integer of 1 or more digits and nothing else, not above `max`; undefined otherwise. Leading zeros are fine. */
export function readDigits(max: number, from: number, to: number): number | undefined {
  if (from === to) return undefined;
  let value = 0;
  for (let i = from; i < to; i++) {
    const digit = codeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
    if (value > max) return undefined;
  }
  return value;
}
