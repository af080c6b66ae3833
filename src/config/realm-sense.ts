/** What the schema cannot say of realms: header rules, sources of identities, prefixes, trunk registrations. */
import { parseHostPort } from './host-port.ts';
import type { RealmSettings } from './realm.ts';

type Fault = { name: string; must: string };

const PREFIX = /^\+\d{0,15}$/;
const DOMAIN = /^[A-Za-z0-9]+(?:[.-]+[A-Za-z0-9]+)*$/;
const TOKEN = /^[A-Za-z0-9!%'*+\-._`~]+$/;
/** What SIP itself writes; a rule about these would break the message. */
const FIXED = new Set([
  ...['via', 'v', 'from', 'f', 'to', 't', 'call-id', 'i', 'cseq', 'max-forwards', 'contact', 'm', 'route'],
  ...['record-route', 'content-type', 'c', 'content-length', 'l', 'expires', 'event', 'o', 'authorization'],
  ...['proxy-authorization'],
]);

/** The first fault of the realms, or null. */
export function realmFault(realms: readonly RealmSettings[]): Fault | null {
  const seen = new Set<string>();
  if (new Set(realms.map(({ name }) => name)).size < realms.length)
    return { name: 'ims.realms', must: 'must not give two realms one name' };
  for (const realm of realms) {
    for (const prefix of realm.prefixes) {
      if (!PREFIX.test(prefix)) return { name: 'ims.realms', must: 'must have prefixes such as +49 or +' };
      if (seen.has(prefix)) return { name: 'ims.realms', must: `must not give ${prefix} to two realms` };
      seen.add(prefix);
    }
    const fault =
      homeFault(realm) ??
      quotedFault(realm) ??
      sessionFault(realm) ??
      credentialFault(realm) ??
      identityFault(realm) ??
      trunkFault(realm) ??
      ruleFault(realm);
    if (fault !== null) return fault;
  }
  return null;
}

function homeFault({ home, entry, authorizationEntity }: RealmSettings): Fault | null {
  if (!DOMAIN.test(home)) return { name: 'ims.home', must: 'must be a domain such as ims.example' };
  if (authorizationEntity !== '' && !DOMAIN.test(authorizationEntity))
    return { name: 'ims.authorizationEntity', must: 'must be a domain such as waf.example' };
  return parseHostPort(entry) === null ? { name: 'ims.entry', must: 'must be a host or host:port' } : null;
}

/** What is written between quotation marks as it is. */
function quotedFault(realm: RealmSettings): Fault | null {
  for (const name of ['tnaIndicator', 'tnaRealm', 'tnaNonce', 'ioiPrefix'] as const) {
    if (/["\\]|\p{Cc}/u.test(realm[name]))
      return { name: `ims.${name}`, must: 'must have no quotation mark, backslash or control character' };
  }
  return null;
}

function sessionFault({ sessionExpiresS, minSeS }: RealmSettings): Fault | null {
  if (sessionExpiresS >= minSeS) return null;
  return { name: 'ims.sessionExpiresS', must: 'must not be below ims.minSeS' };
}

/** A client that has no password is refused by its first challenge. */
function credentialFault(realm: RealmSettings): Fault | null {
  const { mode, passwords, passwordTemplate, identityFile, identityUrl } = realm;
  if (mode !== 'client' || Object.keys(passwords).length > 0) return null;
  if (passwordTemplate !== '' || identityFile !== '' || identityUrl !== '') return null;
  return {
    name: 'ims.passwords',
    must: 'must be set for client mode, or passwordTemplate, identityFile or identityUrl',
  };
}

function identityFault({ identityUrl, identityFile }: RealmSettings): Fault | null {
  if (identityUrl === '') return null;
  if (identityFile !== '') return { name: 'ims.identityUrl', must: 'must not be set together with ims.identityFile' };
  const url = URL.parse(identityUrl);
  const usable = url !== null && (url.protocol === 'https:' || url.protocol === 'http:');
  if (usable && /\{(number|digits)\}/.test(identityUrl)) return null;
  return { name: 'ims.identityUrl', must: 'must be an http or https URL with {number} or {digits}' };
}

function trunkFault({ mode, trunkRegister, trunkAor }: RealmSettings): Fault | null {
  if (mode !== 'trunk' || trunkRegister === 'none') return null;
  if (/^sip:[^\s"<>;@]+@[^\s"<>;@]+$/.test(trunkAor)) return null;
  return { name: 'ims.trunkAor', must: 'must be a SIP URI when ims.trunkRegister is on' };
}

function ruleFault({ headerRules }: RealmSettings): Fault | null {
  for (const { remove = [], add = {} } of headerRules) {
    for (const name of [...remove, ...Object.keys(add)]) {
      if (!TOKEN.test(name)) return { name: 'ims.headerRules', must: 'must name header fields' };
      if (FIXED.has(name.toLowerCase())) return { name: 'ims.headerRules', must: `must leave ${name} alone` };
    }
    if (Object.values(add).some(value => /\p{Cc}/u.test(value)))
      return { name: 'ims.headerRules', must: 'must have values of one line' };
  }
  return null;
}
