/** Via: sent protocol, sent-by and parameters. RFC 3261 20.42, RFC 3581. */
import type { Via } from './message.ts';
import { formatParams, readParams } from './param.ts';
import { isAt, load, runEnd, skipWs, TOKEN, wordEnd } from './scan.ts';
import { readHostport } from './uri.ts';
import { spelled, wordAt } from './words.ts';

const TRANSPORTS = spelled('UDP TCP TLS WS WSS SCTP');

/** Reads one Via value; null when malformed or of another protocol than SIP/2.0. Spaces around "/" and ":" are legal. */
export function parseVia(text: string, from = 0, to: number = text.length): Via | null {
  load(text, from, to);
  const start = skipWs(from, to);
  const name = text.startsWith('SIP/2.0/', start) ? start + 8 : spacedProtocol(text, start, to);
  if (name === -1) return null;
  const nameEnd = wordEnd(name, to);
  const host = skipWs(nameEnd, to);
  if (host === nameEnd || nameEnd === name || runEnd(name, nameEnd, TOKEN) < nameEnd) return null;
  const sentBy = readHostport(text, host, to, true);
  const params = sentBy === null ? null : readParams(text, sentBy.end, to);
  if (sentBy === null || params === null) return null;
  const transport = wordAt(TRANSPORTS, name, nameEnd) ?? text.slice(name, nameEnd).toUpperCase();
  return { transport, host: sentBy.host, port: sentBy.port, params };
}

/** Position of the transport after "SIP / 2.0 /" written with spaces or in another case, or -1. */
function spacedProtocol(text: string, from: number, to: number): number {
  let pos = from;
  for (const word of ['sip', '2.0']) {
    if (text.slice(pos, pos + 3).toLowerCase() !== word) return -1;
    pos = skipWs(pos + 3, to);
    if (!isAt(0x2f, pos, to)) return -1;
    pos = skipWs(pos + 1, to);
  }
  return pos;
}

/** Writes a Via value. */
export function formatVia(via: Via): string {
  const port = via.port === null ? '' : `:${via.port}`;
  return `SIP/2.0/${via.transport} ${via.host}${port}${formatParams(via.params)}`;
}
