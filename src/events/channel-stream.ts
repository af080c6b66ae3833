/** Server-sent events of a notification channel, for networks that block WebSockets. HTML Living Standard 9.2, CAMARA digest 11a. */
import type { ServerResponse } from 'node:http';
import { CLOSE, type Connection } from './channel-connection.ts';
import { createOneWay, type OneWayHandlers } from './channel-one-way.ts';
import type { Clock } from './ports.ts';

/** How long the page waits before it comes back, in ms. */
const RETRY_MS = 2000;

/** Speaks through a response whose head has been written; `closed` is told once when it has ended. */
export function createEventStream(
  response: ServerResponse,
  clock: Clock,
  handlers: OneWayHandlers & { closed(): void },
): Connection {
  const write = (text: string, sent: () => void = () => {}): void => {
    response.write(text, error => {
      if (error === null || error === undefined) sent();
    });
  };
  const connection = createOneWay(
    'SSE',
    {
      open: () => response.writable && !response.writableEnded,
      buffered: () => response.writableLength,
      // JSON text has no line ends of its own.
      event: (seq, body, sent) => write(`id: ${seq}\ndata: ${body}\n\n`, sent),
      snapshot: (kind, shown) => write(`event: ${kind}\ndata: {"snapshot":${shown}}\n\n`),
      heartbeat: () => write(':\n\n'),
      close(cause) {
        const [code, reason] = CLOSE[cause];
        response.end(`event: close\ndata: ${JSON.stringify({ code, reason })}\n\n`);
      },
    },
    clock,
    handlers,
  );
  // The close that follows tells all there is to know.
  response.on('error', () => {});
  response.on('close', () => {
    connection.closed();
    handlers.closed();
  });
  write(`retry: ${RETRY_MS}\n\n`);
  return connection;
}
