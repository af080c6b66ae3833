/** The identities the network gives a binding: who may call, who may be called, and who it is by default. RFC 7315 4.1, IMS digest 2.6. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANONYMOUS } from '../../src/ep-cscf/words.ts';
import { ALICE, callIn, lastEnd, originate, register, sessionOf } from '../support/core-story.ts';
import { createWorld, HOME } from '../support/core-world.ts';

const OTHER = '+15550100077';

/** A device of a number to which the network gives these identities. */
function given(...associated: string[]) {
  const w = createWorld();
  w.behaviour.associated = associated;
  const registration = register(w, ALICE, 1);
  const call = (originator: string, receiver?: string) =>
    originate(w, ALICE, registration, { originator, ...(receiver === undefined ? {} : { receiver }) });
  const from = () => w.take('ims.invite').map(({ from, anonymous }) => [from, anonymous]);
  return { w, call, from };
}

test('REG-09 a number that the network does not list makes no calls, and one it lists does', () => {
  const barred = given(`tel:${OTHER}`, `sip:${OTHER}@${HOME}`);
  const reply = barred.call(`tel:${ALICE}`);
  assert.deepEqual(reply, { ok: false, error: 'originator-mismatch' });
  assert.deepEqual(barred.from(), []);
  const listed = given(`tel:${OTHER}`, `sip:${ALICE}@${HOME}`);
  sessionOf(listed.call(`tel:${ALICE}`));
  assert.deepEqual(listed.from(), [[ALICE, false]]);
});

test('REG-09 a call that hides its caller is made by the default identity when the own one may not', () => {
  const { call, from } = given(`sip:alice@${HOME}`, `tel:${OTHER}`);
  sessionOf(call(ANONYMOUS));
  assert.deepEqual(from(), [[OTHER, true]]);
});

test('REG-09 a call to an identity outside the set is not for us; one that names nobody is to the first', () => {
  const { w } = given(`tel:${OTHER}`, `tel:${ALICE}`);
  callIn(w, ALICE, { identity: 'tel:+15550100099', called: 'tel:+15550100099' });
  assert.equal(lastEnd(w)?.code, 404);
  const { sessions } = callIn(w, ALICE, { identity: `tel:${OTHER}`, called: `tel:${OTHER}` });
  assert.equal(w.sessionEvents(sessions[0] ?? '')[0]?.receiverAddress, `tel:${OTHER}`);
  const unnamed = callIn(w, ALICE, { called: null });
  assert.equal(w.sessionEvents(unnamed.sessions[0] ?? '')[0]?.receiverAddress, `tel:${OTHER}`);
  const back = callIn(w, ALICE, { identity: 'tel:+15550100099', emergency: true });
  assert.equal(back.sessions.length, 1, 'a call back of an emergency centre is taken all the same');
});
