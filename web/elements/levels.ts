/** How loud a call is here and there, and whether the own microphone may be dead. */

interface Levels {
  /** 0 to 1; null: the browser does not say. */
  here: number | null;
  there: number | null;
}

export interface Meter {
  /** Looks at the call; what the eye takes for loud, 0 to 1. Without a call all is quiet. */
  read(
    call: { getStats(): Promise<Iterable<readonly [string, unknown]>> } | null,
  ): Promise<{ here: number; there: number }>;
  /** Nothing at all has come from the microphone for a while. */
  readonly silent: boolean;
}

/** A room is never as quiet as this; a microphone that is switched off is. */
const SILENCE = 0.0003;
const SILENT_MS = 6000;

export function createMeter(now: () => number): Meter {
  let silentSince: number | null = null;
  return {
    async read(call) {
      const { here, there } = levelsOf((await call?.getStats().catch(() => null)) ?? []);
      if (here === null || here > SILENCE) silentSince = null;
      else silentSince ??= now();
      return { here: shown(here), there: shown(there) };
    },
    get silent() {
      return silentSince !== null && now() - silentSince >= SILENT_MS;
    },
  };
}

/** From what RTCPeerConnection counts. */
function levelsOf(stats: Iterable<readonly [string, unknown]>): Levels {
  const levels: Levels = { here: null, there: null };
  for (const [, entry] of stats) {
    const { type, kind, audioLevel } = entry as Record<string, unknown>;
    if (kind !== 'audio' || typeof audioLevel !== 'number') continue;
    if (type === 'media-source') levels.here = audioLevel;
    if (type === 'inbound-rtp') levels.there = audioLevel;
  }
  return levels;
}

/** In hundredths: a change that nobody sees is not worth a new picture. */
const shown = (level: number | null) => Math.round(Math.min(1, Math.sqrt(level ?? 0) * 1.6) * 100) / 100;
