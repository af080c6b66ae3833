/** The operations listener: /livez, /readyz, /metrics. Plain node:http, so that it answers whatever the API listener suffers. */
import { createServer } from 'node:http';
import type { Metrics } from './metrics.ts';

export interface OpsServer {
  start(): Promise<{ port: number }>;
  close(): Promise<void>;
}

export interface OpsOptions {
  host: string;
  port: number;
  metrics: Metrics;
  /** What keeps the node from taking work; empty when it is ready. */
  unready(): string[];
}

export function createOpsServer(options: OpsOptions): OpsServer {
  const server = createServer((request, response) => {
    answer(request.url ?? '', options).then(
      ({ status, type, body }) =>
        response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body),
      () => response.writeHead(500).end(),
    );
  });
  server.requestTimeout = 5000;
  server.headersTimeout = 5000;
  server.maxConnections = 100;
  return {
    start: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(options.port, options.host, () => {
          server.off('error', reject);
          const address = server.address();
          resolve({ port: typeof address === 'object' && address !== null ? address.port : options.port });
        });
      }),
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(url: string, options: OpsOptions): Promise<{ status: number; type: string; body: string }> {
  const json = 'application/json';
  switch (url.split('?')[0]) {
    case '/livez':
      return { status: 200, type: json, body: '{"status":"ok"}\n' };
    case '/readyz': {
      const because = options.unready();
      const body = because.length === 0 ? { status: 'ready' } : { status: 'unready', because };
      return { status: because.length === 0 ? 200 : 503, type: json, body: `${JSON.stringify(body)}\n` };
    }
    case '/metrics':
      return { status: 200, type: options.metrics.contentType, body: await options.metrics.text() };
    default:
      return { status: 404, type: json, body: '{"status":"unknown path; there are /livez, /readyz and /metrics"}\n' };
  }
}
