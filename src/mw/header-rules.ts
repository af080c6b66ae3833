/** The operator's own changes to the header fields of what we send. */
import type { RealmSettings } from '../config/realm.ts';
import type { E164 } from '../ep-cscf/ids.ts';
import type { Field } from './headers.ts';
import { filled } from './identities.ts';

export type HeaderRules = RealmSettings['headerRules'];
export type RuledMethod = 'REGISTER' | 'SUBSCRIBE' | 'INVITE';

/** The fields after the rules of this method, in the order of the rules; what a rule adds stands at the end. */
export function ruled(
  method: RuledMethod,
  fields: Field[],
  number: E164,
  facts: { headerRules: HeaderRules; home: string },
): Field[] {
  let result = fields;
  for (const { methods, remove = [], add = {} } of facts.headerRules) {
    if (methods !== undefined && !methods.includes(method)) continue;
    const gone = new Set(remove.map(name => name.toLowerCase()));
    result = result.filter(([name]) => !gone.has(name.toLowerCase()));
    for (const [name, value] of Object.entries(add)) result.push([name, filled(value, number, facts.home)]);
  }
  return result;
}
