/** Whose request it is, also behind proxies: one answer for requests and for upgrades, so that the limits of an address mean the same at every door. */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import proxyAddr from '@fastify/proxy-addr';

/** The address a request comes from, as text. */
export type ClientAddress = (request: IncomingMessage) => string;

/**
 * `proxies`: addresses or CIDR prefixes whose X-Forwarded-For is believed; the nearest address that is none of theirs is the client's.
 * What a proxy writes there that is no address leaves its own. Throws TypeError when a prefix is none.
 */
export function createClientAddress(proxies: readonly string[]): ClientAddress {
  const isProxy = proxyAddr.compile([...proxies]);
  return request => {
    const peer = request.socket.remoteAddress ?? '';
    const address = proxyAddr(request, isProxy);
    return isIP(address) === 0 ? peer : address;
  };
}
