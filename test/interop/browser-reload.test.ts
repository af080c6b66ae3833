/** A page that is loaded again in a call goes on with it; one that does not come back ends it; a change of network is survived. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { ADA, BELA, ECHO } from '../support/number.ts';
import {
  dial,
  leave,
  MICROPHONE_HZ,
  openStage,
  press,
  type Stage,
  signIn,
  waitText,
  waitTone,
} from './browser-support.ts';

/** Too long to wait for: a page that is gone has said goodbye. */
const GRACE_MS = 120_000;

let stage: Stage;
let ada: Page;

before(async () => {
  stage = await openStage('127.0.0.58', { media: { webGraceMs: GRACE_MS } });
  ada = await signIn(await stage.profile(), stage.sandbox.pages, ADA);
});
after(async () => {
  await stage?.close();
});

interface Softphone {
  lineside: { client: { calls: Map<string, { on(event: 'reconnected', listener: () => void): void }> } };
}

const secondsOf = async (page: Page) => {
  const [minutes = 0, seconds = 0] = (await waitText(page, 'timer', /^\d+:\d\d$/)).split(':').map(Number);
  return minutes * 60 + seconds;
};

test('a call out goes on after a reload: connected, heard, its time counted from the answer', async () => {
  await dial(ada, ECHO);
  await waitText(ada, 'status', /^Connected$/);
  await waitTone(ada, MICROPHONE_HZ);
  const seconds = await secondsOf(ada);
  assert.ok(seconds > 0);
  for (let times = 0; times < 2; times += 1) {
    await ada.reload();
    await waitText(ada, 'status', /^Connected$/);
    await waitTone(ada, MICROPHONE_HZ);
  }
  assert.ok((await secondsOf(ada)) > seconds);
  await press(ada, 'hangup-button');
  assert.equal(await waitText(ada, 'end-reason', /\./), 'You hung up.');
});

test('a call in goes on after a reload, for both sides; held stays held', async () => {
  const bela = await signIn(await stage.profile(), stage.sandbox.pages, BELA);
  await dial(ada, BELA);
  await press(bela, 'answer-button');
  await waitText(bela, 'status', /^Connected$/);
  await bela.reload();
  await waitText(bela, 'status', /^Connected$/);
  await waitText(bela, 'remote', new RegExp(`\\${ADA}`));
  await Promise.all([waitTone(ada, MICROPHONE_HZ), waitTone(bela, MICROPHONE_HZ)]);
  await press(bela, 'hold-button');
  await waitText(bela, 'status', /^On hold$/);
  await bela.reload();
  await waitText(bela, 'status', /^On hold$/);
  await press(bela, 'hold-button');
  await waitText(bela, 'status', /^Connected$/);
  await Promise.all([waitTone(ada, MICROPHONE_HZ), waitTone(bela, MICROPHONE_HZ)]);
  await press(ada, 'hangup-button');
  assert.equal(await waitText(bela, 'end-reason', /\./), 'The other side hung up.');
  await leave(bela);
});

test('a page that rings rings again after a reload', async () => {
  const bela = await signIn(await stage.profile(), stage.sandbox.pages, BELA);
  await dial(ada, BELA);
  await waitText(bela, 'status', /^Incoming call$/);
  await bela.reload();
  await waitText(bela, 'status', /^Incoming call$/);
  await press(bela, 'answer-button');
  await waitText(ada, 'status', /^Connected$/);
  await waitTone(ada, MICROPHONE_HZ);
  await press(ada, 'hangup-button');
  await leave(bela);
});

for (const [way, go] of [
  ['leaves for another page', (page: Page) => page.goto('about:blank')],
  ['is closed', (page: Page) => page.close()],
  ['is closed with its window', (page: Page) => page.context().close()],
] as const) {
  test(`a page that ${way} in a call ends it, without waiting for its network`, async () => {
    const bela = await signIn(await stage.profile(), stage.sandbox.pages, BELA);
    await dial(bela, ADA);
    await press(ada, 'answer-button');
    await waitText(ada, 'status', /^Connected$/);
    await waitTone(ada, MICROPHONE_HZ);
    await go(bela);
    assert.equal(await waitText(ada, 'end-reason', /\./), 'The other side hung up.');
    await bela.context().close();
  });
}

test('a page that only called gives up as it is left', async () => {
  const bela = await signIn(await stage.profile(), stage.sandbox.pages, BELA);
  await dial(bela, ADA);
  await waitText(ada, 'status', /^Incoming call$/);
  await bela.goto('about:blank');
  assert.equal(await waitText(ada, 'end-reason', /\./), 'The caller gave up.');
  await bela.context().close();
});

test('on line again a call takes a new connection and is heard', async () => {
  await dial(ada, ECHO);
  await waitText(ada, 'status', /^Connected$/);
  await waitTone(ada, MICROPHONE_HZ);
  await ada.evaluate(async () => {
    const { client } = (globalThis as unknown as Softphone).lineside;
    const [call] = [...client.calls.values()];
    const back = new Promise<void>(resolve => call?.on('reconnected', resolve));
    dispatchEvent(new Event('online'));
    await back;
  });
  await waitTone(ada, MICROPHONE_HZ);
  await press(ada, 'hangup-button');
});
