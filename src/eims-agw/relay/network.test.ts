/** Calls over networks as they are: loss, copies, reordering, ports that change, strangers, IPv6, and addresses that are not ours to bind. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { type TestContext, test } from 'node:test';
import { callId, legId, nextRef } from '../../../test/support/media-inbox.ts';
import { type LightBrowser, lightBrowser } from '../../../test/support/media-light.ts';
import { type Phone, phone } from '../../../test/support/media-phone.ts';
import { type RealMedia, realMedia } from '../../../test/support/media-real.ts';
import { type Stretch, stretch } from '../../../test/support/udp-weather.ts';
import { MEDIA_DEFAULTS } from '../settings.ts';

const PACKETS = 300;
const STORM = { loss: 0.1, copies: 0.05, delayMs: 40 };
const [OURS, ENDS, BETWEEN, STRANGER] = ['127.0.44.250', '127.0.44.251', '127.0.44.252', '127.0.44.253'];
const REALM = '127.0.44.249';
const LEG = legId('leg');
let calls = 0;

interface Ends {
  browser: LightBrowser;
  far: Phone;
  /** Numbers of the packets that the browser heard, in order of arrival, and their sequence numbers. */
  heard: Array<{ index: number; seq: number }>;
}

async function ends(t: TestContext, host: string): Promise<Ends> {
  const heard: Ends['heard'] = [];
  const browser = await lightBrowser({ host, consent: true, heard: packet => heard.push(numbersOf(packet)) });
  const far = await phone(host);
  t.after(() => {
    browser.close();
    far.close();
  });
  return { browser, far, heard };
}

/** How SDP changes on its way, for what stands between. */
interface Way {
  toBrowser?: (answer: string) => Promise<string> | string;
  realm?: string;
  /** Of the phone's SDP and our offer: what we get and what the phone gets. */
  ims?: (sdp: string, offer: string) => Promise<[toUs: string, toPhone: string]>;
}

async function connect(media: RealMedia, { browser, far }: Ends, way: Way = {}) {
  calls += 1;
  const owner = callId(`network-${calls}`);
  const { run } = media.plane.port;
  run({ type: 'media.offer', from: 'web', owner, ref: nextRef(), realm: way.realm, leg: LEG, sdp: browser.offer() });
  const offer = (await media.box.wait('media-ready')).sdp;
  const [sdp, told] = (await way.ims?.(far.sdp({ laws: [8] }), offer)) ?? [far.sdp({ laws: [8] }), offer];
  far.learn(told);
  run({ type: 'media.answer', from: 'ims', owner, ref: nextRef(), fork: 'f', sdp });
  const answer = (await media.box.wait('media-ready')).sdp;
  browser.accept((await way.toBrowser?.(answer)) ?? answer);
  await media.box.wait('media-connected');
  run({ type: 'media.gate', owner, fromIms: true, fromWeb: true });
  return {
    offer,
    answer,
    async release() {
      run({ type: 'media.release', owner });
      return (await media.box.wait('media-stats')).stats;
    },
  };
}

function rtp(seq: number, ssrc: number): Buffer {
  const packet = Buffer.alloc(172, 0x55);
  packet[0] = 0x80;
  packet[1] = 8;
  packet.writeUInt16BE(seq & 0xffff, 2);
  packet.writeUInt32BE((seq * 160) >>> 0, 4);
  packet.writeUInt32BE(ssrc, 8);
  packet.writeUInt16BE(seq, 12);
  return packet;
}

/** The number our payload carries, and the sequence number it came under. */
function numbersOf(packet: Buffer): { index: number; seq: number } {
  return { index: packet.readUInt16BE(12), seq: packet.readUInt16BE(2) };
}

/** Packets every 5 ms both ways, with something else in between. */
async function talk({ browser, far }: Ends, between: (i: number) => unknown = () => undefined): Promise<void> {
  for (let i = 0; i < PACKETS; i += 1) {
    browser.send(rtp(i, 4242));
    far.send({ pt: 8, seq: i, ts: i * 160, payload: rtp(i, 0).subarray(12) });
    await between(i);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
  await new Promise(resolve => setTimeout(resolve, 3 * STORM.delayMs));
}

/** Every packet came under its own number: what was lost left a hole, what overtook was put where it belongs. */
function assertInPlace(heard: Ends['heard']): void {
  const offsets = new Set(heard.map(({ index, seq }) => (seq - index) & 0xffff));
  assert.equal(offsets.size, 1, [...offsets].join());
}

/** All that was sent once the gates were open, which takes a message to the worker. */
function assertAll({ heard, far }: Ends): void {
  for (const packets of [heard, far.rtp]) assert.ok(packets.length > PACKETS - 5, String(packets.length));
}

const portOf = (sdp: string) => Number(/m=audio (\d+)/.exec(sdp)?.[1]);
const candidateOf = (sdp: string) => Number(/a=candidate:1 1 udp \d+ \S+ (\d+)/.exec(sdp)?.[1]);

for (const seed of [1, 2, 3]) {
  test(`weather ${seed}: a call connects and sounds on through loss, copies, reordering, a forgotten port and strangers`, async t => {
    const media = await realMedia(OURS, { rtcpMs: 200 });
    const both = await ends(t, ENDS);
    const stranger = createSocket('udp4');
    await new Promise<void>(resolve => stranger.bind(0, STRANGER, resolve));
    const stretches: Stretch[] = [];
    t.after(async () => {
      for (const way of stretches) way.close();
      stranger.close();
      await media.close();
    });
    const call = await connect(media, both, {
      async ims(sdp, offer) {
        const phoneEnd = { address: ENDS, port: portOf(sdp) };
        const way = await stretch(BETWEEN, phoneEnd, STORM, seed + 100, { address: OURS, port: portOf(offer) });
        stretches.push(way);
        const put = (text: string, port: number) =>
          text.replace(/m=audio \d+/, `m=audio ${port}`).replace(/c=IN IP4 \S+/, `c=IN IP4 ${BETWEEN}`);
        return [put(sdp, way.near.port), put(offer, way.far().port)];
      },
      async toBrowser(answer) {
        const way = await stretch(BETWEEN, { address: OURS, port: candidateOf(answer) }, STORM, seed);
        stretches.push(way);
        return answer.replace(/(a=candidate:1 1 udp \d+) \S+ \d+/, `$1 ${BETWEEN} ${way.near.port}`);
      },
    });
    await talk(both, i => {
      stranger.send(rtp(60_000 + i, 4242), candidateOf(call.answer), OURS);
      stranger.send(rtp(60_000 + i, 7777), portOf(call.offer), OURS);
      return i === PACKETS / 2 ? stretches[1]?.rebind() : undefined;
    });
    const { fromWeb, fromIms, oneWay } = await call.release();
    const atPhone = both.far.rtp.map(numbersOf);
    for (const heard of [both.heard, atPhone]) {
      // Two stretches of 10 % each, and what was on its way when the port was forgotten.
      const indexes = new Set(heard.map(({ index }) => index));
      assert.ok(indexes.size > 0.6 * PACKETS, `${indexes.size} of ${PACKETS}`);
      assert.ok([...indexes].every(index => index < PACKETS));
      assertInPlace(heard);
    }
    // The browser takes no copy: neither of the IMS side nor of the way to it.
    assert.equal(new Set(both.heard.map(({ index }) => index)).size, both.heard.length);
    for (const leg of [fromWeb, fromIms]) assert.ok((leg.lost ?? 0) > 0 && (leg.mos ?? 5) < 4.2, JSON.stringify(leg));
    assert.equal(oneWay, null);
    assert.equal(await media.figure('leg-source-moved', 1), 1);
    for (const reason of ['port-unknown-source', 'ims-wrong-source'])
      assert.ok((await media.figure(reason, PACKETS)) >= PACKETS, reason);
  });
}

test('IPv6 on both sides, however the far end writes its address', async t => {
  const side = { bind: '::1', advertise: '::1' };
  const media = await realMedia('::1', {
    web: { ...MEDIA_DEFAULTS.web, ...side, ports: { min: 20_070, max: 20_079 } },
    ims: { ...MEDIA_DEFAULTS.ims, ...side, ports: { min: 24_500, max: 24_599 }, mediaPrefixes: ['::1/128'] },
  });
  t.after(() => media.close());
  const both = await ends(t, '::1');
  const call = await connect(media, both, {
    ims: async (sdp, offer) => [sdp.replace('c=IN IP6 ::1', 'c=IN IP6 0:0:0:0:0:0:0:1'), offer],
  });
  assert.match(call.offer, /c=IN IP6 ::1\r\n/);
  assert.match(call.answer, /a=candidate:1 1 udp 2130706431 ::1 \d+ typ host\r\n/);
  await talk(both);
  const { path } = await call.release();
  assert.equal(path, 'udp6 AES_CM_128_HMAC_SHA1_80');
  assertAll(both);
});

test('both families at once and a realm of its own: each call between the addresses it was given', async t => {
  const six = { bind: '::1', advertise: '::1' };
  const media = await realMedia(OURS, {
    web: { bind: OURS, advertise: OURS, other: six, ports: { min: 20_060, max: 20_069 } },
    ims: {
      bind: OURS,
      advertise: OURS,
      other: six,
      ports: { min: 24_600, max: 24_699 },
      mediaPrefixes: ['127.0.44.251'],
      natLatch: false,
    },
    realms: {
      own: {
        bind: '::1',
        advertise: '::1',
        other: { bind: REALM, advertise: REALM },
        mediaPrefixes: ['::1'],
        natLatch: false,
      },
    },
  });
  t.after(() => media.close());
  for (const [browserHost, farHost, realm, ours, path] of [
    ['::1', ENDS, undefined, `IP4 ${OURS}`, 'udp6'],
    [ENDS, '::1', 'own', 'IP6 ::1', 'udp4'],
  ] as const) {
    const heard: Ends['heard'] = [];
    const browser = await lightBrowser({
      host: browserHost,
      consent: true,
      heard: packet => heard.push(numbersOf(packet)),
    });
    const far = await phone(farHost);
    t.after(() => {
      browser.close();
      far.close();
    });
    const both = { browser, far, heard };
    const call = await connect(media, both, {
      ...(realm === undefined ? {} : { realm }),
      // A browser checks both; this one has one family.
      toBrowser: answer => answer.replace(browserHost === '::1' ? /a=candidate:1 .*\r\n/ : /a=candidate:2 .*\r\n/, ''),
    });
    assert.ok(call.offer.includes(`c=IN ${ours}\r\n`), call.offer);
    await talk(both);
    assert.equal((await call.release()).path, `${path} AES_CM_128_HMAC_SHA1_80`);
    assertAll(both);
  }
});

test('ICE-07 an address of others in the SDP, translated 1:1 to ours, on both sides', async t => {
  const media = await realMedia(OURS, {
    web: { ...MEDIA_DEFAULTS.web, bind: OURS, advertise: '198.51.100.7' },
    ims: { ...MEDIA_DEFAULTS.ims, bind: OURS, advertise: '203.0.113.7' },
  });
  t.after(() => media.close());
  const both = await ends(t, ENDS);
  const call = await connect(media, both, {
    ims: async (sdp, offer) => [sdp, offer.replaceAll('203.0.113.7', OURS)],
    toBrowser: answer => answer.replace(/(a=candidate:1 1 udp \d+) 198\.51\.100\.7/, `$1 ${OURS}`),
  });
  assert.match(call.offer, /c=IN IP4 203\.0\.113\.7\r\n/);
  for (const sdp of [call.offer, call.answer]) assert.equal(sdp.includes(OURS), false);
  await talk(both);
  await call.release();
  assertAll(both);
});
