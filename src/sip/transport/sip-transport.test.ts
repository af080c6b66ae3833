/** UDP and TCP on loopback: framing, Via, reuse of connections, limits, and what rude peers get. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, test } from 'node:test';
import { sampleRequest, sampleResponse } from '../../../test/support/sip-machine.ts';
import { type Heard, mailbox, openDatagram, openStream, openTransport } from '../../../test/support/sip-sockets.ts';
import type { SipRequest } from '../message/message.ts';
import { serialize } from '../message/serialize.ts';
import type { Target } from '../transaction/types.ts';
import { createSipTransport } from './sip-transport.ts';
import { createSystemTimers } from './system-timers.ts';

const US = '127.0.61.1';
const PEER = '127.0.61.2';
const closers: Array<() => unknown> = [];
after(() => Promise.all(closers.map(close => close())));

async function open(...args: Parameters<typeof openTransport>) {
  const opened = await openTransport(...args);
  closers.push(opened.close);
  return opened;
}

async function stream(to: Target) {
  const opened = await openStream(to, PEER);
  closers.push(() => opened.socket.destroy());
  return opened;
}

async function datagram() {
  const opened = await openDatagram(PEER);
  closers.push(opened.close);
  return opened;
}

function request(branch: string, via = `SIP/2.0/UDP ${PEER}:5060`, body = ''): SipRequest {
  const message = sampleRequest('OPTIONS');
  message.headers.set('Via', `${via};branch=z9hG4bK${branch}`);
  message.body = Buffer.from(body);
  return message;
}

function requestIn({ result }: Heard): SipRequest {
  assert.ok(result.ok && result.message.type === 'request');
  return result.message;
}

function branchOf(heard: Heard): string {
  return requestIn(heard).headers.via()?.params.get('branch') ?? '';
}

test('port 0 gives a real port, the same for UDP and TCP of a host', async () => {
  const t = await open(US);
  assert.ok(t.udp.port > 0);
  assert.equal(t.udp.port, t.tcp.port);
  assert.deepEqual(t.transport.sentBy(t.tcp), { host: US, port: t.tcp.port });
  assert.equal(t.transport.sentBy({ transport: 'tls', host: PEER, port: 5061 }), null);
  assert.equal(t.transport.sentBy({ transport: 'udp', host: '::1', port: 5060 }), null);
});

test('an address that cannot be had rejects and leaves nothing open', async () => {
  const t = await open(US);
  const timers = createSystemTimers();
  const options = { onMessage() {}, timers };
  const udp = { transport: 'udp', host: US, port: 0 } as const;
  const taken = { transport: 'tcp', host: US, port: t.tcp.port } as const;
  await assert.rejects(createSipTransport({ ...options, listen: [udp, taken] }), /EADDRINUSE/);
  await assert.rejects(createSipTransport({ ...options, listen: [{ ...udp, host: 'localhost' }] }), /numeric/);
  await assert.rejects(createSipTransport({ ...options, listen: [{ ...udp, host: '0.0.0.0' }] }), /advertised/);
});

test('a wildcard socket writes the advertised host', async () => {
  const t = await createSipTransport({
    listen: [{ transport: 'udp', host: '0.0.0.0', port: 0, advertise: 'gw.example.com' }],
    onMessage() {},
    timers: createSystemTimers(),
  });
  closers.push(t.close);
  assert.equal(t.sentBy({ transport: 'udp', host: PEER, port: 5060 })?.host, 'gw.example.com');
});

test('TRN-02 18.2.1, RFC 3581: received and rport are written from the true source', async () => {
  const t = await open(US);
  const peer = await datagram();
  const cases: Array<[string, string]> = [
    [`SIP/2.0/UDP ${PEER}:5060`, ''],
    ['SIP/2.0/UDP host.example.com', `received=${PEER}`],
    ['SIP/2.0/UDP 192.0.2.1:5060;received=192.0.2.66', `received=${PEER}`],
    [`SIP/2.0/UDP ${PEER}:5060;received=192.0.2.66`, `received=${PEER}`],
    [`SIP/2.0/UDP ${PEER}:5060;rport`, `rport=${peer.port} received=${PEER}`],
    [`SIP/2.0/UDP ${PEER}:5060;rport=1`, `rport=${peer.port} received=${PEER}`],
  ];
  for (const [via, expected] of cases) {
    const sent = request('1', via);
    sent.headers.add('Via', 'SIP/2.0/UDP 192.0.2.200;branch=z9hG4bKfirst;rport');
    peer.send(serialize(sent), t.udp);
    const heard = await t.heard.next();
    const { headers } = requestIn(heard);
    const params = headers.via()?.params;
    const marks = [...(params ?? [])].filter(([name]) => name === 'received' || name === 'rport');
    assert.equal(marks.map(([name, value]) => `${name}=${value}`).join(' '), expected, via);
    assert.equal(headers.all('Via')[1], 'SIP/2.0/UDP 192.0.2.200;branch=z9hG4bKfirst;rport');
    assert.deepEqual({ ...heard.source, connection: '' }, { ...t.udp, host: PEER, port: peer.port, connection: '' });
  }
});

test('UDP: keep-alives are silent, garbage is told as such, the next message is heard', async () => {
  const t = await open(US);
  const peer = await datagram();
  for (const noise of ['\r\n\r\n', '\0\0\0\0', '']) peer.send(noise, t.udp);
  peer.send(Buffer.from([0xff, 0xfe, 0x00, 0x80, 0x41]), t.udp);
  peer.send('INVITE sip:x SIP/2.0\r\n', t.udp);
  peer.send(Buffer.alloc(60_000, 0x41), t.udp);
  for (let i = 0; i < 3; i += 1) assert.equal((await t.heard.next()).result.ok, false);
  peer.send(serialize(request('after')), t.udp);
  assert.equal(branchOf(await t.heard.next()), 'z9hG4bKafter');
  assert.deepEqual(t.errors, []);
});

test('UDP: from an address that is not accepted nothing is heard', async () => {
  const t = await open(US, { accept: address => address !== PEER });
  const peer = await datagram();
  const other = await openDatagram(US);
  closers.push(other.close);
  peer.send(serialize(request('no')), t.udp);
  other.send(serialize(request('yes')), t.udp);
  assert.equal(branchOf(await t.heard.next()), 'z9hG4bKyes');
  const refused = await stream(t.tcp);
  await refused.closed;
  assert.deepEqual(t.counted, ['address', 'address']);
});

test('UDP: what the system refuses to send is told', async () => {
  const t = await open(US);
  const failures = mailbox<Error | null>();
  t.transport.send(Buffer.alloc(70_000), { ...t.udp, host: PEER }, failures.put);
  assert.match((await failures.next())?.message ?? '', /EMSGSIZE/);
  t.transport.send(Buffer.from('x'), { ...t.udp, host: 'name.example.com' }, failures.put);
  t.transport.send(Buffer.from('x'), { ...t.udp, port: 0 }, failures.put);
  t.transport.send(Buffer.from('x'), { ...t.udp, host: '::1' }, failures.put);
  t.transport.send(Buffer.from('x'), { ...t.udp, transport: 'tls' }, failures.put);
  for (let i = 0; i < 4; i += 1) assert.ok(await failures.next());
});

test('18.3: a stream is cut into messages wherever its chunks end', async () => {
  const t = await open(US);
  const messages = ['a', 'b', 'c', 'd', 'e'].map(b => serialize(request(b, `SIP/2.0/TCP ${PEER}:5060`, `body ${b}`)));
  const bytes = Buffer.concat([Buffer.from('\r\n'), ...messages]);
  for (const size of [1, 7, 64, bytes.length]) {
    const peer = await stream(t.tcp);
    for (let at = 0; at < bytes.length; at += size) {
      peer.socket.write(bytes.subarray(at, at + size));
      if (size < 64) await new Promise(setImmediate);
    }
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      const heard = await t.heard.next();
      assert.equal(branchOf(heard), `z9hG4bK${name}`);
      assert.equal(Buffer.from(requestIn(heard).body).toString(), `body ${name}`);
      assert.equal(heard.source.port, peer.port);
    }
  }
  assert.equal(t.timers.size, 0, 'no timer of a finished message runs on');
});

test('RFC 5626 3.5.1: CRLFCRLF is answered with CRLF, a flood of them with few', async () => {
  const t = await open(US);
  const peer = await stream(t.tcp);
  peer.socket.write('\r\n\r\n');
  assert.equal(await peer.until('\r\n'), '\r\n');
  peer.socket.write(Buffer.concat([Buffer.from('\r\n'.repeat(200_000)), serialize(request('behind'))]));
  assert.equal(branchOf(await t.heard.next()), 'z9hG4bKbehind');
  t.transport.send(Buffer.from('END'), { ...t.tcp, host: PEER, port: peer.port }, null);
  assert.ok((await peer.until('END')).length < 10_000, 'not one for each');
});

test('18.2.2: a response goes back on its request’s connection; when that is gone, to the sent-by', async () => {
  const t = await open(US);
  const server = createServer();
  const fresh = mailbox<string>();
  server.on('connection', socket => socket.on('data', bytes => fresh.put(bytes.toString())));
  server.listen(0, PEER);
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  closers.push(() => server.close());
  const peer = await stream(t.tcp);
  const sent = request('1', `SIP/2.0/TCP ${PEER}:${address.port}`);
  peer.socket.write(serialize(sent));
  const { source } = await t.heard.next();
  const target: Target = { ...source, port: address.port };
  const response = serialize(sampleResponse(sent, 200));
  t.transport.send(response, target, null);
  await peer.until('\r\n\r\n');
  assert.match(peer.text(), /^SIP\/2\.0 200 OK/);
  peer.socket.destroy();
  assert.deepEqual(await t.broken.next(), { transport: 'tcp', host: PEER, port: peer.port });
  t.transport.send(response, target, null);
  assert.match(await fresh.next(), /^SIP\/2\.0 200 OK/);
});

test('18: requests to one address and port share a connection, in both directions', async () => {
  const [a, b] = [await open(US), await open(PEER)];
  for (const branch of ['1', '2', '3']) a.transport.send(serialize(request(branch)), b.tcp, null);
  const heard = [await b.heard.next(), await b.heard.next(), await b.heard.next()];
  assert.equal(new Set(heard.map(h => h.source.connection)).size, 1);
  assert.equal(heard[0]?.source.host, US, 'it comes from our own address');
  assert.equal(b.transport.connections, 1);
  // The way back, pinned and by address alone.
  const source = heard[0]?.source ?? b.tcp;
  b.transport.send(serialize(request('back')), source, null);
  b.transport.send(serialize(request('again')), { transport: 'tcp', host: source.host, port: source.port }, null);
  assert.equal(branchOf(await a.heard.next()), 'z9hG4bKback');
  assert.equal(branchOf(await a.heard.next()), 'z9hG4bKagain');
  assert.equal(b.transport.connections, 1);
});

test('a refused connection is told to every packet that waited for it', async () => {
  const t = await open(US);
  const server = createServer().listen(0, PEER);
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  server.close();
  await once(server, 'close');
  const failures = mailbox<Error | null>();
  const target: Target = { transport: 'tcp', host: PEER, port: address.port };
  t.transport.send(Buffer.from('x'), target, failures.put);
  t.transport.send(Buffer.from('y'), target, failures.put);
  for (let i = 0; i < 2; i += 1) assert.match((await failures.next())?.message ?? '', /ECONNREFUSED/);
  assert.equal(t.transport.connections, 0);
  assert.equal(t.broken.size, 0);
  assert.equal(t.timers.size, 0);
});

test('18.3: a stream that cannot be framed is refused and closed', async () => {
  const t = await open(US);
  const head = serialize(request('1'))
    .toString()
    .replace(/Content-Length: 0\r\n/, '');
  for (const bad of [head, head.replace('\r\n\r\n', '\r\nContent-Length: 99999999\r\n\r\n')]) {
    const peer = await stream(t.tcp);
    peer.socket.write(bad);
    const { result } = await t.heard.next();
    assert.ok(!result.ok && result.status !== null && result.request !== null);
    await peer.closed;
  }
  const noise = await stream(t.tcp);
  noise.socket.write(Buffer.alloc(200_000, 0x41));
  await noise.closed;
  assert.ok(t.counted.every(why => why === 'framing'));
  assert.deepEqual(t.errors, []);
});

test('a message not finished in time closes its connection, however slowly it trickles', async () => {
  const t = await open(US, { limits: { incompleteMs: 60 } });
  const peer = await stream(t.tcp);
  const trickle = setInterval(() => peer.socket.write('A'), 10);
  closers.push(() => clearInterval(trickle));
  await peer.closed;
  clearInterval(trickle);
  assert.deepEqual(t.counted, ['incomplete']);
  assert.equal(t.broken.size, 0, 'nothing had been sent on it');
});

test('a reader that does not read is dropped', async () => {
  const t = await open(US, { limits: { bufferedBytes: 100_000 } });
  const peer = await stream(t.tcp);
  peer.socket.pause();
  peer.socket.write(serialize(request('1')));
  const { source } = await t.heard.next();
  const failures = mailbox<Error | null>();
  let more = true;
  void failures.next().then(() => {
    more = false;
  });
  for (let i = 0; i < 2000 && more; i += 1) {
    t.transport.send(Buffer.alloc(50_000), source, failures.put);
    if (i % 10 === 0) await new Promise(setImmediate);
  }
  assert.equal(more, false);
  assert.ok(t.counted.includes('slow-reader'));
  assert.deepEqual(await t.broken.next(), { transport: 'tcp', host: PEER, port: peer.port });
});

test('TRN-07 above what all connections may hold, those that hold much are dropped and those that hold little are not', async () => {
  const t = await open(US, { limits: { heldBytes: 100_000, connections: 10 } });
  const [small, ...big] = await Promise.all(Array.from({ length: 4 }, () => stream(t.tcp)));
  const head = 'INVITE sip:a@b SIP/2.0\r\nSubject: ';
  small?.socket.write(head);
  for (const peer of big) peer.socket.write(head + 'x'.repeat(40_000));
  await Promise.race(big.map(({ closed }) => closed));
  assert.deepEqual(t.counted, ['memory']);
  small?.socket.write(`y\r\nVia: SIP/2.0/TCP ${PEER};branch=z9hG4bKsmall\r\nContent-Length: 0\r\n\r\n`);
  assert.equal((await t.heard.next()).source.port, small?.port);
  for (const peer of big) peer.socket.destroy();
  while (t.transport.connections > 1) await new Promise(setImmediate);
  const next = await stream(t.tcp);
  next.socket.write(head + 'x'.repeat(60_000));
  next.socket.write(`\r\nVia: SIP/2.0/TCP ${PEER};branch=z9hG4bKnext\r\nContent-Length: 0\r\n\r\n`);
  assert.equal((await t.heard.next()).source.port, next.port, 'what the dead ones held is free again');
});

test('at the limit the longest idle connection makes room; when none is idle the new one is refused', async () => {
  const lenient = await open(US, { limits: { connections: 3, idleMs: 0 } });
  const peers = [];
  for (let i = 0; i < 3; i += 1) {
    const peer = await stream(lenient.tcp);
    peer.socket.write(serialize(request(`${i}`)));
    await lenient.heard.next();
    peers.push(peer);
  }
  peers[0]?.socket.write(serialize(request('used')));
  await lenient.heard.next();
  const newest = await stream(lenient.tcp);
  await peers[1]?.closed;
  newest.socket.write(serialize(request('new')));
  assert.equal(branchOf(await lenient.heard.next()), 'z9hG4bKnew');
  const strict = await open(US, { limits: { connections: 1, idleMs: 600_000 } });
  await stream(strict.tcp);
  const refused = await stream(strict.tcp);
  await refused.closed;
  assert.deepEqual(strict.counted, ['limit']);
});

test('many connections at once are all heard', async () => {
  const t = await open(US);
  const peers = await Promise.all(Array.from({ length: 100 }, () => stream(t.tcp)));
  for (const [i, peer] of peers.entries()) peer.socket.write(serialize(request(`n${i}`)));
  const seen = new Set<string>();
  for (let i = 0; i < 100; i += 1) seen.add(branchOf(await t.heard.next()));
  assert.equal(seen.size, 100);
  for (const peer of peers) peer.socket.destroy();
});

test('IPv6: received, sent-by and the way back', async t6 => {
  const t = await openTransport('::1').catch(() => null);
  if (!t) return t6.diagnostic('no IPv6 here');
  const other = await openTransport('::1');
  closers.push(t.close, other.close);
  assert.deepEqual(t.transport.sentBy(t.udp), { host: '[::1]', port: t.udp.port });
  for (const kind of ['udp', 'tcp'] as const) {
    t.transport.send(serialize(request('6', `SIP/2.0/${kind.toUpperCase()} [::1]:${t[kind].port}`)), other[kind], null);
    const heard = await other.heard.next();
    assert.equal(requestIn(heard).headers.via()?.params.has('received'), false);
    other.transport.send(serialize(sampleResponse(requestIn(heard), 200)), heard.source, null);
    const back = await t.heard.next();
    assert.ok(back.result.ok && back.result.message.type === 'response');
  }
});

test('a listener that throws does not reach the socket', async () => {
  let calls = 0;
  const t = await open(US, {
    onMessage() {
      calls += 1;
      throw new Error('broken promise');
    },
  });
  const peer = await stream(t.tcp);
  peer.socket.write(Buffer.concat([serialize(request('1')), serialize(request('2')), Buffer.from('\r\n\r\n')]));
  await peer.until('\r\n');
  assert.equal(calls, 2);
  assert.equal(t.errors.length, 2);
});

test('close releases all, also with a silent peer, and says nothing afterwards', async () => {
  const t = await openTransport(US);
  const peer = await openStream(t.tcp, PEER);
  peer.socket.pause();
  const failures = mailbox<Error | null>();
  await t.close();
  t.transport.send(Buffer.from('x'), t.udp, failures.put);
  t.transport.send(Buffer.from('x'), t.tcp, failures.put);
  assert.ok(await failures.next());
  assert.ok(await failures.next());
  assert.equal(t.transport.connections, 0);
  assert.equal(t.heard.size, 0);
  await t.close();
  peer.socket.destroy();
  const again = await openTransport(US);
  await again.close();
});
