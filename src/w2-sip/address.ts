/** Between the URIs of SIP and the addresses of the APIs. CAMARA webrtc-call-handling v0.4, Address; RFC 3261 19.1.6. */
import { numberOf, parseAddress } from '../ep-cscf/address.ts';
import { E164_PATTERN } from '../ep-cscf/ids.ts';
import { type Address, ANONYMOUS } from '../ep-cscf/words.ts';
import { parseUri, type SipRequest, type SipUri, unescapeUri } from '../sip/index.ts';

/** Visual separators of a tel URI. RFC 3966 3. */
const SEPARATORS = /[-.()]/g;

/** Whom a URI names; null when the APIs have no form for it. A number of the home domain is the number. */
export function addressOf(uri: string, home: string | null): Address | null {
  if (/^urn:/i.test(uri)) return known(uri.toLowerCase());
  const parsed = parseUri(uri);
  if (parsed === null) return null;
  if (parsed.scheme === 'tel') return telOf((parsed.user ?? '').replace(SEPARATORS, ''), parsed);
  if ((parsed.scheme !== 'sip' && parsed.scheme !== 'sips') || parsed.user === null) return null;
  return sipOf(parsed, unescapeUri(parsed.user), home);
}

function telOf(digits: string, { params }: SipUri): Address | null {
  if (digits.startsWith('+')) return known(`tel:${digits}`);
  const context = params.get('phone-context');
  return context == null ? null : known(`tel:${digits};phone-context=${context}`);
}

function sipOf({ host, params }: SipUri, user: string, home: string | null): Address | null {
  const number = user.replace(SEPARATORS, '');
  const isNumber = E164_PATTERN.test(number) && (params.get('user') === 'phone' || host === home?.toLowerCase());
  if (isNumber) return `tel:${number}`;
  if (user.includes(';phone-context=')) return known(`sip:${user}@${host};user=phone`);
  return known(`sip:${user}@${host}`);
}

function known(address: Address): Address | null {
  return parseAddress(address) === null ? null : address;
}

/** The URI of an address, as a SIP user agent takes it: of the kind `sip`. */
export function uriOf(address: Address, home: string): string {
  const parsed = parseAddress(address);
  if (parsed?.type === 'tel-local') return `sip:${parsed.digits};phone-context=${parsed.context}@${home};user=phone`;
  const number = parsed === null ? null : numberOf(parsed);
  return number === null ? address : `sip:${number}@${home};user=phone`;
}

/** Who calls, by its own word: the identity it prefers, or From; anonymous when it asks for privacy. RFC 3323 4.1, RFC 3325 9.2. */
export function callerOf({ headers }: SipRequest, home: string | null): Address | null {
  const privacy = (headers.get('Privacy') ?? '').toLowerCase().split(/\s*;\s*/);
  const from = headers.from();
  const hidden = privacy.some(value => value === 'id' || value === 'user');
  if (hidden || from === undefined || /@anonymous\.invalid$/i.test(from.uri)) return ANONYMOUS;
  const [preferred] = headers.nameAddrs('P-Preferred-Identity');
  return addressOf((preferred ?? from).uri, home);
}
