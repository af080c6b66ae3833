/** The operator's own changes to the header fields of what we send. */
import type { RealmSettings } from '../config/realm.ts';
import type { E164 } from '../ep-cscf/ids.ts';
import type { Field } from './headers.ts';
import { filled } from './identities.ts';

export type HeaderRules = RealmSettings['headerRules'];
export type RuledMethod = 'REGISTER' | 'SUBSCRIBE' | 'INVITE';

type Facts = { headerRules: HeaderRules; home: string };

/** The fields after the rules of this method, in the order of the rules; what a rule adds stands at the end. */
export function ruled(method: RuledMethod, fields: Field[], number: E164, facts: Facts): Field[] {
  let result = fields;
  for (const { remove = [], add = {} } of rulesOf(method, facts)) {
    result = without(remove, result);
    for (const [name, value] of Object.entries(add)) result.push([name, filled(value, number, facts.home)]);
  }
  return result;
}

/** The fields of our responses: what is not to be said in requests of this method is not said in its answers. */
export function ruledAnswer(method: RuledMethod, fields: Field[], facts: Facts): Field[] {
  return rulesOf(method, facts).reduce((left, { remove = [] }) => without(remove, left), fields);
}

function rulesOf(method: RuledMethod, { headerRules }: Facts): HeaderRules {
  return headerRules.filter(({ methods }) => methods === undefined || methods.includes(method));
}

function without(names: readonly string[], fields: Field[]): Field[] {
  const gone = new Set(names.map(name => name.toLowerCase()));
  return fields.filter(([name]) => !gone.has(name.toLowerCase()));
}
