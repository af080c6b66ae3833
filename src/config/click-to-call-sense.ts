/** What the schema cannot say of pools: numbers that are nobody else's, in a realm of ours. */
import { numberOf, parseAddress } from '../ep-cscf/address.ts';
import { isEmergency } from '../ep-cscf/identity.ts';
import type { E164 } from '../ep-cscf/ids.ts';
import { numbersIn } from './number-range.ts';
import { realmFinder, realmsOf } from './realm.ts';
import type { Settings } from './settings.ts';

type Fault = { name: string; must: string };

/** The first fault of the pools, or null. */
export function clickToCallFault({
  clickToCall,
  api,
  ims,
  emergency,
}: Pick<Settings, 'clickToCall' | 'api' | 'ims' | 'emergency'>): Fault | null {
  const { pools, workBits, workBitsMax } = clickToCall;
  const fault = (must: string): Fault => ({ name: 'clickToCall.pools', must });
  if (workBits > workBitsMax) return { name: 'clickToCall.workBits', must: 'must not exceed clickToCall.workBitsMax' };
  if (new Set(pools.map(({ id }) => id)).size < pools.length) return fault('must not give two pools one id');
  const realmOf = realmFinder(realmsOf(ims));
  const allotted = new Set(Object.values(api.clients).flatMap(({ numbers }) => numbers));
  const seen = new Set<E164>();
  const mainNumbers: E164[] = [];
  for (const { numbers, mainNumber } of pools) {
    if (mainNumber !== undefined) {
      const main = parseAddress(mainNumber);
      if (main === null || main.type === 'anonymous' || isEmergency(mainNumber, emergency))
        return fault('must have a mainNumber such as tel:+15550107000');
      const number = numberOf(main);
      if (number !== null) mainNumbers.push(number);
    }
    for (const text of numbers) {
      const some = numbersIn(text);
      if (some === null)
        return fault('must hold numbers such as +15550108000, or ranges such as +15550108000-+15550108009');
      for (const number of some) {
        if (seen.has(number)) return fault(`must not hold ${number} twice`);
        if (allotted.has(number)) return fault(`must not hold ${number}, which is allotted in api.clients`);
        if (realmOf(number) === null) return fault(`must not hold ${number}, which lives in no realm`);
        seen.add(number);
      }
    }
  }
  // Whoever calls back would be sent in circles.
  return mainNumbers.some(number => seen.has(number)) ? fault('must not have a mainNumber that is leased') : null;
}
