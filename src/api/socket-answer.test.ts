/** What cannot become a request, or not in time, on real sockets. CAMARA digest 2.4. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { checkRefusal, talk } from '../../test/support/raw-http.ts';
import { createSocketAnswers } from './socket-answer.ts';

/** A server that answers nothing by itself. */
async function silent(t: TestContext): Promise<{ port: number; server: Server; asked: ServerResponse[] }> {
  const socketAnswers = createSocketAnswers();
  const asked: ServerResponse[] = [];
  const server = createServer((_request, response) => void asked.push(response));
  socketAnswers.attach(server);
  server.on('clientError', (fault, socket) => socketAnswers.clientError(fault, socket as Socket));
  t.after(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, server, asked };
}

test('2.4 a request that does not arrive whole in time is told so', async t => {
  const { port, server } = await silent(t);
  for (const [bytes, correlator] of [
    ['GET /x HT', /^[0-9a-f-]{36}$/],
    ['POST /x HTTP/1.1\r\nHost: a\r\nx-correlator: mine\r\nContent-Length: 9\r\n\r\n{', /^mine$/],
  ] as const) {
    const begun = once(server, bytes.startsWith('POST') ? 'request' : 'connection');
    const opened = once(server, 'connection');
    const got = talk(port, bytes);
    const [socket] = (await opened) as [Socket];
    await begun;
    // What Node says of it after its time limits.
    server.emit('clientError', Object.assign(new Error('slow'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), socket);
    checkRefusal(await got, 408, 'REQUEST_TIMEOUT', correlator);
  }
});

test('2.4 what is refused is not cut off while more of it comes', async t => {
  const { port, server } = await silent(t);
  const heard = once(server, 'clientError');
  const got = talk(port, 'nonsense\r\n\r\n');
  const [fault, socket] = (await heard) as [Error, Socket];
  // What Node says of each piece that comes after it.
  server.emit('clientError', fault, socket);
  assert.equal(socket.destroyed, false);
  checkRefusal(await got, 400, 'INVALID_ARGUMENT');
});

test('2.4 what is refused behind a request that waits for its answer gets none, and the first its own', async t => {
  const { port, server, asked } = await silent(t);
  for (const [second, event] of [
    ['POST /x HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\nContent-Length: 1\r\n\r\n{', 'checkExpectation'],
    ['POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\nbroken\r\n', 'clientError'],
  ] as const) {
    const heard = once(server, event);
    const first = asked.length;
    const got = talk(port, `GET / HTTP/1.1\r\nHost: a\r\n\r\n${second}`);
    await heard;
    asked[first]?.end('whole');
    const text = await got;
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n.*connection: close\r\n.*whole/is, event);
    assert.equal(text.match(/HTTP\//g)?.length, 1, text);
  }
});

test('2.4 CONNECT behind a request that waits for its answer ends the connection, and nothing else', async t => {
  const { port, server, asked } = await silent(t);
  const heard = once(server, 'connect');
  const got = talk(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\nCONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n');
  await heard;
  asked.at(-1)?.end('whole');
  assert.equal(await got, '');
});

test('2.4 what cannot be read behind a request leaves its answer whole and ends the connection', async t => {
  const { port, server, asked } = await silent(t);
  const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
  for (const begun of [false, true]) {
    const heard = once(server, 'clientError');
    const got = talk(port, get, async socket => {
      await once(server, 'request');
      if (begun) asked.at(-1)?.write('first');
      socket.write('nonsense\r\n\r\n');
    });
    await heard;
    if (!begun) asked.at(-1)?.end('whole');
    const text = await got;
    assert.match(text, begun ? /first/ : /^HTTP\/1\.1 200 OK\r\n.*connection: close\r\n.*whole/is);
    assert.equal(text.match(/HTTP\//g)?.length, 1, text);
  }
});
