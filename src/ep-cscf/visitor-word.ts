/** Words of click to call that the API, the token check and the web side share. CAMARA digest 11b. */
import type { Address } from './words.ts';

export type Weekday = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';

/** Local times as `HH:MM`, `to` later than `from` on the same day; `24:00` is its end. */
export interface OpeningHours {
  /** Of the IANA database. */
  timeZone: string;
  open: Array<{ days: Weekday[]; from: string; to: string }>;
}

/** A way by which visitors of web pages call a business, as the business describes it. */
export interface EntryPointDraft {
  destination: Address;
  poolId: string;
  allowedOrigins: string[];
  displayName: string;
  maxConcurrent?: number;
  maxDurationS?: number;
  hours?: OpeningHours;
  proof?: 'work' | 'none';
  publicTokens?: boolean;
}

export interface EntryPoint extends EntryPointDraft {
  entryPointId: string;
  clientId: string;
  /** ms since the epoch. */
  createdAt: number;
}

/** `opensAt` null: never again. ms since the epoch. */
export type Opening = { open: true } | { open: false; opensAt: number | null };

/** What a visitor token says: one call, by one entry point, from one origin. */
export interface Visitor {
  /** The visit: `deviceId` of its registration and subject of its holder. */
  id: string;
  clientId: string;
  entryPointId: string;
  /** Null: any of the entry point, until the call binds it to one. */
  origin: string | null;
  /** The business's own name for it. */
  reference: string | null;
  /** ms since the epoch: the call has to be started before. */
  startBy: number;
}
