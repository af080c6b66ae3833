/** Tests of the listener on real sockets: what an injected request cannot show. CAMARA digest 2. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { CALLS, CHANNELS, DEVICE, REGISTRATION, type TestApi, testApi } from '../../test/support/api-kit.ts';
import { checkRefusal, talk } from '../../test/support/raw-http.ts';

const SESSIONS = `${REGISTRATION}/sessions`;
const AUTH = 'Authorization: Bearer alice\r\n';

interface Listening extends TestApi {
  url: string;
  port: number;
}

async function listening(t: TestContext, ...args: Parameters<typeof testApi>): Promise<Listening> {
  const kit = testApi(...args);
  const { url } = await kit.api.start();
  t.after(() => kit.api.close());
  return { ...kit, url, port: Number(new URL(url).port) };
}

const head = (method: string, path: string, lines = '') =>
  `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n${lines}\r\n`;

test('2.1 step 1: raw paths with dots, double slashes and bytes', async t => {
  const { port, core } = await listening(t);
  for (const [path, status] of [
    [`${SESSIONS}/..`, 404],
    [`${SESSIONS}/../sessions/x`, 404],
    [`${SESSIONS}/%2e%2e`, 404],
    [`/${SESSIONS}`, 404],
    [`${SESSIONS}/%00`, 404],
    [`${SESSIONS}/%`, 404],
    ['*', 404],
  ] as const) {
    const got = await talk(port, head('GET', path, AUTH));
    assert.match(got, new RegExp(`^HTTP/1\\.1 ${status} `), path);
    assert.match(got, /"NOT_FOUND"/);
  }
  assert.deepEqual(core.asked, []);
});

test('2.2 repeated headers are refused as they come off the wire', async t => {
  const { port } = await listening(t);
  const list = `${SESSIONS}?deviceId=${DEVICE}`;
  assert.match(await talk(port, head('GET', list, AUTH)), /^HTTP\/1\.1 200 /);
  assert.match(await talk(port, head('GET', list, AUTH + AUTH)), /^HTTP\/1\.1 401 /);
  assert.match(
    await talk(port, head('GET', list, `${AUTH}X-Correlator: a\r\nx-correlator: b\r\n`)),
    /^HTTP\/1\.1 400 /,
  );
  const post = `${AUTH}registrationId: a\r\nREGISTRATIONID: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n`;
  assert.match(
    await talk(port, `${head('POST', `${CALLS}/sessions`, post)}{}`),
    /^HTTP\/1\.1 400 .*registrationId stands twice/s,
  );
  assert.match(
    await talk(
      port,
      `${head('POST', SESSIONS, `${AUTH}Content-Type: application/json\r\ncontent-type: text/plain\r\nContent-Length: 2\r\n`)}{}`,
    ),
    /^HTTP\/1\.1 415 /,
  );
});

test('2.3 a huge body is answered at the limit and the connection closed', async t => {
  const { port, url } = await listening(t);
  const big = Buffer.alloc(8 * 1024 * 1024, ' ');
  const response = await fetch(url + SESSIONS, {
    method: 'POST',
    headers: { authorization: 'Bearer alice', 'content-type': 'application/json' },
    body: big,
  });
  assert.equal(response.status, 400);
  assert.equal((await response.json()).code, 'INVALID_ARGUMENT');
  const stranger = await fetch(url + SESSIONS, { method: 'POST', body: big });
  assert.equal(stranger.status, 401);
  // An endless chunked body: the answer comes although the body never ends.
  const lines = `${AUTH}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n`;
  const chunk = `40000\r\n${'x'.repeat(0x40000)}\r\n`;
  const got = await talk(port, head('POST', SESSIONS, lines), socket => {
    const more = () => {
      while (socket.writable && socket.write(chunk)) {
        // Until the socket is full.
      }
    };
    socket.on('drain', more);
    more();
  });
  assert.match(got, /^HTTP\/1\.1 400 /);
  // A body announced and broken off is nobody's answer and no fault.
  await talk(
    port,
    `${head('POST', SESSIONS, `${AUTH}Content-Type: application/json\r\nContent-Length: 9\r\n`)}{`,
    socket => socket.resetAndDestroy(),
  );
  assert.equal((await fetch(url + SESSIONS)).status, 401);
});

test('2.1 a target that is a whole URI is taken as its path, and its host for the header Host', async t => {
  const { url, port, core, api } = await listening(t, {}, { pages: app => void app.get('/', () => 'page') });
  api.onUpgrade('/channels/:id/ws', (_request, socket) => {
    socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n');
  });
  const list = `${SESSIONS}?deviceId=${DEVICE}`;
  for (const [target, lines, answer] of [
    [`http://127.0.0.1:${port}${list}`, AUTH, /^HTTP\/1\.1 200 /],
    [`HTTPS://gateway.example${list}`, AUTH, /^HTTP\/1\.1 200 /],
    [`http://[::1]:1${list}`, AUTH, /^HTTP\/1\.1 200 /],
    [`http://a${list}`, '', /^HTTP\/1\.1 401 /],
    ['http://a', '', /\r\n\r\npage$/],
    ['http://a?b=/../c', '', /\r\n\r\npage$/],
    ['http://a/nothing', '', /^HTTP\/1\.1 404 /],
    [`http://a/${SESSIONS}`, AUTH, /^HTTP\/1\.1 404 /],
    [`http://a/http://a${SESSIONS}`, AUTH, /^HTTP\/1\.1 404 /],
    [`http://a${SESSIONS}/../sessions`, AUTH, /^HTTP\/1\.1 404 /],
    [`http://localhost:${port}/x`, '', new RegExp(`^HTTP/1\\.1 307 .*ocation: ${url}/x\r\n`, 's')],
    ['http://a/channels/b/ws', 'Connection: Upgrade\r\nUpgrade: websocket\r\n', /^HTTP\/1\.1 101 /],
  ] as const)
    assert.match(await talk(port, head('GET', target, lines)), answer, target);
  const asked = core.asked.length;
  for (const target of [
    `http://${SESSIONS}`,
    `http://:80${SESSIONS}`,
    `http://user@a${SESSIONS}`,
    `http://a b${SESSIONS}`,
    `http://a:65536x${SESSIONS}`,
    `http://[a${SESSIONS}`,
    `http:${SESSIONS}`,
    `ftp://a${SESSIONS}`,
    `a${SESSIONS}`,
    `javascript:${SESSIONS}`,
  ]) {
    for (const lines of ['', 'Upgrade: websocket\r\n']) {
      const got = await talk(port, head('GET', target, AUTH + lines));
      assert.match(got, /^HTTP\/1\.1 400 .*"INVALID_ARGUMENT"/s, target);
    }
  }
  assert.equal(core.asked.length, asked);
});

test('2.1 HEAD is GET without its body, and no stream', async t => {
  const { port } = await listening(t);
  const list = `${SESSIONS}?deviceId=${DEVICE}`;
  const lengthOf = (got: string) => /\r\ncontent-length: (\d+)\r\n/i.exec(got)?.[1];
  for (const [path, auth, status] of [
    [list, AUTH, 200],
    [list, '', 401],
    [`${SESSIONS}/unknown`, AUTH, 404],
    [`${REGISTRATION}/openapi.json`, '', 200],
  ] as const) {
    const [got, whole] = [await talk(port, head('HEAD', path, auth)), await talk(port, head('GET', path, auth))];
    assert.match(got, new RegExp(`^HTTP/1\\.1 ${status} .*\r\n\r\n$`, 's'), path);
    assert.equal(lengthOf(got), lengthOf(whole), path);
  }
  assert.match(await talk(port, head('HEAD', `${CHANNELS}/channels/x/events`, AUTH)), /^HTTP\/1\.1 405 /);
});

test('2.1 a request without its one Host is refused, in the usual form', async t => {
  const { port } = await listening(t);
  const ask = (version: string, lines: string) =>
    talk(port, `GET ${SESSIONS}?deviceId=${DEVICE} HTTP/${version}\r\nConnection: close\r\n${AUTH}${lines}\r\n`);
  assert.match(await ask('1.0', ''), /^HTTP\/1\.1 200 /);
  assert.match(await ask('1.1', 'Host:\r\n'), /^HTTP\/1\.1 200 /);
  for (const lines of ['', 'Host: a\r\nhost: a\r\n', 'Host: a/b\r\n', 'Host: a@b\r\n', 'Host: a, b\r\n']) {
    for (const more of ['', 'Connection: Upgrade\r\nUpgrade: websocket\r\n']) {
      const got = await ask('1.1', `x-correlator: mine\r\n${lines}${more}`);
      assert.match(got, /^HTTP\/1\.1 400 .*x-correlator: mine\r\n.*"INVALID_ARGUMENT"/s, lines);
    }
  }
});

test('2.4 what is not HTTP, and what Node would refuse by itself, gets one answer in the usual form', async t => {
  const { port, core } = await listening(t);
  for (const bytes of [
    'nonsense\r\n\r\n',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    head('GET', SESSIONS, `x: ${'y'.repeat(20_000)}\r\n`),
    head('POST', SESSIONS, 'Content-Length: 1\r\nTransfer-Encoding: chunked\r\n'),
    head('BREW', SESSIONS),
    Buffer.alloc(100_000, 0x16),
  ])
    checkRefusal(await talk(port, bytes), 400, 'INVALID_ARGUMENT');
  assert.match(await talk(port, head('PROPFIND', SESSIONS)), /^HTTP\/1\.1 405 /);
  const mine = 'x-correlator: mine\r\n';
  checkRefusal(await talk(port, head('CONNECT', 'a:443', mine)), 400, 'INVALID_ARGUMENT', /^mine$/);
  const hoping = `${AUTH}${mine}Expect: miracles\r\nContent-Length: 2\r\n`;
  checkRefusal(await talk(port, `${head('POST', SESSIONS, hoping)}{}`), 417, 'EXPECTATION_FAILED', /^mine$/);
  checkRefusal(
    await talk(port, head('GET', '/x', `Upgrade: websocket\r\n${mine}`).replace('close', 'Upgrade')),
    404,
    'NOT_FOUND',
    /^mine$/,
  );
  // Broken in its body: it is this request that is answered.
  const chunked = `${AUTH}${mine}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n`;
  checkRefusal(
    await talk(port, `${head('POST', SESSIONS, chunked)}1\r\n{\r\nbroken\r\n`),
    400,
    'INVALID_ARGUMENT',
    /^mine$/,
  );
  assert.deepEqual(core.asked, []);
});

test('a page asked for as localhost moves to the one origin; pages and their faults tell nothing', async t => {
  const { url, port, logged } = await listening(
    t,
    {},
    {
      pages: app => {
        app.get('/', () => 'page');
        app.get('/broken', () => {
          throw new Error('secret detail');
        });
      },
    },
  );
  assert.equal(await (await fetch(`${url}/`)).text(), 'page');
  const moved = await fetch(`http://localhost:${port}/a?b=c`, { redirect: 'manual' });
  assert.deepEqual([moved.status, moved.headers.get('location')], [307, `${url}/a?b=c`]);
  assert.equal((await fetch(`http://localhost:${port}${SESSIONS}`)).status, 401);
  const broken = await fetch(`${url}/broken`);
  assert.deepEqual([broken.status, (await broken.json()).message], [500, 'Internal error.']);
  assert.match(JSON.stringify(logged), /secret detail/);
  const nothing = await fetch(`${url}/webrtc-registration/vwip/sessions`, { headers: { 'x-correlator': 'mine' } });
  assert.deepEqual([nothing.status, (await nothing.json()).code], [404, 'NOT_FOUND']);
  assert.deepEqual(
    [nothing.headers.get('x-correlator'), nothing.headers.get('content-type')],
    ['mine', 'application/json'],
  );
  const strange = await fetch(`${url}/nothing`, { headers: { 'x-correlator': 'not mine' } });
  assert.match(strange.headers.get('x-correlator') ?? '', /^[0-9a-f-]{36}$/);
});

test('upgrades go to the handler of their path; others are refused; offers of h2c are ignored', async t => {
  const { port, api } = await listening(t);
  const seen: string[] = [];
  api.onUpgrade('/channels/:id/ws', (_request, socket, _head, params) => {
    seen.push(params['id'] ?? '');
    socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n');
  });
  const upgrade = (path: string, protocol = 'websocket') =>
    talk(
      port,
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`,
      socket => {
        if (protocol !== 'websocket') socket.end();
      },
    );
  assert.match(await upgrade('/channels/a%2Fb/ws?x=1'), /^HTTP\/1\.1 101 /);
  for (const path of ['/channels//ws', '/channels/a/ws/b', '/channels/%zz/ws', SESSIONS]) {
    assert.match(await upgrade(path), /^HTTP\/1\.1 404 /, path);
  }
  assert.deepEqual(seen, ['a/b']);
  assert.match(await upgrade(SESSIONS, 'h2c'), /^HTTP\/1\.1 401 /);
});

test('closing does not wait for an upgraded connection for long', async () => {
  const { api } = testApi();
  const { url } = await api.start();
  api.onUpgrade('/ws', (_request, socket) => void socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n'));
  const closed = talk(
    Number(new URL(url).port),
    'GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    socket => {
      socket.once('data', () => void api.close());
    },
  );
  assert.match(await closed, /^HTTP\/1\.1 101 /);
});

test('an upgrade behind a request that waits for its answer is a request like others', async t => {
  const { port, api } = await listening(t);
  api.onUpgrade('/ws', (_request, socket) => void socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n'));
  const first = head('GET', `${SESSIONS}?deviceId=${DEVICE}`, AUTH).replace('Connection: close\r\n', '');
  const second = head('GET', '/ws', 'Connection: Upgrade\r\nUpgrade: websocket\r\n');
  const got = await talk(port, first + second);
  assert.deepEqual(got.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 404']);
});

test('an upgrade that asks for no channel in the right words is refused in the usual form', async t => {
  const { port, api } = await listening(t);
  api.onUpgrade('/ws', (_request, _socket, _head, _params, refuse) => refuse('Not like this.'));
  const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\nx-correlator: mine\r\n';
  const [get, post] = await Promise.all(
    ['GET', 'POST'].map(method => talk(port, head(method, '/ws', upgrade).replace('Connection: close\r\n', ''))),
  );
  checkRefusal(get ?? '', 400, 'INVALID_ARGUMENT', /^mine$/);
  assert.match(get ?? '', /\r\nSec-WebSocket-Version: 13\r\n.*"Not like this\."/s);
  checkRefusal(post ?? '', 405, 'METHOD_NOT_ALLOWED', /^mine$/);
  assert.match(post ?? '', /\r\nAllow: GET\r\n/);
});

test('requests and upgrades of one client share its rate, whose address a trusted proxy names', async t => {
  const { port } = await listening(t, { ratePerAddress: 2, trustProxy: ['127.0.0.0/8'] });
  const ask = (address: string, more = '') => talk(port, head('GET', '/ws', `X-Forwarded-For: ${address}\r\n${more}`));
  const upgrade = (address: string) => ask(address, 'Connection: Upgrade\r\nUpgrade: websocket\r\n');
  for (const expected of [404, 404, 429])
    assert.match(await upgrade('192.0.2.1'), new RegExp(`^HTTP/1.1 ${expected} `));
  assert.match(await upgrade('192.0.2.2'), /^HTTP\/1\.1 404 /);
  const limited = await talk(port, head('GET', SESSIONS, 'X-Forwarded-For: 192.0.2.1\r\n'));
  assert.match(limited, /^HTTP\/1\.1 429 /);
  assert.match(await talk(port, head('GET', SESSIONS, 'X-Forwarded-For: 192.0.2.3\r\n')), /^HTTP\/1\.1 401 /);
});
