/** Words of the event APIs: what their documents say to clients and what the event side carries out. CAMARA digest 8, 11a. */

export type EventName = 'session-invitation' | 'session-status' | 'registration-ends';

/** The API that subscriptions are made with today; a channel's own are too. */
export const EVENTS_API = 'webrtc-events-subscriptions';

/** What stands before an event's name in its type. `api` is the API its subscription was made with. CAMARA Commonalities, CloudEvents type. */
export function eventPrefix(api: string): string {
  return `org.camaraproject.${api}.v0.`;
}

export interface SinkCredential {
  credentialType: 'ACCESSTOKEN';
  accessToken: string;
  /** ms since the epoch. */
  accessTokenExpires: number;
  accessTokenType: 'bearer';
}

/** Which events of a device a subscription is for, as far as its API can say it. */
export interface Watched {
  deviceId: string;
  /** The registration it was named by, echoed. Null: by the device alone. */
  registrationId: string | null;
  /** Of one media session only; null: of all. */
  mediaSessionId: string | null;
}

export interface SubscriptionRequest extends Watched {
  /** The API it is made with: its events bear that API's name. */
  api: string;
  sink: string;
  types: EventName[];
  /** ms since the epoch, or null for the default life. */
  expiresAt: number | null;
  maxEvents: number | null;
  initialEvent: boolean | null;
  credential: SinkCredential | null;
}

export interface SubscriptionView extends Watched {
  id: string;
  api: string;
  sink: string;
  types: EventName[];
  startsAt: number;
  expiresAt: number;
  /** As asked, echoed. */
  requestedExpiry: number | null;
  maxEvents: number | null;
  initialEvent: boolean | null;
  status: 'ACTIVE';
}

export interface ChannelView {
  channelId: string;
  deviceId: string;
  state: 'CONNECTED' | 'DISCONNECTED';
  transport: 'WEBSOCKET' | 'SSE' | null;
  lastSeq: number;
  expiresAt: number;
}

export interface ChannelOpened extends ChannelView {
  sink: string;
  sinkCredential: SinkCredential;
  websocketUrl: string;
  sseUrl: string;
  /** Opens the WebSocket again and again, as long as the channel lives. */
  resumeToken: string;
  ticket: string;
  ticketExpiresAt: number;
  subscriptionId: string | null;
}
