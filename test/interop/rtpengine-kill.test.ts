/** Daemons of a pool that are killed, that hang, that are all gone: calls on the others go on, new ones go elsewhere or fail with a reason. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import type { CallId } from '../../src/ep-cscf/ids.ts';
import type { BrowserPeer } from '../support/media-browser.ts';
import { callId, nextRef } from '../support/media-inbox.ts';
import { endNative, nativePeer } from '../support/media-ndc.ts';
import { type Phone, phone } from '../support/media-phone.ts';
import { chromiumOffer } from '../support/media-sdp.ts';
import { type RtpengineMedia, rtpengineDaemon, rtpengineMedia, type TestDaemon } from '../support/rtpengine.ts';
import { callOut, LEG, type RtpengineCall, SPEECH, until } from '../support/rtpengine-call.ts';

const PHONE = '127.0.73.9';
const WAIT_MS = 12_000;

let daemons: TestDaemon[] = [];
let media: RtpengineMedia;
let opened: Array<() => unknown> = [];
let calls = 0;

before(async () => {
  daemons = [await rtpengineDaemon('127.0.73.1', 25_600), await rtpengineDaemon('127.0.73.2', 25_800)];
  media = await rtpengineMedia(daemons);
});
after(async () => {
  await media.close();
  for (const daemon of daemons) await daemon.close();
  endNative();
});
afterEach(async () => {
  for (const close of opened) await close();
  opened = [];
  media.box.all.length = 0;
});

interface Talk {
  call: RtpengineCall;
  browser: BrowserPeer;
  far: Phone;
  daemon: TestDaemon;
}

/** A call with media; it is on the daemon that has none. */
async function talk(): Promise<Talk> {
  const browser = nativePeer();
  const far = await phone(PHONE);
  opened.push(
    () => browser.close(),
    () => far.close(),
  );
  const call = await callOut(media, browser, far);
  await until(
    () => browser.rtp.length > 0,
    i => far.send({ pt: 8, seq: i, ts: i * 160, payload: SPEECH }),
  );
  const daemon = daemons.find(({ host }) => call.offer.includes(`c=IN IP4 ${host}\r\n`));
  assert.ok(daemon);
  return { call, browser, far, daemon };
}

/** Asks for a call; what becomes of it within the deadline of an operation. */
async function ask(): Promise<{ owner: CallId; got: string }> {
  calls += 1;
  const owner = callId(`kill-${calls}`);
  const { run } = media.plane.port;
  run({ type: 'media.offer', from: 'web', owner, ref: nextRef(), leg: LEG, sdp: chromiumOffer() });
  const done = () => media.box.all.find(i => i.type === 'media-ready' || i.type === 'media-failed');
  await until(() => done() !== undefined);
  const found = done();
  const got = found?.type === 'media-ready' ? (/c=IN IP4 (.*)\r/.exec(found.sdp)?.[1] ?? '') : '';
  return { owner, got: found?.type === 'media-failed' ? found.failure : got };
}

async function release(owner: CallId): Promise<void> {
  media.plane.port.run({ type: 'media.release', owner });
  await media.box.wait('media-stats');
  media.box.all.length = 0;
}

async function seen(what: () => boolean): Promise<void> {
  for (const end = Date.now() + WAIT_MS; !what(); ) {
    if (Date.now() > end) throw new Error('it was not seen in time');
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

const up = () => media.plane.health().workers;

/** Both are there; two calls, one on each, the first on `daemon`. */
async function twoCalls(): Promise<[Talk, Talk]> {
  await seen(() => up() === 2);
  const [first, second] = [await talk(), await talk()];
  assert.notEqual(first.daemon, second.daemon);
  return [first, second];
}

async function stillTalks({ browser, far }: Talk): Promise<void> {
  const heard = browser.rtp.length;
  await until(
    () => browser.rtp.length > heard,
    i => far.send({ pt: 8, seq: 2_000 + i, ts: i * 160, payload: SPEECH }),
  );
}

test('RTE-05 a daemon is killed: its call ends, the other’s goes on, new calls go to the other, then to both', async () => {
  const [mine, other] = await twoCalls();
  mine.daemon.signal('SIGKILL');
  const lost = await media.box.wait('media-lost');
  assert.deepEqual(lost, { type: 'media-lost', owner: mine.call.owner, cause: 'worker' });
  await stillTalks(other);
  for (let i = 0; i < 2; i += 1) {
    const { owner, got } = await ask();
    assert.equal(got, other.daemon.host);
    await release(owner);
  }
  assert.deepEqual([media.plane.health().ok, up()], [true, 1]);
  await mine.daemon.restart();
  await seen(() => up() === 2);
  await mine.call.release();
  const { owner, got } = await ask();
  assert.equal(got, mine.daemon.host);
  await release(owner);
  await other.call.release();
});

test('RTE-05 a daemon hangs: a new call is taken by the other in time, the calls of the hanging one are given up', async () => {
  const [mine, other] = await twoCalls();
  await mine.call.release();
  const again = await talk();
  assert.equal(again.daemon, mine.daemon);
  // The one that hangs has the smaller load, so it is asked first.
  await other.call.release();
  const busy = await talk();
  assert.equal(busy.daemon, other.daemon);
  const third = await talk();
  const hanging = third.daemon === again.daemon ? busy : again;
  hanging.daemon.signal('SIGSTOP');
  const { owner, got } = await ask();
  assert.notEqual(got, hanging.daemon.host);
  assert.ok(daemons.some(daemon => daemon.host === got));
  const lost = await media.box.wait('media-lost').catch(() => media.box.wait('media-lost'));
  assert.equal(lost.owner, hanging.call.owner);
  hanging.daemon.signal('SIGCONT');
  await seen(() => up() === 2);
  for (const call of [again.call, busy.call, third.call]) await call.release();
  await release(owner);
});

test('RTE-05 all daemons are gone: new calls fail with a reason, the plane says it cannot work, and works again with the first that comes', async () => {
  await seen(() => up() === 2);
  for (const daemon of daemons) daemon.signal('SIGKILL');
  await seen(() => !media.plane.health().ok);
  const { owner, got } = await ask();
  assert.equal(got, 'driver');
  await release(owner);
  await daemons[0]?.restart();
  await seen(() => media.plane.health().ok);
  const next = await ask();
  assert.equal(next.got, daemons[0]?.host);
  await release(next.owner);
  const said = media.lines.map(([, message]) => message);
  assert.ok(said.includes('an rtpengine is gone') && said.includes('calls refused by the media plane'));
});
