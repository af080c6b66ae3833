/** Typed listeners: the events an application can hear. */

export type Listener<T> = (value: T) => void;

export interface Emitter<Events> {
  /** Adds a listener; the function returned removes it. */
  on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): () => void;
  /** Calls each listener; a listener that throws does not keep the others from hearing. */
  emit<Name extends keyof Events>(name: Name, value: Events[Name]): void;
  clear(): void;
}

export function createEmitter<Events>(): Emitter<Events> {
  const listeners = new Map<keyof Events, Set<Listener<never>>>();
  return {
    on(name, listener) {
      const set = listeners.get(name) ?? new Set();
      listeners.set(name, set);
      set.add(listener as Listener<never>);
      return () => {
        set.delete(listener as Listener<never>);
      };
    },
    emit(name, value) {
      for (const listener of [...(listeners.get(name) ?? [])]) {
        try {
          (listener as Listener<typeof value>)(value);
        } catch (error) {
          reportLater(error);
        }
      }
    },
    clear() {
      listeners.clear();
    },
  };
}

/** The application's fault shows in its console, outside our own work. */
function reportLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
