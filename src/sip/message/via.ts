/** Via: sent protocol, sent-by and parameters. RFC 3261 20.42, RFC 3581. */
import { isToken, isWs, skipWs } from './chars.ts';
import type { Via } from './message.ts';
import { formatParams, parseParams } from './param.ts';
import { parseHostport } from './uri.ts';

/** Reads one Via value; null when malformed or of another protocol than SIP/2.0. Spaces around "/" and ":" are legal. */
export function parseVia(text: string): Via | null {
  let pos = skipWs(text, 0);
  let transport: string;
  if (text.startsWith('SIP/2.0/', pos)) pos += 8;
  else {
    pos = spacedProtocol(text, pos);
    if (pos === -1) return null;
  }
  const end = wordEnd(text, pos);
  transport = text.slice(pos, end);
  if (transport !== 'UDP' && transport !== 'TCP') {
    if (!isToken(transport)) return null;
    transport = transport.toUpperCase();
  }
  pos = skipWs(text, end);
  if (pos === end) return null;
  const semi = text.indexOf(';', pos);
  const sentBy = text.slice(pos, semi === -1 ? text.length : semi);
  const hostport = parseHostport(hasWs(sentBy) ? tightColon(sentBy) : sentBy);
  if (hostport === null) return null;
  const params = semi === -1 ? new Map<string, string | null>() : parseParams(text, semi);
  return params === null ? null : { transport, host: hostport.host, port: hostport.port, params };
}

/** Position of the transport after "SIP / 2.0 /" written with spaces or in another case, or -1. */
function spacedProtocol(text: string, pos: number): number {
  for (const word of ['SIP', '2.0']) {
    if (text.slice(pos, pos + 3).toUpperCase() !== word) return -1;
    pos = skipWs(text, pos + 3);
    if (text.charCodeAt(pos) !== 0x2f) return -1;
    pos = skipWs(text, pos + 1);
  }
  return pos;
}

function wordEnd(text: string, pos: number): number {
  while (pos < text.length && !isWs(text.charCodeAt(pos))) pos++;
  return pos;
}

function hasWs(text: string): boolean {
  return text.includes(' ') || text.includes('\t');
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
