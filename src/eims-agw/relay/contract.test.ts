/** The media contract on our own engine, over real sockets. */
import { browserPeer } from '../../../test/support/media-browser.ts';
import { mediaContract } from '../../../test/support/media-contract.ts';
import { realMedia } from '../../../test/support/media-real.ts';

mediaContract({
  name: 'relay',
  phoneHost: '127.0.44.109',
  build: settings => realMedia('127.0.44.200', { ...settings, engine: 'relay' }),
  browser: browserPeer,
});
