/** The media contract on rtpengine: the daemon of Debian, two stacks of others as the browser. */
import { after } from 'node:test';
import { MEDIA_DEFAULTS } from '../../src/eims-agw/settings.ts';
import { browserPeer } from '../support/media-browser.ts';
import { mediaContract } from '../support/media-contract.ts';
import { endNative, nativePeer } from '../support/media-ndc.ts';
import { rtpengineDaemon, rtpengineMedia } from '../support/rtpengine.ts';

/** The contract is of calls that need no transcoder. */
const G711 = ['PCMA', 'PCMU'] as const;

for (const { name, browser, host, firstPort, threads } of [
  // Nothing may be overtaken on its way to werift's peer.
  { name: 'rtpengine with werift', browser: browserPeer, host: '127.0.71.1', firstPort: 25_000, threads: 1 },
  { name: 'rtpengine with libdatachannel', browser: nativePeer, host: '127.0.71.2', firstPort: 25_200, threads: 2 },
]) {
  mediaContract({
    name,
    phoneHost: '127.0.71.9',
    browser,
    oneTransport: true,
    async build(settings) {
      const daemon = await rtpengineDaemon(host, firstPort, threads);
      const ims = { ...MEDIA_DEFAULTS.ims, srtp: 'accept' } as const;
      const media = await rtpengineMedia([daemon], { ...settings, ims, webCodecs: [...G711], imsCodecs: [...G711] });
      return {
        ...media,
        kill: () => void daemon.restart(),
        async close() {
          await media.close();
          await daemon.close();
        },
      };
    },
  });
}
after(endNative);
