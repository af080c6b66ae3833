/** The media contract on the engine in memory. */

import { mediaContract } from '../../test/support/media-contract.ts';
import { fakeMedia } from '../../test/support/media-fake.ts';
import { inbox } from '../../test/support/media-inbox.ts';
import { browserAnswer, chromiumOffer } from '../../test/support/media-sdp.ts';
import { MEDIA_DEFAULTS } from './settings.ts';

mediaContract({
  name: 'in memory',
  phoneHost: '127.0.0.77',
  async build(settings) {
    const box = inbox();
    const ims = { ...MEDIA_DEFAULTS.ims, srtp: 'accept' } as const;
    const media = fakeMedia({ emit: box.emit, settings: { ...settings, ims } });
    return { plane: media, box, lines: media.lines, kill: () => media.engine.die(), close: () => media.close() };
  },
  browser: () => ({
    offer: async () => chromiumOffer(),
    accept: async () => undefined,
    answer: async offer => browserAnswer({ laws: offer.includes('SAVPF 0 8') ? [0, 8] : [8, 0] }),
    send: async () => undefined,
    rtp: [],
    rtcp: [],
    connected: () => true,
    failed: () => false,
    close: async () => undefined,
  }),
});
