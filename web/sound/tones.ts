/** Tones that a page makes itself, in the rhythm of a telephone. Made, not recorded. */

export interface Cadence {
  /** Hz, sounded together. */
  tones: readonly number[];
  /** Seconds of sound, from the start of each period. */
  bursts: ReadonlyArray<readonly [from: number, to: number]>;
  periodS: number;
  gain: number;
}

/** It rings at the far end. As most of Europe hears it. ITU-T E.180. */
export const RINGBACK: Cadence = { tones: [425], bursts: [[0, 1]], periodS: 5, gain: 0.06 };

export interface Tones {
  /** Silent when the browser forbids sound. */
  play(cadence: Cadence): void;
  stop(): void;
  readonly playing: Cadence | null;
  /** Plays at this device from now on; empty: the browser's default. */
  useSpeaker(deviceId: string): void;
}

/** Longer than anything rings. */
const MAX_S = 180;
const EDGE_S = 0.02;

type SinkContext = AudioContext & { setSinkId?(id: string): Promise<void> };

export function createTones(): Tones {
  let context: SinkContext | null = null;
  let speaker = '';
  let now: { cadence: Cadence; end(): void } | null = null;

  function stop(): void {
    now?.end();
    now = null;
  }

  function applySpeaker(to: SinkContext): void {
    to.setSinkId?.(speaker).catch(() => {});
  }

  return {
    play(cadence) {
      if (now?.cadence === cadence) return;
      stop();
      context ??= open();
      if (context === null) return;
      applySpeaker(context);
      // Refused until the user has touched the page: then the screen alone tells.
      context.resume().catch(() => {});
      now = { cadence, end: sound(context, cadence) };
    },
    stop,
    get playing() {
      return now?.cadence ?? null;
    },
    useSpeaker(deviceId) {
      speaker = deviceId;
      if (context !== null) applySpeaker(context);
    },
  };
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
