/** The media contract on an engine with the library of others, over real sockets: it asks nothing that only ours can do. */
import { browserPeer } from '../../test/support/media-browser.ts';
import { mediaContract } from '../../test/support/media-contract.ts';
import { realMedia } from '../../test/support/media-real.ts';

mediaContract({
  name: 'libdatachannel',
  phoneHost: '127.0.41.9',
  build: settings => realMedia('127.0.41.1', settings, 'libdatachannel'),
  browser: browserPeer,
});
