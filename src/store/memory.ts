/** The store of a node that forgets everything at its end: maps of JSON text, for tests and trials. */

import type { StoreKind } from '../ep-cscf/effect.ts';
import type { Store } from '../ep-cscf/ports.ts';
import { encode } from './encode.ts';

/** Call records that stay when nothing else is said. */
export const RECORDS_KEPT = 100_000;

/** A store without a file. Commits are synchronous and all or nothing; of the call records the newest `recordsKept` stay. */
export function createMemoryStore(recordsKept = RECORDS_KEPT): Store {
  const kinds = new Map<StoreKind, Map<string, string>>();

  return {
    load(kind) {
      return Array.from(kinds.get(kind) ?? [], ([key, text]) => ({ key, value: JSON.parse(text) as unknown }));
    },
    commit(writes) {
      // Everything that can fail comes first, so that a bad write leaves nothing behind.
      const texts = writes.map(write => (write.op === 'put' ? encode(write) : ''));
      for (const [index, write] of writes.entries()) {
        let rows = kinds.get(write.kind);
        if (write.op === 'delete') {
          rows?.delete(write.key);
          continue;
        }
        if (rows === undefined) {
          rows = new Map();
          kinds.set(write.kind, rows);
        }
        rows.set(write.key, texts[index] ?? '');
        if (write.kind === 'record' && rows.size > recordsKept) rows.delete(rows.keys().next().value ?? '');
      }
    },
    close() {},
  };
}
