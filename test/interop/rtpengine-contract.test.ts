/** The media contract on rtpengine: the daemon of Debian, two stacks of others as the browser. */
import { after } from 'node:test';
import { browserPeer } from '../support/media-browser.ts';
import { mediaContract } from '../support/media-contract.ts';
import { endNative, nativePeer } from '../support/media-ndc.ts';
import { rtpengineDaemon, rtpengineMedia } from '../support/rtpengine.ts';

/** The contract is of calls that need no transcoder. */
const G711 = ['PCMA', 'PCMU'] as const;

for (const [name, browser, host, firstPort] of [
  ['rtpengine with werift', browserPeer, '127.0.71.1', 25_000],
  ['rtpengine with libdatachannel', nativePeer, '127.0.71.2', 25_200],
] as const) {
  mediaContract({
    name,
    phoneHost: '127.0.71.9',
    browser,
    oneTransport: true,
    async build(settings) {
      const daemon = await rtpengineDaemon(host, firstPort);
      const media = await rtpengineMedia([daemon], { ...settings, webCodecs: [...G711], imsCodecs: [...G711] });
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
