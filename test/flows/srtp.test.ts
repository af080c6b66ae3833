/** Calls of a realm that requires SRTP towards the core: the core's machine with the real media plane, its engine in memory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MEDIA_DEFAULTS } from '../../src/eims-agw/settings.ts';
import type { MediaEffect } from '../../src/ep-cscf/effect.ts';
import type { Input } from '../../src/ep-cscf/input.ts';
import {
  ALICE,
  answerOut,
  callIn,
  lastEnd,
  type OutgoingCall,
  originate,
  progress,
  put,
  register,
  remove,
  sessionOf,
  unregister,
} from '../support/core-story.ts';
import { createWorld } from '../support/core-world.ts';
import { fakeMedia } from '../support/media-fake.ts';
import { browserAnswer, chromiumOffer, phoneSdp } from '../support/media-sdp.ts';

const THEIRS = Buffer.alloc(30, 0xa1).toString('base64');
const CRYPTO = `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${THEIRS}\r\n`;
const PLAIN = phoneSdp();
const SECURE = PLAIN.replace(/RTP\/AVP (.*\r\n)/, (_, rest) => `RTP/SAVP ${rest}${CRYPTO}`);
/** A far end that would rather have SRTP and takes either. RFC 5939. */
const CAPABLE = `${PLAIN}a=tcap:1 RTP/SAVP\r\n${CRYPTO.replace('a=', 'a=acap:1 ')}a=pcfg:1 t=1 a=1\r\n`;

/** The machine's media effects go to the plane, and what that says comes back. */
function secureWorld() {
  const w = createWorld();
  w.behaviour.media = 'silent';
  w.behaviour.stats = false;
  const said: Input[] = [];
  const { engine, port } = fakeMedia({
    emit: input => said.push(input),
    settings: { ims: { ...MEDIA_DEFAULTS.ims, srtp: 'require' } },
  });
  let done = 0;
  const carry = () => {
    for (;;) {
      const effect = w.effects[done];
      const input = effect === undefined ? said.shift() : undefined;
      if (effect !== undefined) done += 1;
      else if (input === undefined) return;
      if (effect?.type.startsWith('media.')) port.run(effect as MediaEffect);
      if (input !== undefined) w.give(input);
    }
  };
  const reg = register(w, ALICE, 1);
  return {
    w,
    carry,
    /** A call out, its INVITE on the way. */
    out(): OutgoingCall & { offer: string } {
      const { mediaSessionId: id } = sessionOf(originate(w, ALICE, reg, { offer: chromiumOffer() }));
      carry();
      const [invite] = w.take('ims.invite');
      assert.ok(invite);
      return { id, owner: invite.owner, offer: invite.sdp };
    },
    /** All is over, and no key has come where it does not belong. */
    finish() {
      carry();
      unregister(w, ALICE, reg);
      w.advance(10_000);
      w.assertQuiet();
      assert.equal(engine.open(), 0);
      const told = JSON.stringify([w.events, [...w.store], w.take('log'), w.take('count'), w.take('reply')]);
      for (const key of [THEIRS, 'crypto', 'inline:']) assert.ok(!told.includes(key), key);
    },
  };
}

for (const early of [true, false])
  test(`SDP-25 a call out whose ${early ? 'early' : 'final'} answer is plain RTP where SRTP is required: Failed 488 "SRTP not agreed", ${early ? 'CANCEL' : 'BYE'} with a reason`, () => {
    for (const answer of [PLAIN, CAPABLE, SECURE.replace(CRYPTO, '')]) {
      const { w, carry, out, finish } = secureWorld();
      const call = out();
      assert.match(call.offer, /m=audio \d+ RTP\/SAVP 8 0 126\r\n/);
      if (early) progress(w, call, 183, { sdp: answer });
      else answerOut(w, call, answer);
      carry();
      assert.deepEqual(w.story(call.id), ['1 Failed']);
      assert.match(w.sessionEvents(call.id)[0]?.reason ?? '', /^SIP;cause=488;text="SRTP not agreed"/);
      const end = lastEnd(w);
      assert.equal(end?.code, 488);
      assert.match(end?.reason ?? '', /cause=488/);
      const record = w.store.get(`record ${call.id}`) as Record<string, unknown>;
      assert.equal(record['endClass'], 'upstream');
      finish();
    }
  });

test('SDP-25 a call out whose answer is SRTP talks, on hold and again', () => {
  const { w, carry, out, finish } = secureWorld();
  const call = out();
  answerOut(w, call, SECURE);
  carry();
  assert.deepEqual(w.story(call.id), ['1 Connected']);
  w.behaviour.update = 'silent';
  put(w, ALICE, call.id, 'Hold');
  carry();
  const [update] = w.take('ims.update');
  assert.match(update?.sdp ?? '', /RTP\/SAVP [\s\S]*a=crypto:1 [\s\S]*a=sendonly/);
  assert.ok(update);
  w.give({ type: 'ims-updated', owner: call.owner, ref: update.ref, sdp: SECURE });
  carry();
  remove(w, ALICE, call.id);
  finish();
});

test('SDP-25 a call in with plain RTP where SRTP is required is refused 488 before any device rings; one with SRTP rings and talks', () => {
  for (const sdp of [PLAIN, CAPABLE]) {
    const { w, carry, finish } = secureWorld();
    callIn(w, ALICE, { sdp });
    carry();
    assert.equal(lastEnd(w)?.code, 488);
    assert.deepEqual(w.events, []);
    assert.deepEqual(w.take('ims.provisional'), []);
    finish();
  }
  const { w, carry, finish } = secureWorld();
  const { owner } = callIn(w, ALICE, { sdp: SECURE });
  carry();
  const [rung] = w.take('event.publish');
  assert.ok(rung?.event.kind === 'session-invitation' && rung.event.offer?.includes('crypto') === false);
  const id = rung.event.mediaSessionId;
  put(w, ALICE, id, 'Connected', { answer: browserAnswer() });
  carry();
  const [answer] = w.take('ims.answer');
  assert.match(answer?.sdp ?? '', /m=audio \d+ RTP\/SAVP 8 [\s\S]*a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:/);
  w.give({ type: 'ims-acked', owner, sdp: null });
  carry();
  remove(w, ALICE, id);
  finish();
});
