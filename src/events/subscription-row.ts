/** A subscription on its way to the store and back: its sink token is kept sealed. */

import type { Write } from '../ep-cscf/effect.ts';
import { EVENTS_API } from '../ep-cscf/event-word.ts';
import type { Seal } from './seal.ts';
import type { SubscriptionRow } from './subscription-table.ts';

/** `sealed` is absent in rows that were written before there was a key. */
type StoredRow = SubscriptionRow & { sealed?: true };

/** What rows lack that were written when there was one API and one way to name what is watched. */
const BEFORE = { api: EVENTS_API, registrationId: null, mediaSessionId: null };

export interface SubscriptionRows {
  put(row: SubscriptionRow): Write;
  /** The row as it is worked with, and whether it has yet to be sealed. Throws Error with one sentence when the key is not the right one. */
  read(value: unknown): { row: SubscriptionRow; bare: boolean };
}

/** Makes the way of rows to the store. */
export function createSubscriptionRows(seal: Seal): SubscriptionRows {
  return {
    put(row) {
      const { accessToken } = row;
      const value: StoredRow =
        accessToken === null ? row : { ...row, accessToken: seal.seal(accessToken, row.id), sealed: true };
      return { op: 'put', kind: 'subscription', key: row.id, value };
    },
    read(value) {
      const { sealed, ...row }: StoredRow = { ...BEFORE, ...(value as StoredRow) };
      if (row.accessToken === null) return { row, bare: false };
      if (sealed === undefined) return { row, bare: true };
      const accessToken = seal.open(row.accessToken, row.id);
      if (accessToken === null) {
        throw new Error(
          'The key of store.keyFile is not the one that the store was written with; put the right one back.',
        );
      }
      return { row: { ...row, accessToken }, bare: false };
    },
  };
}
