/** What the relay of our own workers can do with media, whichever library makes the browser legs. */
import type { EngineCaps } from '../engine.ts';
import { PCMA, PCMU } from '../payload-format.ts';

/** The two laws of G.711 by table; everything else passes as it is. */
export const RELAY_CAPS: EngineCaps = {
  transcode: [PCMA, PCMU],
  video: true,
  bundle: true,
  play: false,
  keyLasts: true,
};
