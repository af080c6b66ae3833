/** The header section of a message, cut into fields. RFC 3261 7.3, 25.1. */
import { type Field, HeaderList } from './header-list.ts';
import type { ParseLimits } from './message.ts';
import { type FieldInfo, readField } from './name.ts';
import { codeAt, isWs, printableEnd, runEnd, skipWs, TOKEN, trimmedEnd } from './scan.ts';
import { isFieldValue, trimWs } from './value.ts';

/** A fault: why, and the status a request of this fault deserves. */
export interface Fault {
  reason: string;
  status: number;
}

export interface Head {
  headers: HeaderList;
  fault: Fault | null;
  /** Where the body begins. */
  end: number;
}

/** A section on its way from bytes to fields. */
interface Reader {
  bytes: Buffer;
  /** The same as a text, which is loaded. */
  text: string;
  max: ParseLimits;
  fields: Field[];
  /** Bits of the single fields seen so far. */
  seen: number;
  /** What the field at hand holds besides printable ASCII. */
  special: number;
  fault: Fault | null;
}

// What a field may hold besides printable ASCII and tabs, and what each byte is a sign of.
const [HAS_WIDE, HAS_CONTROL, HAS_FOLD, HAS_BARE_BREAK, BREAK] = [1, 2, 4, 8, 16] as const;
const SPECIAL = new Uint8Array(256).fill(HAS_CONTROL, 0, 32).fill(HAS_WIDE, 128);
for (const [code, sign] of [
  [9, 0],
  [10, BREAK],
  [13, BREAK],
  [127, HAS_CONTROL],
] as const)
  SPECIAL[code] = sign;

/**
 * Cuts the header section, which begins at `from` and ends in `text`, into fields; goes on after a fault so that a refusal can still
 * be addressed. `text`: these bytes as Latin-1, loaded. Null when no empty line ends the section.
 */
export function readHead(bytes: Buffer, text: string, from: number, max: ParseLimits): Head | null {
  const reader: Reader = { bytes, text, max, fields: [], seen: 0, special: 0, fault: null };
  const to = text.length;
  let start = from;
  // Broken fields count too: nothing is gained by looking at thousands of them.
  for (let count = 0; !isBreak(start); count++) {
    if (count === max.headerCount) {
      reader.fault ??= { reason: 'too many header fields', status: 513 };
      const end = text.indexOf('\r\n\r\n', start - 2);
      if (end === -1) return null;
      start = end + 2;
      break;
    }
    const nameEnd = runEnd(start, to, TOKEN);
    let end = printableEnd(nameEnd, to);
    reader.special = 0;
    // Nearly every field is one line of printable ASCII; the others are looked at more closely.
    if (!isBreak(end) || isWs(codeAt(end + 2))) end = fieldEnd(reader, start);
    if (end + 2 >= to) return null;
    const fault = takeField(reader, start, nameEnd, end);
    if (fault !== null) reader.fault ??= fault;
    start = end + 2;
  }
  if (start + 2 > to) return null;
  return { headers: new HeaderList(reader.fields), fault: reader.fault, end: start + 2 };
}

/** True when a line break stands here. */
function isBreak(pos: number): boolean {
  return codeAt(pos) === 13 && codeAt(pos + 1) === 10;
}

/** Where the field ends that starts here, folds and all; what it holds goes into `special`. Of one that is refused no more is read than its line. */
function fieldEnd(reader: Reader, start: number): number {
  const { text, max } = reader;
  const last = Math.min(text.length, start + max.headerLineBytes + 1);
  for (let i = start; i <= last; i++) {
    const sign = SPECIAL[codeAt(i)] ?? 0;
    if (sign !== BREAK) reader.special |= sign;
    else if (!isBreak(i)) {
      reader.fault ??= { reason: 'bare CR or LF', status: 400 };
      reader.special |= HAS_BARE_BREAK;
      return lineEnd(text, i + 1);
    } else if (isWs(codeAt(i + 2))) {
      reader.special |= HAS_FOLD;
      i += 2;
    } else return i;
  }
  return lineEnd(text, last);
}

/** Where the next line break stands, the end of the text without one. */
function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\r\n', from);
  return end === -1 ? text.length : end;
}

/** Takes the field that stands in [start, end); up to `nameEnd` it is a token. */
function takeField(reader: Reader, start: number, nameEnd: number, end: number): Fault | null {
  const { text, max } = reader;
  if (end - start > max.headerLineBytes) return { reason: 'header field too long', status: 513 };
  const colon = skipWs(nameEnd, end);
  if (nameEnd === start || codeAt(colon) !== 0x3a) return { reason: 'malformed header field name', status: 400 };
  const info = readField(text, start, nameEnd);
  const field =
    reader.special === 0 ? plainField(text, info, colon + 1, end) : specialField(reader, info, colon + 1, end);
  if (field === null)
    return { reason: `control character in ${info.id === 0 ? 'a header field' : info.key}`, status: 400 };
  if ((info.single & reader.seen) !== 0) return { reason: `${info.key} twice`, status: 400 };
  reader.seen |= info.single;
  reader.fields.push(field);
  return null;
}

/** A field on one line of printable ASCII, spaces around its value taken off. */
function plainField(text: string, info: FieldInfo, from: number, end: number): Field {
  const start = skipWs(from, end);
  return { info, text, from: start, to: trimmedEnd(start, end) };
}

/** A folded, non-ASCII or suspicious field: UTF-8 read, folds made one space; null when a control stands outside a quoted pair. */
function specialField({ bytes, special }: Reader, info: FieldInfo, from: number, to: number): Field | null {
  if ((special & HAS_BARE_BREAK) !== 0) return null;
  const isFolded = (special & HAS_FOLD) !== 0;
  const value = trimWs(isFolded ? readUnfolded(from, to).toString('utf8') : bytes.toString('utf8', from, to));
  if ((special & HAS_CONTROL) !== 0 && !isFieldValue(value)) return null;
  return { info, text: value, from: 0, to: value.length };
}

/** The bytes of a value, each fold and the spaces around it made one space, however many there are in a row. RFC 3261 7.3.1. */
function readUnfolded(from: number, to: number): Buffer {
  const line = Buffer.allocUnsafe(to - from);
  let length = 0;
  for (let pos = from; pos < to; pos++) {
    const code = codeAt(pos);
    if (code !== 13) {
      line[length++] = code;
      continue;
    }
    while (length > 0 && isWs(line[length - 1] ?? 0)) length--;
    line[length++] = 0x20;
    pos = skipWs(pos + 2, to) - 1;
  }
  return line.subarray(0, length);
}
