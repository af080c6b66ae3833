/** Real packets over the same relay with the browser side of others. */
import { mediaTraffic } from '../../test/support/media-traffic.ts';

mediaTraffic({ engine: 'libdatachannel', network: '127.0.43' });
