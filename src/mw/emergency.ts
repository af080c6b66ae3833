/** The ways of emergency calls, and how the network says that a call has become one. TS 23.167 6.2.1, IMS digest 6.1, 6.5. */
import type { Settings } from '../config/settings.ts';
import { isEmergencyUri, type SipResponse } from '../sip/index.ts';
import { entryUriOf } from './next-hop.ts';
import type { MwNode, Transport } from './node.ts';

/** The E-CSCFs as route sets in the order they are tried, unless emergency calls go the way of any call; and the numbers. */
export function emergencyWays(settings: Settings['emergency'], transport: Transport): MwNode['emergency'] {
  const { route, cscfs, attemptMs, numbers } = settings;
  if (route !== 'ecscf') return { ways: null, numbers };
  const routes = cscfs.map(entry => [`<${entryUriOf(entry, transport)};lr>`]);
  return { ways: { routes, attemptMs }, numbers };
}

/** True when who rings or answers is, as the network asserts, an emergency service: its URN, or one of these numbers as dialled. */
export function isEmergencyService(response: SipResponse, numbers: readonly string[]): boolean {
  return response.headers.nameAddrs('P-Asserted-Identity').some(({ uri }) => {
    const user = /^(?:tel|sips?):([^;@]+)/i.exec(uri)?.[1];
    return isEmergencyUri(uri) || (user !== undefined && numbers.includes(user));
  });
}
