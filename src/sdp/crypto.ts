/** Keys of SRTP in SDP, as far as they protect all of a stream under one key for as long as a call lasts. RFC 4568. */
import { whole } from './number.ts';
import type { Crypto } from './session.ts';

/** Lines of one m-line that are looked at. */
const MAX_LINES = 16;
/** Packets that a call of five hours sends: whoever wants another key earlier would not get it. */
const LEAST_LIFETIME = 2 ** 20;

/** Adds what an a=crypto line says; one that asks for what is not done here, or is malformed, adds nothing. RFC 4568 9.1. */
export function readCrypto(lines: Crypto[], rest: string): void {
  const [tag, suite, keys, ...parameters] = rest.split(' ').filter(part => part !== '');
  const number = /^\d{1,9}$/.test(tag ?? '') ? Number(tag) : null;
  if (number === null || suite === undefined || keys === undefined || lines.length >= MAX_LINES) return;
  // Whoever has a tag twice could not tell which of the two an answer takes. RFC 4568 4.1.
  if (lines.some(line => line.tag === number)) return;
  // Those that begin with a hyphen may be passed over, and so may the size of a window. RFC 4568 6.3.7, 9.2.
  if (!parameters.every(parameter => /^(-|WSH=)/.test(parameter))) return;
  const key = keyOf(keys);
  if (key !== null && /^[\w-]{1,64}$/.test(suite)) lines.push({ tag: number, suite, key });
}

/** The one key, without an identifier, for long enough. RFC 4568 6.1. */
function keyOf(keys: string): string | null {
  const [, key, lifetime] = /^inline:([A-Za-z0-9+/]{16,128}={0,2})(?:\|(2\^\d{1,2}|\d{1,15}))?$/.exec(keys) ?? [];
  return key !== undefined && (lifetime === undefined || packets(lifetime) >= LEAST_LIFETIME) ? key : null;
}

function packets(lifetime: string): number {
  return lifetime.startsWith('2^') ? 2 ** (whole(lifetime.slice(2), 48) ?? 0) : Number(lifetime);
}
