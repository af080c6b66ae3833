/** The SDP in a message body: alone, or as a part of a multipart. RFC 3261 7.4, RFC 5621. */
import type { SipMessage } from '../message/message.ts';
import { mediaType, type Part, splitBody } from '../message/multipart.ts';
import type { Body } from '../user-agent-types.ts';

const SDP = 'application/sdp';

/** The session description of a message as text, or null when it has none. Looks one level deep into a multipart. */
export function sdpOf(message: SipMessage): string | null {
  if (message.body.length === 0) return null;
  const type = message.headers.get('Content-Type');
  if (type === undefined) return null;
  const kind = mediaType(type);
  if (kind === SDP) return decode(message.body);
  return kind.startsWith('multipart/') ? sdpAmong(splitBody(type, decode(message.body))) : null;
}

/** The parts of a message's body, one level deep; none when it has no body. */
export function partsOf(message: SipMessage): Part[] {
  const type = message.body.length === 0 ? undefined : message.headers.get('Content-Type');
  return type === undefined ? [] : splitBody(type, decode(message.body));
}

/** The session description of a body of ours, alone: what a later refresh repeats. Null when there is none. */
export function descriptionOf(body: Body | null): Body | null {
  if (body === null) return null;
  const content = sdpAmong(splitBody(body.contentType, body.content));
  return content === null ? null : { contentType: SDP, content };
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

function sdpAmong(parts: readonly Part[]): string | null {
  const text = parts.find(part => mediaType(part.contentType) === SDP)?.content ?? null;
  // The line break before a boundary belongs to the boundary.
  return text === null || text.endsWith('\r\n') ? text : `${text}\r\n`;
}

function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}
