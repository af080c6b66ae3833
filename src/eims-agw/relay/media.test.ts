/** Real packets over our own engine. */
import { mediaTraffic } from '../../../test/support/media-traffic.ts';

mediaTraffic({ engine: 'relay', network: '127.0.44' });
