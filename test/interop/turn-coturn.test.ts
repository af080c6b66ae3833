/** coturn with the configuration of the lab and credentials of ours: it relays to the media address of the gateway and to nobody else, for whom we said and as long as we said. */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { type Coturn, startCoturn } from '../../lab/coturn.ts';
import { turnCredential } from '../../src/api/ice-servers-credential.ts';
import { type TurnClient, turnClient } from '../support/turn-client.ts';

const [RELAY, GATEWAY, NEIGHBOUR] = ['127.0.0.81', '127.0.0.82', '127.0.0.83'];
const RELAY6 = '::1';
const [NEW, OLD] = ['the-new-secret-of-two', 'the-old-secret-of-two'];
const PORTS = { plain: 3478, tls: 5349 };
const FORBIDDEN = 403;
const UNAUTHORISED = 401;
const MINUTE_MS = 60_000;

let coturn: Coturn;
const sockets: Socket[] = [];

/** A socket that sends back what it gets. */
async function echo(address: string): Promise<{ peer: { address: string; port: number }; got: string[] }> {
  const socket = createSocket('udp4');
  sockets.push(socket);
  const got: string[] = [];
  socket.on('message', (data, from) => {
    got.push(String(data));
    socket.send(data, from.port, from.address);
  });
  socket.bind(0, address);
  await once(socket, 'listening');
  return { peer: { address, port: socket.address().port }, got };
}

const credentialOf = (secret = NEW, lifeMs = 10 * MINUTE_MS) => turnCredential(secret, 'a', Date.now() + lifeMs);

async function client(
  t: { after(work: () => void): void },
  credential = credentialOf(),
  address = RELAY,
): Promise<TurnClient> {
  const made = await turnClient({ address, port: PORTS.plain }, credential);
  t.after(made.close);
  return made;
}

before(async () => {
  coturn = await startCoturn({ address: RELAY, address6: RELAY6, peer: GATEWAY, secrets: [NEW, OLD], ports: PORTS });
});
after(async () => {
  await coturn?.stop();
  for (const socket of sockets) socket.close();
});

test('ICE-09 a relay reaches the media address of the gateway, both ways', async t => {
  const { peer, got } = await echo(GATEWAY);
  const turn = await client(t);
  assert.equal(await turn.allocate(), 0);
  assert.equal(await turn.permit(peer.address), 0);
  turn.send(peer, Buffer.from('there and back'));
  const { from, data } = await turn.heard();
  assert.deepEqual([from, String(data), got], [peer, 'there and back', ['there and back']]);
  assert.equal(await turn.bind(peer), 0);
});

test('ICE-09 it reaches nobody else: other hosts, this host, the relay itself', async t => {
  const [gateway, neighbour] = [await echo(GATEWAY), await echo(NEIGHBOUR)];
  const turn = await client(t);
  assert.equal(await turn.allocate(), 0);
  for (const address of [NEIGHBOUR, RELAY, '127.0.0.1', '192.0.2.1', '10.0.0.1', '169.254.169.254', '224.0.0.1']) {
    assert.equal(await turn.permit(address), FORBIDDEN, address);
    assert.equal(await turn.bind({ address, port: 9 }), FORBIDDEN, address);
  }
  // What is sent all the same goes nowhere; what is sent to the gateway afterwards arrives.
  turn.send(neighbour.peer, Buffer.from('no'));
  assert.equal(await turn.permit(GATEWAY), 0);
  turn.send(gateway.peer, Buffer.from('yes'));
  await turn.heard();
  assert.deepEqual([gateway.got, neighbour.got], [['yes'], []]);
});

test('ICE-14 who reaches the relay by IPv6 reaches the IPv4 address of the gateway through it, and nobody else', async t => {
  const { peer, got } = await echo(GATEWAY);
  const turn = await client(t, credentialOf(), RELAY6);
  assert.equal(await turn.allocate(), 0);
  assert.equal(await turn.permit(NEIGHBOUR), FORBIDDEN);
  assert.equal(await turn.permit(peer.address), 0);
  turn.send(peer, Buffer.from('over both'));
  const { from, data } = await turn.heard();
  assert.deepEqual([from, String(data), got], [peer, 'over both', ['over both']]);
});

test('ICE-10 a credential that has ended, or was made by somebody else, opens nothing', async t => {
  const { credential } = credentialOf(NEW, MINUTE_MS);
  const { username } = credentialOf(NEW, 60 * MINUTE_MS);
  for (const bad of [
    credentialOf(NEW, -1000),
    credentialOf('a-secret-of-somebody-else'),
    // Its owner would have it for longer.
    { username, credential },
  ]) {
    assert.equal(await (await client(t, bad)).allocate(), UNAUTHORISED);
  }
});

test('ICE-12 while a secret is replaced the old one counts too', async t => {
  for (const secret of [NEW, OLD]) assert.equal(await (await client(t, credentialOf(secret))).allocate(), 0, secret);
});

test('ICE-10 what is open goes on after the end of its credential', async t => {
  const { peer, got } = await echo(GATEWAY);
  const soonOver = turnCredential(NEW, 'a', Date.now() + 2000);
  const open = await client(t, soonOver);
  assert.equal(await open.allocate(), 0);
  const until = Date.now() + 10_000;
  while ((await (await client(t, soonOver)).allocate()) !== UNAUTHORISED) {
    assert.ok(Date.now() < until, 'The credential does not end.');
    await new Promise(resolve => setTimeout(resolve, 200));
  }
  assert.equal(await open.permit(peer.address), 0);
  open.send(peer, Buffer.from('still'));
  await open.heard();
  assert.deepEqual(got, ['still']);
});
