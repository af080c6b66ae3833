/** The transaction layer: the two halves over one table and one driver. RFC 3261 17, RFC 6026. */
import type { ParseResult } from '../message/message.ts';
import { createClient } from './client.ts';
import { createDriver, type Driver } from './driver.ts';
import type { TransactionLayerOptions } from './port.ts';
import { createServer } from './server.ts';
import { createTable } from './table.ts';
import type { Endpoint, Target, TransactionLayer } from './types.ts';

/** The layer with the doors its transport needs. */
export interface DrivenTransactionLayer extends TransactionLayer {
  /** One message as the parser saw it, and where it came from. Never throws for what the network sent. */
  receive(result: ParseResult, source: Target): void;
  /** A connection broke, or nobody is at a UDP endpoint: requests to it that wait for their first answer fail, or go on by UDP when they were there for their size. */
  broken(remote: Endpoint, connection: string): void;
  /** Drops every transaction and stops every timer; nobody is told. */
  close(): void;
}

/**
 * A transaction layer over the given wire, clock and timers. Merged requests (RFC 3261 8.2.2.2), the repetition of 2xx and the time a user
 * takes for its final response to an INVITE are the user's: until it answers, that server transaction lives. A client INVITE with a
 * provisional response likewise lives until its final response, or 64*T1 after `cancel`.
 */
export function createTransactionLayer(options: TransactionLayerOptions): DrivenTransactionLayer {
  const { log, count } = options;
  const table = createTable();
  let ids = 0;
  let closed = false;
  const nextId = () => {
    ids += 1;
    return ids.toString(36);
  };
  const drop = (why: string) => count?.('sip_messages_dropped', { why }, 1);

  const client = createClient(options, table, () => driver, nextId, drop);
  const server = createServer(options, table, () => driver, nextId, drop);
  const driver: Driver = createDriver(options, table, { onClientUnsent: client.onUnsent, onRequest: server.onNew });

  function receive(result: ParseResult, source: Target): void {
    if (!result.ok) {
      server.refuse(result, source);
      return;
    }
    const { message } = result;
    if (message.type === 'response') client.onResponse(message);
    else server.onRequest(message, source);
  }

  return {
    request: client.request,
    cancel: (key, extra = []) => client.cancel(key, extra),
    sendAck: client.sendAck,
    respond: server.respond,
    isPending: server.isPending,
    get size() {
      return table.clients.size + table.servers.size;
    },
    receive(result, source) {
      if (closed) return;
      try {
        receive(result, source);
      } catch (error) {
        // A user's broken promise on one message must not stop the messages behind it.
        drop('error');
        log?.('error', 'handling a SIP message failed', { error: error instanceof Error ? error.message : 'unknown' });
      }
    },
    broken: client.onBroken,
    close() {
      closed = true;
      driver.close();
    },
  };
}
