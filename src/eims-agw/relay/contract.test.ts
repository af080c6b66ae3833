/** The media contract on our own engine, over real sockets, with two stacks of others as the browser. */
import { after } from 'node:test';
import { browserPeer } from '../../../test/support/media-browser.ts';
import { mediaContract } from '../../../test/support/media-contract.ts';
import { endNative, nativePeer } from '../../../test/support/media-ndc.ts';
import { realMedia } from '../../../test/support/media-real.ts';

for (const [name, browser, host] of [
  ['relay with werift', browserPeer, '127.0.44.200'],
  ['relay with libdatachannel', nativePeer, '127.0.44.201'],
] as const) {
  mediaContract({
    name,
    phoneHost: '127.0.44.109',
    build: settings => realMedia(host, settings),
    browser,
  });
}
after(endNative);
