/** Final responses by which a call in, or a change of one, is refused. */
import type { Address } from '../ep-cscf/words.ts';
import type { Refusal } from '../sip/index.ts';

/** What is wrong with the media in a 488, by the pseudonym of who says so. RFC 3261 20.43, 21.4.26. */
const INCOMPATIBLE = '305 lineside "Incompatible media format"';

/** `contact` of a 302: who is to be called in its place. */
export function refusal(code: number, phrase: string, contact?: Address): Refusal {
  const plain = { status: code, reason: phrase };
  if (contact !== undefined) return { ...plain, headers: [['Contact', `<${contact}>`]] };
  return code === 488 ? { ...plain, headers: [['Warning', INCOMPATIBLE]] } : plain;
}
