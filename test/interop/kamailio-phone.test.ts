/** A real IMS core forks a call to a SIM phone and to the gateway, and the gateway to two devices: one of the three has it, each in turn. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { HOME_DOMAIN, PORTS } from '../../lab/settings.ts';
import type { Device } from '../support/camara.ts';
import { type LabBench, startLabBench } from '../support/lab-bench.ts';
import { ADA, BELA } from '../support/number.ts';
import type { Phone } from '../support/phone.ts';
import { heardBy, talk, until } from '../support/talk.ts';
import { type Floor, floorOf, type Rung, seen } from './phone-support.ts';

const CORE = '127.0.0.62';
const HOST = '127.0.0.63';
const CALLER_HZ = 600;
const SIM_HZ = 800;
const WEB_HZ = 1000;

let bench: LabBench;
let floor: Floor;
/** Ada's phone calls; Bela has a SIM phone and is signed in on two devices. */
let caller: Phone;
let sim: Phone;
let devices: readonly [Device, Device];
const known: string[] = [];

before(async () => {
  bench = await startLabBench(CORE, HOST);
  floor = floorOf(bench.sandbox, CORE, () => bench.log.join(''));
  // The private identity of a phone in the HSS.
  const phone = (number: string, hz: number) =>
    floor.phone(number, hz, { port: PORTS.pcscf, user: `${number}@${HOME_DOMAIN}` });
  caller = await phone(ADA, CALLER_HZ);
  sim = await phone(BELA, SIM_HZ);
  devices = [await floor.device(BELA), await floor.device(BELA)];
});
after(async () => {
  await floor?.close();
  await bench?.close();
});

/** Ada's phone calls; `at`: where the phones' events and messages of this call begin. */
async function ringAll() {
  const at = { caller: caller.events.length, callerWire: caller.wire().length, sim: sim.events.length };
  await caller.dial(BELA);
  const rungs: [Rung, Rung] = [await floor.rung(devices[0], known), await floor.rung(devices[1], known)];
  known.push(...rungs.map(({ id }) => id));
  for (const { device, id } of rungs) assert.equal((await device.putStatus(id, { status: 'Ringing' })).status, 200);
  await sim.waitFor('CALL_INCOMING', at.sim);
  await caller.waitFor('CALL_RINGING', at.caller);
  return { rungs, at };
}

/** The device has lost the call, once, and is told that somebody else has it. */
async function lost({ device, id }: Rung, reason: RegExp): Promise<void> {
  const { data } = await device.waitStatus(id, 'SessionCancelled');
  assert.match(data.reason, reason);
  assert.equal(device.statuses(id).filter(status => status === 'SessionCancelled').length, 1);
  assert.equal((await device.putStatus(id, { status: 'Connected' })).status, 404);
}

const answers = (from: number) => seen(caller.wire().slice(from), /^SIP\/2\.0 200 /, /^CSeq: \d+ INVITE/m).length;

test('the HSS holds the phone and the gateway for one number', async () => {
  const { registeredImpis } = await bench.core.subscriber(BELA);
  assert.equal(registeredImpis.length, 2, registeredImpis.join(' '));
});

for (const winner of [0, 1] as const) {
  test(`device ${winner + 1} answers: the other device and the SIM phone stop ringing, sound both ways`, async () => {
    const { rungs, at } = await ringAll();
    const { id, peer } = await floor.answer(rungs[winner]);
    await caller.waitFor('CALL_ESTABLISHED', at.caller);
    await lost(rungs[winner === 0 ? 1 : 0], /answered elsewhere/i);
    await sim.waitFor('CALL_CLOSED', at.sim);
    await talk(peer, WEB_HZ, 2000);
    assert.equal(caller.heard().hz, WEB_HZ);
    assert.equal(heardBy(peer).hz, CALLER_HZ);
    await caller.hangUp();
    await rungs[winner].device.waitStatus(id, 'Terminated');
    assert.equal(answers(at.callerWire), 1);
    await peer.close();
    await floor.quiet();
  });
}

test('the SIM phone answers: both devices are told, sound between the phones', async () => {
  const { rungs, at } = await ringAll();
  await sim.accept();
  await caller.waitFor('CALL_ESTABLISHED', at.caller);
  for (const rung of rungs) await lost(rung, /cause=200/);
  await until(() => caller.heard(0.5).hz === SIM_HZ && sim.heard(0.5).hz === CALLER_HZ, 'the tones');
  assert.equal(answers(at.callerWire), 1);
  await sim.hangUp();
  await caller.waitFor('CALL_CLOSED', at.caller);
  await floor.quiet();
});
