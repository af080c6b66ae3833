/** The realms as media sees them: our addresses towards each, and where its far ends may be. */
import { isIPv6 } from 'node:net';
import { type AddressPolicy, addressPolicy, hostsOf } from './address.ts';
import type { SrtpPolicy } from './sdes.ts';
import type { CodecName, ImsMedia, MediaHost, MediaSettings } from './settings.ts';

export type Family = 'IP4' | 'IP6';

export interface MediaRealm {
  /** Far ends packets may go to. */
  addresses: AddressPolicy;
  /** Media may come from another of these than was announced. */
  natLatch: boolean;
  /** Speech of its calls, by preference. */
  codecs: { web: readonly CodecName[]; ims: readonly CodecName[] };
  /** With keys in SDP. */
  srtp: SrtpPolicy;
  /** Of what we offer. */
  family: Family;
  /** Our address of a family there, or null. */
  host(family: Family): MediaHost | null;
}

export type MediaRealms = (name: string | null) => MediaRealm;

/** Finds a realm by its name; one that says nothing of its own, and no name, is that of all others. Throws on a prefix that is not CIDR. */
export function mediaRealms(settings: MediaSettings): MediaRealms {
  const usual = realmOf(settings, settings.ims);
  const own = new Map(Object.entries(settings.realms).map(([name, ims]) => [name, realmOf(settings, ims)]));
  return name => (name === null ? usual : (own.get(name) ?? usual));
}

function realmOf(settings: MediaSettings, ims: ImsMedia): MediaRealm {
  const hosts = new Map(hostsOf(ims).map(host => [familyOf(host.bind), host]));
  return {
    addresses: addressPolicy(settings, ims),
    natLatch: ims.natLatch,
    codecs: { web: ims.webCodecs ?? settings.webCodecs, ims: ims.imsCodecs ?? settings.imsCodecs },
    srtp: ims.srtp ?? 'off',
    family: familyOf(ims.bind),
    host: family => hosts.get(family) ?? null,
  };
}

/** Of an address that is one. */
export function familyOf(address: string): Family {
  return isIPv6(address) ? 'IP6' : 'IP4';
}

/** The far ends of one family among those allowed: a call has sockets of one. */
export function within({ allows }: AddressPolicy, family: Family): AddressPolicy {
  return { allows: (address, port) => familyOf(address) === family && allows(address, port) };
}
