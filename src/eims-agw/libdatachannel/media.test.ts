/** Real packets over libdatachannel. */
import { mediaTraffic } from '../../../test/support/media-traffic.ts';

mediaTraffic({ engine: 'libdatachannel', network: '127.0.43' });
