/** Refuses requests that another site made the browser send (CSRF): Fetch Metadata first, Origin where it is missing. */
import type { IncomingHttpHeaders } from 'node:http';

/**
 * True when the request comes from our own pages. `origin` is the origin of the public URL.
 * A request that tells nothing about its origin is refused: every browser tells one of the two on POST.
 */
export function isSameOrigin(headers: IncomingHttpHeaders, origin: string): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin') return false;
  if (headers.origin !== undefined) return headers.origin === origin;
  return site === 'same-origin';
}
