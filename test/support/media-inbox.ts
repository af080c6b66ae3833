/** What a media plane said, taken one by one by type; for tests. */
import type { CallId, MediaSessionId, Ref } from '../../src/ep-cscf/ids.ts';
import type { Input, MediaInput } from '../../src/ep-cscf/input.ts';

export interface Inbox {
  emit(input: Input): void;
  all: MediaInput[];
  /** The oldest input of a type, taken out; throws when there is none. */
  take<T extends MediaInput['type']>(type: T): Extract<MediaInput, { type: T }>;
  /** As `take`, waiting up to 5 s for it. */
  wait<T extends MediaInput['type']>(type: T): Promise<Extract<MediaInput, { type: T }>>;
}

export const callId = (name: string) => name as CallId;
export const legId = (name: string) => name as MediaSessionId;
let lastRef = 0;
export const nextRef = (): Ref => {
  lastRef += 1;
  return lastRef as Ref;
};

export function inbox(): Inbox {
  const all: MediaInput[] = [];
  let wake: Array<() => void> = [];
  const find = <T extends MediaInput['type']>(type: T) => {
    const index = all.findIndex(input => input.type === type);
    return index < 0 ? null : (all.splice(index, 1)[0] as Extract<MediaInput, { type: T }>);
  };
  return {
    all,
    emit(input) {
      all.push(input as MediaInput);
      for (const go of wake) go();
      wake = [];
    },
    take(type) {
      const found = find(type);
      if (found === null) throw new Error(`no ${type} among: ${all.map(input => input.type).join(', ')}`);
      return found;
    },
    async wait(type) {
      const deadline = Date.now() + 5_000;
      for (;;) {
        const found = find(type);
        if (found !== null) return found;
        if (Date.now() > deadline)
          throw new Error(`no ${type} in time among: ${all.map(input => input.type).join(', ')}`);
        await new Promise<void>(resolve => {
          const timer = setTimeout(resolve, 5_000);
          wake.push(() => {
            clearTimeout(timer);
            resolve();
          });
        });
      }
    },
  };
}
