/** The Fastify instance and Node's HTTP server under it: TLS, time limits, size limits, and errors that tell nothing. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, Server } from 'node:http';
import { Server as TlsServer } from 'node:tls';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import type { Settings } from '../config/settings.ts';
import { errorTable } from '../errors.ts';
import type { Log } from '../runtime/log.ts';
import { correlatorOf } from './correlator.ts';
import { settleTarget } from './request-target.ts';
import { createSocketAnswers } from './socket-answer.ts';
import { isWebSocketUpgrade } from './upgrade.ts';

/** Node's own limits. A client that sends slower than this is a slow client or a slowloris; both are cut off. */
const limits = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 5000,
  maxHeaderSize: 16_384,
};

/** `onUnroutable` answers requests whose URL Fastify's router cannot read. Throws when the certificate or key cannot be read. */
export function createHttpServer(
  settings: Pick<Settings, 'api' | 'tls'>,
  log: Log,
  onUnroutable: (request: FastifyRequest, reply: FastifyReply) => void,
): FastifyInstance {
  const { bodyLimitBytes } = settings.api;
  const socketAnswers = createSocketAnswers();
  const server = {
    ...limits,
    // Looked at by `isWellAddressed`, with a body in the answer.
    requireHostHeader: false,
    // An upgrade leaves HTTP at once, so none may stand behind a request that waits for its answer. RFC 9110 7.8.
    shouldUpgradeCallback: (request: IncomingMessage) =>
      isWebSocketUpgrade(request) && !socketAnswers.owes(request.socket),
  };
  const common = {
    logger: false,
    bodyLimit: bodyLimitBytes,
    requestTimeout: limits.requestTimeout,
    keepAliveTimeout: limits.keepAliveTimeout,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    exposeHeadRoutes: true,
    routerOptions: { maxParamLength: limits.maxHeaderSize },
    frameworkErrors: (_fault: unknown, request: FastifyRequest, reply: FastifyReply) => onUnroutable(request, reply),
    rewriteUrl: settleTarget,
    clientErrorHandler: socketAnswers.clientError,
  } as const;
  const tls = tlsOf(settings.tls);
  const app = (
    tls === null ? fastify({ ...common, http: server }) : fastify({ ...common, https: { ...server, ...tls } })
  ) as FastifyInstance;
  socketAnswers.attach(app.server);
  app.setErrorHandler((fault: { statusCode?: number; name: string; message: string }, _request, reply) => {
    const status = fault.statusCode ?? 500;
    if (status < 500) return answer(reply, 'invalid-argument');
    log.error({ fault: `${fault.name}: ${fault.message}` }, 'A page request broke.');
    return answer(reply, 'internal');
  });
  app.setNotFoundHandler((_request, reply) => answer(reply, 'unknown-route'));
  return app;
}

/** Where the server listens, as a URL. */
export function urlOf(server: Server, settings: Pick<Settings, 'api' | 'tls'>): string {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : settings.api.port;
  const { host } = settings.api;
  return `${settings.tls.cert === '' ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** A refusal outside the APIs. CAMARA digest 2.2, 2.4. */
export function answer(reply: FastifyReply, error: 'invalid-argument' | 'internal' | 'unknown-route'): FastifyReply {
  const row = errorTable[error];
  const { value } = correlatorOf(reply.request.raw, randomUUID);
  return reply
    .code(row.status)
    .headers({ 'x-correlator': value, 'cache-control': 'no-store', 'content-type': 'application/json' })
    .send(Buffer.from(JSON.stringify(row)));
}

/** Reads certificate and key again, for connections to come. What cannot be used leaves the old ones, and a line in the log. */
export function renewCertificate(server: Server, settings: Settings['tls'], log: Log): void {
  if (!(server instanceof TlsServer)) return;
  try {
    server.setSecureContext(tlsOf(settings) ?? {});
    log.info({}, 'the certificate of the API was read again');
  } catch (error) {
    log.error({ fault: (error as Error).message }, 'the certificate of the API cannot be used; the old one stays');
  }
}

function tlsOf({ cert, key }: Settings['tls']): { cert: Buffer; key: Buffer; minVersion: 'TLSv1.2' } | null {
  if (cert === '') return null;
  return { cert: readFileSync(cert), key: readFileSync(key), minVersion: 'TLSv1.2' };
}
