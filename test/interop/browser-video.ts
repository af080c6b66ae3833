/** What Chromium with a camera does over any engine: video through the core and back, between two pages, added and dropped in a call, asked for and refused. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { ADA, BELA, DOLORES, ECHO, TONE } from '../support/number.ts';
import { startPhone } from '../support/phone.ts';
import { until } from '../support/talk.ts';
import {
  dial,
  MICROPHONE_HZ,
  press,
  type Stage,
  signIn,
  videoKbps,
  waitPictures,
  waitText,
  waitTone,
} from './browser-support.ts';
import { seen } from './phone-support.ts';

const PHONE_HZ = 800;
/** Less than Chromium begins with of itself. */
const MOST_KBPS = 200;

async function shown(page: Page, testId: string, on: boolean): Promise<void> {
  await page.getByTestId(testId).waitFor({ state: on ? 'visible' : 'hidden', timeout: 15_000 });
}

async function hangUp(page: Page): Promise<void> {
  await press(page, 'hangup-button');
  await waitText(page, 'end-reason', /\./);
}

/** `open` starts the stage on `host` with these settings of `media`; it is closed behind the last case. */
export function browserVideo(host: string, open: (host: string, media: { videoKbps: number }) => Promise<Stage>): void {
  let stage: Stage;
  let ada: Page;
  let bela: Page;
  before(async () => {
    stage = await open(host, { videoKbps: MOST_KBPS });
    ada = await signIn(await stage.profile(), stage.sandbox.pages, ADA);
    bela = await signIn(await stage.profile(), stage.sandbox.pages, BELA);
  });
  after(async () => {
    await stage?.close();
  });

  test('a call with video sees its own camera come back from the echo number, and hears itself; also over the connection of a page that is loaded again', async () => {
    await ada.getByTestId('dial-input').fill(ECHO);
    await press(ada, 'video-call-button');
    await waitText(ada, 'status', /^Connected$/);
    await shown(ada, 'remote-video', true);
    const picture = await waitPictures(ada, 30);
    assert.ok(picture.keyFrames > 0 && picture.width >= 160, JSON.stringify(picture));
    assert.equal(picture.codec, 'video/H264');
    const kbps = await videoKbps(ada);
    assert.ok(kbps > 0 && kbps <= MOST_KBPS, `${kbps} kbit/s`);
    await waitTone(ada, MICROPHONE_HZ);
    await ada.reload();
    await waitText(ada, 'status', /^Connected$/);
    const anew = await waitPictures(ada, 30);
    assert.ok(anew.keyFrames > 0, JSON.stringify(anew));
    await waitTone(ada, MICROPHONE_HZ);
    await hangUp(ada);
    await shown(ada, 'remote-video', false);
  });

  test('a far end without video leaves the sound, and takes no camera', async () => {
    await ada.getByTestId('dial-input').fill(TONE);
    await press(ada, 'video-call-button');
    await waitText(ada, 'status', /^Connected$/);
    await waitTone(ada, 440);
    await shown(ada, 'own-video', false);
    await press(ada, 'video-button');
    await waitText(ada, 'end-reason', /takes no video/);
    await waitTone(ada, 440);
    await hangUp(ada);
  });

  test('RTP-05 two pages see each other through the core, again after a hold, and one of them ends the video', async () => {
    await ada.getByTestId('dial-input').fill(BELA);
    await press(ada, 'video-call-button');
    await waitText(bela, 'status', /^Incoming call$/);
    await press(bela, 'answer-video-button');
    await waitText(bela, 'status', /^Connected$/);
    const pictures = await Promise.all([waitPictures(ada, 30), waitPictures(bela, 30)]);
    for (const { width } of pictures) assert.ok(width >= 160, JSON.stringify(pictures));
    await press(ada, 'hold-button');
    await waitText(ada, 'status', /^On hold$/);
    await press(ada, 'hold-button');
    await waitText(ada, 'status', /^Connected$/);
    await Promise.all([waitPictures(ada, 30), waitPictures(bela, 30)]);
    await press(bela, 'video-button');
    await shown(bela, 'remote-video', false);
    await shown(ada, 'remote-video', false);
    await waitTone(ada, MICROPHONE_HZ);
    await hangUp(ada);
    await waitText(bela, 'end-reason', /\./);
  });

  test('SDP-21 video added in a call, ended and added again', async () => {
    await dial(ada, BELA);
    await waitText(bela, 'status', /^Incoming call$/);
    await press(bela, 'answer-button');
    await waitText(ada, 'status', /^Connected$/);
    for (const last of [false, true]) {
      await press(ada, 'video-button');
      await shown(bela, 'take-video-button', true);
      await press(bela, 'take-video-button');
      await Promise.all([waitPictures(ada, 30), waitPictures(bela, 30)]);
      if (last) break;
      await press(ada, 'video-button');
      await shown(bela, 'remote-video', false);
    }
    await waitTone(bela, MICROPHONE_HZ);
    await hangUp(bela);
    await waitText(ada, 'end-reason', /\./);
  });

  test('SDP-21 video added in a call: refused, then taken', async () => {
    await dial(ada, BELA);
    await waitText(bela, 'status', /^Incoming call$/);
    await press(bela, 'answer-button');
    await waitText(ada, 'status', /^Connected$/);
    await press(ada, 'video-button');
    await shown(bela, 'take-video-button', true);
    await press(bela, 'refuse-video-button');
    await waitText(ada, 'end-reason', /takes no video/);
    await press(ada, 'video-button');
    await shown(bela, 'take-video-button', true);
    await press(bela, 'take-video-button');
    await Promise.all([waitPictures(ada, 30), waitPictures(bela, 30)]);
    await waitTone(bela, MICROPHONE_HZ);
    await hangUp(bela);
    await waitText(ada, 'end-reason', /\./);
  });

  test('RTP-05 RTP-11 video both ways with a phone of plain AVP, in VP8: Chromium shows its test picture, the phone the camera', async () => {
    const phone = await startPhone({ registrar: host, number: DOLORES, toneHz: PHONE_HZ, video: true });
    try {
      await ada.getByTestId('dial-input').fill(DOLORES);
      await press(ada, 'video-call-button');
      await phone.waitFor('CALL_INCOMING');
      await phone.accept();
      await waitText(ada, 'status', /^Connected$/);
      const picture = await waitPictures(ada, 30);
      assert.deepEqual([picture.codec, picture.width], ['video/VP8', 320]);
      const camera = await phone.picture();
      assert.ok(camera.width >= 160, JSON.stringify(camera));
      await waitTone(ada, PHONE_HZ);
      await until(() => phone.heard().hz === MICROPHONE_HZ, 'the microphone at the phone');
      // Its key frame was asked for by INFO, which it takes.
      assert.ok(seen(phone.wire(), /^INFO /, /^Content-Type: application\/media_control\+xml$/m).length > 0);
      assert.ok(seen(phone.wire(), /^SIP\/2.0 200 /, /^CSeq: \d+ INFO$/m).length > 0);
      await hangUp(ada);
      await phone.waitFor('CALL_CLOSED');
    } finally {
      await phone.close();
    }
  });
}
