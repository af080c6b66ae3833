/** CRLF keep-alive on connections we have opened. RFC 5626 3.5.1, 4.4.1. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { mailbox, openStream, openTransport } from '../../../test/support/sip-sockets.ts';

const HOST = '127.0.26.26';
const PACKET = Buffer.from('OPTIONS sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n');

/** A transport whose timers the test fires, connected to a peer that answers as the test says. */
async function connected(t: TestContext) {
  const timers = new Map<string, { ms: number; fire: () => void }>();
  const made = await openTransport(HOST, {
    timers: { start: (key, ms, fire) => void timers.set(key, { ms, fire }), stop: key => void timers.delete(key) },
  });
  const server = createServer();
  server.listen(0, HOST);
  await once(server, 'listening');
  const peers: Socket[] = [];
  const texts = mailbox<string>();
  server.on('connection', socket => {
    peers.push(socket);
    socket.on('error', () => {});
    socket.on('data', bytes => texts.put(bytes.toString('latin1')));
  });
  t.after(async () => {
    for (const peer of peers) peer.destroy();
    server.close();
    await made.close();
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const send = () => made.transport.send(PACKET, { transport: 'tcp', host: HOST, port }, null);
  send();
  assert.equal(await texts.next(), PACKET.toString('latin1'));
  const find = (end: string) => [...timers].find(([key]) => key.endsWith(end))?.[1];
  /** Fires the ping; what the peer got. */
  const ping = async () => {
    find('.ping')?.fire();
    return texts.next();
  };
  return { made, peers, texts, send, find, ping };
}

/** What was written before is read: a loop that comes late runs its timers first, then looks at its sockets. */
const soon = () => new Promise(resolve => setTimeout(() => setImmediate(resolve), 20));

test('TRN-10 a ping leaves after 80 to 100 % of the interval, and again', async t => {
  const { find, ping } = await connected(t);
  const first = find('.ping')?.ms ?? 0;
  assert.ok(first >= 96_000 && first <= 120_000, String(first));
  assert.equal(await ping(), '\r\n\r\n');
  assert.equal(await ping(), '\r\n\r\n');
});

test('TRN-10 a peer that has ponged once has ten seconds for the next; then the flow is dead and a new one is opened', async t => {
  const { made, peers, texts, find, ping, send } = await connected(t);
  await ping();
  assert.equal(find('.pong'), undefined, 'a peer that never ponged is not held to it');
  peers[0]?.write('\r\n');
  await soon();
  await ping();
  assert.equal(find('.pong')?.ms, 10_000);
  peers[0]?.write('\r\n');
  await soon();
  assert.equal(find('.pong'), undefined);
  await ping();
  find('.pong')?.fire();
  await made.broken.next();
  assert.deepEqual(made.counted, ['no-pong']);
  send();
  assert.equal(await texts.next(), PACKET.toString('latin1'));
  assert.equal(peers.length, 2);
});

test('a line break of a message that comes alone while a pong is awaited is no pong', async t => {
  const { made, peers, ping } = await connected(t);
  peers[0]?.write('OPTIONS sip:a SIP/2.0');
  await soon();
  await ping();
  for (const piece of ['\r\n', 'Content-Length: 0', '\r\n', '\r\n']) {
    peers[0]?.write(piece);
    await soon();
  }
  assert.equal((await made.heard.next()).source.host, HOST);
});

test('a connection that a peer has opened is not pinged', async t => {
  const { find, made } = await connected(t);
  const before = find('.ping');
  const stream = await openStream(made.tcp, HOST);
  await soon();
  assert.equal(made.transport.connections, 2);
  assert.equal(find('.ping'), before);
  stream.socket.destroy();
});
