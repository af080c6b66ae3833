/** What one field's schema cannot say: values with a form of their own, and settings that must fit each other. */
import { isIP } from 'node:net';
import { isPrefix, WILDCARDS } from './address-form.ts';
import { apiFault } from './api-sense.ts';
import { clickToCallFault } from './click-to-call-sense.ts';
import { parseHostPort } from './host-port.ts';
import { mediaFault } from './media-sense.ts';
import { realmsOf } from './realm.ts';
import { realmFault } from './realm-sense.ts';
import { rtpengineFault } from './rtpengine-sense.ts';
import type { Settings } from './settings.ts';
import { turnFault } from './turn-sense.ts';

const HOST_NAME = /^[A-Za-z0-9._-]+$/;

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
  const { ttlMinMs, ttlDefaultMs, ttlMaxMs } = registration;
  if (registration.backOffBaseMs > registration.backOffMaxMs)
    return fault('registration.backOffBaseMs', 'must not exceed registration.backOffMaxMs');
  if (ttlMinMs > ttlMaxMs) return fault('registration.ttlMinMs', 'must not exceed registration.ttlMaxMs');
  if (ttlDefaultMs < ttlMinMs || ttlDefaultMs > ttlMaxMs) {
    return fault('registration.ttlDefaultMs', 'must lie between registration.ttlMinMs and registration.ttlMaxMs');
  }
  if ((tls.cert === '') !== (tls.key === '')) return fault('tls.cert', 'must be set together with tls.key');
  const realms = realmsOf(settings.ims);
  return (
    hostFault(settings) ??
    mediaFault(media, realms) ??
    apiFault(settings) ??
    clickToCallFault(settings) ??
    turnFault(settings) ??
    rtpengineFault(settings) ??
    realmFault(realms)
  );
}

/** Listeners by name or address, sockets of SIP by address; what is written into messages has to be one that others can reach. */
function hostFault({ api, ops, sip }: Settings): { name: string; must: string } | null {
  for (const [name, text] of [
    ['api.host', api.host],
    ['ops.host', ops.host],
    ['sip.advertisedHost', sip.advertisedHost || '-'],
  ] as const) {
    if (isIP(text) === 0 && !HOST_NAME.test(text)) return fault(name, 'must be an address or a host name');
  }
  if (isIP(sip.host) === 0) return fault('sip.host', 'must be an address');
  if (WILDCARDS.has(sip.host) && sip.advertisedHost === '')
    return fault('sip.advertisedHost', 'must be set when sip.host stands for every address');
  return null;
}

function fault(name: string, must: string): { name: string; must: string } {
  return { name, must };
}

function isWebUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && (url.protocol === 'https:' || url.protocol === 'http:');
}
