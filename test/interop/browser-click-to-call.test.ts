/** Visitors of the demo business's page, which has an origin of its own, talk to it by the button: no account, no number. */

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { fetchToken } from '../../sandbox/token.ts';
import { Device } from '../support/camara.ts';
import { BELA, ECHO } from '../support/number.ts';
import { followButton, stateOf, waitState } from './browser-shop.ts';
import { MICROPHONE_HZ, openStage, press, type Stage, signIn, waitText, waitTone } from './browser-support.ts';

const HOST = '127.0.0.64';
const POOL_NUMBER = /\+1555010800\d$/;

let stage: Stage;
let shop: string;

before(async () => {
  stage = await openStage(HOST);
  shop = stage.sandbox.business ?? '';
});
after(async () => {
  await stage?.close();
});

/** The first button of a page of the shop, and what it says. */
async function visit(url = `${shop}/`): Promise<Page> {
  const page = await (await stage.profile()).newPage();
  await page.addInitScript(followButton);
  await page.goto(url);
  await page.locator('lineside-call').first().waitFor();
  return page;
}

const part = (page: Page, name: string) => page.locator('lineside-call').first().locator(`[part~="${name}"]`);

interface AxeResult {
  violations: Array<{ id: string; help: string; nodes: Array<{ html: string; failureSummary?: string }> }>;
}

/** No finding of axe, in both colour schemes; nothing moves meanwhile. */
async function accessible(page: Page): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(() =>
      (globalThis as unknown as { axe: { run(): Promise<AxeResult> } }).axe.run(),
    );
    const found = violations.flatMap(({ id, nodes }) => nodes.map(n => `${id}: ${n.failureSummary}: ${n.html}`));
    assert.deepEqual(found, [], colorScheme);
  }
}

test('CTC-14 by keyboard alone: a visitor presses the button, hears the own voice, is muted, sends digits, hangs up', async () => {
  const page = await visit();
  await accessible(page);
  await part(page, 'button').focus();
  await page.keyboard.press('Enter');
  await waitState(page, 'talking');
  assert.match((await part(page, 'panel').ariaSnapshot()) ?? '', /Harbour Bicycles/);
  // There before its words are: what appears together with them is not read out.
  assert.equal(await part(page, 'message').evaluate(node => getComputedStyle(node).display), 'block');
  await waitTone(page, MICROPHONE_HZ);
  assert.match((await part(page, 'timer').textContent()) ?? '', /^\d:\d\d$/);
  await page.keyboard.press('m');
  assert.equal((await stateOf(page)).muted, true);
  assert.equal(await part(page, 'mute').getAttribute('aria-pressed'), 'true');
  await page.keyboard.press('m');
  await page.keyboard.type('4#');
  await accessible(page);
  assert.equal(await part(page, 'digits').textContent(), '4#');
  await page.keyboard.press('Escape');
  await part(page, 'keypad').waitFor({ state: 'hidden' });
  await part(page, 'hang-up').focus();
  await page.keyboard.press('Enter');
  assert.equal((await waitState(page, 'ended')).reason, 'hung-up-here');
  assert.equal(await part(page, 'message').textContent(), 'Thank you for calling.');
  await accessible(page);
  await page.keyboard.press('Escape');
  await part(page, 'panel').waitFor({ state: 'hidden' });
  assert.equal(await page.evaluate(() => document.activeElement?.localName), 'lineside-call');
  const said = await page.evaluate(() => (globalThis as unknown as { said: string[] }).said);
  assert.deepEqual([said.at(0), said.at(-1)], ['preparing', 'idle']);
  await page.context().close();
});

test('CTC-15 an answered call goes on in the next page of the shop', async () => {
  const page = await visit();
  await part(page, 'button').click();
  await waitState(page, 'talking');
  await page.getByRole('link', { name: 'Workshop' }).click();
  await page.waitForURL(/workshop/);
  await waitState(page, 'talking');
  await waitTone(page, MICROPHONE_HZ);
  await part(page, 'hang-up').click();
  await waitState(page, 'ended');
  await page.context().close();
});

test('CTC-01 the business is rung by a number of its pool, answers, hears the visitor and hangs up', async () => {
  const bela = await signIn(await stage.profile(), stage.sandbox.pages, BELA);
  const page = await visit(`${shop}/workshop.html`);
  const id = await page.locator('lineside-call').nth(1).getAttribute('entry-point');
  await callBy(page, id ?? '');
  await waitText(bela, 'status', /^Incoming call$/);
  assert.match(await waitText(bela, 'caller', /\d/), POOL_NUMBER);
  await waitState(page, 'ringing');
  await accessible(page);
  await press(bela, 'answer-button');
  await waitState(page, 'talking');
  await waitTone(bela, MICROPHONE_HZ);
  await waitTone(page, MICROPHONE_HZ);
  await press(bela, 'hold-button');
  await page.waitForFunction(() => /hold/.test(document.querySelector('lineside-call')?.shadowRoot?.textContent ?? ''));
  await press(bela, 'hold-button');
  await press(bela, 'hangup-button');
  assert.equal((await waitState(page, 'ended')).reason, 'hung-up');
  await page.context().close();
  await bela.context().close();
});

test('CTC-16 who is closed says so before and after the press, in the language of the page', async () => {
  const page = await visit(`${shop}/workshop.html`);
  const closed = page.locator('lineside-call').nth(2);
  await closed
    .locator('[part~="note"]')
    .filter({ hasText: /^(Öffnet|Zurzeit)/ })
    .waitFor();
  await closed.locator('[part~="button"]').click();
  assert.equal(await closed.locator('[part~="status"]').textContent(), 'Zurzeit geschlossen');
  await accessible(page);
  await page.context().close();
});

test('CTC-16 a browser that forbids the microphone is explained', async () => {
  const strict = createServer((_request, response) => {
    const button = '<script type="module" src="GATEWAY/click-to-call.js"></script><lineside-call>Call</lineside-call>';
    const body = `<!doctype html><html lang="en"><title>Shop</title><main>${button}</main></html>`;
    response
      .writeHead(200, { 'content-type': 'text/html', 'permissions-policy': 'microphone=()' })
      .end(body.replace('GATEWAY', stage.sandbox.pages));
  });
  await new Promise<void>(resolve => strict.listen(0, HOST, resolve));
  const origin = `http://${HOST}:${(strict.address() as AddressInfo).port}`;
  const page = await visit(origin);
  await callBy(page, await entryPoint(origin));
  assert.equal((await waitState(page, 'failed')).error, 'microphone-denied');
  assert.match((await part(page, 'message').textContent()) ?? '', /Allow it/);
  await accessible(page);
  await page.context().close();
  strict.closeAllConnections();
  strict.close();
});

test('CTC-16 all lines busy: the next visitor is told when to try again', async () => {
  const oneLine = await entryPoint(shop);
  const onIt = async () => {
    const page = await visit();
    await callBy(page, oneLine);
    return page;
  };
  const first = await onIt();
  await waitState(first, 'talking');
  const second = await onIt();
  assert.equal((await waitState(second, 'failed')).error, 'too-many-calls');
  assert.equal(await part(second, 'again').getAttribute('aria-disabled'), 'true');
  assert.match((await part(second, 'again').textContent()) ?? '', /^Try again in \d+ s$/);
  await accessible(second);
  for (const page of [first, second]) await page.context().close();
});

/** Gives the first button of a page another entry point, and presses it. */
async function callBy(page: Page, id: string): Promise<void> {
  await page.evaluate(to => document.querySelector('lineside-call')?.setAttribute('entry-point', to), id);
  await part(page, 'button').click();
}

/** Id of one of the demo business, for pages of `origin`; it takes one call at a time. */
async function entryPoint(origin: string): Promise<string> {
  const token = await fetchToken(['--two-legged'], stage.sandbox.issuer);
  assert.ok(token.ok);
  const business = new Device(stage.sandbox.pages, token.token);
  const made = await business.call('POST', '/webrtc-click-to-call/v0.1/entry-points', {
    poolId: 'demo-pool',
    displayName: 'One line',
    destination: `tel:${ECHO}`,
    allowedOrigins: [origin],
    maxConcurrent: 1,
  });
  assert.equal(made.status, 201);
  return made.body.entryPointId;
}
