/** The ways of emergency calls. TS 23.167 6.2.1, IMS digest 6.1. */
import type { Settings } from '../config/settings.ts';
import { entryUriOf } from './next-hop.ts';
import type { MwNode, Transport } from './node.ts';

/** The E-CSCFs as route sets in the order they are tried; null when emergency calls go the way of any call. */
export function emergencyWays(settings: Settings['emergency'], transport: Transport): MwNode['emergency'] {
  if (settings.route !== 'ecscf') return null;
  const routes = settings.cscfs.map(entry => [`<${entryUriOf(entry, transport)};lr>`]);
  return { routes, attemptMs: settings.attemptMs };
}
