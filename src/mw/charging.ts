/** P-Charging-Vector: the identifier by which both networks charge a call, and who they are. RFC 7315 4.6, TS 24.229 7.2A.5. */
import type { SipRequest } from '../sip/index.ts';
import type { Field, HeaderFacts } from './headers.ts';

/** What our requests in the dialog of a call out repeat of its INVITE. */
export const CHARGING = 'P-Charging-Vector';
const IDENTIFIER = ['icid-value', 'icid-generated-at'];
/** What a log line shows of an identifier. */
const MAX_ICID = 128;
const PARAM = /(?:^|;)\s*(([\w-]+)\s*=\s*("[^"]*"|[^;,"\s]+))/g;

/** What our requests in the dialog of a call in say: the identifier alone; the networks that its INVITE names are those of the caller. */
export function chargingOf(invite: SipRequest): Field[] {
  const parts = partsOf(invite, IDENTIFIER);
  return parts.length === 0 ? [] : [[CHARGING, joined(parts)]];
}

/** The identifier by which the core charges a call in, for the log; undefined: it gave none. */
export function icidOf(invite: SipRequest): string | undefined {
  return partsOf(invite, ['icid-value'])[0]?.value.slice(0, MAX_ICID);
}

/** What an answer to a call in says: the vector of its INVITE, and our network at its other end. A client is not charged by it. */
export function chargingAnswer(invite: SipRequest, facts: HeaderFacts): Field[] {
  const parts = facts.mode === 'client' ? [] : partsOf(invite, [...IDENTIFIER, 'orig-ioi']);
  return parts.length === 0 ? [] : [[CHARGING, `${joined(parts)};term-ioi=${networkName(facts.home, facts)}`]];
}

/** A new charging identifier and the network it comes from. */
export function chargingVector(icid: string, home: string, facts: HeaderFacts): Field {
  const { host } = facts;
  const here = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  return [CHARGING, `icid-value="${icid}";icid-generated-at=${here};orig-ioi=${networkName(home, facts)}`];
}

/**
 * Our network as charging knows it. Between a P-CSCF and its S-CSCF the name begins with the type, without a space behind it;
 * between two networks it stands alone. TS 24.229 table 7.2A.5A.
 */
function networkName(home: string, { mode, ioiPrefix }: HeaderFacts): string {
  return mode === 'trunk' || ioiPrefix === '' ? home : `"${ioiPrefix}${home}"`;
}

/** A parameter of a vector: its value without quotes, and name and value as they were written. */
interface Param {
  name: string;
  value: string;
  text: string;
}

/** Those parameters of its vector that have one of these names, in their order; none of a field that is not there. */
function partsOf({ headers }: SipRequest, names: readonly string[]): Param[] {
  return [...(headers.get(CHARGING) ?? '').matchAll(PARAM)]
    .map(([, text = '', name = '', value = '']) => ({
      name: name.toLowerCase(),
      value: value.replaceAll('"', ''),
      text,
    }))
    .filter(({ name }) => names.includes(name));
}

function joined(parts: readonly Param[]): string {
  return parts.map(({ text }) => text).join(';');
}
