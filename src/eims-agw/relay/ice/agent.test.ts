/** The ICE-lite agent: which source is used, when consent is over, and restarts; time is the test's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../../../test/support/property.ts';
import { SCALE } from '../../../../test/support/scale.ts';
import {
  type Check,
  consent,
  expects,
  expireOld,
  freshness,
  holdsSource,
  iceAgent,
  loseSource,
  onCheck,
  restartIce,
  startIce,
} from './agent.ts';

function started() {
  const agent = iceAgent(0);
  agent.ufrags = ['ours'];
  startIce(agent, 'theirs', 0);
  return agent;
}

const from = (ufrag: string, peerUfrag: string) => ({ ufrag, peerUfrag, address: '192.0.2.1', port: 1 });

let transactions = 0;
const check = (port: number, more: Partial<Check> = {}): Check => ({
  ufrag: 'ours',
  transaction: String(transactions++),
  address: '192.0.2.1',
  port,
  priority: 100,
  useCandidate: true,
  ...more,
});

test('nothing is selected before a nomination, and the first one is', () => {
  const agent = started();
  const first = onCheck(agent, check(1, { useCandidate: false }), 1);
  assert.deepEqual([first.added?.port, first.nominated, agent.selected], [1, false, null]);
  assert.equal(onCheck(agent, check(1), 2).nominated, true);
  assert.equal(agent.selected?.port, 1);
  assert.deepEqual([onCheck(agent, check(1), 3).added, onCheck(agent, check(1), 3).nominated], [null, false]);
});

test('a worse pair is nominated in vain while the better one lives, and taken when that is silent', () => {
  const agent = started();
  onCheck(agent, check(1), 0);
  onCheck(agent, check(2, { priority: 99 }), 10);
  assert.equal(agent.selected?.port, 1);
  onCheck(agent, check(3, { priority: 100 }), 20);
  assert.equal(agent.selected?.port, 3);
  onCheck(agent, check(2, { priority: 1 }), 2_519);
  assert.equal(agent.selected?.port, 3);
  onCheck(agent, check(2, { priority: 1 }), 2_520);
  assert.equal(agent.selected?.port, 2);
});

test('five sources are kept; the one in use never leaves', () => {
  const agent = started();
  for (let port = 1; port <= 5; port += 1) onCheck(agent, check(port, { useCandidate: port === 1 }), port);
  assert.equal(onCheck(agent, check(6, { useCandidate: false }), 6).removed?.port, 2);
  assert.deepEqual(
    agent.sources.map(s => s.port),
    [1, 3, 4, 5, 6],
  );
  loseSource(agent, '192.0.2.1', 3);
  assert.equal(agent.selected?.port, 1);
  loseSource(agent, '192.0.2.1', 1);
  assert.equal(agent.selected, null);
});

test('consent is over after 30 s without a check, whatever else arrives', () => {
  const agent = iceAgent(0);
  assert.equal(consent(agent, 100_000), 'fresh');
  startIce(agent, 'theirs', 100_000);
  onCheck(agent, check(1), 101_000);
  agent.mediaAt = 110_000;
  assert.equal(consent(agent, 111_000), 'fresh');
  assert.equal(consent(agent, 115_000), 'quiet');
  agent.mediaAt = 130_999;
  assert.equal(consent(agent, 130_999), 'fresh');
  assert.equal(consent(agent, 131_000), 'failed');
});

test('after a restart both names are good until the new one is nominated, or 30 s', () => {
  const agent = started();
  onCheck(agent, check(1), 0);
  assert.deepEqual(restartIce(agent, 'newer', 'theirs2', 1_000), []);
  assert.equal(expects(agent, from('ours', 'theirs'), 1_000), true);
  assert.equal(expects(agent, from('newer', 'theirs2'), 1_000), true);
  assert.equal(expects(agent, from('newer', 'theirs'), 1_000), false);
  assert.deepEqual(onCheck(agent, check(1), 1_100).dropped, []);
  assert.deepEqual(onCheck(agent, check(7, { ufrag: 'newer', useCandidate: false }), 1_200).dropped, []);
  assert.deepEqual(onCheck(agent, check(7, { ufrag: 'newer' }), 1_300).dropped, ['ours']);
  assert.equal(agent.selected?.port, 7);
  assert.deepEqual(restartIce(agent, 'newest', 'theirs3', 2_000), []);
  assert.deepEqual([expireOld(agent, 31_999), expireOld(agent, 32_000), expireOld(agent, 32_001)], [[], ['newer'], []]);
  restartIce(agent, 'a', 'x', 40_000);
  assert.deepEqual(restartIce(agent, 'b', 'y', 40_001), ['newest']);
});

test('SEC-02 fifty checks a second and no more; strangers cannot spend those of a source that has proved itself', () => {
  const agent = started();
  const taken = (now: number, n: number) =>
    Array.from({ length: n }, () => expects(agent, from('ours', 'theirs'), now)).filter(Boolean).length;
  assert.equal(taken(0, 80), 50);
  assert.equal(taken(100, 80), 5);
  assert.equal(taken(60_000, 80), 50);
  onCheck(agent, check(1), 60_000);
  assert.equal(expects(agent, { ...from('ours', 'theirs'), port: 2 }, 60_000), false);
  assert.equal(taken(60_000, 80), 50);
});

test('a transaction belongs to its source; the last 64 are known', () => {
  const agent = started();
  const first = check(1);
  assert.equal(freshness(agent, first), 'new');
  assert.equal(freshness(agent, first), 'new', 'asking changes nothing');
  onCheck(agent, first, 0);
  assert.equal(freshness(agent, first), 'again');
  assert.equal(freshness(agent, { ...first, port: 2 }), 'replay');
  assert.equal(freshness(agent, { ...first, address: '192.0.2.2' }), 'replay');
  for (let i = 0; i < 63; i += 1) onCheck(agent, check(1), 0);
  assert.equal(freshness(agent, first), 'again');
  onCheck(agent, check(1), 0);
  assert.equal(freshness(agent, first), 'new');
  assert.equal(agent.transactions.size, 64);
});

test('a source is held for seven seconds after its last check', () => {
  const agent = started();
  onCheck(agent, check(1), 1_000);
  assert.deepEqual(
    [7_999, 8_000].map(now => holdsSource(agent, '192.0.2.1', 1, now)),
    [true, false],
  );
  assert.equal(holdsSource(agent, '192.0.2.1', 2, 1_000), false);
});

test('whatever checks come, the state is bounded and what is selected is known', () => {
  const any = fc.record({
    port: fc.integer({ min: 1, max: 12 }),
    priority: fc.nat(5),
    useCandidate: fc.boolean(),
    ufrag: fc.constantFrom('ours', 'newer'),
    gap: fc.nat(3_000),
    lose: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(any, { maxLength: 60 }), steps => {
      const agent = started();
      let now = 0;
      restartIce(agent, 'newer', 'theirs2', 0);
      for (const step of steps) {
        now += step.gap;
        onCheck(agent, check(step.port, step), now);
        if (step.lose) loseSource(agent, '192.0.2.1', 1 + (step.port % 12));
        assert.ok(agent.sources.length <= 5);
        assert.ok(agent.selected === null || agent.sources.includes(agent.selected));
      }
    }),
    { numRuns: 300 * SCALE },
  );
});
