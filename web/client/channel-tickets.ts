/** Where the tickets of a notification channel come from: of a device, whose channel is made anew when it is gone; of one call. */
import type { Environment } from './environment.ts';
import { CallingError } from './errors.ts';
import type { Http } from './http.ts';

/** Good for one connection. */
export interface Ticket {
  url: string;
  ticket: string;
  /** The number of the last event that was heard; 0: none. */
  lastSeq: number;
}

export interface ChannelTickets {
  /** For the next connection. Rejects with CallingError. */
  next(): Promise<Ticket>;
  /** The number of the last event that was heard; 0: none. */
  lastSeq: number;
  /** The channel is gone, or somebody else's now. */
  forget(): void;
  /** Ends the channel at the service, as far as it can be reached. */
  end(): Promise<void>;
}

export interface DeviceTicketsParts {
  http: Http;
  environment: Environment;
  /** Base path of webrtc-notification-channels below the API root. */
  path: string;
  deviceId: string;
}

interface Kept {
  channelId: string;
  websocketUrl: string;
  deviceId: string;
  lastSeq: number;
}

const KEY = 'lineside.channel';
const TYPES = ['session-invitation', 'session-status', 'registration-ends'].map(
  name => `org.camaraproject.webrtc-events-subscriptions.v0.${name}`,
);

/** The channel is kept for the tab. */
export function createDeviceTickets({ http, environment, path, deviceId }: DeviceTicketsParts): ChannelTickets {
  let kept = readKept(environment, deviceId);

  function keep(next: Kept | null): void {
    kept = next;
    try {
      if (next === null) environment.tab.removeItem(KEY);
      else environment.tab.setItem(KEY, JSON.stringify(next));
    } catch {
      // Without storage a reload makes a new channel.
    }
  }

  const pathOf = ({ channelId }: Kept) => `${path}/channels/${encodeURIComponent(channelId)}`;

  return {
    async next() {
      if (kept !== null) {
        try {
          const answer = (await http.request({ method: 'POST', path: `${pathOf(kept)}/tickets` })) as Ticket;
          return { url: kept.websocketUrl, ticket: answer.ticket, lastSeq: kept.lastSeq };
        } catch (error) {
          if (!(error instanceof CallingError) || error.httpStatus !== 404) throw error;
          keep(null);
        }
      }
      const body = { deviceId, types: TYPES };
      const made = (await http.request({ method: 'POST', path: `${path}/channels`, body })) as Kept & Ticket;
      keep({ channelId: made.channelId, websocketUrl: made.websocketUrl, deviceId, lastSeq: 0 });
      return { url: made.websocketUrl, ticket: made.ticket, lastSeq: 0 };
    },
    get lastSeq() {
      return kept?.lastSeq ?? 0;
    },
    set lastSeq(seq) {
      if (kept !== null) keep({ ...kept, lastSeq: seq });
    },
    forget: () => keep(null),
    async end() {
      const last = kept;
      keep(null);
      if (last === null) return;
      await http.request({ method: 'DELETE', path: pathOf(last) }).catch(() => {
        // It expires by itself.
      });
    },
  };
}

function readKept({ tab }: Environment, deviceId: string): Kept | null {
  try {
    const kept = JSON.parse(tab.getItem(KEY) ?? 'null') as Kept | null;
    return kept?.deviceId === deviceId ? kept : null;
  } catch {
    return null;
  }
}

export interface CallTicketsParts {
  http: Http;
  /** Of the call, from the API root on. */
  path: string;
  websocketUrl: string;
  /** The one that came with the call; null: it is used. */
  ticket: string | null;
}

/** The channel of one call lives as long as the call. */
export function createCallTickets({ http, path, websocketUrl: url, ticket: first }: CallTicketsParts): ChannelTickets {
  let unused = first;
  let lastSeq = 0;
  return {
    async next() {
      const kept = unused;
      unused = null;
      if (kept !== null) return { url, ticket: kept, lastSeq };
      const { ticket } = (await http.request({ method: 'POST', path: `${path}/tickets` })) as Ticket;
      return { url, ticket, lastSeq };
    },
    get lastSeq() {
      return lastSeq;
    },
    set lastSeq(seq) {
      lastSeq = seq;
    },
    forget() {},
    async end() {},
  };
}
