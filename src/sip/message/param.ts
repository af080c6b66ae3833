/** Parameters behind a header value: ";name", ";name=token", ";name="quoted"". RFC 3261 25.1 (generic-param). */
import { codeAt, isAll, isAt, isToken, LOOSE, load, quotedEnd, runEnd, skipWs, TOKEN } from './scan.ts';
import { quote, unquote } from './value.ts';
import { spelled, wordAt } from './words.ts';

/** Parameters of a header field or a URI in their order, names in lower case; a flag without value is null. */
export type Params = Map<string, string | null>;

/** Names that nearly all parameters of fields and URIs have. */
const NAMES = spelled(
  'branch rport received alias tag lr transport user expires q maddr ttl ob method comp phone-context refresher ' +
    'reg-id +sip.instance +g.3gpp.icsi-ref',
);

/**
 * Reads the parameters from `from` to the end of the text; names in lower case, quotes taken off.
 * Null when one is empty, malformed or given twice (RFC 3261 7.3.1).
 */
export function parseParams(text: string, from: number, to: number = text.length): Params | null {
  load(text, from, to);
  return readParams(text, from, to);
}

export function readParams(text: string, from: number, to: number): Params | null {
  const params: Params = new Map();
  let pos = skipWs(from, to);
  while (pos < to) {
    if (codeAt(pos) !== 0x3b) return null;
    pos = skipWs(pos + 1, to);
    const nameEnd = runEnd(pos, to, TOKEN);
    if (nameEnd === pos) return null;
    const name = readParamName(text, pos, nameEnd);
    pos = skipWs(nameEnd, to);
    let value: string | null = null;
    if (isAt(0x3d, pos, to)) {
      pos = skipWs(pos + 1, to);
      const quoted = isAt(0x22, pos, to);
      const end = quoted ? quotedEnd(pos, to) : runEnd(pos, to, LOOSE);
      if (end <= pos) return null;
      value = quoted ? unquote(text, pos + 1, end - 1) : text.slice(pos, end);
      pos = skipWs(end, to);
    }
    if (!addParam(params, name, value)) return null;
  }
  return params;
}

/** The name that stands there, in lower case. */
export function readParamName(text: string, from: number, to: number): string {
  return wordAt(NAMES, from, to) ?? text.slice(from, to).toLowerCase();
}

/** Puts one to the others; false when there is one of this name. */
export function addParam(params: Params, name: string, value: string | null): boolean {
  const before = params.size;
  params.set(name, value);
  return params.size > before;
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
  return !(isToken(value) || (BARE.has(name) && isAll(value, LOOSE)));
}
