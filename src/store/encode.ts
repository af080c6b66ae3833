/** How a value becomes text in every store. */
import type { Write } from '../ep-cscf/effect.ts';

/** JSON text of a put. Throws TypeError when the value has none (undefined, functions, cycles): a broken promise of ours. */
export function encode(write: Extract<Write, { op: 'put' }>): string {
  const text: string | undefined = JSON.stringify(write.value);
  if (text === undefined) throw new TypeError(`The value of ${write.kind} ${write.key} is not JSON.`);
  return text;
}
