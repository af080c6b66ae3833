/** Daemons that fail while a call is on its way to them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rtpengineRig as rig } from '../../../test/support/rtpengine-rig.ts';
import { NO_TOTALS } from '../engine.ts';

test('RTE-05 a call that was given up before its daemon said a word, and died, is on no other', async () => {
  const { engine, daemons, events, open, clock } = rig();
  await engine.start();
  const [first, second] = daemons;
  assert.ok(first && second);
  first.loses = () => true;
  open(1);
  engine.send({ type: 'close', session: 1 });
  first.dead = true;
  await clock.advance(200);
  assert.deepEqual(events, [{ type: 'lost', session: 1, ...NO_TOTALS }]);
  assert.deepEqual([second.calls.size, engine.health().sessions], [0, 0]);
});

test('RTE-22 a daemon that did not answer and does again keeps nothing of the calls that ended meanwhile', async () => {
  const { engine, daemons, types, talk, clock } = rig(1);
  await engine.start();
  const [daemon] = daemons;
  assert.ok(daemon);
  talk(1);
  engine.send({ type: 'add-video', session: 1, op: 7 });
  daemon.loses = () => true;
  await clock.advance(15_000);
  assert.equal(types().at(-1), 'lost');
  assert.equal(daemon.calls.size, 2);
  daemon.loses = () => false;
  await clock.advance(5_000);
  assert.deepEqual([daemon.calls.size, engine.health().ok], [0, true]);
});
