/** Chromium on the softphone page: signs in, calls through real SIP, hears what it should, is told every end in words. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { ADA, BELA, BUSY, DECLINES, EARLY, ECHO, HANGS_UP, NO_ANSWER, TONE } from '../support/number.ts';
import { agentCall, agentDo, openJsSip, waitStory } from './browser-jssip.ts';
import {
  dial,
  hear,
  leave,
  MICROPHONE_HZ,
  openStage,
  type Stage,
  signIn,
  waitText,
  waitTone,
} from './browser-support.ts';

/** A call out is given up after this: long for what is answered here, short for who waits for it. */
const GUARD_MS = 15_000;

let stage: Stage;
let ada: Page;

before(async () => {
  stage = await openStage('127.0.0.33', { call: { originateGuardMs: GUARD_MS } });
  ada = await signIn(await stage.profile(), stage.sandbox.pages, ADA);
});
after(async () => {
  await stage?.close();
});

const hangUp = async (page: Page) => {
  await page.getByTestId('hangup-button').click();
  return waitText(page, 'end-reason', /\./);
};

test('the page shows the number it is signed in with', async () => {
  assert.equal(await ada.getByTestId('number').textContent(), ADA);
});

test('a caller hears its own tone from the echo number', async () => {
  await dial(ada, ECHO);
  await waitText(ada, 'status', /^Connected$/);
  const { hz } = await waitTone(ada, MICROPHONE_HZ);
  assert.ok(Math.abs(hz - MICROPHONE_HZ) < 15, `${hz} Hz`);
  assert.equal(await hangUp(ada), 'You hung up.');
  assert.equal(await ada.getByTestId('status').textContent(), 'Call ended');
});

test('a muted microphone is silence at the echo, and sound again afterwards', async () => {
  await dial(ada, ECHO);
  await waitText(ada, 'status', /^Connected$/);
  await waitTone(ada, MICROPHONE_HZ);
  await ada.getByTestId('mute-button').click();
  await assert.rejects(waitTone(ada, MICROPHONE_HZ, 3000), /^Error: Heard/);
  await ada.getByTestId('mute-button').click();
  await waitTone(ada, MICROPHONE_HZ);
  await hangUp(ada);
});

test('the tone number is heard as 440 Hz', async () => {
  await dial(ada, TONE);
  await waitText(ada, 'status', /^Connected$/);
  await waitTone(ada, 440);
  await hangUp(ada);
});

test('early media is heard before the answer', async () => {
  await dial(ada, EARLY);
  await waitText(ada, 'status', /^(Connecting…|Ringing…)$/);
  const heard = await hear(ada, 1200);
  assert.match((await ada.getByTestId('status').textContent()) ?? '', /^(Connecting…|Ringing…)$/);
  assert.ok(Math.abs(heard.hz - 440) < 15, JSON.stringify(heard));
  await waitText(ada, 'status', /^Connected$/);
  await hangUp(ada);
});

test('a call is held and resumed, and there is sound again', async () => {
  await dial(ada, ECHO);
  await waitText(ada, 'status', /^Connected$/);
  await ada.getByTestId('hold-button').click();
  await waitText(ada, 'status', /^On hold$/);
  await ada.getByTestId('hold-button').click();
  await waitText(ada, 'status', /^Connected$/);
  await waitTone(ada, MICROPHONE_HZ);
  await hangUp(ada);
});

for (const [what, number, sentence] of [
  ['busy', BUSY, 'The other side is busy.'],
  ['declining', DECLINES, 'The other side declined the call.'],
] as const) {
  test(`a ${what} number is told in words`, async () => {
    await dial(ada, number);
    assert.equal(await waitText(ada, 'end-reason', /\./), sentence);
    assert.ok(await ada.getByTestId('call-button').isEnabled(), 'the next call can be made');
  });
}

test('a call that is not answered can be cancelled', async () => {
  await dial(ada, NO_ANSWER);
  await waitText(ada, 'status', /^Ringing…$/);
  assert.equal(await hangUp(ada), 'You cancelled the call.');
});

test('a call that nobody answers ends by itself, and says why', async () => {
  await dial(ada, NO_ANSWER);
  await waitText(ada, 'status', /^Ringing…$/);
  assert.equal(await waitText(ada, 'end-reason', /\./), 'Nobody answered.');
});

test('the far end hanging up is told in words, with the time the call took', async () => {
  await dial(ada, HANGS_UP);
  await waitText(ada, 'status', /^Connected$/);
  await waitText(ada, 'timer', /^0:0[3-6]$/);
  assert.equal(await waitText(ada, 'end-reason', /\./), 'The other side hung up.');
});

test('a number that cannot be dialled is refused on the page', async () => {
  await dial(ada, '112 please');
  assert.match(await waitText(ada, 'end-reason', /\./), /not a number that can be dialled/);
});

test('two subscribers call each other: answered, heard on both sides, hung up by the called one', async () => {
  const bela = await signIn(await stage.profile(), stage.sandbox.pages, BELA);
  await dial(ada, BELA);
  await waitText(bela, 'caller', new RegExp(`\\${ADA}`));
  await waitText(ada, 'status', /^Ringing…$/);
  await bela.getByTestId('answer-button').click();
  await waitText(ada, 'status', /^Connected$/);
  await waitText(bela, 'status', /^Connected$/);
  await waitTone(ada, MICROPHONE_HZ);
  await waitTone(bela, MICROPHONE_HZ);
  assert.equal(await hangUp(bela), 'You hung up.');
  assert.equal(await waitText(ada, 'end-reason', /\./), 'The other side hung up.');
  await leave(bela);
});

test('an incoming call can be declined, and given up by the caller', async () => {
  const bela = await signIn(await stage.profile(), stage.sandbox.pages, BELA);
  await dial(ada, BELA);
  await bela.getByTestId('decline-button').click();
  assert.equal(await waitText(bela, 'end-reason', /\./), 'You declined the call.');
  await waitText(ada, 'end-reason', /^The other side/);
  await dial(ada, BELA);
  await waitText(bela, 'status', /^Incoming call$/);
  await waitText(ada, 'status', /^Ringing…$/);
  await hangUp(ada);
  assert.equal(await waitText(bela, 'end-reason', /\./), 'The caller gave up.');
  await leave(bela);
});

test('every browser of a number rings; the first to answer has the call, the others are told', async () => {
  const first = await signIn(await stage.profile(), stage.sandbox.pages, BELA);
  const second = await signIn(await stage.profile(), stage.sandbox.pages, BELA);
  await dial(ada, BELA);
  for (const page of [first, second]) await waitText(page, 'status', /^Incoming call$/);
  await second.getByTestId('answer-button').click();
  await waitText(second, 'status', /^Connected$/);
  assert.equal(await waitText(first, 'end-reason', /\./), 'The call was answered on another device.');
  await waitTone(ada, MICROPHONE_HZ);
  await hangUp(ada);
  for (const page of [first, second]) await leave(page);
});

test('a call to the own number rings the other browser, not the calling one', async () => {
  const other = await signIn(await stage.profile(), stage.sandbox.pages, ADA);
  await dial(ada, ADA);
  await waitText(other, 'status', /^Incoming call$/);
  assert.equal(await ada.getByTestId('answer-button').isVisible(), false);
  await other.getByTestId('answer-button').click();
  await waitText(ada, 'status', /^Connected$/);
  await hangUp(ada);
  await leave(other);
});

test('a reloaded page finds its registration again and calls', async () => {
  await ada.reload();
  await waitText(ada, 'status', /^Ready$/);
  await dial(ada, ECHO);
  await waitText(ada, 'status', /^Connected$/);
  await hangUp(ada);
});

test('signing out ends the session on the page, and the page asks who signs in next', async () => {
  await ada.locator('#sign-out').click();
  await ada.getByTestId('sign-in').click();
  await ada.getByTestId(`subscriber-${BELA}`).click();
  await waitText(ada, 'status', /^Ready$/);
  assert.equal(await ada.getByTestId('number').textContent(), BELA);
});

test('the gateway’s log holds no token and no full number', () => {
  assert.doesNotMatch(stage.log(), /eyJ[\w-]{20}/);
  assert.doesNotMatch(stage.log(), /\+1555010\d{4}/);
});

test('a page with JsSIP registers by SIP over WebSocket, calls, holds, is called, and is heard both ways', async () => {
  const agent = await openJsSip(stage, BELA);
  await agentCall(agent, ECHO);
  await waitStory(agent, /confirmed$/);
  await waitTone(agent, MICROPHONE_HZ);
  await agentDo(agent, 'hold');
  await waitStory(agent, /hold agreed$/);
  await agentDo(agent, 'unhold');
  await waitStory(agent, /unhold agreed$/);
  await waitTone(agent, MICROPHONE_HZ);
  await agentDo(agent, 'terminate');
  await waitStory(agent, /ended Terminated$/);

  await dial(ada, BELA);
  await waitStory(agent, /ended Terminated, progress$/);
  await waitText(ada, 'status', /^Ringing…$/);
  await agentDo(agent, 'answer');
  await waitText(ada, 'status', /^Connected$/);
  await waitTone(agent, MICROPHONE_HZ);
  await waitTone(ada, MICROPHONE_HZ);
  await agentDo(agent, 'terminate');
  assert.equal(await waitText(ada, 'end-reason', /\./), 'The other side hung up.');
  await agentDo(agent, 'stop');
  await waitStory(agent, /unregistered$/);
  await agent.context().close();
});
