/** Firefox on another host, over TLS: signs in, hears its own tone, also after a reload, calls Chromium and is called by it, under either SRTP profile; closed in a call it ends it; and it visits the shop. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { certificate } from '../support/certificate.ts';
import { FIREFOX_HZ, type Firefox, startFirefox } from '../support/firefox.ts';
import { type NetworkNamespace, openNamespace } from '../support/network-namespace.ts';
import { ADA, BELA, ECHO } from '../support/number.ts';
import { followButton, waitState } from './browser-shop.ts';
import {
  choose,
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

let network: NetworkNamespace;
let firefox: Firefox;
let folder: string;
let tls: { cert: string; key: string };

before(async () => {
  network = openNamespace();
  folder = mkdtempSync(join(tmpdir(), 'lineside-tls-'));
  // Off the loopback address a page may only use the microphone when it came by https.
  tls = certificate(folder, [network.outside]);
  firefox = await startFirefox(network);
});
after(async () => {
  await firefox?.close();
  network?.close();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

async function firefoxPage(stage: Stage, number: string) {
  const context = await firefox.profile();
  const page = await context.newPage();
  await page.goto(`${stage.sandbox.pages}/softphone/`);
  await choose(page, number);
  return page;
}

/** A visitor of the shop presses the button, hears the own voice, sends digits and hangs up. */
async function visitShop(stage: Stage): Promise<void> {
  const context = await firefox.profile();
  const page = await context.newPage();
  const part = (name: string) => page.locator(`lineside-call >>> [part~="${name}"]`);
  await page.evaluateOnNewDocument(followButton);
  await page.goto(`${stage.sandbox.business}/`);
  await part('button').click();
  await waitState(page, 'talking');
  await waitTone(page, FIREFOX_HZ);
  await page.keyboard.type('4#');
  const digits = part('digits').map(node => node.textContent);
  assert.equal(await digits.wait(), '4#');
  await page.keyboard.press('Escape');
  await part('hang-up').click();
  assert.equal((await waitState(page, 'ended')).reason, 'hung-up-here');
  await context.close();
}

for (const srtp of ['AES_CM_128_HMAC_SHA1_80', 'AEAD_AES_128_GCM']) {
  test(`${srtp}: Firefox hears its own tone; Firefox and Chromium call each other and hear each other`, async t => {
    const stage = await openStage(network.outside, { media: { srtp: [srtp] } }, tls);
    t.after(() => stage.close());
    const bela = await firefoxPage(stage, BELA);
    t.after(() => bela.browserContext().close());
    await dial(bela, ECHO);
    await waitText(bela, 'status', /^Connected$/);
    await waitTone(bela, FIREFOX_HZ);
    await bela.reload();
    await waitText(bela, 'status', /^Connected$/);
    await waitTone(bela, FIREFOX_HZ);
    await press(bela, 'hangup-button');
    assert.equal(await waitText(bela, 'end-reason', /\./), 'You hung up.');

    const ada = await signIn(await stage.profile(), stage.sandbox.pages, ADA);
    for (const [caller, called] of [
      [ada, bela],
      [bela, ada],
    ] as const) {
      await dial(caller, called === ada ? ADA : BELA);
      await waitText(called, 'caller', new RegExp(`\\${caller === ada ? ADA : BELA}$`));
      await waitText(caller, 'status', /^Ringing…$/);
      await press(called, 'answer-button');
      for (const page of [caller, called]) await waitText(page, 'status', /^Connected$/);
      await Promise.all([waitTone(ada, FIREFOX_HZ), waitTone(bela, MICROPHONE_HZ)]);
      await press(called, 'hangup-button');
      assert.equal(await waitText(called, 'end-reason', /\./), 'You hung up.');
      assert.equal(await waitText(caller, 'end-reason', /\./), 'The other side hung up.');
    }
    await dial(bela, ADA);
    await press(ada, 'answer-button');
    await waitText(bela, 'status', /^Connected$/);
    await bela.close();
    // Long before the loss of its network would be noticed.
    assert.equal(await waitText(ada, 'end-reason', /\./), 'The other side hung up.');
    await leave(ada);

    await t.test('CTC-14 Firefox: a visitor talks to the shop by its button', () => visitShop(stage));
  });
}
