/** Where a response goes: back to the request's source, by its top Via. RFC 3261 18.2.2, RFC 3581 4. */
import { isIP } from 'node:net';
import type { Via } from '../message/message.ts';
import type { Target } from '../transaction/types.ts';

/**
 * Target of the responses to a request that came from `source` with this top Via. On TCP it is the request's connection; should that be
 * gone, one to the source address and the sent-by port. On UDP the source address and, with `rport`, the source port.
 * A `maddr` is not followed: it would let anyone send our packets anywhere.
 */
export function responseTarget(via: Via, source: Target): Target {
  const port = via.port ?? (source.transport === 'tls' ? 5061 : 5060);
  const toSource = source.transport === 'udp' && via.params.has('rport');
  const target: Target = { transport: source.transport, host: source.host, port: toSource ? source.port : port };
  if (source.connection !== undefined) target.connection = source.connection;
  if (source.transport === 'tls' && isIP(bare(via.host)) === 0) target.domain = via.host;
  return target;
}

function bare(host: string): string {
  return host.startsWith('[') ? host.slice(1, -1) : host;
}
