/** Serves the built pages: HTML never cached, hashed assets for a year. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { messagePage } from './html.ts';

const YEAR_S = 31_536_000;

/** Adds `/`, `/softphone/` and `/assets/` to `scope`. `pagesDir` is the output of the page build. */
export async function servePageFiles(scope: FastifyInstance, pagesDir: string): Promise<void> {
  const root = resolve(pagesDir);
  scope.get('/', (_request, reply) => reply.redirect('/softphone/', 302));
  if (!existsSync(resolve(root, 'softphone/index.html'))) {
    scope.get('/softphone/', (_request, reply) =>
      reply
        .code(503)
        .type('text/html; charset=utf-8')
        .header('cache-control', 'no-store')
        .send(
          messagePage('The pages are not there', 'The pages have not been built yet; npm run build makes them.', {
            href: '/softphone/',
            text: 'Try again',
          }),
        ),
    );
    return;
  }
  scope.get('/softphone', (_request, reply) => reply.redirect('/softphone/', 302));
  await scope.register(fastifyStatic, {
    root: resolve(root, 'softphone'),
    prefix: '/softphone/',
    decorateReply: false,
    cacheControl: false,
    setHeaders: reply => reply.header('cache-control', 'no-store'),
  });
  await scope.register(fastifyStatic, {
    root: resolve(root, 'assets'),
    prefix: '/assets/',
    index: false,
    decorateReply: false,
    cacheControl: false,
    setHeaders: reply => reply.header('cache-control', `public, max-age=${YEAR_S}, immutable`),
  });
}
