/** The servers of the first hop are asked whether they live, and what they say is shown. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWorld } from '../../test/support/agent-world.ts';
import { createTargetHealth, type Target } from '../sip/index.ts';
import { createPeers } from './peers.ts';

const PERIOD_MS = 30_000;
const target = (host: string): Target => ({ transport: 'udp', host, port: 5060 });

function bench(hosts: string[]) {
  const world = createWorld();
  const changes: string[] = [];
  const health = createTargetHealth(
    world.clock.now,
    ({ host }, up) => changes.push(`${host} ${up ? 'up' : 'down'}`),
    () => 0,
  );
  const { agent } = world.party('192.0.2.1', { health });
  const targets = hosts.map(target);
  const made = hosts.map(host => world.peer(host));
  const peers = createPeers({
    agent,
    health,
    firsts: tell => tell(targets),
    timers: world.clock.timers,
    hostPort: () => '192.0.2.1:5060',
    periodMs: PERIOD_MS,
  });
  const answer = (at: number, status: number) => {
    const peer = made[at];
    if (peer !== undefined) peer.onRequest = request => peer.respond(request, status, 't');
  };
  const silence = (at: number) => {
    const peer = made[at];
    if (peer !== undefined) peer.onRequest = () => {};
  };
  const shown = () => peers.states().map(({ peer, up }) => `${peer.split(':')[0]} ${up ? 'up' : 'down'}`);
  return { world, made, targets, peers, changes, answer, silence, shown };
}

test('TRN-12 any final answer but 408 and 503 says that a server lives', () => {
  const statuses = [200, 404, 405, 483, 500, 408, 503];
  const b = bench(statuses.map((_, i) => `192.0.2.${i + 10}`));
  for (const [i, status] of statuses.entries()) b.answer(i, status);
  b.peers.start();
  b.world.clock.advance(1000);
  assert.deepEqual(
    b.shown().map(text => text.split(' ')[1]),
    ['up', 'up', 'up', 'up', 'up', 'down', 'down'],
  );
  const request = b.made[0]?.requests[0];
  assert.equal(request?.method, 'OPTIONS');
  assert.equal(request?.uri, 'sip:192.0.2.10:5060;transport=udp');
});

test('TRN-12 a server that falls silent is down within a period, asked more often, and up again at its first answer', () => {
  const b = bench(['192.0.2.2', '192.0.2.3']);
  b.answer(0, 200);
  b.answer(1, 200);
  b.peers.start();
  b.world.clock.advance(1000);
  assert.deepEqual(b.shown(), ['192.0.2.2 up', '192.0.2.3 up']);
  b.silence(0);
  b.world.clock.advance(PERIOD_MS + 5000);
  assert.deepEqual(b.shown(), ['192.0.2.2 down', '192.0.2.3 up']);
  b.world.clock.advance(10 * PERIOD_MS);
  assert.deepEqual(b.shown(), ['192.0.2.2 down', '192.0.2.3 up']);
  b.answer(0, 200);
  b.world.clock.advance(PERIOD_MS + 5000);
  assert.deepEqual(b.shown(), ['192.0.2.2 up', '192.0.2.3 up']);
  assert.deepEqual(b.changes, ['192.0.2.2 down', '192.0.2.2 up']);
});

test('TRN-12 a server that is no longer named is no longer asked', () => {
  const b = bench(['192.0.2.2', '192.0.2.3']);
  b.answer(0, 200);
  b.answer(1, 200);
  b.peers.start();
  b.world.clock.advance(1000);
  b.targets.pop();
  b.world.clock.advance(PERIOD_MS);
  assert.deepEqual(b.shown(), ['192.0.2.2 up']);
  b.peers.close();
  b.world.clock.advance(5 * PERIOD_MS);
  assert.deepEqual(
    b.made.map(({ requests }) => requests.length),
    [2, 1],
  );
});
