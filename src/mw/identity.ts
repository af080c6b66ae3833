/** Who calls and who is called, from the core's header fields to CAMARA addresses. IMS digest 4.1, RFC 3323, RFC 3325. */
import { parseAddress } from '../ep-cscf/address.ts';
import { E164_PATTERN } from '../ep-cscf/ids.ts';
import { type Address, ANONYMOUS } from '../ep-cscf/words.ts';
import { type Headers, type NameAddr, parseUri, type SipRequest, type SipResponse } from '../sip/index.ts';

const MAX_NAME = 128;
/** Privacy values that hide the caller from our user. */
const HIDING = ['id', 'user', 'header'];

export interface Caller {
  caller: Address;
  callerName: string | null;
}

/** The caller of an INVITE from a trusted peer: P-Asserted-Identity unless privacy hides it; From only where the peer answers for it. */
export function callerOf(invite: SipRequest, believesFrom = false): Caller {
  const { headers } = invite;
  const nobody: Caller = { caller: ANONYMOUS, callerName: null };
  if (hides(headers)) return nobody;
  if (headers.from()?.uri.toLowerCase().endsWith('@anonymous.invalid') === true) return nobody;
  const asserted = headers.nameAddrs('P-Asserted-Identity');
  const tel = asserted.find(address => address.uri.toLowerCase().startsWith('tel:'));
  for (const address of tel === undefined ? asserted : [tel, ...asserted]) {
    const caller = addressOf(address.uri);
    if (caller !== null) return { caller, callerName: nameOf(asserted) };
  }
  const from = believesFrom && asserted.length === 0 ? headers.from() : undefined;
  const caller = from === undefined ? null : addressOf(from.uri);
  return from === undefined || caller === null ? nobody : { caller, callerName: nameOf([from]) };
}

/** The name the network knows of the party that answered, from a response of a trusted peer; null when it knows none or may not tell. RFC 3325 9.1. */
export function calleeNameOf({ headers }: SipResponse): string | null {
  return hides(headers) ? null : nameOf(headers.nameAddrs('P-Asserted-Identity'));
}

function hides(headers: Headers): boolean {
  return privacyOf(headers).some(value => HIDING.includes(value));
}

/** The priv-values of Privacy, in lower case. RFC 3323 4.2. */
export function privacyOf(headers: Headers): string[] {
  return headers.all('Privacy').flatMap(value => value.split(';').map(part => part.trim().toLowerCase()));
}

/** Which of the user's identities was called, by P-Called-Party-ID; else what was dialled, by To; null when neither names one. */
export function calledOf(invite: SipRequest): { called: Address | null; identity: Address | null } {
  const told = invite.headers.nameAddrs('P-Called-Party-ID')[0];
  const called = told ?? invite.headers.to();
  const address = called === undefined ? null : addressOf(called.uri);
  return { called: address, identity: told === undefined ? null : address };
}

/** The identities of P-Associated-URI in order. Wildcards name nobody in particular: then nothing is known. TS 23.003 13.5. */
export function associatedOf(uris: readonly string[]): Address[] {
  return uris.some(uri => uri.includes('!'))
    ? []
    : [...new Set(uris.map(addressOf).filter(address => address !== null))];
}

/** A SIP or tel URI as a CAMARA address: a number as tel, anything else as sip:user@host; null when it has no such form. */
export function addressOf(text: string): Address | null {
  const uri = parseUri(text);
  if (uri === null || uri.user === null) return null;
  const number = dialledOf(uri.user);
  if (E164_PATTERN.test(number)) return `tel:${number}`;
  if (uri.scheme === 'tel') {
    const context = uri.params.get('phone-context');
    return typeof context === 'string' ? checked(`tel:${number};phone-context=${context}`) : null;
  }
  if (uri.scheme !== 'sip' && uri.scheme !== 'sips') return null;
  return checked(`sip:${uri.user.split(';', 1)[0] ?? ''}@${uri.host}`);
}

/** A user part without its parameters and without what is written for people. RFC 3966 5.1.1. */
export function dialledOf(user: string): string {
  return user.replace(/[-.()]/g, '').split(';', 1)[0] ?? '';
}

function checked(address: string): Address | null {
  return parseAddress(address) === null ? null : address;
}

function nameOf(asserted: readonly NameAddr[]): string | null {
  const name = asserted.find(address => address.display !== null)?.display ?? '';
  const clean = name
    .replace(/\p{Cc}/gu, '')
    .trim()
    .slice(0, MAX_NAME);
  return clean === '' ? null : clean;
}
