/** Cuts a byte stream into SIP messages: bounded memory, linear work however the stream is chunked. RFC 3261 18.3, RFC 5626 3.5.1. */
import type { ParseLimits } from './message.ts';
import { DEFAULT_LIMITS, MAX_CONTENT_LENGTH } from './parse.ts';
import { isWs, parseDigits } from './scan.ts';

/** What the framer found; after an error the stream is lost and nothing more comes. */
export type FramerEvent =
  /** One whole message; a view of the chunk or bytes of its own, never written to again. */
  | { type: 'message'; bytes: Uint8Array }
  /** CRLFCRLF between messages: answer it with one CRLF. A lone CRLF (a pong) is skipped. */
  | { type: 'ping' }
  /** Close the connection. `head` is the header section when it was whole: `parseMessage` makes a refusal out of it. */
  | { type: 'error'; reason: string; head: Uint8Array | null };

export interface Framer {
  push(chunk: Uint8Array): FramerEvent[];
  /** Bytes held of a message not yet whole; guard a stream that stays above zero with a timeout. */
  readonly pendingBytes: number;
}

/** A framer for one connection. Limits as in `parseMessage`; sizes in bytes. */
export function createFramer(limits: Partial<ParseLimits> = {}): Framer {
  const max = { ...DEFAULT_LIMITS, ...limits };
  return new StreamFramer(max.startLineBytes + max.headersBytes + 4, max.bodyBytes);
}

const EMPTY = Buffer.alloc(0);
/** Content-Length with the spaces that may stand before its colon, in bytes. */
const LONGEST_NAME = 64;

class StreamFramer implements Framer {
  readonly #maxHead: number;
  readonly #maxBody: number;
  /** Start of a message not yet whole: the first `#held` bytes count, the rest is room. */
  #store: Buffer = EMPTY;
  #held = 0;
  /** Where the search for the end of the header section goes on. */
  #scanned = 0;
  /** Size of the whole message once its header section is known, else 0. */
  #need = 0;
  /** One CRLF of a possible ping was seen. */
  #halfPing = false;
  #dead = false;

  constructor(maxHead: number, maxBody: number) {
    this.#maxHead = maxHead;
    this.#maxBody = maxBody;
  }

  get pendingBytes(): number {
    return this.#held;
  }

  push(chunk: Uint8Array): FramerEvent[] {
    const events: FramerEvent[] = [];
    if (this.#dead || chunk.length === 0) return events;
    const fresh = this.#held === 0;
    const data = fresh ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength) : this.#append(chunk);
    let pos = 0;
    while (pos < data.length && !this.#dead) {
      if (this.#need === 0 && this.#scanned === 0) {
        const next = this.#skipBreaks(data, pos, events);
        if (next === -1) break;
        if (next !== pos) {
          pos = next;
          continue;
        }
      }
      if (this.#need === 0 && !this.#findHead(data, pos, events)) break;
      if (data.length - pos < this.#need) break;
      // Bytes of the store are copied out, as the store is used again; those of the chunk are handed on.
      const bytes = data.subarray(pos, pos + this.#need);
      events.push({ type: 'message', bytes: fresh ? bytes : Buffer.from(bytes) });
      pos += this.#need;
      this.#need = 0;
      this.#scanned = 0;
    }
    this.#keep(data, pos, fresh);
    return events;
  }

  #append(chunk: Uint8Array): Buffer {
    const total = this.#held + chunk.length;
    if (total > this.#store.length) {
      const grown = Buffer.allocUnsafe(Math.max(total, this.#store.length * 2, 1024));
      this.#store.copy(grown, 0, 0, this.#held);
      this.#store = grown;
    }
    this.#store.set(chunk, this.#held);
    this.#held = total;
    return this.#store.subarray(0, total);
  }

  /** What is left is at most this chunk when a message ended in it, so moving it costs no more than reading it did. */
  #keep(data: Buffer, pos: number, fresh: boolean): void {
    const rest = data.length - pos;
    if (this.#dead || rest === 0) {
      this.#held = 0;
      this.#store = EMPTY;
    } else if (fresh) {
      this.#held = 0;
      this.#append(data.subarray(pos));
    } else if (pos > 0) {
      this.#store.copyWithin(0, pos, data.length);
      this.#held = rest;
    }
  }

  /** Steps over one CRLF between messages; the new position, or -1 when more bytes are needed to tell. */
  #skipBreaks(data: Buffer, pos: number, events: FramerEvent[]): number {
    if (data[pos] !== 13) {
      this.#halfPing = false;
      return pos;
    }
    if (pos + 1 === data.length) return -1;
    if (data[pos + 1] !== 10) {
      this.#fail(events, 'bare CR between messages', null);
      return -1;
    }
    if (this.#halfPing) events.push({ type: 'ping' });
    this.#halfPing = !this.#halfPing;
    return pos + 2;
  }

  /** Looks for the end of the header section and the size of the message; false when more bytes are needed or the stream is lost. */
  #findHead(data: Buffer, pos: number, events: FramerEvent[]): boolean {
    const from = pos + Math.max(0, this.#scanned - 3);
    const bound = Math.min(data.length, pos + this.#maxHead);
    const end = data.subarray(0, bound).indexOf('\r\n\r\n', from, 'latin1');
    this.#scanned = bound - pos;
    if (end === -1) {
      if (data.length - pos >= this.#maxHead) this.#fail(events, 'header fields too large', null);
      return false;
    }
    const head = data.subarray(pos, end + 4);
    const length = contentLength(head.toString('latin1'));
    if (typeof length === 'string') {
      this.#fail(events, length, Buffer.from(head));
      return false;
    }
    if (length > this.#maxBody) {
      this.#fail(events, 'body too large', Buffer.from(head));
      return false;
    }
    this.#need = head.length + length;
    return true;
  }

  #fail(events: FramerEvent[], reason: string, head: Uint8Array | null): void {
    this.#dead = true;
    events.push({ type: 'error', reason, head });
  }
}

/** The value of Content-Length in a header section, or why the section cannot be framed. */
function contentLength(head: string): number | string {
  let found: number | undefined;
  for (let start = head.indexOf('\r\n') + 2; start < head.length - 2; ) {
    let end = head.indexOf('\r\n', start);
    while (isWs(head.charCodeAt(end + 2))) end = head.indexOf('\r\n', end + 2);
    const c = head[start];
    if (c === 'C' || c === 'c' || c === 'L' || c === 'l') {
      // No further than a name can reach: to look for the colon in all that follows would be work by the square.
      const line = head.slice(start, Math.min(end, start + LONGEST_NAME));
      const colon = line.indexOf(':');
      // A name behind which the colon is too far away counts, too: the parser would find it.
      const name = (colon === -1 ? line : line.slice(0, colon)).trimEnd().toLowerCase();
      if (name === 'l' || name === 'content-length') {
        const value = parseDigits(head.slice(start + colon + 1, end).trim(), MAX_CONTENT_LENGTH);
        if (value === undefined) return 'malformed Content-Length';
        if (found !== undefined) return 'Content-Length twice';
        found = value;
      }
    }
    start = end + 2;
  }
  return found ?? 'Content-Length missing';
}
