/** Where calls of a realm meet the core: interface and address family of the daemons. */
import type { ImsPlace } from '../engine.ts';
import type { Family, MediaRealms } from '../realm.ts';
import type { MediaSettings } from '../settings.ts';

export interface DaemonPlace {
  /** Name of the daemons' interface. */
  ims: string;
  family: Family;
}

const FAMILIES: readonly Family[] = ['IP4', 'IP6'];

/** The interface of a realm, or that of all. */
export function placeOf({ rtpengine }: Pick<MediaSettings, 'rtpengine'>, { realm, family }: ImsPlace): DaemonPlace {
  const own = realm === null ? undefined : rtpengine.realmInterfaces[realm];
  return { ims: own ?? rtpengine.imsInterface, family };
}

/** All places that calls may have, each once. */
export function placesOf(settings: Pick<MediaSettings, 'rtpengine' | 'realms'>, realms: MediaRealms): DaemonPlace[] {
  const names = [null, ...Object.keys(settings.realms), ...Object.keys(settings.rtpengine.realmInterfaces)];
  const places = names.flatMap(realm =>
    FAMILIES.filter(family => realms(realm).host(family) !== null).map(family => placeOf(settings, { realm, family })),
  );
  return [...new Map(places.map(place => [`${place.ims} ${place.family}`, place])).values()];
}
