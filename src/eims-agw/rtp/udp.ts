/** UDP sockets for media: bound to one address of ours, sending to numeric addresses only. */
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';

/** A socket of the family of `bind`, not bound yet. A lookup of each packet's address would go through the resolver's queue: there is none. */
export function mediaSocket(bind: string, receiveBytes: number): Socket {
  const six = isIPv6(bind);
  return createSocket({
    type: six ? 'udp6' : 'udp4',
    // The same port on an address of each family must be two sockets, also when both stand for every address.
    ipv6Only: six,
    recvBufferSize: receiveBytes,
    lookup: (host, _options, callback) => callback(null, host, six ? 6 : 4),
  });
}
