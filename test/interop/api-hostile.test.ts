/** Clients that mean harm, over real sockets, against the whole gateway: each gets its refusal, nobody else notices. */

import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { Device, fetchToken } from '../support/camara.ts';
import { createContract } from '../support/contract.ts';
import { ADA } from '../support/number.ts';

const HOST = '127.0.0.47';
const REGISTRATION = '/webrtc-registration/v0.4rc1/sessions';
const CALLS = '/webrtc-call-handling/v0.4rc1/sessions';
const SUBSCRIPTIONS = '/webrtc-events-subscriptions/v0.3rc1/subscriptions';
const CHANNELS = '/webrtc-notification-channels/v0.1/channels';

let sandbox: Sandbox;
let ada: Device;
let token = '';
let log = '';

before(async () => {
  sandbox = await startSandbox({
    host: HOST,
    dataDir: null,
    // The sandbox lets sinks be on this host; an operator's gateway does not.
    settings: { sink: { allow: [], ports: ['443', '8443'] }, log: { level: 'info' } },
    onLog: text => {
      log += text;
    },
  });
  token = await fetchToken(sandbox.issuer, ADA);
  ada = new Device(sandbox.pages, token);
  await ada.register();
});
after(async () => {
  ada?.close();
  await sandbox?.close();
});

interface Heard {
  status: number;
  text: string;
}

const contract = createContract();

async function documentOf(base: string): Promise<unknown> {
  const response = await fetch(`${sandbox.pages}${base}/openapi.json`);
  return response.ok ? response.json() : null;
}

/** Whatever was sent, the first thing that came back is what the documents tell of. What was no request has no correlator. */
async function hold(sent: string, { status, text }: Heard): Promise<void> {
  const [, method = '', path = ''] = /^([A-Z]+) (\/\S*) HTTP\/1\.1\r\n/.exec(sent) ?? [];
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const headers = Object.fromEntries(
    head
      .split('\r\n')
      .slice(1)
      .map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  );
  const length = Number(headers['content-length'] ?? 0);
  if (status < 200 || headers['x-correlator'] === undefined || !headers['content-type']?.includes('json')) return;
  const body: unknown = JSON.parse(rest.join('\r\n\r\n').slice(0, length));
  await contract.response(documentOf, method, path, { status, headers, body });
}

/** Writes these bytes to the API listener, and reads until the other side closes or `ms` have passed. */
async function talk(bytes: string | Buffer, ms = 5000, onSocket?: (socket: Socket) => void): Promise<Heard> {
  const heard = await exchange(bytes, ms, onSocket);
  await hold(String(bytes), heard);
  return heard;
}

function exchange(bytes: string | Buffer, ms: number, onSocket?: (socket: Socket) => void): Promise<Heard> {
  return new Promise(resolve => {
    let text = '';
    const socket = connect(9091, HOST, () => {
      socket.write(bytes);
      onSocket?.(socket);
    });
    const timer = setTimeout(() => socket.destroy(), ms);
    socket.setEncoding('latin1').on('data', chunk => {
      text += chunk;
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(timer);
      resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text });
    });
  });
}

function head(method: string, path: string, lines: readonly string[] = []): string {
  return `${[`${method} ${path} HTTP/1.1`, `Host: ${HOST}`, 'Connection: close', ...lines].join('\r\n')}\r\n\r\n`;
}

function post(path: string, body: string | Buffer, lines: readonly string[] = []): Promise<Heard> {
  const bytes = Buffer.from(body as string);
  const heads = [`Authorization: Bearer ${token}`, 'Content-Type: application/json', `Content-Length: ${bytes.length}`];
  return talk(Buffer.concat([Buffer.from(head('POST', path, [...heads, ...lines])), bytes]));
}

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${sandbox.operations}/metrics`)).text();
  const values = text.split('\n').filter(line => line.startsWith(name) && !line.startsWith('#'));
  return values.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

/** The gateway works on for those who mean well. */
async function stillWell(): Promise<void> {
  assert.equal((await fetch(`${sandbox.operations}/readyz`)).status, 200);
  assert.equal((await ada.call('GET', `${REGISTRATION}/${ada.registrationId}`)).status, 200);
}

test('tokens that are not good: one text for all of them, and the metrics tell which', async () => {
  const { privateKey } = await generateKeyPair('ES256');
  const claims = { client_id: 'demo', phone_number: ADA, scope: 'webrtc-registration:sessions:read' };
  const forged = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', kid: 'mine' })
    .setIssuer(sandbox.issuer)
    .setAudience('lineside')
    .setSubject('x')
    .setExpirationTime('1h')
    .sign(privateKey);
  const none = new UnsecuredJWT(claims)
    .setIssuer(sandbox.issuer)
    .setAudience('lineside')
    .setSubject('x')
    .setExpirationTime('1h')
    .encode();
  const hmac = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer(sandbox.issuer)
    .setAudience('lineside')
    .setExpirationTime('1h')
    .sign(Buffer.alloc(32, 1));
  const [first = '', second = '', third = ''] = token.split('.');
  const bad = {
    expired: await fetchToken(sandbox.issuer, ADA, { ttl: '-1' }),
    audience: await fetchToken(sandbox.issuer, ADA, { audience: 'else' }),
    forged,
    none,
    hmac,
    cut: token.slice(0, -4),
    changed: [first, `${second.slice(0, -2)}AA`, third].join('.'),
    other: await new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256' })
      .setIssuer('https://evil.example.com')
      .setExpirationTime('1h')
      .sign(privateKey),
    long: 'a'.repeat(12_000),
    empty: '',
  };
  const texts = new Set<string>();
  const rejected = await metric('lineside_token_rejections_total');
  for (const [name, value] of Object.entries(bad)) {
    const got = await talk(head('GET', `${REGISTRATION}/x`, [`Authorization: Bearer ${value}`]));
    assert.equal(got.status, 401, name);
    assert.match(got.text, /www-authenticate: Bearer\r\n/i, name);
    texts.add(got.text.slice(got.text.indexOf('\r\n\r\n')));
  }
  assert.equal(texts.size, 1);
  assert.ok((await metric('lineside_token_rejections_total')) >= rejected + 8);
  for (const lines of [
    [],
    ['Authorization: Basic ZGVtbzpkZW1v'],
    [`Authorization: Bearer ${token}`, `Authorization: Bearer ${token}`],
    [`Authorization: Bearer ${token} ${token}`],
  ]) {
    assert.equal((await talk(head('GET', `${REGISTRATION}/x`, lines))).status, 401, lines.join(' | ').slice(0, 40));
  }
  assert.equal((await talk(head('GET', `${REGISTRATION}/x?access_token=${token}`))).status, 401);
  await stillWell();
});

test('what is Ada’s is not there for Bela, for Ada through another client, and for a two-legged token', async () => {
  const subscriptions = (await ada.call('GET', SUBSCRIPTIONS)).body;
  const others = [
    await fetchToken(sandbox.issuer, '+15550100002'),
    await fetchToken(sandbox.issuer, null, { two_legged: 'true' }),
  ];
  for (const other of others) {
    const stranger = new Device(sandbox.pages, other);
    const unknown = await stranger.call('GET', `${REGISTRATION}/00000000-0000-4000-8000-000000000000`);
    for (const path of [`${REGISTRATION}/${ada.registrationId}`, `${SUBSCRIPTIONS}/${subscriptions[0].id}`]) {
      for (const method of ['GET', 'DELETE']) {
        const got = await stranger.call(method, path);
        assert.equal(got.status, 404);
        assert.deepEqual(got.body, unknown.body);
      }
      assert.equal((await stranger.call('PUT', path, { nonsense: true })).status, 404);
    }
    assert.deepEqual((await stranger.call('GET', `${REGISTRATION}?deviceId=${ada.deviceId}`)).body, []);
    assert.deepEqual((await stranger.call('GET', SUBSCRIPTIONS)).body, []);
  }
  await stillWell();
});

test('JSON that is none, or is too clever', async () => {
  const id = '"deviceId":"7d444840-9dc0-11d1-b245-5ffdce74fad2"';
  const bodies: Array<[string, string | Buffer]> = [
    ['empty', ''],
    ['twice', `{${id},${id}}`],
    ['twice, escaped', `{${id},"\\u0064eviceId":"7d444840-9dc0-11d1-b245-5ffdce74fad2"}`],
    ['array', `[{${id}}]`],
    ['string', '"text"'],
    ['null', 'null'],
    ['NaN', '{"deviceId":NaN}'],
    ['comment', `{${id}/* */}`],
    ['tail', `{${id}}{}`],
    ['deep', `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`],
    ['deep array', `{"deviceId":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
    ['lone surrogate', '{"deviceId":"\\ud800"}'],
    ['byte order mark', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(`{${id}}`)])],
    ['bad UTF-8', Buffer.concat([Buffer.from('{"deviceId":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')])],
    ['overlong', Buffer.concat([Buffer.from('{"deviceId":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}')])],
    ['UTF-16', Buffer.from(`{${id}}`, 'utf16le')],
    ['prototype', `{${id},"__proto__":{"phoneNumber":"+15550100002"}}`],
    ['constructor', `{${id},"constructor":{}}`],
    ['null value', '{"deviceId":null}'],
    ['big number', `{${id},"registrationExpireTime":1e999}`],
  ];
  for (const [name, body] of bodies) {
    const got = await post(REGISTRATION, body);
    assert.equal(got.status, 400, name);
    assert.match(got.text, /"code":"INVALID_ARGUMENT"/, name);
  }
  for (const type of ['text/plain', 'application/json; charset=utf-16', 'application/x-www-form-urlencoded']) {
    const bytes = head('POST', REGISTRATION, [
      `Authorization: Bearer ${token}`,
      `Content-Type: ${type}`,
      'Content-Length: 2',
    ]);
    assert.equal((await talk(`${bytes}{}`)).status, 415, type);
  }
  const packed = await post(REGISTRATION, '{}', ['Content-Encoding: gzip']);
  assert.equal(packed.status, 415);
  await stillWell();
});

test('bodies of 8 MiB, told or not, are answered at the limit; many at once cost bounded memory', async () => {
  const big = Buffer.alloc(8 << 20, 0x20);
  const lines = [`Authorization: Bearer ${token}`, 'Content-Type: application/json'];
  const told = await talk(
    Buffer.concat([Buffer.from(head('POST', REGISTRATION, [...lines, `Content-Length: ${big.length}`])), big]),
  );
  assert.equal(told.status, 400);
  const chunk = Buffer.concat([Buffer.from(`${big.length.toString(16)}\r\n`), big, Buffer.from('\r\n0\r\n\r\n')]);
  const chunked = await talk(
    Buffer.concat([Buffer.from(head('POST', REGISTRATION, [...lines, 'Transfer-Encoding: chunked'])), chunk]),
  );
  assert.equal(chunked.status, 400);
  const opened = Buffer.concat([Buffer.from(head('POST', REGISTRATION, [...lines, 'Content-Length: 8388608'])), big]);
  const flood = async () => {
    await Promise.all(Array.from({ length: 24 }, () => talk(opened, 3000)));
    return metric('lineside_process_resident_memory_bytes');
  };
  // The first flood fills the pools of the runtime; of the 384 MiB after it little may stay.
  const first = await flood();
  await flood();
  const grown = (await flood()) - first;
  assert.ok(grown < 128 << 20, `${Math.round(grown / (1 << 20))} MiB more`);
  await stillWell();
});

test('slow clients are cut off, and hundreds of them are in nobody’s way', async () => {
  const trickle = (socket: Socket) => {
    const timer = setInterval(() => socket.write('a'), 1000);
    socket.on('close', () => clearInterval(timer));
  };
  const started = Date.now();
  const slow = Array.from({ length: 200 }, () => talk('GET / HTTP/1.1\r\nX-A: ', 40_000, trickle));
  const lines = [`Authorization: Bearer ${token}`, 'Content-Type: application/json', 'Content-Length: 1000'];
  const slowBody = talk(head('POST', REGISTRATION, lines), 50_000, trickle);
  for (let n = 0; n < 5; n += 1) {
    const asked = Date.now();
    await stillWell();
    assert.ok(Date.now() - asked < 2000);
    await sleep(100);
  }
  const heard = await Promise.all(slow);
  assert.ok(Date.now() - started < 25_000, 'heads are waited for 10 s');
  assert.ok(heard.every(({ status }) => status === 408 || status === 0));
  const body = await slowBody;
  assert.ok(Date.now() - started < 45_000, 'whole requests are waited for 30 s');
  assert.ok(body.status === 408 || body.status === 400 || body.status === 0, String(body.status));
  await stillWell();
});

test('paths that want to be elsewhere', async () => {
  const lines = [`Authorization: Bearer ${token}`];
  for (const path of [
    `${REGISTRATION}/../../../etc/passwd`,
    `${REGISTRATION}/..%2f..%2fetc%2fpasswd`,
    `${REGISTRATION}/%2e%2e/%2e%2e/metrics`,
    `${REGISTRATION}/%00`,
    `${REGISTRATION}/x%00y`,
    `${REGISTRATION}/${'a'.repeat(300)}`,
    `${REGISTRATION}/%ff`,
    `${REGISTRATION}/%`,
    `${REGISTRATION}//`,
    `${REGISTRATION}/x;y=z`,
    `${REGISTRATION}/__proto__`,
    `${REGISTRATION}/constructor`,
    `/${REGISTRATION}`,
    '/webrtc-registration/v0.4rc1/../v0.4rc1/sessions/x',
    '/metrics',
    '/admin',
    '/.git/config',
    '/assets/../../package.json',
    '/assets/..%2f..%2fpackage.json',
    '/%2e%2e%2fpackage.json',
    `http://169.254.169.254${REGISTRATION}/x`,
  ]) {
    const got = await talk(head('GET', path, lines));
    assert.ok(got.status === 404 || got.status === 400, `${path.slice(0, 60)}: ${got.status}`);
    assert.doesNotMatch(got.text, /root:|"dependencies"|lineside_/);
  }
  for (const method of ['TRACE', 'CONNECT', 'PATCH', 'PROPFIND']) {
    const got = await talk(head(method, `${REGISTRATION}/x`, lines), 2000);
    assert.ok([405, 400, 404, 501, 0].includes(got.status), `${method} ${got.status}`);
  }
  await stillWell();
});

test('heads that are read in two ways', async () => {
  const auth = `Authorization: Bearer ${token}`;
  const smuggled = 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n';
  for (const [name, bytes] of [
    ['folded', `GET ${REGISTRATION}/x HTTP/1.1\r\nHost: a\r\nX-A: b\r\n ${auth}\r\n\r\n`],
    [
      'both lengths',
      `${head('POST', REGISTRATION, [auth, 'Content-Length: 4', 'Transfer-Encoding: chunked'])}0\r\n\r\n${smuggled}`,
    ],
    ['two lengths', head('POST', REGISTRATION, [auth, 'Content-Length: 2', 'Content-Length: 40']) + smuggled],
    ['length +2', `${head('POST', REGISTRATION, [auth, 'Content-Length: +2'])}{}`],
    ['bare LF', `GET ${REGISTRATION}/x HTTP/1.1\nHost: a\n\n`],
    ['space before colon', `GET ${REGISTRATION}/x HTTP/1.1\r\nHost : a\r\n\r\n`],
    ['no host', `GET ${REGISTRATION}/x HTTP/1.1\r\n\r\n`],
    ['NUL', `GET ${REGISTRATION}/x HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n`],
    ['version', `GET ${REGISTRATION}/x HTTP/9.9\r\nHost: a\r\n\r\n`],
    ['TLS', Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03])],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    [
      'much',
      head(
        'GET',
        `${REGISTRATION}/x`,
        Array.from({ length: 3000 }, (_, n) => `X-${n}: a`),
      ),
    ],
  ] as const) {
    const got = await talk(bytes, 3000);
    assert.ok([400, 401, 404, 431, 505, 0].includes(got.status), `${name}: ${got.status}`);
    // One answer, and not to what was hidden inside.
    assert.ok(got.text.split('HTTP/1.1 ').length <= 2, name);
    assert.doesNotMatch(got.text, /lineside_/, name);
  }
  for (const value of ['a b', 'x'.repeat(257), 'é', 'a%0d%0aSet-Cookie:x', '"']) {
    const got = await talk(head('GET', `${REGISTRATION}/x`, [auth, `x-correlator: ${value}`]));
    assert.equal(got.status, 400, value);
    const echoed = /x-correlator: (.*)\r\n/i.exec(got.text)?.[1] ?? '';
    assert.match(echoed, /^[0-9a-f-]{36}$/);
  }
  await stillWell();
});

test('sinks in private networks, in every spelling, and those that only hide there', async () => {
  const deviceId = '7d444840-9dc0-11d1-b245-5ffdce74fad2';
  const types = ['org.camaraproject.webrtc-events-subscriptions.v0.session-status'];
  const sinks = [
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0177.0.0.1/',
    'https://0/',
    'https://10.0.0.1/',
    'https://172.16.0.1/',
    'https://192.168.1.1/',
    'https://169.254.169.254/latest/meta-data',
    'https://100.64.0.1/',
    'https://[::1]/',
    'https://[::]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[fe80::1]/',
    'https://[fd00::1]/',
    'https://[2002:7f00:1::]/',
    'https://localhost/',
    'https://LOCALHOST./',
    'https://gateway/',
    'https://printer.local/',
    'https://metadata.google.internal/',
    'https://user:secret@app.example.com/',
    'https://app.example.com#@127.0.0.1/',
    'https://app.example.com:22/',
    'https://app.example.com:0/',
    'https://\u{ff11}27.0.0.1/',
    'https://127。0。0。1/',
    'https://app.example.com\\@127.0.0.1/',
    'https://a b/',
    'https:///x',
    'https://',
    'http://app.example.com/',
    'file:///etc/passwd',
    'https://app.example.com/\r\nX: y',
  ];
  for (const sink of sinks) {
    const body = { protocol: 'HTTP', sink, types, config: { subscriptionDetail: { deviceId } } };
    const got = await ada.call('POST', SUBSCRIPTIONS, body);
    assert.deepEqual([got.status, got.body.code], [400, 'INVALID_SINK'], sink);
    assert.ok(!got.body.message.includes('169.254'));
  }
  await stillWell();
});

test('a channel’s socket: no ticket, a wrong one, big frames, nothing at all; and streams of others', async () => {
  const upgrade = (path: string, lines: readonly string[] = []) =>
    talk(
      `${[
        `GET ${path} HTTP/1.1`,
        `Host: ${HOST}`,
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        ...lines,
      ].join('\r\n')}\r\n\r\n`,
      8000,
    );
  const made = await ada.call('POST', CHANNELS, { deviceId: '7d444840-9dc0-11d1-b245-5ffdce74fad2' });
  const at = `${CHANNELS}/${made.body.channelId}`;
  assert.equal((await upgrade(`${at}/ws`)).status, 400);
  assert.equal((await upgrade('/elsewhere', ['Sec-WebSocket-Protocol: webrtc-gateway.v1'])).status, 404);
  // Accepted, silent, and closed after 5 s with 4401.
  const silent = await upgrade(`${at}/ws`, ['Sec-WebSocket-Protocol: webrtc-gateway.v1']);
  assert.equal(silent.status, 101);
  assert.ok(silent.text.includes('\x11\x31ticket refused'));
  const foreign = await upgrade(`${at}/ws`, [
    'Sec-WebSocket-Protocol: webrtc-gateway.v1',
    'Origin: https://evil.example',
  ]);
  assert.ok(foreign.text.includes('origin refused'));
  assert.equal((await talk(head('GET', `${at}/events?ticket=guess`))).status, 401);
  const bela = new Device(sandbox.pages, await fetchToken(sandbox.issuer, '+15550100002'));
  assert.equal((await bela.call('GET', `${at}/events`, undefined, { accept: 'text/event-stream' })).status, 404);
  const foreignSink = await bela.call('POST', SUBSCRIPTIONS, {
    protocol: 'HTTP',
    sink: made.body.sink,
    types: ['org.camaraproject.webrtc-events-subscriptions.v0.session-status'],
    config: { subscriptionDetail: { deviceId: bela.deviceId } },
  });
  assert.deepEqual([foreignSink.status, foreignSink.body.code], [400, 'INVALID_SINK']);
  await stillWell();
});

test('floods: of requests, of connections; the limiter answers, then all is as before', async () => {
  // One after the other on each connection, without waiting: a client that waits is no flood where the machine is slow.
  const request = head('GET', `${CALLS}/x`, ['Authorization: Bearer nonsense']);
  const many = request.replace('Connection: close\r\n', '').repeat(100) + request;
  const answers = await Promise.all(Array.from({ length: 20 }, () => exchange(many, 20_000)));
  const heads = answers.flatMap(({ text }) => text.match(/HTTP\/1\.1 \d{3}[\s\S]*?\r\n\r\n/g) ?? []);
  const codes = heads.map(text => text.slice(9, 12));
  assert.deepEqual([...new Set(codes)].sort(), ['401', '429'], `${heads.length} answers`);
  for (const text of heads) if (text.startsWith('429', 9)) assert.match(text, /^retry-after: [1-9]/im);
  assert.ok((await metric('lineside_api_rejections_total{reason="too-many-requests"')) > 0);
  await sleep(1500);
  await Promise.all(Array.from({ length: 300 }, () => talk('', 500)));
  await stillWell();
});

test('nothing of all that stands in the log: no token, no number, no crash', () => {
  assert.doesNotMatch(log, /uncaught|unhandled|"level":"error"/i);
  assert.ok(!log.includes(token));
  assert.doesNotMatch(log, /\+1555010000\d/);
  assert.ok(log.length < 4_000_000);
});
