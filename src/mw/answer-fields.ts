/** Header fields of what we answer to a call in: who answers, and under which charging identifier. TS 24.229 5.2.6.4, RFC 3325 9.1, RFC 7315 4.6. */
import { numberOf, parseAddress } from '../ep-cscf/address.ts';
import type { E164 } from '../ep-cscf/ids.ts';
import type { SipRequest } from '../sip/index.ts';
import { chargingAnswer } from './charging.ts';
import { ruledAnswer } from './header-rules.ts';
import { type Field, type HeaderFacts, identityFields } from './headers.ts';
import { calledOf } from './identity.ts';

/** Of every provisional response and 2xx to this INVITE. `number`: that of the binding it came to, null when that is not known. */
export function answerFields(invite: SipRequest, number: E164 | null, facts: HeaderFacts): Field[] {
  const told = parseAddress(calledOf(invite).identity ?? '');
  const who = (told === null ? null : numberOf(told)) ?? number;
  const identity = who === null ? [] : identityFields(who, false, facts);
  return ruledAnswer('INVITE', [...identity, ...chargingAnswer(invite, facts)], facts);
}
