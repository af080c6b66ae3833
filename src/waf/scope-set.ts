/** The scopes of access tokens as sets, one set for all tokens that say the same: there are many tokens and few ways to ask for scopes. */

/** Reads the scopes of a token: one string with spaces (RFC 9068 2.2.3) or, from some providers, a list. */
export type ReadScopes = (value: unknown) => ReadonlySet<string>;

/** What is longer is read anew each time. */
const KEY_LIMIT = 8192;

/** Remembers at most `length` sets; the one longest unused goes first. */
export function createReadScopes(length = 256): ReadScopes {
  const known = new Map<string, ReadonlySet<string>>();
  return value => {
    if (typeof value !== 'string' || value.length > KEY_LIMIT) return setOf(value);
    const scopes = known.get(value) ?? setOf(value);
    known.delete(value);
    for (const oldest of known.keys()) {
      if (known.size < length) break;
      known.delete(oldest);
    }
    known.set(value, scopes);
    return scopes;
  };
}

function setOf(value: unknown): ReadonlySet<string> {
  const list = typeof value === 'string' ? value.split(' ') : Array.isArray(value) ? value : [];
  return new Set(list.filter((name): name is string => typeof name === 'string' && name !== ''));
}
