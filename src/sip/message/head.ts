/** The header section of a message, cut into fields. RFC 3261 7.3, 25.1. */
import { isFieldValue, isWs, runEnd, skipWs, TOKEN, trimWs } from './chars.ts';
import { type Field, HeaderList } from './header-list.ts';
import type { ParseLimits } from './message.ts';
import { canonicalField, type FieldInfo, fieldOf } from './name.ts';

// Bytes of a message: printable ASCII and tab, line breaks, other controls, and what is beyond ASCII.
const ORDINARY = 0;
const BYTE_CLASS = new Uint8Array(256);
const [CR, LF, CONTROL, WIDE] = [1, 2, 3, 4] as const;
for (let i = 0; i < 256; i++) {
  BYTE_CLASS[i] = i > 127 ? WIDE : (i < 32 && i !== 9) || i === 127 ? CONTROL : ORDINARY;
}
BYTE_CLASS[13] = CR;
BYTE_CLASS[10] = LF;

/** A fault: why, and the status a request of this fault deserves. */
export interface Fault {
  reason: string;
  status: number;
}

export interface Head {
  headers: HeaderList;
  fault: Fault | null;
}

/** A section on its way from bytes to fields. */
interface Reader {
  bytes: Buffer;
  /** The bytes up to the end of the section as latin1, which keeps bytes and characters in step. */
  text: string;
  /** End of the section: where the CR of the empty line's CRLF CRLF stands. */
  to: number;
  max: ParseLimits;
  fields: Field[];
  /** Bits of the single fields seen so far. */
  seen: number;
  fault: Fault | null;
}

// What was met in a field besides printable ASCII.
const [HAS_WIDE, HAS_CONTROL, HAS_FOLD, HAS_BARE_BREAK] = [1, 2, 4, 8] as const;

/** Cuts the header section, which begins at `from`, into fields; goes on after a fault so that a refusal can still be addressed. `text`: all up to its end, as latin1. */
export function parseHead(bytes: Buffer, text: string, from: number, max: ParseLimits): Head {
  const to = text.length;
  const reader: Reader = { bytes, text, to, max, fields: [], seen: 0, fault: null };
  // Broken fields count too: nothing is gained by looking at thousands of them.
  for (let start = from, count = 0; start <= to; count++) {
    if (count >= max.headerCount) {
      reader.fault ??= { reason: 'too many header fields', status: 513 };
      break;
    }
    const nameEnd = runEnd(text, start, to, TOKEN);
    let end = ordinaryEnd(bytes, nameEnd, to);
    let special = 0;
    // Nearly every field is one line of printable ASCII; the others are looked at more closely.
    if (end < to && !isLineEnd(bytes, end)) [end, special] = fieldEnd(reader, start);
    const fault = takeField(reader, start, nameEnd, end, special);
    if (fault !== null) reader.fault ??= fault;
    start = end + 2;
  }
  return { headers: new HeaderList(reader.fields), fault: reader.fault };
}

/** Where the printable ASCII ends that begins at `from`. */
export function ordinaryEnd(bytes: Buffer, from: number, to: number): number {
  let end = from;
  while (end < to && BYTE_CLASS[bytes[end] ?? 0] === ORDINARY) end++;
  return end;
}

/** True when a line break stands here and no fold follows. */
function isLineEnd(bytes: Buffer, pos: number): boolean {
  return bytes[pos] === 13 && bytes[pos + 1] === 10 && !isWs(bytes[pos + 2] ?? 0);
}

/** Where the field ends that starts here, folds and all, and what it holds besides printable ASCII. One that is too long is not read further than to its first line break, or to the next behind what may be. */
function fieldEnd(reader: Reader, start: number): [end: number, special: number] {
  const { bytes, text, to, max } = reader;
  const last = Math.min(to, start + max.headerLineBytes + 1);
  let special = 0;
  for (let i = start; i <= last; i++) {
    const kind = BYTE_CLASS[bytes[i] ?? 0];
    if (kind === ORDINARY) continue;
    if (kind === WIDE) special |= HAS_WIDE;
    else if (kind === CONTROL) special |= HAS_CONTROL;
    else if (kind === LF || bytes[i + 1] !== 10) {
      reader.fault ??= { reason: 'bare CR or LF', status: 400 };
      special |= HAS_BARE_BREAK;
    } else if (i < to && isWs(bytes[i + 2] ?? 0)) {
      special |= HAS_FOLD;
      i += 2;
    } else return [i, special];
  }
  const feed = text.indexOf('\r\n', start);
  const next = feed === -1 || feed >= last ? feed : text.indexOf('\r\n', last);
  return [next === -1 ? to : next, special];
}

/** Takes the field whose bytes are [start, end); up to `nameEnd` they are a token. */
function takeField(reader: Reader, start: number, nameEnd: number, end: number, special: number): Fault | null {
  const { bytes, text } = reader;
  if (end - start > reader.max.headerLineBytes) return { reason: 'header field too long', status: 513 };
  const colon = skipWs(text, nameEnd, end);
  if (nameEnd === start || bytes[colon] !== 0x3a) return { reason: 'malformed header field name', status: 400 };
  // One in compact form, in another case, or unknown is looked up.
  const info = canonicalField(bytes, start, nameEnd) ?? fieldOf(text.slice(start, nameEnd));
  const field =
    special === 0 ? plainField(reader, info, colon + 1, end) : specialField(reader, info, colon + 1, end, special);
  if (field === null)
    return { reason: `control character in ${info.id === 0 ? 'a header field' : info.key}`, status: 400 };
  if ((info.single & reader.seen) !== 0) return { reason: `${info.key} twice`, status: 400 };
  reader.seen |= info.single;
  reader.fields.push(field);
  return null;
}

/** A field on one line of printable ASCII, spaces around its value taken off. */
function plainField({ bytes, text }: Reader, info: FieldInfo, from: number, to: number): Field {
  while (from < to && isWs(bytes[from] ?? 0)) from++;
  while (to > from && isWs(bytes[to - 1] ?? 0)) to--;
  return { info, text, from, to };
}

/** A folded, non-ASCII or suspicious field: UTF-8 read, folds made one space; null when a control stands outside a quoted pair. */
function specialField({ bytes }: Reader, info: FieldInfo, from: number, to: number, special: number): Field | null {
  if ((special & HAS_BARE_BREAK) !== 0) return null;
  let value = bytes.toString('utf8', from, to);
  if ((special & HAS_FOLD) !== 0) {
    const lines = value.split('\r\n').map(line => trimWs(line));
    value = lines.filter(line => line.length > 0).join(' ');
  }
  value = trimWs(value);
  if ((special & HAS_CONTROL) !== 0 && !isFieldValue(value)) return null;
  return { info, text: value, from: 0, to: value.length };
}
