/** Header fields of calls towards the core, and what those of REGISTER share with them. IMS digest 3.1 to 3.3, TS 24.371. */
import type { RealmSettings } from '../config/realm.ts';
import { type ParsedAddress, parseAddress } from '../ep-cscf/address.ts';
import type { ImsEffect } from '../ep-cscf/effect.ts';
import type { E164 } from '../ep-cscf/ids.ts';
import type { Address } from '../ep-cscf/words.ts';
import { formatNameAddr } from '../sip/index.ts';
import { chargingVector } from './charging.ts';
import { ruled } from './header-rules.ts';
import type { Transport } from './node.ts';

export type Field = readonly [string, string];

/** What the header fields need of the settings and of the node. */
export interface HeaderFacts
  extends Pick<
    RealmSettings,
    | 'mode'
    | 'home'
    | 'outbound'
    | 'tnaIndicator'
    | 'tnaRealm'
    | 'tnaNonce'
    | 'ioiPrefix'
    | 'authorizationEntity'
    | 'ruriForm'
    | 'userPhone'
    | 'registerUserPhone'
    | 'callerHeader'
    | 'callerForms'
    | 'headerRules'
    | 'sessionExpiresS'
    | 'minSeS'
    | 'preconditionLocal'
    | 'preconditionRemote'
    | 'releaseCause'
    | 'displayName'
    | 'correlatorHeader'
    | 'accessNetworkInfo'
  > {
  /** Calls may have video. */
  video: boolean;
  /** Resource-Priority of emergency calls; empty for none. */
  resourcePriority: string;
  /** Host of this node as the core knows it. */
  host: string;
}

const MMTEL = 'urn%3Aurn-7%3A3gpp-service.ims.icsi.mmtel';
/** How a contact says that it takes telephone calls. RFC 3840 9, IMS digest 3.2. */
export const MMTEL_FEATURE = `+g.3gpp.icsi-ref="${MMTEL}"`;
/** Our URI for a token: Contact of a binding or of a call, and Path. */
export function ownUri(token: string, hostPort: string, transport: Transport, extra = ''): string {
  return `sip:${token}@${hostPort}${transport === 'udp' ? '' : `;transport=${transport}`}${extra}`;
}

/** Contact of a call; that of an emergency call names no service. */
export function callContact(uri: string, emergency = false): string {
  return emergency ? `<${uri}>` : `<${uri}>;${MMTEL_FEATURE}`;
}

/** What an INVITE says beside its body. */
export interface InviteParts {
  uri: string;
  emergency: boolean;
  from: string;
  to: string;
  fields: Field[];
}

/** URIs and fields of an INVITE; null when the receiver cannot be called. IMS digest 3.1 to 3.3. */
export function inviteParts(
  effect: Extract<ImsEffect, { type: 'ims.invite' }>,
  icid: string,
  facts: HeaderFacts,
): InviteParts | null {
  const address = parseAddress(effect.to);
  const uri = address === null ? null : requestUri(address, effect.to, facts);
  if (address === null || uri === null) return null;
  const emergency = address.type === 'emergency';
  const anonymous = effect.anonymous && !emergency;
  const fields: Field[] = [
    ...callerFields(effect.from, emergency, facts),
    ['P-Early-Media', 'supported'],
    ...(facts.mode === 'client' ? [] : [chargingVector(icid, facts.home, facts)]),
    ...accessNetwork(facts),
    ['Supported', emergency ? '100rel, timer' : '100rel, timer, histinfo, 199'],
    ['Session-Expires', String(facts.sessionExpiresS)],
    ['Min-SE', String(facts.minSeS)],
    ['Accept', emergency ? EMERGENCY_ACCEPT : 'application/sdp, application/3gpp-ims+xml'],
  ];
  if (anonymous) fields.push(['Privacy', 'id']);
  if (emergency) fields.push(['Priority', 'emergency']);
  if (emergency && facts.resourcePriority !== '') fields.push(['Resource-Priority', facts.resourcePriority]);
  fields.push(...correlation(effect.correlator, facts));
  return {
    uri,
    emergency,
    from: anonymous ? ANONYMOUS_FROM : fromValue(effect, facts),
    to: `<${uri}>`,
    fields: ruled('INVITE', fields, effect.from, facts),
  };
}

/** Who calls, asserted by us or only preferred, and the service asked for where a core reads it. RFC 3325 9, IMS digest 3.2, 6.2. */
function callerFields(from: E164, emergency: boolean, facts: HeaderFacts): Field[] {
  const who = identityFields(from, emergency, facts);
  // An emergency call is a service of its own.
  if (facts.mode === 'trunk' || emergency) return who;
  return [
    ...who,
    ['P-Preferred-Service', 'urn:urn-7:3gpp-service.ims.icsi.mmtel'],
    ['Accept-Contact', `*;${MMTEL_FEATURE}`],
  ];
}

/** Who calls, or who answers a call in. */
export function identityFields(from: E164, emergency: boolean, facts: HeaderFacts): Field[] {
  const uri = phoneUri(from, facts);
  switch (callerHeaderOf(facts)) {
    case 'asserted': {
      // An emergency centre calls back by the telephone number. TS 23.167 7.1.2.
      const wanted: HeaderFacts['callerForms'] = emergency ? ['sip', 'tel'] : facts.callerForms;
      const forms = wanted.map(form => (form === 'tel' ? `<tel:${from}>` : `<${uri}>`));
      return [['P-Asserted-Identity', forms.join(', ')]];
    }
    case 'preferred':
      return [['P-Preferred-Identity', `<${uri}>`]];
    case 'none':
      return [];
  }
}

function callerHeaderOf({ callerHeader, mode }: HeaderFacts): 'asserted' | 'preferred' | 'none' {
  if (callerHeader !== 'usual') return callerHeader;
  return mode === 'client' ? 'preferred' : 'asserted';
}

const EMERGENCY_ACCEPT = 'application/sdp, application/pidf+xml, application/3gpp-ims+xml';
const ANONYMOUS_FROM = '"Anonymous" <sip:anonymous@anonymous.invalid>';

function fromValue(effect: { from: E164; displayName: string | null }, facts: HeaderFacts): string {
  const display = facts.displayName ? printable(effect.displayName ?? '') : '';
  const uri = phoneUri(effect.from, facts);
  return formatNameAddr({ display: display === '' ? null : display, uri, params: new Map() });
}

/** Request-URI of a CAMARA address, or null when it names nobody. IMS digest 3.1. */
function requestUri(address: ParsedAddress, text: Address, facts: HeaderFacts): string | null {
  switch (address.type) {
    case 'tel':
      return facts.ruriForm === 'tel' ? `tel:${address.number}` : phoneUri(address.number, facts);
    case 'tel-local':
      if (facts.ruriForm === 'tel') return `tel:${address.digits};phone-context=${address.context}`;
      return `sip:${escapeUser(address.digits)};phone-context=${address.context}@${facts.home}${userPhone(facts)}`;
    case 'sip':
      return `sip:${address.user}@${address.host}`;
    case 'sip-local':
      return `sip:${escapeUser(address.digits)};phone-context=${address.context}@${address.host}${userPhone(facts)}`;
    case 'emergency':
      return text;
    case 'anonymous':
      return null;
    default:
      return address satisfies never;
  }
}

/** `#` may not stand in a user part. RFC 3261 25.1. */
function escapeUser(digits: string): string {
  return digits.replaceAll('#', '%23');
}

function phoneUri(number: string, facts: HeaderFacts): string {
  return `sip:${number}@${facts.home}${userPhone(facts)}`;
}

function userPhone(facts: HeaderFacts): string {
  return facts.userPhone ? ';user=phone' : '';
}

export function accessNetwork(facts: HeaderFacts): Field[] {
  return facts.accessNetworkInfo === '' ? [] : [['P-Access-Network-Info', facts.accessNetworkInfo]];
}

export function correlation(correlator: string, facts: HeaderFacts): Field[] {
  return facts.correlatorHeader === '' || correlator === '' ? [] : [[facts.correlatorHeader, printable(correlator)]];
}

/** Without the characters that could end a header line. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '').slice(0, 256);
}
