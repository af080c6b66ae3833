/** The text of `reason`: RFC 3326 values, the SIP part first, our own ones under the token `GW`; no identity, no address. */

const MAX_LENGTH = 512;
const MAX_TEXT = 128;
const MAX_INPUT = 2_048;

/** Causes under the protocol token `GW`. */
export const GW = {
  user: 1,
  sessionTimer: 2,
  media: 3,
  noResponse: 4,
  elsewhere: 5,
  drained: 6,
  policy: 7,
} as const;

/** One locally made reason value. */
export function gwReason(cause: number, text: string): string {
  return `GW;cause=${cause};text="${text}"`;
}

export const ANSWERED_ELSEWHERE = gwReason(GW.elsewhere, 'answered elsewhere');

/** The reason for a SIP status code with its phrase as the peer wrote it. */
export function sipReason(code: number, phrase: string): string {
  const text = cleanText(phrase);
  return text === '' ? `SIP;cause=${code}` : `SIP;cause=${code};text="${text}"`;
}

/** Reason header values of a peer, made safe to show: known shape only, text cut at 128 characters and dropped when it names somebody. Null when nothing is left. */
export function foreignReason(raw: string): string | null {
  const values = foreignValues(raw);
  return values.length === 0 ? null : join(values);
}

/** The single values of a peer's Reason header, each made safe to show. */
export function foreignValues(raw: string): string[] {
  const values: string[] = [];
  for (const part of splitValues(raw.slice(0, MAX_INPUT))) {
    const value = cleanValue(part);
    if (value !== null && !values.includes(value)) values.push(value);
  }
  return values;
}

/** Puts values together, SIP first, and drops what would pass 512 characters. */
export function join(values: readonly string[]): string {
  const ordered = [...values.filter(v => v.startsWith('SIP;')), ...values.filter(v => !v.startsWith('SIP;'))];
  let text = '';
  for (const value of ordered) {
    const next = text === '' ? value : `${text}, ${value}`;
    if (next.length > MAX_LENGTH) break;
    text = next;
  }
  return text;
}

function splitValues(raw: string): string[] {
  const parts: string[] = [];
  let quoted = false;
  let start = 0;
  for (let i = 0; i < raw.length; i += 1) {
    const c = raw[i];
    if (c === '\\' && quoted) i += 1;
    else if (c === '"') quoted = !quoted;
    else if (c === ',' && !quoted) {
      parts.push(raw.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(raw.slice(start));
  return parts;
}

function cleanValue(part: string): string | null {
  const protocol = /^\s*([A-Za-z0-9.!%*_+`'~-]{1,32})\s*(?:;|$)/.exec(part)?.[1];
  if (protocol === undefined) return null;
  const cause = /;\s*cause\s*=\s*([0-9]{1,5})(?![0-9])/i.exec(part)?.[1];
  const quoted = /;\s*text\s*=\s*"((?:[^"\\]|\\.)*)"/i.exec(part)?.[1];
  const text = cleanText(quoted ?? /;\s*text\s*=\s*([^\s;,"]+)/i.exec(part)?.[1] ?? '');
  if (cause === undefined && text === '') return null;
  return protocol + (cause === undefined ? '' : `;cause=${Number(cause)}`) + (text === '' ? '' : `;text="${text}"`);
}

/** Printable text without quotes; empty when it holds an address, a number or a host, so that no identity leaks. */
function cleanText(text: string): string {
  const clean = text
    .replace(/[^\x20-\x7e]|["\\]/g, '')
    .trim()
    .slice(0, MAX_TEXT);
  return /@|sips?:|tel:|\+?[0-9]{5,}|[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9a-f]*:[0-9a-f]*:/i.test(clean) ? '' : clean;
}
