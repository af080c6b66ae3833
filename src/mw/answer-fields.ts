/** Header fields of what we answer to a call in: who answers, and under which charging identifier. TS 24.229 5.2.6.4, RFC 3325 9.1, RFC 7315 4.6. */
import { numberOf, parseAddress } from '../ep-cscf/address.ts';
import type { E164 } from '../ep-cscf/ids.ts';
import { chargingParams, type SipRequest } from '../sip/index.ts';
import { ruledAnswer } from './header-rules.ts';
import { type Field, type HeaderFacts, identityFields, networkName } from './headers.ts';
import { calledOf } from './identity.ts';

const ECHOED = ['icid-value', 'icid-generated-at', 'orig-ioi'];
/** What a log line shows of an identifier. */
const MAX_ICID = 128;

/** Of every provisional response and 2xx to this INVITE. `number`: that of the binding it came to, null when that is not known. */
export function answerFields(invite: SipRequest, number: E164 | null, facts: HeaderFacts): Field[] {
  const told = parseAddress(calledOf(invite).identity ?? '');
  const who = (told === null ? null : numberOf(told)) ?? number;
  const identity = who === null ? [] : identityFields(who, false, facts);
  return ruledAnswer('INVITE', [...identity, ...charging(invite, facts)], facts);
}

/** The identifier by which the core charges a call in, for the log; undefined: it gave none. RFC 7315 4.6. */
export function icidOf({ headers }: SipRequest): string | undefined {
  return chargingParams(headers.get('P-Charging-Vector'), ['icid-value'])[0]?.value.slice(0, MAX_ICID);
}

/** The vector of the INVITE and our network at its other end. A client is not charged by it. */
function charging({ headers }: SipRequest, facts: HeaderFacts): Field[] {
  const told = facts.mode === 'client' ? undefined : headers.get('P-Charging-Vector');
  const parts = chargingParams(told, ECHOED);
  if (parts.length === 0) return [];
  return [
    ['P-Charging-Vector', `${parts.map(({ text }) => text).join(';')};term-ioi=${networkName(facts.home, facts)}`],
  ];
}
