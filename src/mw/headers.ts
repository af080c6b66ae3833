/** Header fields of a trusted node towards the core: REGISTER and INVITE. IMS digest 2.3, 3.1 to 3.3, TS 24.371, TS 33.203 annex X. */
import { createHash } from 'node:crypto';
import type { RealmSettings } from '../config/realm.ts';
import { type ParsedAddress, parseAddress } from '../ep-cscf/address.ts';
import type { ImsEffect } from '../ep-cscf/effect.ts';
import type { E164 } from '../ep-cscf/ids.ts';
import type { Address } from '../ep-cscf/words.ts';
import { formatNameAddr } from '../sip/index.ts';
import { chargingVector } from './charging.ts';
import { ruled } from './header-rules.ts';
import type { ImsIdentity } from './identities.ts';
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
const MMTEL_FEATURE = `+g.3gpp.icsi-ref="${MMTEL}"`;
/** Namespace of the UUIDs made of URIs. RFC 9562 6.6. */
const URL_NAMESPACE = Buffer.from('6ba7b8119dad11d180b400c04fd430c8', 'hex');

/** Our URI for a token: Contact of a binding or of a call, and Path. */
export function ownUri(token: string, hostPort: string, transport: Transport, extra = ''): string {
  return `sip:${token}@${hostPort}${transport === 'udp' ? '' : `;transport=${transport}`}${extra}`;
}

/** Contact of a REGISTER, without `expires`; it says what calls here may have. RFC 3840 9, RFC 5626 4.1, TS 24.229 5.1.1.2. */
export function registerContact(uri: string, impu: string, outbound: boolean, video: boolean): string {
  const flow = outbound ? ';reg-id=1' : '';
  return `<${uri}>;+sip.instance="<${instanceOf(impu)}>"${flow};${MMTEL_FEATURE};audio${video ? ';video' : ''}`;
}

/** Contact of a call; that of an emergency call names no service. */
export function callContact(uri: string, emergency = false): string {
  return emergency ? `<${uri}>` : `<${uri}>;${MMTEL_FEATURE}`;
}

/**
 * Fields of every REGISTER, the refreshes and the last one too. A trusted node vouches for the user and is its own P-CSCF;
 * a client names its private identity and waits for the challenge. TS 33.203 X.3.2.3, RFC 3327, TS 24.229 5.1.1.2.
 */
export function registerFields(
  identity: ImsIdentity,
  pathUri: string,
  options: readonly string[],
  icid: string,
  correlator: string,
  facts: HeaderFacts,
): Field[] {
  const { number } = identity;
  return ruled('REGISTER', registerBasics(identity, pathUri, options, icid, correlator, facts), number, facts);
}

function registerBasics(
  { impi, home }: ImsIdentity,
  pathUri: string,
  options: readonly string[],
  icid: string,
  correlator: string,
  facts: HeaderFacts,
): Field[] {
  if (facts.mode === 'client') {
    const own: Field[] = [
      ['Authorization', credentialsOf(impi, home, home, '')],
      ['Supported', options.join(', ')],
    ];
    return [...own, ...accessNetwork(facts), ...correlation(correlator, facts)];
  }
  // Of a third party's WAF alone, which the S-CSCF checks against what the HSS lists. TS 33.203 X.3.2.3.
  const entity = facts.authorizationEntity === '' ? '' : `, authorization-entity="${facts.authorizationEntity}"`;
  const credentials = credentialsOf(impi, home, facts.tnaRealm || home, facts.tnaNonce);
  return [
    ['Authorization', `${credentials}, integrity-protected="${facts.tnaIndicator}"${entity}`],
    ['Path', `<${pathUri}>`],
    ['Require', 'path'],
    ['Supported', options.join(', ')],
    ['P-Visited-Network-ID', `"${home}"`],
    chargingVector(icid, home, facts),
    ...accessNetwork(facts),
    ...correlation(correlator, facts),
  ];
}

/** Who registers, before or without any challenge. */
function credentialsOf(impi: string, home: string, realm: string, nonce: string): string {
  return `Digest username="${impi}", realm="${realm}", uri="sip:${home}", nonce="${nonce}", response=""`;
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

/** Fields of a SUBSCRIBE: whose state is asked for. */
export function subscribeFields({ impu, number }: ImsIdentity, icid: string, facts: HeaderFacts): Field[] {
  const fields: Field[] =
    facts.mode === 'client'
      ? [['P-Preferred-Identity', `<${impu}>`]]
      : [['P-Asserted-Identity', `<${impu}>`], chargingVector(icid, facts.home, facts)];
  return ruled('SUBSCRIBE', fields, number, facts);
}

/** The public identity as REGISTER and SUBSCRIBE write it. */
export function recordOf(impu: string, facts: HeaderFacts): string {
  return facts.registerUserPhone ? `${impu};user=phone` : impu;
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

function accessNetwork(facts: HeaderFacts): Field[] {
  return facts.accessNetworkInfo === '' ? [] : [['P-Access-Network-Info', facts.accessNetworkInfo]];
}

function correlation(correlator: string, facts: HeaderFacts): Field[] {
  return facts.correlatorHeader === '' || correlator === '' ? [] : [[facts.correlatorHeader, printable(correlator)]];
}

/** Without the characters that could end a header line. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '').slice(0, 256);
}

/** The instance of a number, one for all its devices. RFC 5626 4.1, IMS digest 2.13. */
export function instanceOf(impu: string): string {
  return `urn:uuid:${uuidOf(impu)}`;
}

/** Version 5 UUID of a URI: the same instance for the same number at every registration. RFC 9562 5.5. */
export function uuidOf(uri: string): string {
  const bytes = createHash('sha1').update(URL_NAMESPACE).update(uri, 'utf8').digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
