/** Final responses by which a call in, or a change of one, is refused. */
import type { Refusal } from '../sip/index.ts';

/** What is wrong with the media in a 488, by the pseudonym of who says so. RFC 3261 20.43, 21.4.26. */
const INCOMPATIBLE = '305 lineside "Incompatible media format"';

export function refusal(code: number, phrase: string): Refusal {
  const plain = { status: code, reason: phrase };
  return code === 488 ? { ...plain, headers: [['Warning', INCOMPATIBLE]] } : plain;
}
