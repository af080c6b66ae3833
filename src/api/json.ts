/** Reads a JSON body: strict UTF-8, no duplicate keys, no lone surrogates, bounded depth, top level an object. CAMARA digest 2.3. */

/** Deepest nesting taken; the top-level object is depth 1. */
export const DEPTH_LIMIT = 16;

export type JsonObject = Record<string, unknown>;
export type JsonResult = { ok: true; value: JsonObject } | { ok: false; reason: string };

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads `bytes` as one JSON object. The reason of a failure is a sentence fit for the client; it holds nothing of the body. */
export function parseJsonObject(bytes: Uint8Array): JsonResult {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return { ok: false, reason: 'The body is not UTF-8.' };
  }
  if (text.charCodeAt(0) === 0xfeff) return { ok: false, reason: 'The body must not begin with a byte order mark.' };
  const fault = scanJson(text);
  if (fault !== null) return { ok: false, reason: fault };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, reason: 'The body is not JSON.' };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { ok: false, reason: 'The body must be a JSON object.' };
  }
  return { ok: true, value: value as JsonObject };
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Finds what JSON.parse lets pass: depth over the limit, a key twice in one object, a lone surrogate escape.
 * One pass, at most DEPTH_LIMIT frames. It need not refuse all that is not JSON: JSON.parse comes after it.
 */
export function scanJson(text: string): string | null {
  /** Keys seen in each open object; null for an open array. */
  const open: Array<Set<string> | null> = [];
  let keyComes = false;
  let i = 0;
  while (i < text.length) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) {
      const end = endOfString(text, i);
      if (end < 0) return end === LONE ? 'A string of the body holds half a surrogate pair.' : 'The body is not JSON.';
      const keys = open.at(-1);
      if (keyComes && keys) {
        const key = keyOf(text.slice(i, end));
        if (key === null) return 'The body is not JSON.';
        if (keys.has(key)) return 'A property stands twice in one object of the body.';
        keys.add(key);
        keyComes = false;
      }
      i = end;
      continue;
    }
    if (c === 0x7b || c === 0x5b) {
      if (open.length >= DEPTH_LIMIT) return `The body is nested deeper than ${DEPTH_LIMIT} levels.`;
      open.push(c === 0x7b ? new Set() : null);
      keyComes = c === 0x7b;
    } else if (c === 0x7d || c === 0x5d) {
      open.pop();
      keyComes = false;
    } else if (c === 0x2c) {
      keyComes = open.at(-1) instanceof Set;
    }
    i += 1;
  }
  return null;
}

const UNENDED = -1;
const LONE = -2;

/** Index after the closing quote of the string that begins at `start`; UNENDED or LONE (a lone surrogate escape) when there is none. */
function endOfString(text: string, start: number): number {
  let i = start + 1;
  while (i < text.length) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) return i + 1;
    if (c !== BACKSLASH) {
      i += 1;
      continue;
    }
    if (text.charCodeAt(i + 1) !== 0x75) {
      i += 2;
      continue;
    }
    const unit = unitAt(text, i);
    if (unit >= 0xdc00 && unit <= 0xdfff) return LONE;
    i += 6;
    if (unit < 0xd800 || unit > 0xdbff) continue;
    const low = text.startsWith('\\u', i) ? unitAt(text, i) : -1;
    if (low < 0xdc00 || low > 0xdfff) return LONE;
    i += 6;
  }
  return UNENDED;
}

/** The code unit of the escape `\uXXXX` at `i`, or -1. */
function unitAt(text: string, i: number): number {
  const digits = text.slice(i + 2, i + 6);
  return /^[0-9A-Fa-f]{4}$/.test(digits) ? Number.parseInt(digits, 16) : -1;
}

function keyOf(quoted: string): string | null {
  if (!quoted.includes('\\')) return quoted;
  try {
    // Back to its plainest form, so that "a" and "\u0061" are found to be the same.
    return JSON.stringify(JSON.parse(quoted));
  } catch {
    return null;
  }
}
