/** Files of a daemon are heard: by a browser before and after the far end has answered, by the far end, again and again, and no more once they are ended. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { callId, legId, nextRef } from '../support/media-inbox.ts';
import { endNative, nativePeer } from '../support/media-ndc.ts';
import { phone } from '../support/media-phone.ts';
import { type RtpengineMedia, rtpengineDaemon, rtpengineMedia, type TestDaemon } from '../support/rtpengine.ts';
import { callOut, until } from '../support/rtpengine-call.ts';
import { measureTone, toneWav } from '../support/tone.ts';

const HOST = '127.0.71.14';
const PHONE = '127.0.71.15';
const LEG = legId('leg-1');
const [SECONDS, HZ, RING_HZ] = [1, 500, 700];

let folder: string;
let daemon: TestDaemon;
let media: RtpengineMedia;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lineside-announce-'));
  const file = (name: string) => join(folder, name);
  writeFileSync(file('busy.wav'), toneWav(HZ, SECONDS));
  writeFileSync(file('ringing.wav'), toneWav(RING_HZ, SECONDS));
  daemon = await rtpengineDaemon(HOST, 25_400);
  const announcements = { 486: file('busy.wav'), ringing: file('ringing.wav'), 404: file('nothing.wav') };
  media = await rtpengineMedia([daemon], { webCodecs: ['PCMA'], announcements });
});
after(async () => {
  await media.close();
  await daemon.close();
  endNative();
  rmSync(folder, { recursive: true, force: true });
});

/** Of half a second of packets that came last. */
const toneOf = (payloads: readonly Uint8Array[]) => (payloads.length < 25 ? 0 : measureTone(payloads.slice(-25)).hz);

test('ANN-04 a file that a daemon lacks is named at the start and by the check, and cannot be played', async () => {
  const lacking = join(folder, 'nothing.wav');
  assert.ok(media.lines.some(([level, , fields]) => level === 'warn' && fields.files === lacking));
  const { faults, notes } = await media.plane.check();
  assert.deepEqual([faults, notes.length], [[], 1]);
  assert.ok(notes[0]?.includes(lacking));
});

test('ANN-01 a browser hears a refusal by an answer of ours, though the far end never gave one', async () => {
  const owner = callId('announce-1');
  const { run } = media.plane.port;
  const browser = nativePeer();
  run({ type: 'media.offer', from: 'web', owner, ref: nextRef(), leg: LEG, sdp: await browser.offer() });
  await media.box.wait('media-ready');
  run({ type: 'media.pre-answer', owner, ref: nextRef() });
  const { sdp } = await media.box.wait('media-ready');
  // Asked for before the browser is connected, it begins when it can be heard.
  run({ type: 'media.play', owner, side: 'web', name: '486', repeat: false });
  await browser.accept(sdp);
  await media.box.wait('media-connected');
  assert.equal((await media.box.wait('media-playing')).ms, SECONDS * 1000);
  await until(() => toneOf(browser.rtp.map(({ payload }) => payload)) === HZ);
  run({ type: 'media.play', owner, side: 'web', name: '404', repeat: false });
  assert.equal((await media.box.wait('media-playing')).ms, null);
  run({ type: 'media.release', owner });
  await media.box.wait('media-stats');
  await browser.close();
});

test('ANN-02 ANN-03 ring-back goes on behind closed gates until it is ended; both sides can be played to', async () => {
  const browser = nativePeer();
  const far = await phone(PHONE);
  const call = await callOut(media, browser, far);
  const { run } = media.plane.port;
  const { owner } = call;
  run({ type: 'media.gate', owner, fromIms: false, fromWeb: false });
  run({ type: 'media.play', owner, side: 'web', name: 'ringing', repeat: true });
  await media.box.wait('media-playing');
  const heard = () => browser.rtp.map(({ payload }) => payload);
  // Longer than the file.
  await until(() => heard().length > 75 && toneOf(heard()) === RING_HZ);
  assert.equal(far.rtp.length, 0);
  run({ type: 'media.play', owner, side: 'ims', name: '486', repeat: false });
  await media.box.wait('media-playing');
  await until(() => toneOf(far.rtp.map(packet => packet.subarray(12))) === HZ);
  run({ type: 'media.play', owner, side: 'web', name: null, repeat: false });
  await until(() => media.counted.has(`rtpengine_requests_total ${daemon.name} stop media ok`));
  const { length } = heard();
  await new Promise(resolve => setTimeout(resolve, 300));
  assert.ok(heard().length - length <= 2, 'nothing is played any more');
  await call.release();
  await browser.close();
  far.close();
});
