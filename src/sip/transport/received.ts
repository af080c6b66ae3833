/** Marks the top Via of a request with where it really came from. RFC 3261 18.2.1, RFC 3581 4. */
import type { SipRequest } from '../message/message.ts';
import { formatVia } from '../message/via.ts';
import type { Endpoint } from '../transaction/types.ts';

/** Sets `received` when the sent-by is not the source address or `rport` is asked for, and fills `rport`. What the sender wrote there is replaced. */
export function markReceived(request: SipRequest, source: Endpoint): void {
  const { headers } = request;
  const via = headers.via();
  if (!via) return;
  const { params } = via;
  const wantsPort = params.has('rport');
  if (!wantsPort && !params.has('received') && isHost(via.host, source.host)) return;
  const zone = source.host.indexOf('%');
  params.set('received', zone === -1 ? source.host : source.host.slice(0, zone));
  if (wantsPort) params.set('rport', String(source.port));
  headers.removeFirst('Via');
  headers.prepend('Via', formatVia(via));
}

function isHost(sentBy: string, address: string): boolean {
  return sentBy === address || (sentBy.startsWith('[') && sentBy.slice(1, -1) === address);
}
