/** The answered call of a page that is being left, kept in its tab until the page is there again. */
import type { KeyValueStore } from './environment.ts';

export interface KeptCall {
  id: string;
  direction: 'inbound' | 'outbound';
  heldHere: boolean;
  muted: boolean;
  /** ms since the epoch. */
  answeredAt: number;
  /** Our own picture was on. */
  video: boolean;
}

const KEY = 'lineside.call';

export function keepCall(tab: KeyValueStore, call: KeptCall): void {
  tab.setItem(KEY, JSON.stringify(call));
}

/** Takes the call out: a second page of a copied tab must not find it as well. Null when there is none. */
export function takeKeptCall(tab: KeyValueStore): KeptCall | null {
  const text = tab.getItem(KEY);
  tab.removeItem(KEY);
  try {
    return readKeptCall(JSON.parse(text ?? 'null'));
  } catch {
    return null;
  }
}

/** Null when it has not the shape of one. */
export function readKeptCall(value: unknown): KeptCall | null {
  const { id, direction, heldHere, muted, answeredAt, video } = (value ?? {}) as Record<string, unknown>;
  const known = direction === 'inbound' || direction === 'outbound';
  if (typeof id !== 'string' || !known || typeof answeredAt !== 'number') return null;
  return { id, direction, heldHere: heldHere === true, muted: muted === true, answeredAt, video: video === true };
}
