/** Numbers of a pool as an operator writes them: one, or a range of one length. */
import { type E164, E164_PATTERN } from '../ep-cscf/ids.ts';

/** Of one range. */
const MAX_RANGE = 10_000;

/** `+15550108000` or `+15550108000-+15550108009`; null when it is neither, or too long. */
export function numbersIn(text: string): E164[] | null {
  const [first = '', last = first, ...more] = text.split('-');
  if (more.length > 0 || first.length !== last.length || ![first, last].every(one => E164_PATTERN.test(one)))
    return null;
  const size = Number(last.slice(1)) - Number(first.slice(1)) + 1;
  if (size < 1 || size > MAX_RANGE) return null;
  return Array.from({ length: size }, (_, index) => `+${Number(first.slice(1)) + index}` as E164);
}
