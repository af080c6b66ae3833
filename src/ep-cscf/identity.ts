/** Whether an address is the user's own, which calls are emergency calls, and who may see what. */
import { numberOf, type ParsedAddress, parseAddress, sameAddress } from './address.ts';
import type { E164 } from './ids.ts';
import type { EmergencySettings } from './settings.ts';
import type { Address, Principal } from './words.ts';

/** Whether `originator` is the registered number: its tel form, or its SIP form in the home domain (null: of no realm). */
export function isOwnAddress(originator: Address, number: E164, home: string | null): boolean {
  const parsed = parseAddress(originator);
  if (parsed === null || numberOf(parsed) !== number) return false;
  return parsed.type !== 'sip' || parsed.host.toLowerCase() === home?.toLowerCase();
}

/** Whether the operator lets this receiver be called: SIP addresses that are no telephone numbers may be shut out, or only those elsewhere. */
export function mayCall(receiver: Address, allowed: 'any' | 'home' | 'none', home: string | null): boolean {
  const parsed = parseAddress(receiver);
  if (allowed === 'any' || (parsed?.type !== 'sip' && parsed?.type !== 'sip-local')) return true;
  if (parsed.host.toLowerCase() !== home?.toLowerCase()) return false;
  return allowed === 'home' || parsed.type === 'sip-local' || numberOf(parsed) !== null;
}

/** Whether the network lets a binding use this identity. No set, or one without any number, limits no number. RFC 7315 4.1, IMS digest 2.6. */
export function isAssociated(identity: Address, associated: readonly Address[]): boolean {
  if (associated.some(one => sameAddress(one, identity))) return true;
  const isNumber = numberIn(identity) !== null;
  return !associated.some(one => !isNumber || numberIn(one) !== null);
}

/** The number a call of a binding goes out with: its own, or the default one of a set without that, its first. RFC 7315 4.1. */
export function callerNumber(own: E164, associated: readonly Address[]): E164 {
  if (isAssociated(`tel:${own}`, associated)) return own;
  return associated.map(numberIn).find(number => number !== null) ?? own;
}

function numberIn(address: Address): E164 | null {
  const parsed = parseAddress(address);
  return parsed === null ? null : numberOf(parsed);
}

/** Whether a receiver is an emergency service: the URN, or a number the operator lists, in any dialled form. TS 23.167 7.1.2. */
export function isEmergency(receiver: Address, settings: Pick<EmergencySettings, 'numbers'>): boolean {
  const parsed = parseAddress(receiver);
  if (parsed === null) return false;
  if (parsed.type === 'emergency') return true;
  const digits = dialled(parsed);
  return digits !== null && settings.numbers.includes(digits);
}

function dialled(address: ParsedAddress): string | null {
  if (address.type === 'tel-local' || address.type === 'sip-local') return address.digits;
  return address.type === 'sip' ? unescaped(address.user) : null;
}

/** An escaped character is the character. RFC 3261 19.1.4. */
function unescaped(user: string): string {
  return user.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** What a registration or a session belongs to. */
export interface Holder {
  clientId: string;
  subject: string | null;
  legs: 2 | 3;
  number: E164;
}

/** Whether a token may see what `owner` made; if not, it does not exist for it. A visitor sees its own, the business all. CAMARA Commonalities, ownership. */
export function maySee(who: Principal, owner: Principal): boolean {
  if (who.clientId !== owner.clientId || who.legs !== owner.legs) return false;
  if (who.legs === 2) return who.subject === null || who.subject === owner.subject;
  return who.subject === owner.subject && who.number === owner.number;
}

/** A fraction in [0, 1) that is always the same for one text: jitter without a random number inside a machine. */
export function spreadOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  // FNV leaves neighbours close together in the high bits; one more mixing round spreads them.
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b) >>> 0;
  hash = (hash ^ (hash >>> 16)) >>> 0;
  return hash / 0x1_0000_0000;
}
