/** What one field's schema cannot say: values with a form of their own, and settings that must fit each other. */
import ipaddr from 'ipaddr.js';
import { realmsOf } from './realm.ts';
import { realmFault } from './realm-sense.ts';
import type { Settings } from './settings.ts';

/** The first fault of `settings`, as "name" and "must ..." for a sentence, or null when they make sense together. */
export function faultOf(settings: Settings): { name: string; must: string } | null {
  const { api, emergency, media, sip, registration, tls } = settings;
  const url = settings.public.url;
  if (url !== '' && !isWebUrl(url)) return fault('public.url', 'must be an http or https URL');
  if (sip.transports.includes('tls') && (sip.tlsCert === '' || sip.tlsKey === '')) {
    return fault('sip.transports', 'must not have tls without sip.tlsCert and sip.tlsKey');
  }
  if (sip.tlsPeers.length > 0 && !sip.tlsMutual) return fault('sip.tlsPeers', 'must be empty without sip.tlsMutual');
  if (!realmsOf(settings.ims).every(({ transport }) => sip.transports.includes(transport))) {
    return fault('ims.transport', 'must be one of sip.transports');
  }
  for (const [name, list] of [
    ['api.trustProxy', api.trustProxy],
    ['sip.trustedPeers', sip.trustedPeers],
    ['media.prefixes', media.prefixes],
  ] as const) {
    if (!list.every(isPrefix)) return fault(name, 'must hold addresses or CIDR prefixes');
  }
  if (emergency.route === 'ecscf' && emergency.cscfs.length === 0) {
    return fault('emergency.cscfs', 'must name an E-CSCF when emergency.route is ecscf');
  }
  if (!emergency.cscfs.every(isHostPort)) return fault('emergency.cscfs', 'must hold host:port');
  if (media.webPortMin > media.webPortMax) return fault('media.webPortMin', 'must not exceed media.webPortMax');
  if (media.imsPortMin > media.imsPortMax) return fault('media.imsPortMin', 'must not exceed media.imsPortMax');
  const { ttlMinMs, ttlDefaultMs, ttlMaxMs } = registration;
  if (ttlMinMs > ttlMaxMs) return fault('registration.ttlMinMs', 'must not exceed registration.ttlMaxMs');
  if (ttlDefaultMs < ttlMinMs || ttlDefaultMs > ttlMaxMs) {
    return fault('registration.ttlDefaultMs', 'must lie between registration.ttlMinMs and registration.ttlMaxMs');
  }
  const realm = realmFault(realmsOf(settings.ims));
  if (realm !== null) return realm;
  if ((tls.cert === '') !== (tls.key === '')) return fault('tls.cert', 'must be set together with tls.key');
  return null;
}

function fault(name: string, must: string): { name: string; must: string } {
  return { name, must };
}

function isWebUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && (url.protocol === 'https:' || url.protocol === 'http:');
}

/** The host an address (IPv6 in brackets) or a name; the port may be left out. */
function isHostPort(text: string): boolean {
  return /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(?::\d{1,5})?$/.test(text);
}

function isPrefix(text: string): boolean {
  return text.includes('/') ? ipaddr.isValidCIDR(text) : ipaddr.isValid(text);
}
