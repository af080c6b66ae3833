/** Figures under the names of the metrics: where they were counted, then the field in kebab-case. */
import type { EngineCounts } from '../engine.ts';

/** The fields are few and fixed, so each name is made once. */
const NAMES = new Map<string, Map<string, string>>();

/** `counts` under their names, without those that are 0: hundreds of legs are asked each second, and most have little to tell. */
export function namedCounts<T extends Record<keyof T, number>>(where: string, counts: T): EngineCounts {
  let names = NAMES.get(where);
  if (names === undefined) {
    names = new Map();
    NAMES.set(where, names);
  }
  const named: Record<string, number> = {};
  for (const field in counts) {
    const value: number = counts[field];
    if (value === 0) continue;
    let name = names.get(field);
    if (name === undefined) {
      name = `${where}-${field.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`;
      names.set(field, name);
    }
    named[name] = value;
  }
  return named;
}

/** Adds figures to the sums in `into`. */
export function addCounts(into: Record<string, number>, counts: EngineCounts): void {
  for (const name in counts) into[name] = (into[name] ?? 0) + (counts[name] ?? 0);
}
