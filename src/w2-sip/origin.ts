/** Whose pages may open the SIP front door: the rule of the notification channels, in two steps, since the client is known only by its token. */
import type { Settings } from '../config/settings.ts';

export interface Origins {
  /** Whether an origin may connect at all. */
  known(origin: string): boolean;
  /** Whether it is one of the client's. */
  ofClient(origin: string, clientId: string): boolean;
}

export function createOrigins({ api, events }: Pick<Settings, 'api' | 'events'>, publicUrl: () => string): Origins {
  const { clients } = api;
  const { channelOrigins } = events;
  const own = (origin: string): boolean => origin === URL.parse(publicUrl())?.origin;
  const ofClient = (origin: string, clientId: string): boolean =>
    Object.hasOwn(clients, clientId) && clients[clientId]?.origins.includes(origin) === true;
  return {
    known: origin =>
      own(origin) ||
      (channelOrigins.length > 0
        ? channelOrigins.includes(origin)
        : Object.keys(clients).some(client => ofClient(origin, client))),
    ofClient: (origin, clientId) =>
      own(origin) || (channelOrigins.length > 0 ? channelOrigins.includes(origin) : ofClient(origin, clientId)),
  };
}
