/** Serves the button of click to call: one file under one name, for pages of any origin. */
import { resolve } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

const NAME = 'click-to-call.js';
/** Pages name it for years, so it may not be old for long; while a new one is fetched the old one does. RFC 5861 3. */
const CACHE = 'public, max-age=300, stale-while-revalidate=86400';

/** Adds `/click-to-call.js`. `pagesDir` is the output of the page build, which packs it too. */
export async function mountButtonFile(app: FastifyInstance, pagesDir: string): Promise<void> {
  await app.register(async scope => {
    await scope.register(fastifyStatic, {
      root: resolve(pagesDir),
      serve: false,
      cacheControl: false,
      preCompressed: true,
    });
    scope.get(`/${NAME}`, (_request, reply) =>
      reply
        .headers({
          'cache-control': CACHE,
          // A module of another origin is fetched with CORS.
          'access-control-allow-origin': '*',
          'cross-origin-resource-policy': 'cross-origin',
          'x-content-type-options': 'nosniff',
          vary: 'accept-encoding',
        })
        .sendFile(NAME),
    );
  });
}
