/** How a message finds its transaction: branch, sent-by and method. RFC 3261 17.1.3, 17.2.3. */
import type { Via } from '../message/message.ts';
import type { TransactionKey } from './types.ts';

/** Every RFC 3261 branch starts with it. RFC 3261 8.1.1.7. */
export const MAGIC_COOKIE = 'z9hG4bK';

/** Key of a client transaction. The branch is random and ours, so it needs no sent-by. RFC 3261 17.1.3. */
export function clientKey(branch: string, method: string): TransactionKey {
  return `${branch}|${method}` as TransactionKey;
}

/** Key of a server transaction, or null when the branch is missing or of RFC 2543. An ACK has the key of its INVITE. RFC 3261 17.2.3. */
export function serverKey(via: Via, method: string): TransactionKey | null {
  const branch = via.params.get('branch');
  if (!branch || branch.length === MAGIC_COOKIE.length || !branch.startsWith(MAGIC_COOKIE)) return null;
  return `${branch}|${via.host}:${viaPort(via)}|${method === 'ACK' ? 'INVITE' : method}` as TransactionKey;
}

/** Port of the sent-by, or the transport's default. RFC 3261 18.2.2. */
export function viaPort(via: Via): number {
  return via.port ?? (via.transport === 'TLS' ? 5061 : 5060);
}
