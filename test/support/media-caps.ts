/** What an engine that transcodes can do, as rtpengine with all its codecs does. */
import type { EngineCaps } from '../../src/eims-agw/engine.ts';
import { eventFormat, ownFormat } from '../../src/eims-agw/speech-codec.ts';

const OCTETS = { fmtp: 'octet-align=1' };

export const TRANSCODER: EngineCaps = {
  transcode: [
    ...(['PCMA', 'PCMU', 'G722', 'opus', 'AMR', 'AMR-WB'] as const).map(ownFormat),
    { ...ownFormat('AMR'), ...OCTETS },
    { ...ownFormat('AMR-WB'), ...OCTETS },
    ...[8000, 16_000, 48_000].map(eventFormat),
  ],
  video: true,
  bundle: false,
  play: true,
  keyLasts: false,
};
