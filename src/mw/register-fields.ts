/** Header fields of REGISTER and of the SUBSCRIBE to what becomes of it. IMS digest 2.3, 2.12, TS 24.371, TS 33.203 annex X. */
import { createHash } from 'node:crypto';
import { chargingVector } from './charging.ts';
import { ruled } from './header-rules.ts';
import { accessNetwork, correlation, type Field, type HeaderFacts, MMTEL_FEATURE } from './headers.ts';
import type { ImsIdentity } from './identities.ts';

/** Namespace of the UUIDs made of URIs. RFC 9562 6.6. */
const URL_NAMESPACE = Buffer.from('6ba7b8119dad11d180b400c04fd430c8', 'hex');

/** Contact of a REGISTER, without `expires`; it says what calls here may have. RFC 3840 9, RFC 5626 4.1, TS 24.229 5.1.1.2. */
export function registerContact(uri: string, impu: string, outbound: boolean, video: boolean): string {
  const flow = outbound ? ';reg-id=1' : '';
  return `<${uri}>;+sip.instance="<${instanceOf(impu)}>"${flow};${MMTEL_FEATURE};audio${video ? ';video' : ''}`;
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
