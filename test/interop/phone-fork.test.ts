/** One number on two signed-in devices and a SIM phone: all ring, one has the call, the others are told where it went. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Device } from '../support/camara.ts';
import { ADA, BELA } from '../support/number.ts';
import type { Phone } from '../support/phone.ts';
import { heardBy, talk, until } from '../support/talk.ts';
import { type Floor, openFloor, preferALaw, type Rung, seen } from './phone-support.ts';

const HOST = '127.0.0.43';
const CALLER_HZ = 600;
const SIM_HZ = 800;
const ELSEWHERE = /answered elsewhere/i;

let floor: Floor;
/** Ada's phone calls. */
let caller: Phone;
/** Bela's SIM phone, and the devices Bela is signed in on. */
let sim: Phone;
let first: Device;
let second: Device;

before(async () => {
  floor = await openFloor(HOST);
  caller = await floor.phone(ADA, CALLER_HZ);
  sim = await floor.phone(BELA, SIM_HZ);
  first = await floor.device(BELA);
  second = await floor.device(BELA);
});
after(async () => {
  await floor?.close();
});

interface Ringing {
  rungs: [Rung, Rung];
  /** Where the phones' events of this call begin, and their messages. */
  at: { caller: number; sim: number; callerWire: number; simWire: number };
}

const known: string[] = [];

/** Ada's phone calls; both devices and the SIM phone ring. */
async function ringAll(): Promise<Ringing> {
  const at = {
    caller: caller.events.length,
    sim: sim.events.length,
    callerWire: caller.wire().length,
    simWire: sim.wire().length,
  };
  await caller.dial(BELA);
  const rungs: [Rung, Rung] = [await floor.rung(first, known), await floor.rung(second, known)];
  known.push(...rungs.map(({ id }) => id));
  await sim.waitFor('CALL_INCOMING', at.sim);
  for (const { device, id, invitation } of rungs) {
    assert.equal(invitation.data.originatorAddress, `tel:${ADA}`);
    assert.equal(invitation.data.originatorName, 'Ada');
    assert.equal((await device.putStatus(id, { status: 'Ringing' })).status, 200);
  }
  await caller.waitFor('CALL_RINGING', at.caller);
  return { rungs, at };
}

async function cancelled({ device, id }: Rung, reason: RegExp): Promise<void> {
  const event = await device.waitStatus(id, 'SessionCancelled');
  assert.match(event.data.reason, reason);
  assert.equal(device.statuses(id).filter(status => status === 'SessionCancelled').length, 1);
  assert.equal((await device.putStatus(id, { status: 'Connected' })).status, 404);
}

/** The SIM phone was cancelled as a phone whose call somebody else took. */
async function simToldElsewhere(at: Ringing['at']): Promise<void> {
  await sim.waitFor('CALL_CLOSED', at.sim);
  const [cancel] = seen(sim.wire().slice(at.simWire), /^CANCEL /);
  assert.match(cancel?.text ?? '', /^Reason: SIP\s*;\s*cause=200/m);
}

const answersOnWire = (at: Ringing['at']) =>
  seen(caller.wire().slice(at.callerWire), /^SIP\/2\.0 200 /, /^CSeq: \d+ INVITE/m).length;

for (const winner of [0, 1] as const) {
  test(`device ${winner + 1} answers: the other and the phone are told, sound both ways`, async () => {
    const { rungs, at } = await ringAll();
    const loser = rungs[winner === 0 ? 1 : 0];
    const { id, peer } = await floor.answer(rungs[winner]);
    await caller.waitFor('CALL_ESTABLISHED', at.caller);
    await cancelled(loser, ELSEWHERE);
    await simToldElsewhere(at);
    await talk(peer, 1000, 2000);
    assert.equal(caller.heard().hz, 1000);
    assert.equal(heardBy(peer).hz, CALLER_HZ);
    await caller.hangUp();
    await rungs[winner].device.waitStatus(id, 'Terminated');
    assert.equal(answersOnWire(at), 1);
    await peer.close();
    await floor.quiet();
  });
}

test('the phone answers: both devices are told, sound between the phones', async () => {
  const { rungs, at } = await ringAll();
  await sim.accept();
  await caller.waitFor('CALL_ESTABLISHED', at.caller);
  for (const rung of rungs) await cancelled(rung, /cause=200/);
  await until(() => caller.heard(0.5).hz === SIM_HZ && sim.heard(0.5).hz === CALLER_HZ, 'the tones');
  assert.equal(answersOnWire(at), 1);
  await sim.hangUp();
  await caller.waitFor('CALL_CLOSED', at.caller);
  await floor.quiet();
});

test('a device that declines leaves the others ringing, and so does a phone', async () => {
  const { rungs, at } = await ringAll();
  assert.equal((await first.hangUp(rungs[0].id)).status, 204);
  await first.waitStatus(rungs[0].id, 'Declined');
  await sim.hangUp();
  await sim.waitFor('CALL_CLOSED', at.sim);
  assert.deepEqual(
    second.statuses(rungs[1].id).filter(status => status === 'SessionCancelled'),
    [],
  );
  const { id, peer } = await floor.answer(rungs[1]);
  await caller.waitFor('CALL_ESTABLISHED', at.caller);
  await second.hangUp(id);
  await caller.waitFor('CALL_CLOSED', at.caller);
  await peer.close();
  await floor.quiet();
});

test('when everybody has declined the caller hears busy', async () => {
  const { rungs, at } = await ringAll();
  await first.hangUp(rungs[0].id);
  assert.equal((await second.putStatus(rungs[1].id, { status: 'Declined' })).status, 200);
  await sim.hangUp();
  const closed = await caller.waitFor('CALL_CLOSED', at.caller);
  assert.match(closed.param ?? '', /486|Busy/);
  await floor.quiet();
});

test('the caller gives up: every device and the phone stop ringing, nobody is told "elsewhere"', async () => {
  const { rungs, at } = await ringAll();
  await caller.hangUp();
  for (const { device, id } of rungs) {
    const event = await device.waitStatus(id, 'SessionCancelled');
    assert.doesNotMatch(event.data.reason ?? '', ELSEWHERE);
  }
  await sim.waitFor('CALL_CLOSED', at.sim);
  await floor.quiet();
});

test('twenty times both devices answer at once: one has the call, one 200 leaves, nothing is left', async () => {
  await floor.leave(sim);
  for (let race = 0; race < 20; race += 1) {
    const at = caller.events.length;
    const wireAt = caller.wire().length;
    await caller.dial(BELA);
    const rungs = [await floor.rung(first, known), await floor.rung(second, known)];
    known.push(...rungs.map(({ id }) => id));
    const peers = rungs.map(() => floor.peer());
    const answers = await Promise.all(
      rungs.map(async ({ invitation }, n) => preferALaw((await peers[n]?.answer(invitation.data.offer.sdp)) ?? '')),
    );
    const puts = await Promise.all(
      rungs.map(({ device, id }, n) =>
        device.putStatus(id, { status: 'Connected', answer: { sdp: answers[n] ?? '' } }),
      ),
    );
    assert.deepEqual(puts.map(({ status }) => status).sort(), [200, 404], `race ${race}`);
    const winner = puts.findIndex(({ status }) => status === 200);
    const [won, lost] = winner === 0 ? [rungs[0], rungs[1]] : [rungs[1], rungs[0]];
    assert.ok(won !== undefined && lost !== undefined);
    await cancelled(lost, ELSEWHERE);
    await caller.waitFor('CALL_ESTABLISHED', at);
    await until(() => peers[winner]?.connected() === true, 'the media connection');
    await won.device.hangUp(won.id);
    await won.device.waitStatus(won.id, 'Terminated');
    await caller.waitFor('CALL_CLOSED', at);
    const messages = caller.wire().slice(wireAt);
    assert.equal(seen(messages, /^SIP\/2\.0 200 /, /^CSeq: \d+ INVITE/m).length, 1, `race ${race}`);
    assert.equal(seen(messages, /^BYE /).length, 1, `race ${race}`);
    for (const peer of peers) await peer.close();
  }
  await floor.quiet();
});
