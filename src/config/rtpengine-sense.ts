/** What the schema cannot say of the rtpengine daemons. */
import ipaddr from 'ipaddr.js';
import { parseHostPort } from './host-port.ts';
import { realmsOf } from './realm.ts';
import type { Settings } from './settings.ts';

/** Networks the Internet does not reach. */
const PRIVATE: ReadonlySet<string> = new Set(['loopback', 'private', 'uniqueLocal', 'linkLocal', 'carrierGradeNat']);
const INTERFACE = /^[A-Za-z0-9_-]+$/;

export interface DaemonAddress {
  host: string;
  port: number;
  weight: number;
}

/** `address:port` or `address:port=WEIGHT`; null for anything else. */
export function parseDaemon(text: string): DaemonAddress | null {
  const [, address = '', weight = '1'] = /^(.*?)(?:=(\d{1,3}))?$/.exec(text) ?? [];
  const found = parseHostPort(address);
  if (found === null || found.port === null || !ipaddr.isValid(found.host) || Number(weight) === 0) return null;
  return { host: found.host, port: found.port, weight: Number(weight) };
}

/** `REALM=INTERFACE` as its two names; null for anything else. */
export function parseRealmInterface(text: string): [realm: string, name: string] | null {
  const [realm = '', name = '', ...rest] = text.split('=');
  return realm !== '' && INTERFACE.test(name) && rest.length === 0 ? [realm, name] : null;
}

/** The first fault of the daemons, as "name" and "must ..." for a sentence, or null. */
export function rtpengineFault({
  ims,
  media,
  rtpengine,
}: Pick<Settings, 'ims' | 'media' | 'rtpengine'>): { name: string; must: string } | null {
  const name = 'rtpengine.daemons';
  const daemons = rtpengine.daemons.map(parseDaemon);
  if (daemons.includes(null)) return { name, must: 'must hold address:port or address:port=WEIGHT' };
  if (new Set(daemons.map(daemon => `${daemon?.host} ${daemon?.port}`)).size < daemons.length)
    return { name, must: 'must name each daemon once' };
  // Whoever reaches the ng socket has every call.
  if (daemons.some(daemon => daemon !== null && !PRIVATE.has(ipaddr.process(daemon.host).range())))
    return { name, must: 'must hold private addresses only' };
  if (media.engine === 'rtpengine' && daemons.length === 0)
    return { name, must: 'must name a daemon when media.engine is rtpengine' };
  for (const field of ['webInterface', 'imsInterface'] as const) {
    if (!INTERFACE.test(rtpengine[field]))
      return { name: `rtpengine.${field}`, must: 'must be the name of an interface' };
  }
  const realms = new Set(realmsOf(ims).map(realm => realm.name));
  for (const text of rtpengine.realmInterfaces) {
    const realm = parseRealmInterface(text)?.[0];
    if (realm === undefined || !realms.has(realm))
      return { name: 'rtpengine.realmInterfaces', must: 'must hold REALM=INTERFACE with names of realms' };
  }
  return null;
}
