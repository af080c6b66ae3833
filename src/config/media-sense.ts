/** What the schema cannot say of media: addresses that can be bound and reached, one of each family, and prefixes. */
import { isIP } from 'node:net';
import { isPrefix, WILDCARDS } from './address-form.ts';
import { parseAnnouncement } from './announcement.ts';
import { type RealmSettings, realmMediaOf } from './realm.ts';
import type { Settings } from './settings.ts';

type Fault = { name: string; must: string };

/** The first fault of the media plane's settings and of what realms say for themselves, or null. */
export function mediaFault(media: Settings['media'], realms: readonly RealmSettings[]): Fault | null {
  if (media.webPortMin > media.webPortMax)
    return { name: 'media.webPortMin', must: 'must not exceed media.webPortMax' };
  if (media.imsPortMin > media.imsPortMax)
    return { name: 'media.imsPortMin', must: 'must not exceed media.imsPortMax' };
  const announcements = media.announcements.map(parseAnnouncement);
  if (announcements.includes(null))
    return { name: 'media.announcements', must: 'must hold NAME=/FILE with names that there are' };
  if (new Set(announcements.map(found => found?.[0])).size < announcements.length)
    return { name: 'media.announcements', must: 'must have each name once' };
  if (announcements.length > 0 && media.engine === 'relay')
    return { name: 'media.announcements', must: 'must be empty with the engine relay, which plays no files' };
  const web = sideFault(
    'media',
    'web',
    media.webHost,
    media.webAdvertisedHost,
    media.webHost6,
    media.webAdvertisedHost6,
  );
  return web ?? imsFault('media', media) ?? ownFault(media, realms);
}

function ownFault(media: Settings['media'], realms: readonly RealmSettings[]): Fault | null {
  for (const { name, media: own } of realms) {
    const fault = own === undefined ? null : imsFault(`media of realm ${name}`, realmMediaOf(media, own));
    if (fault !== null) return { name: 'ims.realms', must: `${fault.must} (${fault.name})` };
  }
  return null;
}

function imsFault(area: string, ims: ReturnType<typeof realmMediaOf>): Fault | null {
  if (!ims.prefixes.every(isPrefix)) return { name: `${area}.prefixes`, must: 'must hold addresses or CIDR prefixes' };
  return sideFault(area, 'ims', ims.imsHost, ims.imsAdvertisedHost, ims.imsHost6, ims.imsAdvertisedHost6);
}

/** Sockets are bound by address; what is written into messages has to be an address that others can reach. */
function sideFault(
  area: string,
  side: string,
  bind: string,
  shown: string,
  bind6: string,
  shown6: string,
): Fault | null {
  const host = `${area}.${side}Host`;
  const family = isIP(bind);
  if (family === 0) return { name: host, must: 'must be an address' };
  if (bind6 !== '' && (isIP(bind6) !== 6 || family !== 4))
    return { name: `${host}6`, must: `must be an IPv6 address beside an IPv4 ${host}` };
  return (
    shownFault(host, `${area}.${side}AdvertisedHost`, bind, shown) ??
    (bind6 === '' ? null : shownFault(`${host}6`, `${area}.${side}AdvertisedHost6`, bind6, shown6))
  );
}

function shownFault(host: string, name: string, bind: string, shown: string): Fault | null {
  if (WILDCARDS.has(bind) && shown === '') return { name, must: `must be set when ${host} stands for every address` };
  if (shown !== '' && isIP(shown) !== isIP(bind)) return { name, must: `must be an address of the family of ${host}` };
  return null;
}
