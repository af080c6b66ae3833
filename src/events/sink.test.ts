/** Delivery by real https on loopback. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createServer as createPlainServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import tls from 'node:tls';
import type { SinkTransport } from './ports.ts';
import { createSink, retryAfter } from './sink.ts';
import { createSinkPolicy } from './sink-policy.ts';

const file = (name: string) => readFileSync(new URL(`../../test/support/tls/${name}`, import.meta.url));
const server = createServer({ key: file('server.key'), cert: file('server.pem') });
let port = 0;
let handle: (request: IncomingMessage, response: ServerResponse, body: string) => void = () => {};
let hits = 0;
const open: SinkTransport[] = [];

before(async () => {
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), file('ca.pem').toString()]);
  server.on('request', async (request, response) => {
    hits += 1;
    let body = '';
    for await (const chunk of request) body += String(chunk);
    handle(request, response, body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});
after(async () => {
  for (const sink of open) await sink.close();
  server.close();
  server.closeAllConnections();
});

function makeSink(options: { allow?: string[]; resolve?: (name: string) => Promise<string[]>; limits?: object } = {}) {
  const settings = { allow: options.allow ?? ['127.0.0.0/8'], ports: ['1024-65535'] };
  const policy = createSinkPolicy(settings, options.resolve ?? (async () => ['127.0.0.1']));
  const sink = createSink(policy, { connectMs: 2000, answerMs: 2000, ...options.limits });
  open.push(sink);
  return sink;
}

const event = (url: string) => ({ url, body: '{"specversion":"1.0"}', accessToken: 'abc', correlator: 'corr-7' });

describe('8.4, 8.5, 8.6 the https sink', { timeout: 120_000 }, () => {
  it('posts the event as the API says, with the name in SNI and Host', async () => {
    let seen: Record<string, unknown> = {};
    handle = (request, response, body) => {
      const { method, url, headers } = request;
      seen = { method, url, headers, body, sni: (request.socket as tls.TLSSocket).servername };
      response.writeHead(204).end();
    };
    const answer = await makeSink().deliver(event(`https://sink.example.com:${port}/events?a=1`));
    assert.deepEqual(answer, { type: 'answered', status: 204, retryAfterMs: null });
    const headers = seen['headers'] as Record<string, string>;
    assert.equal(seen['method'], 'POST');
    assert.equal(seen['url'], '/events?a=1');
    assert.equal(seen['body'], '{"specversion":"1.0"}');
    assert.equal(seen['sni'], 'sink.example.com');
    assert.equal(headers['host'], `sink.example.com:${port}`);
    assert.equal(headers['content-type'], 'application/cloudevents+json');
    assert.equal(headers['authorization'], 'Bearer abc');
    assert.equal(headers['x-correlator'], 'corr-7');
  });

  it('uses a connection again and sends no Authorization without a token', async () => {
    const ports = new Set<number | undefined>();
    handle = (request, response) => {
      ports.add(request.socket.remotePort);
      assert.equal(request.headers.authorization, undefined);
      response.writeHead(200).end('{"thanks":true}');
    };
    const sink = makeSink();
    for (let n = 0; n < 3; n += 1) {
      const answer = await sink.deliver({ ...event(`https://127.0.0.1:${port}/`), accessToken: null });
      assert.equal(answer.type, 'answered');
      await new Promise(resolve => setImmediate(resolve));
    }
    assert.equal(ports.size, 1);
  });

  it('follows no redirect and tells Retry-After', async () => {
    handle = (_request, response) =>
      response.writeHead(302, { location: `https://127.0.0.1:${port}/x`, 'retry-after': '3' }).end();
    hits = 0;
    assert.deepEqual(await makeSink().deliver(event(`https://127.0.0.1:${port}/`)), {
      type: 'answered',
      status: 302,
      retryAfterMs: 3000,
    });
    assert.equal(hits, 1);
    const now = Date.UTC(2030, 0, 1);
    assert.equal(retryAfter('Tue, 01 Jan 2030 00:00:10 GMT', now), 10_000);
    assert.equal(retryAfter('soon', now), null);
    assert.equal(retryAfter('999999999', now), 86_400_000);
  });

  it('reads no more than a little of an endless body', async () => {
    let written = 0;
    let closed = () => {};
    const gone = new Promise<void>(resolve => (closed = resolve));
    handle = (_request, response) => {
      response.writeHead(200);
      const more = () => {
        written += 1024;
        response.write('x'.repeat(1024), error => (error ? closed() : setImmediate(more)));
      };
      response.on('close', closed);
      more();
    };
    const answer = await makeSink().deliver(event(`https://127.0.0.1:${port}/`));
    assert.equal(answer.type, 'answered');
    await gone;
    assert.ok(written < 10_000_000, `${written} bytes`);
  });

  it('gives up on silence and on a closed port', async () => {
    handle = () => {};
    const sink = makeSink({ limits: { answerMs: 100, connectMs: 100 } });
    const silent = await sink.deliver(event(`https://127.0.0.1:${port}/`));
    assert.equal(silent.type, 'failed');
    const mute = createPlainServer();
    mute.listen(0, '127.0.0.1');
    await once(mute, 'listening');
    const mutePort = (mute.address() as AddressInfo).port;
    assert.equal((await sink.deliver(event(`https://127.0.0.1:${mutePort}/`))).type, 'failed');
    mute.close();
    const closed = await sink.deliver(event(`https://127.0.0.1:${mutePort}/`));
    assert.equal(closed.type, 'failed');
  });

  it('refuses a certificate for another name', async () => {
    hits = 0;
    const answer = await makeSink().deliver(event(`https://other.example.com:${port}/`));
    assert.deepEqual(answer, { type: 'failed', reason: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    assert.equal(hits, 0);
  });

  it('connects to a checked address only, whatever the name says from one moment to the next', async () => {
    handle = (_request, response) => response.writeHead(204).end();
    hits = 0;
    const url = `https://sink.example.com:${port}/`;
    const rebound = makeSink({ allow: [], resolve: async () => ['127.0.0.1'] });
    assert.deepEqual(await rebound.deliver(event(url)), { type: 'blocked', reason: 'the name has no allowed address' });
    const literal = makeSink({ allow: [] });
    for (const host of ['127.0.0.1', '2130706433', '[::ffff:7f00:1]', '0x7f.1']) {
      assert.equal((await literal.deliver(event(`https://${host}:${port}/`))).type, 'blocked', host);
    }
    let asked = 0;
    const flipping = makeSink({
      resolve: async () => {
        asked += 1;
        return asked === 1 ? ['10.255.255.1', '127.0.0.1'] : ['10.255.255.1'];
      },
    });
    assert.equal((await flipping.deliver(event(url))).type, 'answered');
    assert.equal(asked, 1);
    assert.equal(hits, 1);
  });

  it('takes a name that cannot be resolved as down', async () => {
    const sink = makeSink({
      resolve: async () => {
        throw Object.assign(new Error('not found'), { code: 'ENOTFOUND' });
      },
    });
    assert.deepEqual(await sink.deliver(event(`https://sink.example.com:${port}/`)), {
      type: 'failed',
      reason: 'ENOTFOUND',
    });
  });

  it('speaks no TLS older than 1.2 and asks no proxy of the environment', async () => {
    const old = createServer({
      key: file('server.key'),
      cert: file('server.pem'),
      maxVersion: 'TLSv1.1',
      minVersion: 'TLSv1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    old.listen(0, '127.0.0.1');
    await once(old, 'listening');
    const answer = await makeSink().deliver(event(`https://127.0.0.1:${(old.address() as AddressInfo).port}/`));
    assert.equal(answer.type, 'failed');
    old.close();
    const saved = process.env.HTTPS_PROXY;
    process.env.HTTPS_PROXY = 'http://127.0.0.1:1';
    handle = (_request, response) => response.writeHead(204).end();
    assert.equal((await makeSink().deliver(event(`https://127.0.0.1:${port}/`))).type, 'answered');
    if (saved === undefined) delete process.env.HTTPS_PROXY;
    else process.env.HTTPS_PROXY = saved;
  });
});
