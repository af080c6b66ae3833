/** What the page itself sounds like: the ring of an incoming call and the ringback of one that rings elsewhere. Made, not recorded. */

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

interface Cadence {
  /** Hz, sounded together. */
  tones: readonly number[];
  /** Seconds of sound, from the start of each period. */
  bursts: ReadonlyArray<readonly [from: number, to: number]>;
  periodS: number;
  gain: number;
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
/** As most of Europe hears it. ITU-T E.180. */
const RINGBACK: Cadence = { tones: [425], bursts: [[0, 1]], periodS: 5, gain: 0.06 };
/** Longer than anything rings. */
const MAX_S = 180;
const EDGE_S = 0.02;
const LOUD_KEY = 'lineside.ring';

type SinkContext = AudioContext & { setSinkId?(id: string): Promise<void> };

export function createSounds(store: Pick<Storage, 'getItem' | 'setItem'> = localStorage): Sounds {
  let loud = read(store) !== 'off';
  let context: SinkContext | null = null;
  let speaker = '';
  let playing: { cadence: Cadence; end(): void } | null = null;

  function play(cadence: Cadence): void {
    if (playing?.cadence === cadence) return;
    stop();
    context ??= open();
    if (context === null) return;
    applySpeaker(context);
    // Refused until the user has touched the page: then the screen alone tells.
    context.resume().catch(() => {});
    playing = { cadence, end: sound(context, cadence) };
  }

  function stop(): void {
    playing?.end();
    playing = null;
  }

  function applySpeaker(to: SinkContext): void {
    to.setSinkId?.(speaker).catch(() => {});
  }

  return {
    ring() {
      if (loud) play(RING);
    },
    ringback: () => play(RINGBACK),
    stop,
    get loud() {
      return loud;
    },
    set loud(on) {
      loud = on;
      if (!on && playing?.cadence === RING) stop();
      try {
        store.setItem(LOUD_KEY, on ? 'on' : 'off');
      } catch {
        // Not kept, then.
      }
    },
    useSpeaker(deviceId) {
      speaker = deviceId;
      if (context !== null) applySpeaker(context);
    },
  };
}

function read(store: Pick<Storage, 'getItem'>): string | null {
  try {
    return store.getItem(LOUD_KEY);
  } catch {
    return null;
  }
}

function open(): SinkContext | null {
  try {
    return new AudioContext();
  } catch {
    return null;
  }
}

/** Starts the tones and plans their bursts; returns what ends them. */
function sound(context: AudioContext, { tones, bursts, periodS, gain }: Cadence): () => void {
  const level = new GainNode(context, { gain: 0 });
  level.connect(context.destination);
  const start = context.currentTime + EDGE_S;
  for (let period = 0; period < MAX_S; period += periodS) {
    for (const [from, to] of bursts) {
      const at = start + period;
      level.gain.setValueAtTime(0, at + from);
      level.gain.linearRampToValueAtTime(gain, at + from + EDGE_S);
      level.gain.setValueAtTime(gain, at + to - EDGE_S);
      level.gain.linearRampToValueAtTime(0, at + to);
    }
  }
  const oscillators = tones.map(frequency => new OscillatorNode(context, { frequency }));
  for (const oscillator of oscillators) {
    oscillator.connect(level);
    oscillator.start(start);
    oscillator.stop(start + MAX_S);
  }
  return () => {
    for (const oscillator of oscillators) oscillator.stop();
    level.disconnect();
  };
}
