/** From the `ims` area to its realms, and from a number to the realm it lives in. */
import type { E164 } from '../ep-cscf/ids.ts';
import type { Settings } from './settings.ts';

type RealmMedia = NonNullable<Settings['ims']['realms'][number]['media']>;

/** The settings of one realm, complete but for those of its media. */
export type RealmSettings = Omit<Settings['ims'], 'realms' | 'reclaim'> & {
  name: string;
  /** What its media differ in from the area `media`. */
  media?: RealmMedia;
  /** Beginnings of its numbers. */
  prefixes: readonly string[];
};

/** Longest beginning of a number that can tell realms apart: + and 15 digits. */
const MAX_PREFIX = 16;

/** The realms of the settings: those of the list, each filled up from the area, or the area itself. */
export function realmsOf(ims: Settings['ims']): [RealmSettings, ...RealmSettings[]] {
  const { realms, reclaim: _reclaim, ...area } = ims;
  const [first, ...others] = realms.map(realm => ({ ...area, ...realm }));
  return first === undefined ? [{ ...area, name: ims.home, prefixes: ['+'] }] : [first, ...others];
}

/** The media settings of a realm: addresses are its own all together, or all those of the area. */
export function realmMediaOf(media: Settings['media'], own: RealmMedia = {}): Required<RealmMedia> {
  const places = own.imsHost === undefined ? media : { imsAdvertisedHost: '', imsHost6: '', imsAdvertisedHost6: '' };
  const all = { ...media, ...places, ...own };
  const { imsHost, imsAdvertisedHost, imsHost6, imsAdvertisedHost6, imsPrefer, prefixes, imsNatLatch } = all;
  const { webCodecs, imsCodecs, imsSrtp } = all;
  return {
    ...{ imsHost, imsAdvertisedHost, imsHost6, imsAdvertisedHost6, imsPrefer, prefixes, imsNatLatch },
    ...{ webCodecs, imsCodecs, imsSrtp },
  };
}

/** A test for the realm of a number: the one with the longest of its beginnings, or null. */
export function realmFinder<R extends { prefixes: readonly string[] }>(
  realms: readonly R[],
): (number: E164) => R | null {
  const byPrefix = new Map<string, R>();
  for (const realm of realms) for (const prefix of realm.prefixes) byPrefix.set(prefix, realm);
  return number => {
    for (let length = Math.min(number.length, MAX_PREFIX); length > 0; length -= 1) {
      const realm = byPrefix.get(number.slice(0, length));
      if (realm !== undefined) return realm;
    }
    return null;
  };
}
