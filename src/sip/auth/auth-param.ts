/** Challenges and credentials as text: a scheme and its auth-params. RFC 3261 25.1, RFC 7235 2.1. */
import { isToken, quotedEnd, skipWs, unquote } from '../message/chars.ts';

export interface AuthValue {
  /** Lower case: digest, basic, bearer. */
  scheme: string;
  /** Names lower case, quotes taken off; empty when the value holds no name=value pairs (token68). */
  params: Map<string, string>;
}

/** Reads one challenge or credentials value; null when malformed or when a parameter comes twice. Linear in its length. */
export function parseAuthValue(text: string): AuthValue | null {
  const start = skipWs(text, 0);
  const space = text.indexOf(' ', start);
  const scheme = text.slice(start, space === -1 ? text.length : space);
  if (!isToken(scheme)) return null;
  const value: AuthValue = { scheme: scheme.toLowerCase(), params: new Map() };
  if (space === -1) return value;
  // Only Digest promises parameters; what another scheme carries is not ours to judge.
  if (value.scheme !== 'digest') return value;
  let pos = skipWs(text, space);
  while (pos < text.length) {
    const equals = text.indexOf('=', pos);
    if (equals === -1) return null;
    const name = text.slice(pos, equals).trimEnd().toLowerCase();
    if (!isToken(name) || value.params.has(name)) return null;
    pos = skipWs(text, equals + 1);
    const end = text.charCodeAt(pos) === 0x22 ? quotedEnd(text, pos) : bareEnd(text, pos);
    if (end === -1) return null;
    value.params.set(
      name,
      text.charCodeAt(pos) === 0x22 ? unquote(text, pos + 1, end - 1) : text.slice(pos, end).trimEnd(),
    );
    pos = skipWs(text, end);
    if (pos < text.length && text.charCodeAt(pos) !== 0x2c) return null;
    pos = skipWs(text, pos + 1);
  }
  return value;
}

function bareEnd(text: string, pos: number): number {
  const comma = text.indexOf(',', pos);
  return comma === -1 ? text.length : comma;
}
