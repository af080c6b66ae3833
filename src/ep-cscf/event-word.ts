/** Words of the event APIs: what their documents say to clients and what the event side carries out. CAMARA digest 8, 11a. */

export type EventName = 'session-invitation' | 'session-status' | 'registration-ends';

export interface SinkCredential {
  credentialType: 'ACCESSTOKEN';
  accessToken: string;
  /** ms since the epoch. */
  accessTokenExpires: number;
  accessTokenType: 'bearer';
}

export interface SubscriptionRequest {
  sink: string;
  types: EventName[];
  deviceId: string;
  /** ms since the epoch, or null for the default life. */
  expiresAt: number | null;
  maxEvents: number | null;
  initialEvent: boolean | null;
  credential: SinkCredential | null;
}

export interface SubscriptionView {
  id: string;
  sink: string;
  types: EventName[];
  deviceId: string;
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
