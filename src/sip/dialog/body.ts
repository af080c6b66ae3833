/** The SDP in a message body: alone, or as a part of a multipart. RFC 3261 7.4, RFC 2046 5.1, RFC 5621. */
import type { SipMessage } from '../message/message.ts';

const SDP = 'application/sdp';
/** Parts looked at in one multipart body. */
const MAX_PARTS = 16;

/** The session description of a message as text, or null when it has none. Looks one level deep into a multipart. */
export function sdpOf(message: SipMessage): string | null {
  if (message.body.length === 0) return null;
  const type = message.headers.get('Content-Type');
  if (type === undefined) return null;
  const kind = mediaType(type);
  if (kind === SDP) return decode(message.body);
  if (!kind.startsWith('multipart/')) return null;
  const boundary = boundaryOf(type);
  return boundary === null ? null : sdpPart(decode(message.body), boundary);
}

/** True when a body is one we can read: none, SDP, or a multipart; and not encoded. Otherwise 415. RFC 3261 8.2.3. */
export function isReadable(message: SipMessage): boolean {
  const encoding = message.headers.get('Content-Encoding');
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') return false;
  if (message.body.length === 0) return true;
  const type = message.headers.get('Content-Type');
  if (type === undefined) return false;
  const kind = mediaType(type);
  return kind === SDP || kind.startsWith('multipart/');
}

/** Type and subtype of a Content-Type value, lower case, without blanks. */
export function mediaType(value: string): string {
  return (value.split(';')[0] ?? '').replace(/\s/g, '').toLowerCase();
}

function boundaryOf(type: string): string | null {
  const found = /;\s*boundary\s*=\s*(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(type);
  return found?.[1] ?? found?.[2] ?? null;
}

function sdpPart(body: string, boundary: string): string | null {
  const parts = `\r\n${body}`.split(`\r\n--${boundary}`, MAX_PARTS + 1);
  for (const part of parts.slice(1)) {
    if (part.startsWith('--')) break;
    const split = part.indexOf('\r\n\r\n');
    if (split < 0) continue;
    const type = /^content-type\s*:\s*(.*)$/im.exec(part.slice(0, split))?.[1];
    if (type !== undefined && mediaType(type) === SDP) {
      const text = part.slice(split + 4);
      // The line break before a boundary belongs to the boundary.
      return text.endsWith('\r\n') ? text : `${text}\r\n`;
    }
  }
  return null;
}

function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}
