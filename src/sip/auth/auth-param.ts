/** Challenges and credentials as text: a scheme and its auth-params. RFC 3261 25.1, RFC 7235 2.1. */
import { isToken, load, quotedEnd, skipWs } from '../message/scan.ts';
import { unquote } from '../message/value.ts';

export interface AuthValue {
  /** Lower case: digest, basic, bearer. */
  scheme: string;
  /** Names lower case, quotes taken off; empty when the value holds no name=value pairs (token68). */
  params: Map<string, string>;
}

/** Reads one challenge or credentials value; null when malformed or when a parameter comes twice. Linear in its length. */
export function parseAuthValue(text: string): AuthValue | null {
  const to = text.length;
  load(text, 0, to);
  const start = skipWs(0, to);
  const space = text.indexOf(' ', start);
  const scheme = text.slice(start, space === -1 ? to : space);
  if (!isToken(scheme)) return null;
  const value: AuthValue = { scheme: scheme.toLowerCase(), params: new Map() };
  if (space === -1) return value;
  // Only Digest promises parameters; what another scheme carries is not ours to judge.
  if (value.scheme !== 'digest') return value;
  let pos = skipWs(space, to);
  while (pos < to) {
    const equals = text.indexOf('=', pos);
    if (equals === -1) return null;
    const name = text.slice(pos, equals).trimEnd().toLowerCase();
    if (!isToken(name) || value.params.has(name)) return null;
    pos = skipWs(equals + 1, to);
    const end = text.charCodeAt(pos) === 0x22 ? quotedEnd(pos, to) : bareEnd(text, pos);
    if (end === -1) return null;
    value.params.set(
      name,
      text.charCodeAt(pos) === 0x22 ? unquote(text, pos + 1, end - 1) : text.slice(pos, end).trimEnd(),
    );
    pos = skipWs(end, to);
    if (pos < to && text.charCodeAt(pos) !== 0x2c) return null;
    pos = skipWs(pos + 1, to);
  }
  return value;
}

function bareEnd(text: string, pos: number): number {
  const comma = text.indexOf(',', pos);
  return comma === -1 ? text.length : comma;
}
