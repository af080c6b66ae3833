/** Opens the store the settings name. */
import type { Static } from 'typebox';
import type { store } from '../config/store.ts';
import type { Store } from '../ep-cscf/ports.ts';
import { createMemoryStore } from './memory.ts';
import { createSqliteStore } from './sqlite.ts';

export { StoreError } from './migration.ts';

/** Opens the store. Throws StoreError with one sentence when the file cannot be used. */
export function createStore(settings: Pick<Static<typeof store>, 'kind' | 'file' | 'recordsKept'>): Store {
  return settings.kind === 'memory'
    ? createMemoryStore(settings.recordsKept)
    : createSqliteStore(settings.file, settings.recordsKept);
}
