/** An rtpengine that codes: Opus of a browser meets AMR-WB and AMR, digits change their clock, and a change of codec leaves the browser alone. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { callId, legId, nextRef } from '../support/media-inbox.ts';
import { lightBrowser } from '../support/media-light.ts';
import { type Phone, phone } from '../support/media-phone.ts';
import { phoneSdp } from '../support/media-sdp.ts';
import { type RtpengineMedia, rtpengineDaemon, rtpengineMedia, type TestDaemon } from '../support/rtpengine.ts';

const DAEMON = '127.0.71.4';
const BROWSER = '127.0.71.5';
const PHONE = '127.0.71.9';
const LEG = legId('leg-1');
/** 20 ms of silence. RFC 6716 3.1. */
const OPUS = [0xf8, 0xff, 0xfe];
/** Numbers of Chromium's offer. */
const [OPUS_PT, EVENT_PT] = [111, 110];
const SSRC = 3_377_001;

let daemon: TestDaemon;
let media: RtpengineMedia;
before(async () => {
  daemon = await rtpengineDaemon(DAEMON, 25_400);
  media = await rtpengineMedia([daemon]);
});
after(async () => {
  await media.close();
  await daemon.close();
});

const ptOf = (packet: Buffer | null | undefined) => (packet?.[1] ?? 0) & 0x7f;

function rtp(pt: number, seq: number, ts: number, payload: readonly number[]): Buffer {
  const packet = Buffer.alloc(12 + payload.length);
  packet[0] = 0x80;
  packet[1] = pt;
  packet.writeUInt16BE(seq, 2);
  packet.writeUInt32BE(ts, 4);
  packet.writeUInt32BE(SSRC, 8);
  packet.set(payload, 12);
  return packet;
}

/** A call out whose far end answers with these codecs; the phone sends back what it hears. */
async function call(name: string, formats: number[], maps: string[]) {
  const owner = callId(name);
  const { run } = media.plane.port;
  const { box } = media;
  const browser = await lightBrowser({ host: BROWSER, consent: true });
  const far = await phone(PHONE);
  run({ type: 'media.offer', from: 'web', owner, ref: nextRef(), leg: LEG, sdp: browser.offer() });
  far.learn((await box.wait('media-ready')).sdp);
  const sdp = (codecs: number[], lines: string[], version: number) =>
    phoneSdp({ address: PHONE, port: portOf(far), formats: codecs, event: null, maps: lines, version });
  run({ type: 'media.answer', from: 'ims', owner, ref: nextRef(), fork: 'f', sdp: sdp(formats, maps, 1) });
  const answer = (await box.wait('media-ready')).sdp;
  browser.accept(answer);
  await box.wait('media-connected');
  run({ type: 'media.gate', owner, fromIms: true, fromWeb: true });
  let seq = 0;
  let ts = 0;
  return {
    answer,
    far,
    browser,
    /** Speaks until `seen`. */
    async talk(seen: () => boolean) {
      for (let i = 0; !seen(); i += 1) {
        if (i > 250) throw new Error('it was not heard in time');
        seq += 1;
        ts += 960;
        browser.send(rtp(OPUS_PT, seq, ts, OPUS));
        const heard = far.rtp.at(-1);
        const clock = heard === undefined || ptOf(heard) !== 96 ? 8 : 16;
        if (heard !== undefined) far.send({ pt: ptOf(heard), seq, ts: seq * 20 * clock, payload: heard.subarray(12) });
        await sleep(20);
      }
    },
    /** Presses a key for 120 ms. */
    async press(digit: number) {
      ts += 960;
      for (let i = 1; i <= 6; i += 1) {
        seq += 1;
        const duration = i * 960;
        browser.send(rtp(EVENT_PT, seq, ts, [digit, i > 3 ? 0x8a : 0x0a, duration >> 8, duration & 0xff]));
        await sleep(20);
      }
    },
    async reoffer(codecs: number[], lines: string[]) {
      run({ type: 'media.reoffer', from: 'ims', owner, ref: nextRef(), sdp: sdp(codecs, lines, 2) });
      return (await box.wait('media-ready')).sdp;
    },
    async end() {
      run({ type: 'media.release', owner });
      const { stats } = await box.wait('media-stats');
      browser.close();
      far.close();
      return stats;
    },
  };
}

const portOf = (far: Phone) => Number(/m=audio (\d+)/.exec(far.sdp())?.[1]);
const last = (far: Phone) => far.rtp.at(-1);

test('RTE-04 Opus and AMR-WB, both ways; digits go from 48 to 16 kHz', async () => {
  const maps = ['a=rtpmap:96 AMR-WB/16000', 'a=rtpmap:100 telephone-event/16000'];
  const c = await call('amr-wb', [96, 100], maps);
  assert.match(c.answer, /SAVPF 111 110\r\n/);
  await c.talk(() => c.far.rtp.length > 20 && c.browser.received() > 10 && ptOf(c.browser.last()) === OPUS_PT);
  const [one, two] = c.far.rtp.slice(-2);
  // 23.85 kbit/s: 477 bits in 20 ms.
  assert.deepEqual([ptOf(one), ptOf(two), two?.length], [96, 96, 12 + 61]);
  assert.equal(((two?.readUInt32BE(4) ?? 0) - (one?.readUInt32BE(4) ?? 0)) % 320, 0);
  await c.press(5);
  await c.talk(() => ptOf(last(c.far)) === 96);
  const durations = c.far.rtp.filter(packet => ptOf(packet) === 100).map(packet => packet.readUInt16BE(14));
  assert.ok(durations.includes(320) && durations.every(duration => duration % 320 === 0), durations.join(' '));
  assert.equal(c.far.rtp.find(packet => ptOf(packet) === 100)?.[12], 5);
  assert.equal((await c.end()).codec, 'AMR-WB');
});

test('RTE-04 SDP-23 Opus and AMR, in the layout, the modes and the bandwidth of the far end', async () => {
  // 12.2 kbit/s are 244 bits in 20 ms, mode 0 (4.75 kbit/s) has 95, mode 4 (7.4) 148. RFC 4867 4.3 and 4.4.
  for (const [name, pt, lines, bytes] of [
    ['amr', 98, [], 32],
    ['amr with modes', 98, ['a=fmtp:98 mode-set=0'], 14],
    ['amr in whole octets', 99, ['a=fmtp:99 octet-align=1'], 33],
    ['amr in 24 kbit/s', 98, ['b=AS:24'], 20],
  ] as const) {
    const c = await call(name, [pt], [...lines, `a=rtpmap:${pt} AMR/8000`]);
    await c.talk(() => c.far.rtp.length > 10 && c.browser.received() > 5);
    assert.deepEqual([ptOf(last(c.far)), last(c.far)?.length], [pt, 12 + bytes]);
    await c.end();
  }
});

test('RTE-01 RTE-04 the far end goes to G.711 in the call: the browser keeps Opus and its connection', async () => {
  const c = await call('change', [96], ['a=rtpmap:96 AMR-WB/16000']);
  await c.talk(() => c.far.rtp.length > 5);
  assert.match(await c.reoffer([0], []), /RTP\/AVP 0\r\n/);
  const heard = c.browser.received();
  await c.talk(() => ptOf(last(c.far)) === 0 && c.browser.received() > heard + 10);
  assert.deepEqual([last(c.far)?.length, ptOf(c.browser.last())], [172, OPUS_PT]);
  assert.deepEqual(
    media.box.all.filter(input => input.type === 'media-lost'),
    [],
  );
  await c.end();
});
