/** The demo business's own web server: a few files on an origin of its own, as strict with scripts and styles as a careful shop. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { join } from 'node:path';

export interface BusinessOptions {
  host: string;
  port: number;
  /** Base URL of the gateway, which the button is loaded from. */
  gateway: string;
  /** Ids of the entry points that the pages name: `{{name}}` in them becomes the id. */
  entryPoints: Readonly<Record<string, string>>;
  /** PEM files; with them the pages are https. */
  tls?: { cert: string; key: string };
}

export interface Business {
  readonly url: string;
  close(): Promise<void>;
}

const SITE = join(import.meta.dirname, 'site');
const TYPES = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript',
  svg: 'image/svg+xml',
};
const NAME = /^\/([a-z]+)\.(html|css|js|svg)$/;

/** Resolves when it listens. Rejects when the address is taken. */
export async function startBusiness(options: BusinessOptions): Promise<Business> {
  const { host, port, tls } = options;
  const serve: RequestListener = async (request, response) => {
    const [path = ''] = (request.url ?? '').split('?');
    const found = NAME.exec(path === '/' ? '/index.html' : path);
    const type = found?.[2] as keyof typeof TYPES | undefined;
    const text = found === null ? null : await readFile(join(SITE, `${found[1]}.${type}`), 'utf8').catch(() => null);
    const body = text === null || type === undefined ? null : fill(text, options);
    response.writeHead(body === null ? 404 : 200, headers(options.gateway, type)).end(body ?? 'Not found');
  };
  const server =
    tls === undefined
      ? createServer(serve)
      : createSecureServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key) }, serve);
  await listen(server, host, port);
  return {
    url: `${tls === undefined ? 'http' : 'https'}://${host}:${port}`,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function fill(text: string, { gateway, entryPoints }: BusinessOptions): string {
  const values: Readonly<Record<string, string>> = { gateway, ...entryPoints };
  return text.replace(/\{\{(\w+)\}\}/g, (all, name: string) => values[name] ?? all);
}

/** What a page has to allow for the button, and nothing else. */
function headers(gateway: string, type: keyof typeof TYPES | undefined): Record<string, string> {
  const socket = gateway.replace(/^http/, 'ws');
  const policy = [
    "default-src 'none'",
    `script-src 'self' ${gateway}`,
    `connect-src ${gateway} ${socket}`,
    "style-src 'self'",
    "img-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
  ];
  return {
    'content-type': type === undefined ? 'text/plain' : TYPES[type],
    'content-security-policy': policy.join('; '),
    'permissions-policy': 'microphone=(self)',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
}
