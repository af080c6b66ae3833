/** What the schema cannot say of the listener's paths, of clients, and of web origins. */
import { E164_PATTERN } from '../ep-cscf/ids.ts';
import type { Settings } from './settings.ts';

type Fault = { name: string; must: string };

/** Segments of unreserved characters, RFC 3986 2.3, and no slash at the end: what comes after is ours. */
const PATH = /^(?:\/[A-Za-z0-9._~-]+)+$/;

/** Lists of base paths, those together that offer the same thing: one of each is needed. */
const OFFERS = [
  ['registrationPaths', 'registrationV03Paths'],
  ['callHandlingPaths', 'callHandlingV03Paths'],
  ['eventsPaths', 'eventsV02Paths', 'channelsPaths'],
] as const;

/** May be left out. */
const EXTRAS = ['iceServersPaths', 'clickToCallPaths'] as const;

/** The first fault of `api` and of the origins of channels, or null. */
export function apiFault({ api, events }: Pick<Settings, 'api' | 'events'>): Fault | null {
  return pathFault(api) ?? clientFault(api.clients) ?? originFault('events.channelOrigins', events.channelOrigins);
}

function pathFault(api: Settings['api']): Fault | null {
  const seen = new Map<string, string>();
  for (const names of [...OFFERS, EXTRAS]) {
    for (const name of names) {
      for (const path of api[name]) {
        if (!PATH.test(path))
          return { name: `api.${name}`, must: 'must hold paths such as /webrtc-registration/v0.4rc1' };
        const other = seen.get(path);
        if (other !== undefined) return { name: `api.${name}`, must: `must not hold ${path}, which api.${other} has` };
        seen.set(path, name);
      }
    }
    if (names !== EXTRAS && names.every(name => api[name].length === 0))
      return { name: `api.${names[0]}`, must: 'must hold a path' };
  }
  return null;
}

function clientFault(clients: Settings['api']['clients']): Fault | null {
  for (const [id, { origins, numbers }] of Object.entries(clients)) {
    const fault = originFault(`api.clients.${id}.origins`, origins);
    if (fault !== null) return fault;
    if (!numbers.every(number => E164_PATTERN.test(number))) {
      return { name: `api.clients.${id}.numbers`, must: 'must hold numbers such as +15550100001' };
    }
  }
  return null;
}

function originFault(name: string, origins: readonly string[]): Fault | null {
  if (origins.every(isOrigin)) return null;
  return { name, must: 'must hold web origins such as https://app.example, without a path' };
}

/** As a browser writes it: anything else would never be equal. RFC 6454 6.2 */
export function isOrigin(text: string): boolean {
  return text !== 'null' && URL.parse(text)?.origin === text;
}
