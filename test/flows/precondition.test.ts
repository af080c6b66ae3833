/** A caller that reserves its line first: our answer goes out before any device hears of the call. RFC 3312, IMS digest 4.4. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ref } from '../../src/ep-cscf/ids.ts';
import { ALICE, callIn, lastEnd, put, register, remove, unregister } from '../support/core-story.ts';
import { browserOffer, createWorld, imsSdp } from '../support/core-world.ts';

const ANSWER = imsSdp('sendrecv', 5000);
const READY = imsSdp('sendrecv', 4002);

function reserving() {
  const w = createWorld();
  const regs = [register(w, ALICE, 1), register(w, ALICE, 2)];
  const { owner, sessions } = callIn(w, ALICE, { callerReady: false });
  assert.deepEqual(sessions, [], 'nobody is rung yet');
  const said = w.take('ims.provisional').map(({ code, sdp }) => [code, sdp]);
  assert.deepEqual(said, [[183, ANSWER]]);
  /** The caller tells by UPDATE that it is ready; who is rung then. */
  const ready = () => {
    w.give({ type: 'ims-reoffered', owner, ref: 900 as Ref, sdp: READY });
    assert.deepEqual(
      w.take('ims.answer').map(({ ref }) => ref),
      [900],
    );
    w.take('event.publish');
    w.give({ type: 'ims-caller-ready', owner });
    return w
      .take('event.publish')
      .flatMap(({ event }) => (event.kind === 'session-invitation' ? [event.mediaSessionId] : []));
  };
  return { w, regs, owner, ready };
}

test('TRM-10 the devices ring when the caller is ready, and the one that answers fits what was said before', () => {
  const { w, regs, owner, ready } = reserving();
  const [first, second] = ready();
  assert.ok(first !== undefined && second !== undefined);
  put(w, ALICE, first, 'Ringing', { answer: browserOffer('z') });
  assert.deepEqual(
    w.take('ims.provisional').map(({ code, sdp }) => [code, sdp]),
    [[180, null]],
    'the one description of the dialog was said',
  );
  assert.equal(put(w, ALICE, second, 'Connected', { answer: browserOffer('y') })?.ok, true);
  assert.deepEqual(
    w.take('ims.answer').map(({ ref }) => ref),
    [null],
  );
  assert.deepEqual(w.story(first), ['1 Initial', '2 Ringing', '3 SessionCancelled']);
  w.give({ type: 'ims-acked', owner, sdp: null });
  remove(w, ALICE, second);
  for (const reg of regs) unregister(w, ALICE, reg);
  w.advance(10_000);
  w.assertQuiet();
});

test('TRM-10 a caller that never gets ready is refused, and no device has heard of it', () => {
  const { w, regs } = reserving();
  w.advance(19_999);
  assert.equal(w.core.sizes().calls, 1);
  w.advance(1);
  assert.equal(lastEnd(w)?.code, 580);
  assert.deepEqual(
    w.take('event.publish').filter(({ event }) => event.kind === 'session-invitation'),
    [],
  );
  for (const reg of regs) unregister(w, ALICE, reg);
  w.advance(10_000);
  w.assertQuiet();
});

test('TRM-10 while the caller reserves it may give up, and devices may go: the last one takes the call with it', () => {
  const gaveUp = reserving();
  const outcome = { code: 0, phrase: '', q850: null, local: null, reason: null };
  gaveUp.w.give({ type: 'ims-cancelled', owner: gaveUp.owner, outcome });
  gaveUp.w.give({ type: 'ims-caller-ready', owner: gaveUp.owner });
  assert.equal(gaveUp.w.core.sizes().calls, 0);

  const { w, regs, ready } = reserving();
  for (const reg of regs.slice(1)) unregister(w, ALICE, reg);
  assert.equal(ready().length, 1, 'only who is still there');
  const gone = reserving();
  for (const reg of gone.regs) unregister(gone.w, ALICE, reg);
  assert.deepEqual(gone.ready(), []);
  assert.equal(lastEnd(gone.w)?.code, 480);
  gone.w.advance(10_000);
  gone.w.assertQuiet();
});
