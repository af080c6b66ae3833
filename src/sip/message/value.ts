/** Values of header fields: quoted strings, lists, and what no value may hold. RFC 3261 7.3.1, 25.1. */
import { codeAt, isWs, load, quotedEnd, skipWs, trimmedEnd } from './scan.ts';

/** Content of a quoted string between its quotes, escapes undone. */
export function unquote(text: string, from: number, to: number): string {
  const inner = text.slice(from, to);
  if (!inner.includes('\\')) return inner;
  let result = '';
  for (let i = 0; i < inner.length; i++) {
    if (inner.charCodeAt(i) === 0x5c && i + 1 < inner.length) i++;
    result += inner[i] ?? '';
  }
  return result;
}

/** The text as a quoted string; control characters, which only a quoted pair could carry, are left out. */
export function quote(text: string): string {
  let result = '"';
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (isControl(code)) continue;
    if (code === 0x22 || code === 0x5c) result += '\\';
    result += text[i] ?? '';
  }
  return `${result}"`;
}

/** Where the element of a list field ends that begins at `from`: at the next comma outside quotes and angle brackets, or at `to`. RFC 3261 7.3.1. */
export function elementEnd(from: number, to: number): number {
  let angle = false;
  for (let i = from; i < to; i++) {
    const code = codeAt(i);
    if (code === 0x22) {
      const end = quotedEnd(i, to);
      if (end === -1) return to;
      i = end - 1;
    } else if (code === 0x3c) angle = true;
    else if (code === 0x3e) angle = false;
    else if (code === 0x2c && !angle) return i;
  }
  return to;
}

/** The elements of a list field, without the spaces around them. */
export function parseList(text: string, from = 0, to: number = text.length): string[] {
  load(text, from, to);
  const result: string[] = [];
  for (let start = from; start <= to; ) {
    const end = elementEnd(start, to);
    const first = skipWs(start, end);
    result.push(text.slice(first, trimmedEnd(first, end)));
    start = end + 1;
  }
  return result;
}

/** True when the text holds a control character other than tab. */
export function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (isControl(text.charCodeAt(i))) return true;
  }
  return false;
}

/** The text without spaces and tabs at its ends; other Unicode spaces belong to the value. */
export function trimWs(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isWs(text.charCodeAt(from))) from++;
  while (to > from && isWs(text.charCodeAt(to - 1))) to--;
  return from === 0 && to === text.length ? text : text.slice(from, to);
}

/** True when the text may be a field value: controls only in quoted pairs, CR and LF nowhere. RFC 3261 25.1 (quoted-pair). */
export function isFieldValue(text: string): boolean {
  if (!hasControl(text)) return true;
  let quoted = false;
  let escaped = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x0d || code === 0x0a) return false;
    if (escaped) escaped = false;
    else if (code === 0x22) quoted = !quoted;
    else if (code === 0x5c) escaped = quoted;
    else if (isControl(code)) return false;
  }
  return !quoted;
}

function isControl(code: number): boolean {
  return code < 0x20 ? code !== 0x09 : code === 0x7f;
}
