/** The id of this browser profile as a device: made once, kept, an UUID without meaning. */
import type { KeyValueStore } from './environment.ts';

const KEY = 'lineside.deviceId';
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The kept id, or a new one that is kept from now on. */
export function deviceId(store: KeyValueStore, uuid: () => string): string {
  const kept = store.getItem(KEY);
  if (kept !== null && UUID.test(kept)) return kept;
  const made = uuid();
  try {
    store.setItem(KEY, made);
  } catch {
    // Storage is full or forbidden: the id lasts as long as the page.
  }
  return made;
}
