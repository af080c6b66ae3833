/** Parameters behind a header value: ";name", ";name=token", ";name="quoted"". RFC 3261 25.1 (generic-param). */
import { isLooseValue, isToken, isWs, quote, quotedEnd, skipWs, unquote } from './chars.ts';

/**
 * Reads the parameters from `pos` to the end of the text; names in lower case, quotes taken off.
 * Null when one is empty, malformed or given twice (RFC 3261 7.3.1).
 */
export function parseParams(text: string, pos: number): Map<string, string | null> | null {
  const params = new Map<string, string | null>();
  pos = skipWs(text, pos);
  while (pos < text.length) {
    if (text.charCodeAt(pos) !== 0x3b) return null;
    pos = skipWs(text, pos + 1);
    const nameEnd = runEnd(text, pos);
    const written = text.slice(pos, nameEnd);
    if (!isToken(written)) return null;
    const name = written.toLowerCase();
    if (params.has(name)) return null;
    pos = skipWs(text, nameEnd);
    let value: string | null = null;
    if (text.charCodeAt(pos) === 0x3d) {
      pos = skipWs(text, pos + 1);
      let end: number;
      if (text.charCodeAt(pos) === 0x22) {
        end = quotedEnd(text, pos);
        if (end === -1) return null;
        value = unquote(text, pos + 1, end - 1);
      } else {
        end = valueEnd(text, pos);
        value = text.slice(pos, end);
        if (!isLooseValue(value)) return null;
      }
      pos = skipWs(text, end);
    }
    params.set(name, value);
  }
  return params;
}

function runEnd(text: string, pos: number): number {
  for (; pos < text.length; pos++) {
    const code = text.charCodeAt(pos);
    if (code === 0x3b || code === 0x3d || isWs(code)) break;
  }
  return pos;
}

function valueEnd(text: string, pos: number): number {
  for (; pos < text.length; pos++) {
    const code = text.charCodeAt(pos);
    if (code === 0x3b || isWs(code)) break;
  }
  return pos;
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
