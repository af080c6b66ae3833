/** `node tools/screenshots.ts FOLDER`: every screen of the softphone page, video too, the sandbox's sign-in, the API reference, and the button of click to call on the demo business's page, light and dark, on phones and desktop wide, on a sandbox of its own. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { dial, openStage, type Stage, signIn, waitText } from '../test/interop/browser-support.ts';

const HOST = '127.0.0.49';
const ADA = '+15550100001';
const BELA = '+15550100002';
const SIZES = {
  narrow: { width: 320, height: 640 },
  phone: { width: 390, height: 844 },
  desktop: { width: 1280, height: 900 },
};

const [folder = 'screenshots'] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const stage = await openStage(HOST);
try {
  for (const scheme of ['light', 'dark'] as const)
    for (const size of ['narrow', 'phone', 'desktop'] as const) {
      await shoot(stage, scheme, size);
      await shootButton(stage, scheme, size);
    }
} finally {
  await stage.close();
}

async function shoot(on: Stage, colorScheme: 'light' | 'dark', size: keyof typeof SIZES): Promise<void> {
  const context = await on.profile();
  const take = async (page: Page, screen: string) => {
    await page.screenshot({ path: join(folder, `${screen}-${size}-${colorScheme}.png`) });
  };
  const dress = async (page: Page) => {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize(SIZES[size]);
  };
  const out = await context.newPage();
  await dress(out);
  await out.goto(`${on.sandbox.pages}/softphone/`);
  await waitText(out, 'status', /^Signed out$/);
  await take(out, '1-signed-out');
  await out.getByTestId('sign-in').click();
  await out.getByTestId(`subscriber-${ADA}`).waitFor();
  await take(out, '1-sign-in');
  await out.goto(`${on.sandbox.pages}/docs/webrtc-call-handling`);
  await take(out, '8-reference');
  await out.close();
  const bela = await signIn(context, on.sandbox.pages, BELA);
  await dress(bela);
  await bela.getByTestId('dial-input').fill('+15550109000');
  await take(bela, '2-ready');
  const ada = await signIn(await on.profile(), on.sandbox.pages, ADA);
  await dial(ada, BELA);
  await waitText(bela, 'status', /^Incoming call$/);
  await take(bela, '3-incoming');
  await bela.getByTestId('answer-button').click();
  await waitText(bela, 'status', /^Connected$/);
  await bela.waitForTimeout(1200);
  await take(bela, '4-talk');
  await bela.getByTestId('mute-button').click();
  await bela.keyboard.type('42#');
  await take(bela, '5-digits');
  await ada.getByTestId('hold-button').click();
  await waitText(bela, 'status', /other side/);
  await take(bela, '6-held');
  await context.setOffline(true);
  await waitText(bela, 'end-reason', /reached/);
  await take(bela, '6-out-of-reach');
  await bela.getByTestId('hangup-button').click();
  await context.setOffline(false);
  await waitText(bela, 'end-reason', /\./);
  await bela.getByTestId('sound').locator('summary').click();
  await take(bela, '7-ended');
  await bela.getByTestId('video-call-button').click();
  await bela.getByTestId('remote-video').waitFor({ state: 'visible' });
  await bela.waitForTimeout(2500);
  await take(bela, '9-video');
  await bela.getByTestId('hangup-button').click();
  await waitText(bela, 'end-reason', /\./);
  await ada.getByTestId('dial-input').fill(BELA);
  await ada.getByTestId('video-call-button').click();
  await waitText(bela, 'status', /^Incoming call$/);
  await take(bela, '9-video-incoming');
  await bela.getByTestId('answer-button').click();
  await waitText(ada, 'status', /^Connected$/);
  await ada.getByTestId('video-button').click();
  await bela.getByTestId('take-video-button').waitFor();
  await take(bela, '9-video-asked');
  await bela.getByTestId('take-video-button').click();
  await bela.getByTestId('remote-video').waitFor({ state: 'visible' });
  await bela.waitForTimeout(1500);
  await take(bela, '9-video-both');
  await ada.context().close();
  await context.close();
}

async function shootButton(on: Stage, colorScheme: 'light' | 'dark', size: keyof typeof SIZES): Promise<void> {
  const context = await on.profile();
  const page = await context.newPage();
  await page.emulateMedia({ colorScheme });
  await page.setViewportSize(SIZES[size]);
  const take = (screen: string) =>
    page.screenshot({ path: join(folder, `button-${screen}-${size}-${colorScheme}.png`) });
  const part = (name: string) => page.locator('lineside-call').first().locator(`[part~="${name}"]`);
  const state = (name: string) => page.locator(`lineside-call [part~="panel"][data-state="${name}"]`).first().waitFor();
  await page.goto(`${on.sandbox.business}/`);
  await part('button').waitFor();
  await take('1-idle');
  await part('button').click();
  await state('talking');
  await page.waitForTimeout(1500);
  await take('2-talk');
  await part('keypad-toggle').click();
  await part('mute').click();
  await page.keyboard.type('42#');
  await take('3-digits');
  await part('smaller').click();
  await take('4-small');
  await context.setOffline(true);
  await page.locator('lineside-call [data-tone="bad"]').waitFor();
  await part('smaller').click();
  await take('5-out-of-reach');
  await context.setOffline(false);
  await part('hang-up').click();
  await state('ended');
  await take('6-ended');
  await page.goto(`${on.sandbox.business}/workshop.html`);
  // A button that nobody sees asks nothing.
  await page.locator('lineside-call').nth(2).scrollIntoViewIfNeeded();
  await page.locator('lineside-call [part~="note"]:not([hidden])').waitFor();
  await take('7-closed');
  await page.locator('lineside-call').nth(1).locator('[part~="button"]').click();
  await page.locator('lineside-call [part~="panel"]').nth(1).waitFor();
  await page.waitForTimeout(600);
  await take('8-not-reached');
  await context.close();
}
