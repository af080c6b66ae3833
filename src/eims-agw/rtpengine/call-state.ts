/** What is known of one stream of a call, which is a call of its own on a daemon: what shall be, what the daemon has, and what it was asked last. */
import type { EngineCommand, SdesKey, WebEnd, WebTransport } from '../engine.ts';
import type { Tag } from './ng.ts';
import type { Habits, Kind, Pair, StreamRoute } from './pair.ts';
import { type Supervision, supervision } from './supervision.ts';

export interface CallOptions {
  session: number;
  callId: string;
  kind: Kind;
  habits: Habits;
  /** 30 random bytes in base64: stands for the key of a far end that is not known yet. */
  nobodysKey: string;
  /** Silence of the IMS side that ends a call, ms. */
  imsSilentMs: number;
}

/** A browser's ICE restart that waits for our new credentials. */
export interface Restart {
  op: number;
  leg: number;
}

/** What a party shall be played, or no more. */
export type Play = Extract<EngineCommand, { type: 'play' }>;

/** One request; an offer is followed by its answer. */
export type Step =
  | { type: 'offer' | 'answer'; pair: Pair; restart: Restart | null }
  | { type: 'gate'; tag: Tag; open: boolean }
  | { type: 'play'; play: Play }
  /** `ports`: a query for what the first offer took. */
  | { type: 'ports' | 'query' | 'delete' };

export interface CallState {
  readonly options: CallOptions;
  /** Until its ports are taken. */
  opening: Extract<EngineCommand, { type: 'open' }> | null;
  /** Browser legs; `remote` since they connect, `op` until the daemon knows it. */
  legs: Map<number, { remote: WebEnd | null; op: number | null }>;
  /** In place of the far end's key, once there shall be SRTP towards the core. */
  nobodys: SdesKey | null;
  route: StreamRoute | null;
  restart: Restart | null;
  /** Not asked for yet, by the party that shall hear it. */
  plays: Map<Tag, Play>;
  closing: boolean;
  lookDue: boolean;
  /** The request whose reply is awaited. */
  waiting: Step | null;
  /** What the daemon has: `key` is that of what it sends to the core. It lets media pass until it is told otherwise. */
  held: { pair: Pair | null; transport: WebTransport | null; key: string | null; open: Record<Tag, boolean> };
  watch: Supervision;
}

export function callState(options: CallOptions): CallState {
  return {
    options,
    opening: null,
    legs: new Map(),
    nobodys: null,
    route: null,
    restart: null,
    plays: new Map(),
    closing: false,
    lookDue: false,
    waiting: null,
    held: { pair: null, transport: null, key: null, open: { web: true, ims: true } },
    watch: supervision(),
  };
}
