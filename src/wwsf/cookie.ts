/** Cookies of the pages' back end: read one, write one. RFC 6265. */

const MAX_HEADER_CHARACTERS = 8192;

/** The value of the first cookie of this name, or null. A header of unreasonable length counts as none. */
export function readCookie(header: string | undefined, name: string): string | null {
  if (header === undefined || header.length > MAX_HEADER_CHARACTERS) return null;
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=');
    if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
  }
  return null;
}

/** A Set-Cookie value: HttpOnly, SameSite=Lax; `maxAgeS` 0 removes the cookie. `value` must be base64url or dots. */
export function writeCookie(name: string, value: string, options: { maxAgeS: number; path: string; secure: boolean }) {
  return `${name}=${value}; Path=${options.path}; Max-Age=${options.maxAgeS}; HttpOnly; SameSite=Lax${options.secure ? '; Secure' : ''}`;
}
