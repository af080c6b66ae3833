/** Real packets over a media engine: speech both ways, telephone events, RTCP, gates, hold, losses, and that nothing is left; the same for every engine with workers. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { after, afterEach, before, test } from 'node:test';
import { MEDIA_DEFAULTS } from '../../src/eims-agw/settings.ts';
import type { CallId } from '../../src/ep-cscf/ids.ts';
import type { MediaStats } from '../../src/ep-cscf/input.ts';
import { type BrowserPeer, browserPeer } from './media-browser.ts';
import { browserThread } from './media-browser-thread.ts';
import { callId, legId, nextRef } from './media-inbox.ts';
import { type Phone, phone } from './media-phone.ts';
import { type EngineName, type RealMedia, realMedia } from './media-real.ts';
import { OTHER_FINGERPRINT } from './media-sdp.ts';

const LEG = legId('leg-1');
const SPEECH = Uint8Array.from({ length: 160 }, (_, i) => (i * 3) & 0xff);

export interface TrafficOptions {
  engine: EngineName;
  /** First three numbers of the loopback addresses this suite may use. */
  network: string;
}

/** State of the suite that runs; test files run one suite each. */
let media: RealMedia;
let calls = 0;
let HOST = '';
let PHONE = '';

/** What a test opened; closed even when it fails. */
let opened: Array<() => unknown> = [];
const newBrowser = (): BrowserPeer => {
  const made = browserPeer();
  opened.push(() => made.close());
  return made;
};
const newPhone = async (host: string): Promise<Phone> => {
  const made = await phone(host);
  opened.push(() => made.close());
  return made;
};

interface Call {
  owner: CallId;
  browser: BrowserPeer;
  phone: Phone;
  answer: string;
  port: number;
  release(): Promise<MediaStats>;
}

/** Sends packets one way until `seen` holds; none may be needed after the first few. */
async function until(seen: () => boolean, push: (i: number) => unknown = () => undefined): Promise<void> {
  for (let i = 0; i < 400; i += 1) {
    if (seen()) return;
    await push(i);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
  throw new Error('it was not seen in time');
}

const toBrowser = (call: Call) => (i: number) => call.phone.send({ pt: 8, seq: i, ts: i * 160, payload: SPEECH });
const toPhone = (call: Call) => (i: number) => call.browser.send({ pt: 8, seq: i, ts: i * 160, payload: SPEECH });

async function callOut(options: { laws?: Array<0 | 8>; gates?: boolean; connect?: boolean } = {}): Promise<Call> {
  calls += 1;
  const owner = callId(`real-${calls}`);
  const browser = newBrowser();
  const far = await newPhone(PHONE);
  const { run } = media.plane.port;
  run({ type: 'media.offer', from: 'web', owner, ref: nextRef(), leg: LEG, sdp: await browser.offer() });
  const offer = (await media.box.wait('media-ready')).sdp;
  far.learn(offer);
  const sdp = far.sdp({ laws: options.laws ?? [8] });
  run({ type: 'media.answer', from: 'ims', owner, ref: nextRef(), fork: 'f', sdp });
  const answer = (await media.box.wait('media-ready')).sdp;
  await browser.accept(answer);
  if (options.connect ?? true) await media.box.wait('media-connected');
  if (options.gates ?? true) run({ type: 'media.gate', owner, fromIms: true, fromWeb: true });
  opened.push(() => run({ type: 'media.release', owner }));
  return {
    owner,
    browser,
    phone: far,
    answer,
    port: Number(/m=audio (\d+)/.exec(offer)?.[1]),
    async release() {
      run({ type: 'media.release', owner });
      return (await media.box.wait('media-stats')).stats;
    },
  };
}

export function mediaTraffic({ engine, network }: TrafficOptions): void {
  HOST = `${network}.1`;
  PHONE = `${network}.9`;
  before(async () => {
    media = await realMedia(HOST, { rtcpMs: 200, imsSilentMs: 1_500, webGraceMs: 0, webLeftMs: 0 }, engine);
  });
  after(() => media.close());

  afterEach(async () => {
    for (const close of opened) await close();
    opened = [];
    media.box.all.length = 0;
  });
  test(`${engine}: speech, telephone events and RTCP pass both ways, each on its own timeline and SSRC`, async () => {
    const call = await callOut();
    await until(() => call.phone.rtp.length > 2, toPhone(call));
    await until(() => call.browser.rtp.length > 2, toBrowser(call));
    const [first, second] = call.phone.rtp;
    assert.ok(first && second);
    assert.deepEqual([...first.subarray(12)], [...SPEECH]);
    assert.equal((first.readUInt16BE(2) + 1) & 0xffff, second.readUInt16BE(2));
    assert.equal((first.readUInt32BE(4) + 160) >>> 0, second.readUInt32BE(4));
    assert.notEqual(first.readUInt32BE(8), 4242);
    const heard = call.browser.rtp[0];
    assert.ok(heard);
    assert.equal(heard.header.ssrc, Number(/a=ssrc:(\d+)/.exec(call.answer)?.[1]));
    assert.deepEqual([...heard.payload], [...SPEECH]);
    const digit = Uint8Array.from([5, 10, 0, 160]);
    const events = () => call.phone.rtp.filter(p => ((p[1] ?? 0) & 0x7f) === 101);
    await until(
      () => events().length > 0,
      i => call.browser.send({ pt: 126, seq: 1_000 + i, ts: 160_000, marker: i === 0, payload: digit }),
    );
    assert.deepEqual([(events()[0]?.[1] ?? 0) >> 7, ...(events()[0]?.subarray(12) ?? [])], [1, ...digit]);
    const back = () => call.browser.rtp.filter(p => p.header.payloadType === 126);
    await until(
      () => back().length > 0,
      i => call.phone.send({ pt: 126, seq: 1_000 + i, ts: 160_000, payload: digit }),
    );
    const full = () => call.phone.rtcp.find(p => p[0] === 0x81 && p[1] === 200);
    await until(() => full() !== undefined && call.browser.rtcp.some(p => p.type === 200));
    const report = full();
    assert.equal(report?.readUInt32BE(4), first.readUInt32BE(8));
    assert.equal(report?.readUInt32BE(28), 7777);
    const { fromWeb, fromIms, path, oneWay } = await call.release();
    assert.ok(fromWeb.packets > 3 && fromIms.packets > 3);
    assert.ok((fromWeb.mos ?? 0) > 1 && (fromIms.mos ?? 0) > 1);
    assert.deepEqual([path, oneWay], [engine === 'relay' ? 'udp4 AES_CM_128_HMAC_SHA1_80' : null, null]);
  });

  test(`${engine}: the other law is converted`, async () => {
    const call = await callOut({ laws: [0] });
    // The browser was asked for the same law, so a fork with the other one makes the difference.
    media.plane.port.run({
      type: 'media.answer',
      from: 'ims',
      owner: call.owner,
      ref: nextRef(),
      fork: 'g',
      sdp: call.phone.sdp({ laws: [8], version: 2 }),
    });
    assert.equal((await media.box.wait('media-ready')).sdp, call.answer);
    const silence = new Uint8Array(160).fill(0xff);
    await until(
      () => call.phone.rtp.length > 0,
      i => call.browser.send({ pt: 0, seq: i, ts: i * 160, payload: silence }),
    );
    assert.deepEqual([(call.phone.rtp[0]?.[1] ?? 0) & 0x7f, call.phone.rtp[0]?.[12]], [8, 0xd5]);
    await call.release();
  });

  test(`${engine}: closed gates let nothing through, either way; hold closes them again`, async () => {
    const call = await callOut({ gates: false });
    const both = async (i: number) => {
      await toPhone(call)(i);
      toBrowser(call)(i);
    };
    for (let i = 0; i < 5; i += 1) await both(i);
    // Reports go whatever the gates say: two of them, and all five packets have been there.
    await until(() => call.phone.rtcp.length > 1);
    assert.deepEqual([call.phone.rtp.length, call.browser.rtp.length], [0, 0]);
    const { run } = media.plane.port;
    run({ type: 'media.gate', owner: call.owner, fromIms: true, fromWeb: false });
    await until(() => call.browser.rtp.length > 0, both);
    assert.equal(call.phone.rtp.length, 0);
    run({ type: 'media.gate', owner: call.owner, fromIms: true, fromWeb: true });
    await until(() => call.phone.rtp.length > 0, both);
    run({ type: 'media.hold', owner: call.owner, ref: nextRef(), held: true });
    assert.match((await media.box.wait('media-ready')).sdp, /a=sendonly\r\n/);
    // A report to each side that was made after the gates closed: nothing sent before it is still on its way.
    const reported = async () => {
      const [phoneHad, browserHad] = [call.phone.rtcp.length, call.browser.rtcp.length];
      await until(() => call.phone.rtcp.length > phoneHad + 1 && call.browser.rtcp.length > browserHad + 3);
    };
    await reported();
    const before = [call.phone.rtp.length, call.browser.rtp.length];
    for (let i = 500; i < 505; i += 1) await both(i);
    await reported();
    assert.deepEqual([call.phone.rtp.length, call.browser.rtp.length], before);
    // A held call may be silent for as long as it likes.
    assert.deepEqual(media.box.all, []);
    await call.release();
  });

  test(`RTP-08 ${engine}: packets of strangers and of unknown kinds are dropped and counted`, async () => {
    const call = await callOut();
    const stranger = await newPhone(`${network}.13`);
    stranger.learn(`v=0\r\nc=IN IP4 ${HOST}\r\nm=audio ${call.port} RTP/AVP 8\r\n`);
    for (let i = 0; i < 5; i += 1) {
      stranger.send({ pt: 8, seq: i, ts: i * 160, payload: SPEECH, ssrc: 666 });
      call.phone.send({ pt: 18, seq: i, ts: i * 160, payload: SPEECH });
    }
    await until(() => call.browser.rtp.length > 0, toBrowser(call));
    assert.ok(call.browser.rtp.every(p => p.header.payloadType === 8));
    const { fromIms } = await call.release();
    assert.ok(fromIms.packets >= 1);
    assert.equal(await media.figure('ims-wrong-source', 5), 5);
    assert.equal(await media.figure('ims-unknown-pt', 5), 5);
  });

  test(`RTP-07 ${engine}: silence of the IMS side is told`, async () => {
    const call = await callOut();
    await until(() => call.browser.rtp.length > 0, toBrowser(call));
    assert.deepEqual(await media.box.wait('media-lost'), {
      type: 'media-lost',
      owner: call.owner,
      cause: 'ims-silent',
    });
    await call.release();
  });

  test(`DTL-01 ${engine}: a certificate other than announced ends the media before any packet`, async () => {
    calls += 1;
    const owner = callId(`real-${calls}`);
    const browser = await browserThread();
    opened.push(() => browser.close());
    const offer = browser.offer.replace(/a=fingerprint:.*/g, `a=fingerprint:sha-256 ${OTHER_FINGERPRINT}`);
    const { run } = media.plane.port;
    run({ type: 'media.offer', from: 'web', owner, ref: nextRef(), leg: LEG, sdp: offer });
    await media.box.wait('media-ready');
    const far = await newPhone(PHONE);
    run({ type: 'media.answer', from: 'ims', owner, ref: nextRef(), fork: 'f', sdp: far.sdp() });
    browser.accept((await media.box.wait('media-ready')).sdp);
    assert.deepEqual(await media.box.wait('media-lost'), { type: 'media-lost', owner, cause: 'fingerprint' });
    run({ type: 'media.release', owner });
    await media.box.wait('media-stats');
  });

  test(`${engine}: a new connection of the same browser takes over, the IMS side keeps its port and hears no break`, async () => {
    const call = await callOut();
    await until(() => call.phone.rtp.length > 0, toPhone(call));
    const second = newBrowser();
    const { run } = media.plane.port;
    run({ type: 'media.reoffer', from: 'web', owner: call.owner, ref: nextRef(), leg: LEG, sdp: await second.offer() });
    const answer = (await media.box.wait('media-ready')).sdp;
    await second.accept(answer);
    await media.box.wait('media-connected');
    const last = call.phone.rtp.at(-1);
    const count = call.phone.rtp.length;
    await until(
      () => call.phone.rtp.length > count && second.rtp.length > 0,
      async i => {
        await second.send({ pt: 8, seq: 40_000 + i, ts: i * 160, payload: SPEECH, ssrc: 99 });
        toBrowser(call)(i + 1_000);
      },
    );
    const next = call.phone.rtp[count];
    assert.equal(next?.readUInt32BE(8), last?.readUInt32BE(8));
    assert.equal(next?.readUInt16BE(2), ((last?.readUInt16BE(2) ?? 0) + 1) & 0xffff);
    assert.equal(second.rtp[0]?.header.ssrc, Number(/a=ssrc:(\d+)/.exec(answer)?.[1]));
    await call.release();
  });

  test(`${engine}: a released call gives its ports back`, async () => {
    const call = await callOut();
    await call.release();
    assert.equal(media.plane.health().sessions, 0);
    for (const port of [call.port, call.port + 1]) {
      const socket = createSocket('udp4');
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.bind(port, HOST, resolve);
      });
      socket.close();
    }
  });

  test(`${engine}: ports others hold are passed over; without any the call is refused`, async () => {
    const host = `${network}.101`;
    const taken = createSocket('udp4');
    await new Promise<void>(resolve => taken.bind(21_002, host, resolve));
    const ims = { ...MEDIA_DEFAULTS.ims, bind: host, advertise: host, ports: { min: 21_000, max: 21_003 } };
    const small = await realMedia(host, { ims }, engine);
    const offer = await newBrowser().offer();
    const ask = (owner: CallId) =>
      small.plane.port.run({ type: 'media.offer', from: 'web', owner, ref: nextRef(), leg: LEG, sdp: offer });
    ask(callId('a'));
    assert.match((await small.box.wait('media-ready')).sdp, /m=audio 21000 /);
    ask(callId('b'));
    assert.equal((await small.box.wait('media-failed')).failure, 'no-port');
    await small.close();
    taken.close();
  });

  test(`${engine}: an address towards the core that is not this host's is told at the start`, async () => {
    const ims = { ...MEDIA_DEFAULTS.ims, bind: '198.51.100.1' };
    await assert.rejects(realMedia(`${network}.104`, { ims }, engine), /"media\.imsHost" .*198\.51\.100\.1/);
  });

  test(`EMB-04 ${engine}: no web port to be had is told at the start`, async () => {
    const host = `${network}.102`;
    const taken = createSocket('udp4');
    await new Promise<void>(resolve => taken.bind(20_000, host, resolve));
    const web = { bind: host, advertise: host, ports: { min: 20_000, max: 20_000 } };
    await assert.rejects(
      realMedia(host, { web }, engine),
      new RegExp(`No UDP port of 20000-20000 can be bound on ${host}`),
    );
    taken.close();
  });
}
