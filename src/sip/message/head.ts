/** The header section of a message, cut into fields. RFC 3261 7.3, 25.1. */
import { isFieldValue, isToken, isWs, trimWs } from './chars.ts';
import { HeaderList } from './header-list.ts';
import type { ParseLimits } from './message.ts';
import { canonicalField, knownField } from './name.ts';

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
  /** The section as latin1, which keeps bytes and characters in step. */
  text: string;
  /** The section's bytes, for looks at four of them at once. */
  view: DataView;
  base: number;
  /** End of the section: where the CR of the empty line's CRLF CRLF stands. */
  to: number;
  max: ParseLimits;
  keys: string[];
  names: string[];
  values: string[];
  /** Bits of the single fields seen so far. */
  seen: number;
  fault: Fault | null;
}

// What was met in a field besides printable ASCII.
const [HAS_WIDE, HAS_CONTROL, HAS_FOLD, HAS_BARE_BREAK] = [1, 2, 4, 8] as const;

/** Cuts the header section into fields; goes on after a fault so that a refusal can still be addressed. */
export function parseHead(bytes: Buffer, from: number, to: number, max: ParseLimits): Head {
  const text = bytes.toString('latin1', from, to);
  const view = new DataView(bytes.buffer, bytes.byteOffset + from, text.length);
  const base = from;
  const lists = { keys: [], names: [], values: [] };
  const reader: Reader = { bytes, text, view, base, to, max, ...lists, seen: 0, fault: null };
  // Broken fields count too: nothing is gained by looking at thousands of them.
  for (let start = from, fields = 0; start <= to; fields++) {
    if (fields >= max.headerCount) {
      reader.fault ??= { reason: 'too many header fields', status: 513 };
      break;
    }
    const feed = text.indexOf('\r\n', start - base);
    let end = feed === -1 ? to : base + feed;
    let special = 0;
    // Nearly every field is one line of printable ASCII; the others are looked at byte by byte.
    if (!isPlain(view, start - base, end - base) || (end < to && isWs(bytes[end + 2] ?? 0)))
      [end, special] = fieldEnd(reader, start, end);
    const fault = takeField(reader, start, end, special);
    if (fault !== null) reader.fault ??= fault;
    start = end + 2;
  }
  return { headers: new HeaderList(reader.keys, reader.names, reader.values), fault: reader.fault };
}

/** True when all bytes are printable ASCII. Four at once: the top bit of a byte shows in one of the sums when it is not. */
function isPlain(view: DataView, from: number, to: number): boolean {
  let i = from;
  for (; i + 4 <= to; i += 4) {
    const four = view.getInt32(i, true);
    if ((((four - 0x20202020) | (four + 0x01010101) | four) & 0x80808080) !== 0) return false;
  }
  for (; i < to; i++) if (BYTE_CLASS[view.getUint8(i)] !== ORDINARY) return false;
  return true;
}

/** Where the field ends that starts here, folds and all, and what it holds besides printable ASCII. `feed` is its first line break; one that is too long is not read further than to the next. */
function fieldEnd(reader: Reader, start: number, feed: number): [end: number, special: number] {
  const { bytes, base, to, max } = reader;
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
  if (feed >= last) return [feed, special];
  const next = reader.text.indexOf('\r\n', last - base);
  return [next === -1 ? to : base + next, special];
}

/** Takes the field whose bytes are [start, end). */
function takeField(reader: Reader, start: number, end: number, special: number): Fault | null {
  const { bytes, base } = reader;
  if (end - start > reader.max.headerLineBytes) return { reason: 'header field too long', status: 513 };
  let colon = start;
  while (colon < end && bytes[colon] !== 0x3a) colon++;
  if (colon === end) return { reason: 'header field without colon', status: 400 };
  let nameEnd = colon;
  while (nameEnd > start && isWs(bytes[nameEnd - 1] ?? 0)) nameEnd--;
  let known = canonicalField(reader.text, start - base, nameEnd - base);
  let name = '';
  if (known === undefined) {
    name = reader.text.slice(start - base, nameEnd - base);
    known = knownField(name);
    if (known === undefined && !isToken(name)) return { reason: 'malformed header field name', status: 400 };
  }
  const value = special === 0 ? plainValue(reader, colon + 1, end) : specialValue(bytes, colon + 1, end, special);
  if (value === null) return { reason: `control character in ${known?.key ?? 'a header field'}`, status: 400 };
  if (known === undefined) {
    reader.keys.push(name.toLowerCase());
    reader.names.push(name);
  } else {
    if ((known.single & reader.seen) !== 0) return { reason: `${known.key} twice`, status: 400 };
    reader.seen |= known.single;
    reader.keys.push(known.key);
    reader.names.push(known.key);
  }
  reader.values.push(value);
  return null;
}

/** Value of a field on one line of printable ASCII, spaces around it taken off. */
function plainValue(reader: Reader, from: number, to: number): string {
  const { bytes, base } = reader;
  while (from < to && isWs(bytes[from] ?? 0)) from++;
  while (to > from && isWs(bytes[to - 1] ?? 0)) to--;
  return reader.text.slice(from - base, to - base);
}

/** Value of a folded, non-ASCII or suspicious field: UTF-8 read, folds made one space; null when a control stands outside a quoted pair. */
function specialValue(bytes: Buffer, from: number, to: number, special: number): string | null {
  if ((special & HAS_BARE_BREAK) !== 0) return null;
  let value = bytes.toString('utf8', from, to);
  if ((special & HAS_FOLD) !== 0) {
    const lines = value.split('\r\n').map(trimWs);
    value = lines.filter(line => line.length > 0).join(' ');
  }
  value = trimWs(value);
  return (special & HAS_CONTROL) !== 0 && !isFieldValue(value) ? null : value;
}
