/** Parameters behind a header value: ";name", ";name=token", ";name="quoted"". RFC 3261 25.1 (generic-param). */
import { codeAt, isLooseValue, isToken, LOOSE, quote, quotedEnd, runEnd, skipWs, TOKEN, unquote } from './chars.ts';

/**
 * Reads the parameters from `from` to the end of the text; names in lower case, quotes taken off.
 * Null when one is empty, malformed or given twice (RFC 3261 7.3.1).
 */
export function parseParams(text: string, from: number, to: number = text.length): Map<string, string | null> | null {
  const params = new Map<string, string | null>();
  let pos = skipWs(text, from, to);
  while (pos < to) {
    if (text.charCodeAt(pos) !== 0x3b) return null;
    pos = skipWs(text, pos + 1, to);
    const nameEnd = runEnd(text, pos, to, TOKEN);
    if (nameEnd === pos) return null;
    const name = text.slice(pos, nameEnd).toLowerCase();
    pos = skipWs(text, nameEnd, to);
    let value: string | null = null;
    if (codeAt(text, pos, to) === 0x3d) {
      pos = skipWs(text, pos + 1, to);
      const quoted = codeAt(text, pos, to) === 0x22;
      const end = quoted ? quotedEnd(text, pos, to) : runEnd(text, pos, to, LOOSE);
      if (end <= pos) return null;
      value = quoted ? unquote(text, pos + 1, end - 1) : text.slice(pos, end);
      pos = skipWs(text, end, to);
    }
    const before = params.size;
    params.set(name, value);
    if (params.size === before) return null;
  }
  return params;
}

/** Base feature tags: like every "+" tag their value is always quoted. RFC 3840 9. */
const FEATURE_TAGS = new Set(
  (
    'audio automata class duplex data control mobility description events priority methods extensions schemes application video ' +
    'language type isfocus actor text pub-gruu temp-gruu'
  ).split(' '),
);

/** Values that stay bare although they are no tokens in some stacks: quoting them would change what the peer compares. */
const BARE = new Set(['tag', 'branch', 'received', 'maddr']);

/** The parameters as text, each with its semicolon; values are quoted where the grammar asks for it. */
export function formatParams(params: ReadonlyMap<string, string | null>): string {
  let text = '';
  for (const [name, value] of params) {
    if (value === null) text += `;${name}`;
    else if (needsQuotes(name, value)) text += `;${name}=${quote(value)}`;
    else text += `;${name}=${value}`;
  }
  return text;
}

function needsQuotes(name: string, value: string): boolean {
  if (name.startsWith('+') || FEATURE_TAGS.has(name)) return true;
  return !(isToken(value) || (BARE.has(name) && isLooseValue(value)));
}
