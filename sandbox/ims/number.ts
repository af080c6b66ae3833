/** Telephone numbers out of the URIs a phone or a gateway may dial. RFC 3966 3, RFC 3261 19.1.6. */
import { parseUri, type SipUri, unescapeUri } from '../../src/sip/index.ts';

/** Host names and addresses under which this IMS answers: the domain, its address, and the address with port. */
export interface Home {
  domain: string;
  host: string;
  port: number;
}

/** True when the URI names this IMS by domain or by its own address. */
export function isHome(uri: SipUri, home: Home): boolean {
  if (uri.host === home.domain) return true;
  return uri.host === home.host && (uri.port ?? 5060) === home.port;
}

/** The number a URI means, as "+" and digits, or null: tel URIs, and SIP URIs of this IMS whose user part is a number. */
export function numberOf(uri: SipUri, home: Home): string | null {
  if (uri.scheme === 'tel') {
    const context = uri.params.get('phone-context');
    const digits = bare(uri.user ?? '');
    if (!digits.startsWith('+') && context?.startsWith('+')) return global(bare(context) + digits);
    return global(digits);
  }
  if ((uri.scheme !== 'sip' && uri.scheme !== 'sips') || uri.user === null || !isHome(uri, home)) return null;
  const user = unescapeUri(uri.user);
  const semi = user.indexOf(';');
  return global(bare(semi === -1 ? user : user.slice(0, semi)));
}

/** The same for a URI as text. */
export function numberOfText(text: string, home: Home): string | null {
  const uri = parseUri(text);
  return uri === null ? null : numberOf(uri, home);
}

function bare(text: string): string {
  let digits = '';
  for (const c of text) if (!'-.() '.includes(c)) digits += c;
  return digits;
}

/** "+" and digits; an international prefix 00 becomes "+", a number of full length without either is taken as international. */
function global(text: string): string | null {
  const digits = text.startsWith('+') ? text.slice(1) : text.startsWith('00') ? text.slice(2) : text;
  if (digits.length < 7 || digits.length > 15) return null;
  for (const c of digits) if (c < '0' || c > '9') return null;
  return `+${digits}`;
}
