/** Chromium, a real SIP phone, and a number that both have: calls both ways, and who has the call when everything rings. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { ADA, BELA, CHIDI } from '../support/number.ts';
import { type Phone, startPhone } from '../support/phone.ts';
import { until } from '../support/talk.ts';
import { dial, leave, MICROPHONE_HZ, openStage, type Stage, signIn, waitText, waitTone } from './browser-support.ts';
import { seen } from './phone-support.ts';

const HOST = '127.0.0.44';
const SIM_HZ = 800;
const CALLER_HZ = 600;
const ELSEWHERE = 'The call was answered on another device.';

let stage: Stage;
/** Bela's SIM phone, and Chidi's, who calls. */
let sim: Phone;
let caller: Phone;

before(async () => {
  stage = await openStage(HOST);
  sim = await startPhone({ registrar: HOST, number: BELA, toneHz: SIM_HZ });
  caller = await startPhone({ registrar: HOST, number: CHIDI, toneHz: CALLER_HZ });
});
after(async () => {
  await sim?.close();
  await caller?.close();
  await stage?.close();
});

async function pageOf(number: string): Promise<Page> {
  return signIn(await stage.profile(), stage.sandbox.pages, number);
}

const endReason = (page: Page) => waitText(page, 'end-reason', /\./);
const phoneHears = (phone: Phone, hz: number) => until(() => phone.heard().hz === hz, `${hz} Hz at the phone`);

test('Chromium calls the phone: sound both ways, digits to the phone, the phone hangs up', async () => {
  const ada = await pageOf(ADA);
  const at = sim.events.length;
  await dial(ada, BELA);
  const incoming = await sim.waitFor('CALL_INCOMING', at);
  assert.match(incoming.peeruri ?? '', new RegExp(`\\${ADA}@`));
  await waitText(ada, 'status', /^Ringing…$/);
  await sim.accept();
  await waitText(ada, 'status', /^Connected$/);
  await waitTone(ada, SIM_HZ);
  await phoneHears(sim, MICROPHONE_HZ);
  await ada.getByTestId('keypad-button').click();
  for (const digit of ['7', '#']) await ada.locator('#digit-pad').getByText(digit, { exact: true }).click();
  const keys = () => sim.events.slice(at).filter(event => event.type === 'CALL_DTMF_START');
  await until(() => keys().length === 2, 'two digits at the phone');
  const pressed = keys().map(({ param }) => param);
  assert.deepEqual(pressed, ['7', '#']);
  await sim.hangUp();
  assert.equal(await endReason(ada), 'The other side hung up.');
  await leave(ada);
});

test('the phone calls Chromium, which shows name and number, answers and hangs up', async () => {
  const ada = await pageOf(ADA);
  const at = sim.events.length;
  await sim.dial(ADA);
  assert.equal(await waitText(ada, 'caller', /\+1555/), `Bela ${BELA}`);
  await ada.getByTestId('answer-button').click();
  await sim.waitFor('CALL_ESTABLISHED', at);
  await phoneHears(sim, MICROPHONE_HZ);
  await waitTone(ada, SIM_HZ);
  await ada.getByTestId('hangup-button').click();
  await sim.waitFor('CALL_CLOSED', at);
  assert.equal(await endReason(ada), 'You hung up.');
  await leave(ada);
});

test('two browsers and the phone ring: each browser has the call once, then the phone', async () => {
  const first = await pageOf(BELA);
  const second = await pageOf(BELA);
  const ring = async () => {
    const at = { caller: caller.events.length, sim: sim.events.length, wire: sim.wire().length };
    await caller.dial(BELA);
    for (const page of [first, second]) await waitText(page, 'status', /^Incoming call$/);
    await sim.waitFor('CALL_INCOMING', at.sim);
    return at;
  };
  for (const [winner, loser] of [
    [second, first],
    [first, second],
  ] as const) {
    const at = await ring();
    await winner.getByTestId('answer-button').click();
    await caller.waitFor('CALL_ESTABLISHED', at.caller);
    assert.equal(await endReason(loser), ELSEWHERE);
    await sim.waitFor('CALL_CLOSED', at.sim);
    const [cancel] = seen(sim.wire().slice(at.wire), /^CANCEL /);
    assert.match(cancel?.text ?? '', /^Reason: SIP\s*;\s*cause=200/m);
    await waitTone(winner, CALLER_HZ);
    await phoneHears(caller, MICROPHONE_HZ);
    await caller.hangUp();
    assert.equal(await endReason(winner), 'The other side hung up.');
  }

  const two = await ring();
  await first.getByTestId('decline-button').click();
  assert.equal(await endReason(first), 'You declined the call.');
  await waitText(second, 'status', /^Incoming call$/);
  await sim.accept();
  await caller.waitFor('CALL_ESTABLISHED', two.caller);
  assert.equal(await endReason(second), ELSEWHERE);
  await phoneHears(caller, SIM_HZ);
  await phoneHears(sim, CALLER_HZ);
  await sim.hangUp();
  await caller.waitFor('CALL_CLOSED', two.caller);
  await leave(first);
  await leave(second);
});
