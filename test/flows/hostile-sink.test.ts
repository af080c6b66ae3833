/** Sinks that turn against the operator's network after they were taken: names that move there, redirects that point there. CAMARA digest 8.6. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { register, subscribe } from '../support/steps.ts';
import { type WholeGateway, wholeGateway } from '../support/whole-gateway.ts';

const file = (name: string) => readFileSync(new URL(`../support/tls/${name}`, import.meta.url));
/** Stands for everything inside the operator's network. */
const inside = createServer({ key: file('server.key'), cert: file('server.pem') });
let asked: string[] = [];
let answer: (response: ServerResponse) => void = response => response.writeHead(204).end();
let port = 0;
const open: WholeGateway[] = [];

before(async () => {
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), file('ca.pem').toString()]);
  inside.on('request', (request, response) => {
    asked.push(request.url ?? '');
    request.resume();
    answer(response);
  });
  inside.listen(0, '127.0.0.1');
  await once(inside, 'listening');
  port = (inside.address() as AddressInfo).port;
});
beforeEach(() => {
  asked = [];
});
after(() => {
  for (const g of open) g.kill();
  inside.close();
  inside.closeAllConnections();
});

/** A call in, whose invitation goes to the sink; the code the caller hears when nobody could be told. */
async function heardByCaller(g: WholeGateway): Promise<number> {
  const ended = () => g.network.effects.find(effect => effect.type === 'ims.end');
  g.network.invite('+15550100001');
  for (let n = 0; n < 500 && ended() === undefined; n += 1) {
    await g.settle();
    await sleep(5);
  }
  const end = ended();
  assert.ok(end?.type === 'ims.end', 'the invitation was neither taken nor refused');
  return end.code;
}

async function gatewayWith(addresses: string[][], allow: string[] = []): Promise<WholeGateway> {
  let look = 0;
  const g = await wholeGateway({
    settings: { sink: { allow, ports: ['1024-65535'] } },
    async resolve() {
      look += 1;
      return addresses[Math.min(look, addresses.length) - 1] ?? [];
    },
  });
  open.push(g);
  return g;
}

test('8.6 a name that was public when it was taken and private when the event leaves reaches nobody', async () => {
  for (const later of [['127.0.0.1'], ['::1'], ['::ffff:127.0.0.1'], ['10.0.0.1', '169.254.169.254']]) {
    const g = await gatewayWith([['93.184.216.34'], later]);
    await subscribe(g, 'ada', 1, `https://sink.example.com:${port}/events`);
    await register(g, 'ada', 1);
    assert.equal(await heardByCaller(g), 480);
    assert.deepEqual(asked, [], String(later));
  }
});

test('8.6 a redirect is not followed: the event is refused', async () => {
  const g = await gatewayWith([['127.0.0.1']], ['sink.example.com', '127.0.0.0/8']);
  await subscribe(g, 'ada', 1, `https://sink.example.com:${port}/events`);
  await register(g, 'ada', 1);
  for (const status of [301, 302, 303, 307, 308]) {
    asked = [];
    g.network.effects.length = 0;
    answer = response => response.writeHead(status, { location: `https://sink.example.com:${port}/metadata` }).end();
    assert.equal(await heardByCaller(g), 480, String(status));
    assert.deepEqual([...new Set(asked)], ['/events']);
  }
});

test('8.6 the same sink is reached where the name stays good', async () => {
  answer = response => response.writeHead(204).end();
  const g = await gatewayWith([['127.0.0.1']], ['127.0.0.0/8']);
  await subscribe(g, 'ada', 1, `https://sink.example.com:${port}/events`);
  await register(g, 'ada', 1);
  g.network.invite('+15550100001');
  for (let n = 0; n < 500 && asked.length === 0; n += 1) {
    await g.settle();
    await sleep(5);
  }
  assert.deepEqual(asked, ['/events']);
});
