/** The softphone page itself: open to everybody (axe, keyboard), its own sounds, the choice of devices, a withheld number. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { ADA, BELA, CHIDI, ECHO, NO_ANSWER } from '../support/number.ts';
import { choose, dial, leave, openStage, press, type Stage, signIn, waitText } from './browser-support.ts';

let stage: Stage;
let ada: Page;
let bela: Page;

before(async () => {
  stage = await openStage('127.0.0.59');
  ada = await signIn(await stage.profile(), stage.sandbox.pages, ADA);
  bela = await signIn(await stage.profile(), stage.sandbox.pages, BELA);
  for (const page of [ada, bela]) await watchSounds(page);
});
after(async () => {
  await stage?.close();
});

/** Counts the tones the page makes itself, by their frequency. */
async function watchSounds(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const playing: number[] = [];
    Object.assign(globalThis, { playing });
    const { start, stop } = OscillatorNode.prototype;
    OscillatorNode.prototype.start = function (when) {
      playing.push(this.frequency.value);
      start.call(this, when);
    };
    OscillatorNode.prototype.stop = function (when) {
      // The planned end lies in the future.
      if (when === undefined) playing.splice(playing.indexOf(this.frequency.value), 1);
      stop.call(this, when);
    };
  });
  await page.reload();
  await waitText(page, 'status', /^Ready$/);
}

const sounds = (page: Page) => page.evaluate(() => (globalThis as unknown as { playing: number[] }).playing);

interface AxeResult {
  violations: Array<{ id: string; help: string; nodes: Array<{ html: string; failureSummary?: string }> }>;
}

/** No finding of axe, in both colour schemes. The page forbids foreign scripts, so axe is evaluated from outside. */
async function accessible(page: Page): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(() =>
      (globalThis as unknown as { axe: { run(): Promise<AxeResult> } }).axe.run(),
    );
    const found = violations.flatMap(({ id, help, nodes }) => nodes.map(n => `${id}: ${help}: ${n.html}`));
    assert.deepEqual(found, [], colorScheme);
  }
  await page.emulateMedia({ colorScheme: null });
}

/** Every button lies within its panel, on the narrowest screen too. WCAG 2.2 1.4.10. */
async function contained(page: Page): Promise<void> {
  const usual = page.viewportSize();
  for (const width of [320, 1280]) {
    await page.setViewportSize({ width, height: 900 });
    const outside = await page.evaluate(() =>
      [...document.querySelectorAll('.panel button')].flatMap(button => {
        const panel = button.closest('.panel')?.getBoundingClientRect();
        const { left, right } = button.getBoundingClientRect();
        return panel !== undefined && (left < panel.left || right > panel.right) ? [button.id] : [];
      }),
    );
    assert.deepEqual(outside, [], `${width} px`);
  }
  if (usual !== null) await page.setViewportSize(usual);
}

test('axe finds nothing on the screens of one who signs in and dials, and no button leaves its panel', async () => {
  const page = await (await stage.profile()).newPage();
  await page.goto(`${stage.sandbox.pages}/softphone/`);
  await waitText(page, 'status', /^Signed out$/);
  await accessible(page);
  await page.context().close();
  await ada.getByTestId('sound').locator('summary').click();
  await accessible(ada);
  await contained(ada);
});

test('a call by keyboard alone: dialled, rung, answered, digits, muted, hung up; axe finds nothing on the way', async () => {
  await ada.getByTestId('dial-input').focus();
  await ada.keyboard.type(BELA);
  await ada.keyboard.press('Enter');
  await waitText(bela, 'status', /^Incoming call$/);
  assert.equal(await waitText(bela, 'caller', /Ada/), `Ada ${ADA}`);
  assert.equal(await bela.title(), 'Ada is calling');
  assert.deepEqual(await sounds(bela), [660, 880]);
  await waitText(ada, 'status', /^Ringing…$/);
  assert.deepEqual(await sounds(ada), [425]);
  await accessible(bela);
  await bela.keyboard.press('Enter');
  await waitText(bela, 'status', /^Connected$/);
  await waitText(ada, 'status', /^Connected$/);
  assert.deepEqual([await sounds(ada), await sounds(bela)], [[], []]);
  await waitText(bela, 'timer', /^0:0[1-9]$/);
  await accessible(bela);
  await bela.keyboard.type('42#');
  assert.equal(await waitText(bela, 'digits', /#/), '42#');
  await bela.keyboard.press('m');
  await waitText(bela, 'mute-button', /^Muted$/);
  assert.equal(await bela.getByTestId('mute-button').getAttribute('aria-pressed'), 'true');
  await accessible(bela);
  await bela.getByTestId('hangup-button').focus();
  await bela.keyboard.press('Enter');
  assert.equal(await waitText(bela, 'end-reason', /\./), 'You hung up.');
  assert.equal(await waitText(ada, 'end-reason', /\./), 'The other side hung up.');
  await accessible(bela);
});

test('the Enter that hung up does not dial again; + by a long press; what is typed beside the field lands in it', async () => {
  await dial(ada, ECHO);
  await waitText(ada, 'status', /^Connected$/);
  await ada.getByTestId('hangup-button').focus();
  await ada.keyboard.press('Enter');
  await waitText(ada, 'end-reason', /\./);
  await ada.keyboard.press('Enter');
  await ada.keyboard.press('Enter');
  assert.equal(await waitText(ada, 'status', /./), 'Call ended');
  const field = ada.getByTestId('dial-input');
  await field.fill('');
  const zero = ada.locator('#dial-pad button', { hasText: '0' });
  await zero.click({ delay: 700 });
  await zero.click();
  await ada.keyboard.type('15');
  assert.equal(await field.inputValue(), '+015');
});

test('held by the other side; hung up without a network, over here at once and there when the network is back', async () => {
  await dial(ada, BELA);
  await press(bela, 'answer-button');
  await waitText(ada, 'status', /^Connected$/);
  await press(ada, 'hold-button');
  await waitText(bela, 'status', /^On hold by the other side$/);
  assert.equal(await bela.getByTestId('hold-button').getAttribute('aria-pressed'), 'false');
  await press(ada, 'hold-button');
  await waitText(bela, 'status', /^Connected$/);
  await ada.context().setOffline(true);
  await waitText(ada, 'end-reason', /cannot be reached/);
  await press(ada, 'hangup-button');
  assert.equal(await waitText(ada, 'end-reason', /hung up/), 'You hung up.');
  assert.equal(await bela.getByTestId('status').textContent(), 'Connected');
  await ada.context().setOffline(false);
  assert.equal(await waitText(bela, 'end-reason', /\./), 'The other side hung up.');
  await waitText(ada, 'status', /^Ready$/);
});

test('two tabs of a profile: signed out in one, signed out in both, signed in again in both', async () => {
  const cleo = await signIn(await stage.profile(), stage.sandbox.pages, CHIDI);
  const other = await cleo.context().newPage();
  const red: string[] = [];
  other.on('console', message => message.type() === 'error' && red.push(message.text()));
  await other.goto(`${stage.sandbox.pages}/softphone/`);
  await waitText(other, 'status', /^Ready$/);
  await other.reload();
  await waitText(other, 'status', /^Ready$/);
  assert.deepEqual(red, [], 'a page that is loaded again asks for nothing that is refused');
  await cleo.locator('#sign-out').click();
  await waitText(other, 'status', /^Signed out$/);
  await waitText(cleo, 'status', /^Signed out$/);
  await accessible(other);
  await choose(cleo, CHIDI);
  await waitText(other, 'status', /^Ready$/);
  await leave(cleo);
});

test('axe finds nothing on the screens of a video call: offered, asked for in the call, seen', async () => {
  await ada.getByTestId('dial-input').fill(BELA);
  await press(ada, 'video-call-button');
  await waitText(bela, 'status', /^Incoming call$/);
  await bela.getByTestId('answer-video-button').waitFor();
  await accessible(bela);
  await press(bela, 'answer-button');
  await waitText(ada, 'status', /^Connected$/);
  // A live region that is there before its words: what appears as a whole is not read out. WCAG 2.2 4.1.3.
  const question = bela.locator('#talk').getByRole('status');
  assert.equal(await question.textContent(), '');
  await press(ada, 'video-button');
  await bela.getByTestId('take-video-button').waitFor();
  assert.equal(await question.textContent(), 'The other side asks for video.');
  await accessible(bela);
  await press(bela, 'take-video-button');
  await bela.getByTestId('remote-video').waitFor();
  await accessible(bela);
  await press(ada, 'hangup-button');
  await waitText(bela, 'end-reason', /\./);
});

test('Escape declines; a silenced page does not ring; a withheld number is not shown', async () => {
  await bela.getByTestId('sound').locator('summary').click();
  await bela.getByTestId('ring').uncheck();
  await ada.getByTestId('withhold').check();
  await dial(ada, BELA);
  await waitText(bela, 'status', /^Incoming call$/);
  assert.equal(await waitText(bela, 'caller', /\w/), 'Number withheld');
  assert.deepEqual(await sounds(bela), []);
  await bela.keyboard.press('Escape');
  assert.equal(await waitText(bela, 'end-reason', /\./), 'You declined the call.');
  await waitText(ada, 'end-reason', /\./);
  await ada.getByTestId('withhold').uncheck();
  await bela.reload();
  await waitText(bela, 'status', /^Ready$/);
  assert.equal(await bela.getByTestId('ring').isChecked(), false);
});

test('microphones and speakers can be chosen, before a call and in it', async () => {
  await dial(ada, NO_ANSWER);
  await waitText(ada, 'status', /^Ringing…$/);
  const choices = await ada.getByTestId('microphone').locator('option').allTextContents();
  assert.equal(choices[0], 'Default of this device');
  assert.ok(choices.length > 1, choices.join());
  const before = await microphoneTrack(ada);
  await ada.getByTestId('microphone').selectOption({ index: 1 });
  await ada.waitForFunction(old => {
    const [call] = [...(globalThis as unknown as Softphone).lineside.client.calls.values()];
    return call !== undefined && call.localStream.getAudioTracks()[0]?.id !== old;
  }, before);
  if ((await ada.getByTestId('speaker').locator('option').count()) > 1) {
    await ada.getByTestId('speaker').selectOption({ index: 1 });
  }
  await ada.getByTestId('hangup-button').click();
  assert.equal(await waitText(ada, 'end-reason', /\./), 'You cancelled the call.');
  assert.deepEqual(await sounds(ada), []);
  for (const page of [ada, bela]) await leave(page);
});

interface Softphone {
  lineside: { client: { calls: Map<string, { localStream: MediaStream }> } };
}

const microphoneTrack = (page: Page) =>
  page.evaluate(() => {
    const [call] = [...(globalThis as unknown as Softphone).lineside.client.calls.values()];
    return call?.localStream.getAudioTracks()[0]?.id ?? '';
  });
