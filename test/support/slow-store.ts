/** A store that needs time, as long as a test likes. */
import type { Write } from '../../src/ep-cscf/effect.ts';
import type { Store } from '../../src/ep-cscf/ports.ts';
import { createMemoryStore } from '../../src/store/memory.ts';

/** A store whose commits wait for `release` where `isSlow` says so. */
export function slowStore(isSlow: (writes: readonly Write[]) => boolean): {
  store: Store;
  waiting(): number;
  release(): void;
} {
  const memory = createMemoryStore();
  let held: Array<() => void> = [];
  return {
    store: {
      ...memory,
      commit(writes) {
        if (!isSlow(writes)) return memory.commit(writes);
        return new Promise<void>(resolve => {
          held.push(() => {
            memory.commit(writes);
            resolve();
          });
        });
      },
    },
    waiting: () => held.length,
    release() {
      const free = held;
      held = [];
      for (const each of free) each();
    },
  };
}
