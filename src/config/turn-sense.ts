/** What the schema cannot say of STUN and TURN servers. RFC 7064, RFC 7065. */
import ipaddr from 'ipaddr.js';
import { parseHostPort } from './host-port.ts';
import type { Settings } from './settings.ts';

/** Characters a shared secret has at least. */
export const SECRET_LENGTH = 16;

/** What browsers take: relays by UDP, TCP and TLS. TURN over DTLS (turns with udp) they do not have. */
const URLS: readonly RegExp[] = [
  /^stuns?:([^?]+)$/,
  /^turn:([^?]+)(?:\?transport=(?:udp|tcp))?$/,
  /^turns:([^?]+)(?:\?transport=tcp)?$/,
];

/** The first fault of `turn`, as "name" and "must ..." for a sentence, or null. */
export function turnFault({
  turn,
  call,
  sip,
}: Pick<Settings, 'turn' | 'call' | 'sip'>): { name: string; must: string } | null {
  const { urls, secret, secretFile, ttlS } = turn;
  if (!urls.every(isServer)) {
    return {
      name: 'turn.urls',
      must: 'must hold servers such as stun:a.example, turn:a.example:3478?transport=udp or turns:a.example:443?transport=tcp',
    };
  }
  if (secret !== '' && secretFile !== '') return { name: 'turn.secret', must: 'must be empty beside turn.secretFile' };
  if (secret !== '' && (secret.length < SECRET_LENGTH || /\s/.test(secret))) {
    return { name: 'turn.secret', must: `must be one word of ${SECRET_LENGTH} characters or more` };
  }
  if (secret === '' && secretFile === '' && urls.some(isRelay)) {
    return { name: 'turn.urls', must: 'must not name a TURN server without turn.secretFile or turn.secret' };
  }
  // A relay lends its address to browsers: from there they would speak SIP to us as the core.
  if (urls.filter(isRelay).some(url => isWithin(hostOf(url), sip.trustedPeers))) {
    return { name: 'turn.urls', must: 'must not name a TURN server whose address is in sip.trustedPeers' };
  }
  if (ttlS * 1000 < call.originateGuardMs) {
    return { name: 'turn.ttlS', must: 'must not be shorter than call.originateGuardMs' };
  }
  return null;
}

/** A server that relays, and wants a credential for it. */
export const isRelay = (url: string): boolean => /^turns?:/.test(url);

const isServer = (url: string): boolean => hostOf(url) !== null;

/** Null when the URL has not the form of one. */
function hostOf(url: string): string | null {
  const hostPort = URLS.map(form => form.exec(url)?.[1]).find(found => found !== undefined);
  return hostPort === undefined ? null : (parseHostPort(hostPort)?.host ?? null);
}

/** Names are not looked up. */
function isWithin(host: string | null, prefixes: readonly string[]): boolean {
  if (host === null || !ipaddr.isValid(host)) return false;
  const address = ipaddr.process(host);
  return prefixes.some(prefix => {
    const [network, bits] = prefix.includes('/')
      ? ipaddr.parseCIDR(prefix)
      : [ipaddr.parse(prefix), address.kind() === 'ipv4' ? 32 : 128];
    return network.kind() === address.kind() && address.match(network, bits);
  });
}
