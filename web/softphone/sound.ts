/** What the page itself sounds like: the ring of an incoming call and the ringback of one that rings elsewhere. */
import { type Cadence, createTones, RINGBACK } from '../sound/tones.ts';

export interface Sounds {
  /** Somebody calls. Silent when the user has switched ringing off or the browser forbids sound. */
  ring(): void;
  /** It rings at the far end, which sends no sound of its own. */
  ringback(): void;
  stop(): void;
  /** Whether `ring` sounds; kept for the browser profile. */
  loud: boolean;
  /** Plays at this device from now on; empty: the browser's default. */
  useSpeaker(deviceId: string): void;
}

const RING: Cadence = {
  tones: [660, 880],
  bursts: [
    [0, 0.4],
    [0.6, 1],
  ],
  periodS: 3,
  gain: 0.12,
};
const LOUD_KEY = 'lineside.ring';

export function createSounds(store: Pick<Storage, 'getItem' | 'setItem'> = localStorage): Sounds {
  const tones = createTones();
  let loud = read(store) !== 'off';
  return {
    ring() {
      if (loud) tones.play(RING);
    },
    ringback: () => tones.play(RINGBACK),
    stop: tones.stop,
    get loud() {
      return loud;
    },
    set loud(on) {
      loud = on;
      if (!on && tones.playing === RING) tones.stop();
      try {
        store.setItem(LOUD_KEY, on ? 'on' : 'off');
      } catch {
        // Not kept, then.
      }
    },
    useSpeaker: tones.useSpeaker,
  };
}

function read(store: Pick<Storage, 'getItem'>): string | null {
  try {
    return store.getItem(LOUD_KEY);
  } catch {
    return null;
  }
}
