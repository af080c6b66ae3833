/** A media worker that is killed, hangs or runs out of memory: its calls are told, those of others lose no packet, the very next call works. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, type TestContext, test } from 'node:test';
import { callId, legId, nextRef } from '../../../test/support/media-inbox.ts';
import { type LightBrowser, lightBrowser } from '../../../test/support/media-light.ts';
import { type Phone, phone } from '../../../test/support/media-phone.ts';
import { type RealMedia, realMedia } from '../../../test/support/media-real.ts';

const HOST = '127.0.44.240';
const LEG = legId('leg');
const SPEECH = new Uint8Array(160).fill(0x55);
let media: RealMedia;
let calls = 0;

before(async () => {
  media = await realMedia(HOST, { workers: 2 }, 'greedy');
});
after(() => media.close());

interface Call {
  owner: ReturnType<typeof callId>;
  browser: LightBrowser;
  far: Phone;
}

async function connected(t: TestContext): Promise<Call> {
  calls += 1;
  const owner = callId(`loss-${calls}`);
  const browser = await lightBrowser({ host: HOST });
  const far = await phone('127.0.44.241');
  t.after(() => {
    browser.close();
    far.close();
  });
  const { run } = media.plane.port;
  run({ type: 'media.offer', from: 'web', owner, ref: nextRef(), leg: LEG, sdp: browser.offer() });
  far.learn((await media.box.wait('media-ready')).sdp);
  run({ type: 'media.answer', from: 'ims', owner, ref: nextRef(), fork: 'f', sdp: far.sdp({ laws: [8] }) });
  browser.accept((await media.box.wait('media-ready')).sdp);
  await media.box.wait('media-connected');
  run({ type: 'media.gate', owner, fromIms: true, fromWeb: true });
  return { owner, browser, far };
}

async function end({ owner }: Call): Promise<void> {
  media.plane.port.run({ type: 'media.release', owner });
  await media.box.wait('media-stats');
}

/** Waits until a process has begun to take memory, or is gone. */
async function growing(pid: number): Promise<void> {
  const pages = () => Number(existsSync(`/proc/${pid}`) && readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
  const before = pages();
  while (pages() > 0 && pages() < before + 5_000) await new Promise(resolve => setTimeout(resolve, 5));
}

/** Sends packets every 20 ms until `stop`; how many. */
function talk({ far }: Call): () => number {
  let seq = 0;
  const timer = setInterval(() => {
    far.send({ pt: 8, seq, ts: seq * 160, payload: SPEECH });
    seq += 1;
  }, 20);
  return () => {
    clearInterval(timer);
    return seq;
  };
}

test('with a single worker a call that it was asked for and did not open waits for the next one', async t => {
  const single = await realMedia('127.0.44.242', { workers: 1 });
  t.after(() => single.close());
  const owner = callId('alone');
  process.kill(single.engine.pid(0) ?? 0, 'SIGKILL');
  const browser = await lightBrowser({ host: HOST });
  t.after(() => browser.close());
  single.plane.port.run({ type: 'media.offer', from: 'web', owner, ref: nextRef(), leg: LEG, sdp: browser.offer() });
  assert.match((await single.box.wait('media-ready')).sdp, /^v=0/);
});

for (const [how, signal] of [
  ['killed', 'SIGKILL'],
  ['hung', 'SIGSTOP'],
  ['out of memory', 'SIGUSR2'],
] as const) {
  test(`EMB-01 a worker ${how}: its calls end, the others do not notice, the very next call works`, async t => {
    const doomed = await connected(t);
    const other = await connected(t);
    const stop = talk(other);
    t.after(stop);
    const pid = media.engine.pid(0) ?? 0;
    process.kill(pid, signal);
    if (signal === 'SIGUSR2') await growing(pid);
    const next = await connected(t);
    assert.deepEqual(await media.box.wait('media-lost'), { type: 'media-lost', owner: doomed.owner, cause: 'worker' });
    const sent = stop();
    for (let i = 0; i < 100 && other.browser.received() < sent; i += 1) await new Promise(r => setTimeout(r, 10));
    assert.equal(other.browser.received(), sent);
    for (const call of [doomed, other, next]) await end(call);
    for (let i = 0; i < 500 && media.plane.health().workers < 2; i += 1) await new Promise(r => setTimeout(r, 10));
    const { workers, sessions } = media.plane.health();
    assert.deepEqual([workers, sessions], [2, 0]);
    assert.notEqual(media.engine.pid(0), pid);
  });
}
