/** Via: sent protocol, sent-by and parameters. RFC 3261 20.42, RFC 3581. */
import { codeAt, find, isToken, skipWs, wordEnd } from './chars.ts';
import type { Via } from './message.ts';
import { formatParams, parseParams } from './param.ts';
import { type Hostport, parseHostport } from './uri.ts';

/** Reads one Via value; null when malformed or of another protocol than SIP/2.0. Spaces around "/" and ":" are legal. */
export function parseVia(text: string, from = 0, to: number = text.length): Via | null {
  const start = skipWs(text, from, to);
  const name = text.startsWith('SIP/2.0/', start) ? start + 8 : spacedProtocol(text, start, to);
  if (name === -1) return null;
  const nameEnd = wordEnd(text, name, to);
  const host = skipWs(text, nameEnd, to);
  if (host === nameEnd || !isToken(text, name, nameEnd)) return null;
  const sentBy = parseSentBy(text, host, to);
  const params = sentBy === null ? null : parseParams(text, sentBy.end, to);
  if (sentBy === null || params === null) return null;
  const transport = text.slice(name, nameEnd).toUpperCase();
  return { transport, host: sentBy.host, port: sentBy.port, params };
}

/** Position of the transport after "SIP / 2.0 /" written with spaces or in another case, or -1. */
function spacedProtocol(text: string, from: number, to: number): number {
  let pos = from;
  for (const word of ['SIP', '2.0']) {
    if (text.slice(pos, pos + 3).toUpperCase() !== word) return -1;
    pos = skipWs(text, pos + 3, to);
    if (codeAt(text, pos, to) !== 0x2f) return -1;
    pos = skipWs(text, pos + 1, to);
  }
  return pos;
}

function parseSentBy(text: string, from: number, to: number): Hostport | null {
  const tight = parseHostport(text, from, to);
  if (tight !== null && (tight.end === to || text.charCodeAt(tight.end) === 0x3b)) return tight;
  const end = find(text, 0x3b, from, to);
  const loose = tightColon(text.slice(from, end));
  const sentBy = parseHostport(loose);
  return sentBy?.end === loose.length ? { ...sentBy, end } : null;
}

/** Takes the spaces off the end and from around the port's colon; spaces elsewhere stay and fail. */
function tightColon(text: string): string {
  const trimmed = text.trim();
  const colon = trimmed.indexOf(':', trimmed.indexOf(']') + 1);
  if (colon === -1) return trimmed;
  return `${trimmed.slice(0, colon).trimEnd()}:${trimmed.slice(colon + 1).trimStart()}`;
}

/** Writes a Via value. */
export function formatVia(via: Via): string {
  const port = via.port === null ? '' : `:${via.port}`;
  return `SIP/2.0/${via.transport} ${via.host}${port}${formatParams(via.params)}`;
}
