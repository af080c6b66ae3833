/** What one field's schema cannot say: values with a form of their own, and settings that must fit each other. */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { apiFault } from './api-sense.ts';
import { parseHostPort } from './host-port.ts';
import { realmsOf } from './realm.ts';
import { realmFault } from './realm-sense.ts';
import type { Settings } from './settings.ts';
import { turnFault } from './turn-sense.ts';

const HOST_NAME = /^[A-Za-z0-9._-]+$/;
const WILDCARDS = new Set(['0.0.0.0', '::']);

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
  if (!emergency.cscfs.every(text => parseHostPort(text) !== null))
    return fault('emergency.cscfs', 'must hold host:port');
  if (!sip.dnsServers.every(text => isIP(text) !== 0 || isIP(parseHostPort(text)?.host ?? '') !== 0)) {
    return fault('sip.dnsServers', 'must hold addresses, or address:port');
  }
  if (media.webPortMin > media.webPortMax) return fault('media.webPortMin', 'must not exceed media.webPortMax');
  if (media.imsPortMin > media.imsPortMax) return fault('media.imsPortMin', 'must not exceed media.imsPortMax');
  const { ttlMinMs, ttlDefaultMs, ttlMaxMs } = registration;
  if (ttlMinMs > ttlMaxMs) return fault('registration.ttlMinMs', 'must not exceed registration.ttlMaxMs');
  if (ttlDefaultMs < ttlMinMs || ttlDefaultMs > ttlMaxMs) {
    return fault('registration.ttlDefaultMs', 'must lie between registration.ttlMinMs and registration.ttlMaxMs');
  }
  if ((tls.cert === '') !== (tls.key === '')) return fault('tls.cert', 'must be set together with tls.key');
  return hostFault(settings) ?? apiFault(settings) ?? turnFault(settings) ?? realmFault(realmsOf(settings.ims));
}

/** Listeners by name or address, sockets of SIP and media by address; what is written into messages has to be one that others can reach. */
function hostFault({ api, ops, sip, media }: Settings): { name: string; must: string } | null {
  for (const [name, text] of [
    ['api.host', api.host],
    ['ops.host', ops.host],
    ['sip.advertisedHost', sip.advertisedHost || '-'],
  ] as const) {
    if (isIP(text) === 0 && !HOST_NAME.test(text)) return fault(name, 'must be an address or a host name');
  }
  for (const [area, bound, advertised, text, shown] of [
    ['sip', 'host', 'advertisedHost', sip.host, sip.advertisedHost],
    ['media', 'webHost', 'webAdvertisedHost', media.webHost, media.webAdvertisedHost],
    ['media', 'imsHost', 'imsAdvertisedHost', media.imsHost, media.imsAdvertisedHost],
  ] as const) {
    if (isIP(text) === 0) return fault(`${area}.${bound}`, 'must be an address');
    if (WILDCARDS.has(text) && shown === '') {
      return fault(`${area}.${advertised}`, `must be set when ${area}.${bound} stands for every address`);
    }
    if (area === 'media' && shown !== '' && isIP(shown) === 0)
      return fault(`${area}.${advertised}`, 'must be an address');
  }
  return null;
}

function fault(name: string, must: string): { name: string; must: string } {
  return { name, must };
}

function isWebUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && (url.protocol === 'https:' || url.protocol === 'http:');
}

function isPrefix(text: string): boolean {
  return text.includes('/') ? ipaddr.isValidCIDR(text) : ipaddr.isValid(text);
}
