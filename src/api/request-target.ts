/** Whom a request is for: its target, and the one Host beside it. RFC 9112 3.2. */
import type { IncomingMessage } from 'node:http';
import { headerLines } from './exchange.ts';

const ABSOLUTE = /^https?:\/\/([^/?#]*)([^#]*)$/i;
/** RFC 9110 7.2, RFC 3986 3.2.2 and 3.2.3: a name, an address or an IPv6 address in brackets, perhaps a port; no user. */
const AUTHORITY = /^(?:\[[0-9a-f:.]+\]|[a-z0-9._~!$&'()*+,;=%-]*)(?::\d{0,5})?$/i;

/**
 * A target that is a whole URI becomes path and query, as all others are, and its host stands in for the header's. The target
 * then, which `isWellAddressed` refuses when it still is none. RFC 9112 3.2.2.
 */
export function settleTarget(request: IncomingMessage): string {
  const target = request.url ?? '';
  const [, authority = '', rest = ''] = ABSOLUTE.exec(target) ?? [];
  // A URI of http without a host is none. RFC 9110 4.2.1.
  if (authority === '' || authority.startsWith(':') || !AUTHORITY.test(authority)) return target;
  request.url = rest.startsWith('/') ? rest : `/${rest}`;
  request.headers.host = authority;
  return request.url;
}

/** False: the target is neither a path nor `*`, or there is not the one usable Host that HTTP/1.1 asks for. RFC 9112 3.2. */
export function isWellAddressed(request: IncomingMessage): boolean {
  const { url = '', httpVersion } = request;
  if (!url.startsWith('/') && url !== '*') return false;
  const { value, several } = headerLines(request, 'host');
  return value === null ? httpVersion === '1.0' : !several && AUTHORITY.test(value);
}
