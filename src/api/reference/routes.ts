/** `/docs`: the reference of every API to read. Nothing is fetched from anywhere else, nothing runs. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { openApiDocument } from '../openapi.ts';
import type { Api } from '../operation.ts';
import { type ApiDocument, apiPage, type Listed, listPage, STYLE } from './page.ts';

const HEADERS = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-cache',
};

/** Adds the routes. `apiRoot` is asked at the first request. */
export function referenceRoutes(app: FastifyInstance, apis: readonly Api[], apiRoot: () => string): void {
  let pages: Map<string, string> | null = null;
  const made = () => {
    pages ??= makePages(apis, apiRoot());
    return pages;
  };
  const send = (reply: FastifyReply, type: string, text: string) => reply.headers(HEADERS).type(type).send(text);
  app.get('/docs', (_request, reply) => send(reply, 'text/html; charset=utf-8', made().get('') ?? ''));
  app.get('/docs/style.css', (_request, reply) => send(reply, 'text/css; charset=utf-8', STYLE));
  app.get<{ Params: { name: string } }>('/docs/:name', (request, reply) => {
    const page = made().get(request.params.name);
    if (page === undefined) return reply.callNotFound();
    return send(reply, 'text/html; charset=utf-8', page);
  });
}

/** Of two versions of one API the later listed has its version in the name. */
function nameOf(api: Api, apis: readonly Api[]): string {
  const first = apis.find(other => other.name === api.name);
  return first === api ? api.name : `${api.name}-${api.version}`;
}

function makePages(apis: readonly Api[], apiRoot: string): Map<string, string> {
  const listed: Listed[] = apis.map(api => {
    const base = api.basePaths[0] ?? '';
    return { name: nameOf(api, apis), base, document: openApiDocument(api, apiRoot, base) as unknown as ApiDocument };
  });
  return new Map([['', listPage(listed)], ...listed.map(api => [api.name, apiPage(api)] as const)]);
}
