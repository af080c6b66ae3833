/** Real packets over rtpengine: speech both ways, transcoding, telephone events, gates, strangers, silence, a browser that comes again. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { MEDIA_DEFAULTS } from '../../src/eims-agw/settings.ts';
import { parseSdp } from '../../src/sdp/index.ts';
import type { BrowserPeer } from '../support/media-browser.ts';
import { nextRef } from '../support/media-inbox.ts';
import { endNative, nativePeer } from '../support/media-ndc.ts';
import { type Phone, phone } from '../support/media-phone.ts';
import { type RtpengineMedia, rtpengineDaemon, rtpengineMedia, type TestDaemon } from '../support/rtpengine.ts';
import {
  callIn,
  callOut,
  LEG,
  OPUS_SILENCE,
  payloadType,
  type RtpengineCall,
  SPEECH,
  until,
} from '../support/rtpengine-call.ts';

const HOST = '127.0.72.1';
const PHONE = '127.0.72.9';
const STRANGER = '127.0.72.13';
/** Told from other speech by its bytes: the daemon may number packets anew. */
const WHILE_HELD = new Uint8Array(160).fill(7);
const EVENT = Uint8Array.from([5, 10, 0, 160]);

let daemon: TestDaemon;
let media: RtpengineMedia;
let opened: Array<() => unknown> = [];

before(async () => {
  daemon = await rtpengineDaemon(HOST, 25_400);
  media = await rtpengineMedia([daemon], {
    imsSilentMs: 3_000,
    webGraceMs: 0,
    realms: {
      partner: { bind: '::1', advertise: '::1', mediaPrefixes: ['::1/128'], natLatch: false },
      keyed: { ...MEDIA_DEFAULTS.ims, srtp: 'offer' },
    },
    rtpengine: { ...MEDIA_DEFAULTS.rtpengine, realmInterfaces: { partner: 'peering' } },
  });
});
after(async () => {
  await media.close();
  await daemon.close();
  endNative();
});
afterEach(async () => {
  for (const close of opened) await close();
  opened = [];
  media.box.all.length = 0;
});

const newBrowser = (options = {}): BrowserPeer => {
  const made = nativePeer(options);
  opened.push(() => made.close());
  return made;
};
const newPhone = async (host = PHONE): Promise<Phone> => {
  const made = await phone(host);
  opened.push(() => made.close());
  return made;
};

const toBrowser = (far: Phone) => (i: number) => far.send({ pt: 8, seq: i, ts: i * 160, payload: SPEECH });
const toPhone = (browser: BrowserPeer) => (i: number) => browser.send({ pt: 8, seq: i, ts: i * 160, payload: SPEECH });

/** The phone's answer: AMR-WB, and events at its clock, under the numbers of the offer. */
function wideband(far: Phone, offer: string): string {
  const parsed = parseSdp(offer);
  const codecs = parsed.ok ? (parsed.value.media[0]?.codecs ?? []) : [];
  const numbered = (name: string) => codecs.find(codec => codec.name === name && codec.clock === 16_000)?.pt ?? -1;
  const [speech, event] = [numbered('AMR-WB'), numbered('telephone-event')];
  return far
    .sdp({ laws: [], event: null })
    .replace(
      /RTP\/AVP.*\r\n/,
      `RTP/AVP ${speech} ${event}\r\na=rtpmap:${speech} AMR-WB/16000\r\na=rtpmap:${event} telephone-event/16000\r\n`,
    );
}

test('RTE-02 RTE-04 Opus of a browser is AMR-WB on the IMS side and comes back as Opus, events at both clocks', async () => {
  const browser = newBrowser({ opus: true });
  const far = await newPhone();
  const call = await callOut(media, browser, far, offer => wideband(far, offer));
  assert.match(call.answer, /a=rtpmap:111 opus\/48000\/2\r\n/);
  const speech = Number(/a=rtpmap:(\d+) AMR-WB\/16000/.exec(call.offer)?.[1]);
  const event = Number(/a=rtpmap:(\d+) telephone-event\/16000/.exec(call.offer)?.[1]);
  const spoken = () => far.rtp.filter(packet => payloadType(packet) === speech);
  await until(
    () => spoken().length > 12,
    i => browser.send({ pt: 111, seq: i, ts: i * 960, payload: OPUS_SILENCE }),
  );
  const [first, second] = spoken().slice(-2);
  assert.ok(first && second);
  // 20 ms at 16 kHz, in packets of one frame in the layout that VoLTE has: 12.2 of header and 17 to 61 bytes.
  assert.equal((second.readUInt32BE(4) - first.readUInt32BE(4)) >>> 0, 320);
  assert.ok(first.length > 12 && first.length <= 73, `${first.length} bytes`);
  const back = () => browser.rtp.filter(packet => packet.header.payloadType === 111);
  await until(
    () => back().length > 5,
    i => far.send({ pt: speech, seq: i, ts: i * 320, payload: first.subarray(12) }),
  );
  const digits = () => far.rtp.filter(packet => payloadType(packet) === event);
  await until(
    () => digits().length > 0,
    i =>
      browser.send({
        pt: 110,
        seq: 1_000 + i,
        ts: 960_000,
        marker: i === 0,
        payload: Uint8Array.from([5, 10, 3, 192]),
      }),
  );
  // 960 units of 48 kHz are 320 of 16 kHz.
  assert.deepEqual([digits()[0]?.[12], digits()[0]?.readUInt16BE(14)], [5, 320]);
  const stats = await call.release();
  assert.equal(stats.codec, 'AMR-WB');
  assert.ok(stats.fromWeb.packets > 12 && stats.fromIms.packets > 5, JSON.stringify(stats));
  assert.match(stats.path ?? '', /^udp4 /);
});

/** What a VoLTE terminal offers, without preconditions. TS 26.114 A.1. */
function volteOffer(far: Phone, octetAlign: 0 | 1): string {
  const layout = octetAlign === 1 ? 'octet-align=1; ' : '';
  const formats = [
    `104 AMR-WB/16000/1\r\na=fmtp:104 ${layout}mode-set=0,1,2; mode-change-capability=2; max-red=220`,
    `102 AMR/8000/1\r\na=fmtp:102 ${layout}mode-set=0,2,4,7; mode-change-capability=2; max-red=220`,
    '105 telephone-event/16000\r\na=fmtp:105 0-15',
    '100 telephone-event/8000\r\na=fmtp:100 0-15',
  ];
  const lines = ['b=AS:30', 'b=RS:600', 'b=RR:2000', ...formats.map(format => `a=rtpmap:${format}`), 'a=maxptime:240'];
  return far
    .sdp({ laws: [], event: null })
    .replace(/RTP\/AVP.*\r\n/, `RTP/AVP 104 102 105 100\r\n${lines.join('\r\n')}\r\n`);
}

for (const octetAlign of [0, 1] as const)
  test(`RTE-04 SDP-16 SDP-17 SDP-23 a VoLTE terminal calls in, octet-align=${octetAlign}: its modes, its bandwidth, its events at 16 kHz`, async () => {
    const browser = newBrowser({ opus: true });
    const far = await newPhone();
    const call = await callIn(media, browser, far, volteOffer(far, octetAlign));
    assert.match(call.answer, /m=audio \d+ RTP\/AVP 104 105\r\n/);
    assert.match(call.answer, /a=rtpmap:105 telephone-event\/16000\r\n/);
    assert.doesNotMatch(call.answer, /curr:qos|des:qos/);
    const numbered = (name: string) => Number(new RegExp(`a=rtpmap:(\\d+) ${name}/48000`).exec(call.offer)?.[1]);
    const [opus, event] = [numbered('opus'), numbered('telephone-event')];
    const spoken = () => far.rtp.filter(packet => payloadType(packet) === 104);
    await until(
      () => spoken().length > 12,
      i => browser.send({ pt: opus, seq: i, ts: i * 960, payload: OPUS_SILENCE }),
    );
    // 12.65 kbit/s, the most of its modes: 253 bits in 20 ms, behind 10 bits or two octets. RFC 4867 4.3 and 4.4.
    const speech = spoken().at(-1)?.subarray(12) ?? Buffer.alloc(0);
    assert.equal(speech.length, octetAlign === 1 ? 34 : 33);
    const back = () => browser.rtp.filter(packet => packet.header.payloadType === opus);
    await until(
      () => back().length > 5,
      i => far.send({ pt: 104, seq: i, ts: i * 320, payload: speech }),
    );
    const digits = () => browser.rtp.filter(packet => packet.header.payloadType === event);
    await until(
      () => digits().length > 0,
      i =>
        far.send({ pt: 105, seq: 1_000 + i, ts: 320_000, marker: i === 0, payload: Uint8Array.from([5, 10, 1, 64]) }),
    );
    // 320 units of 16 kHz are 960 of 48.
    const [digit] = digits();
    assert.deepEqual([digit?.payload[0], digit?.payload.readUInt16BE(2)], [5, 960]);
    assert.equal((await call.release()).codec, 'AMR-WB');
  });

test('RTE-11 G.711 passes both ways; events pass though each side has its own number for them; reports are the daemon’s own', async () => {
  const browser = newBrowser();
  const far = await newPhone();
  const call = await callOut(media, browser, far, () => far.sdp({ laws: [8], event: 101 }));
  await until(() => far.rtp.length > 2, toPhone(browser));
  await until(() => browser.rtp.length > 2, toBrowser(far));
  assert.deepEqual([...(far.rtp[0]?.subarray(12) ?? [])], [...SPEECH]);
  assert.deepEqual([...(browser.rtp[0]?.payload ?? [])], [...SPEECH]);
  const events = () => far.rtp.filter(packet => payloadType(packet) === 101);
  await until(
    () => events().length > 0,
    i => browser.send({ pt: 126, seq: 1_000 + i, ts: 160_000, marker: i === 0, payload: EVENT }),
  );
  await until(
    () => browser.rtp.some(packet => packet.header.payloadType === 126),
    // What it sends bears our numbers. RFC 3264 6.1.
    i => far.send({ pt: 126, seq: 1_000 + i, ts: 160_000, payload: EVENT }),
  );
  await call.release();
});

test('RTE-12 closed gates let nothing through; hold closes them again', async () => {
  const browser = newBrowser();
  const far = await newPhone();
  const call = await callOut(media, browser, far);
  await until(
    () => far.rtp.length > 0 && browser.rtp.length > 0,
    async i => {
      await toPhone(browser)(i);
      toBrowser(far)(i);
    },
  );
  const { run } = media.plane.port;
  const blocked = () => media.counted.get(`rtpengine_requests_total ${daemon.name} block media ok`) ?? 0;
  const before = blocked();
  run({ type: 'media.hold', owner: call.owner, ref: nextRef(), held: true });
  assert.match((await media.box.wait('media-ready')).sdp, /a=sendonly\r\n/);
  await until(() => blocked() === before + 2);
  for (let i = 0; i < 10; i += 1) {
    await browser.send({ pt: 8, seq: 500 + i, ts: (500 + i) * 160, payload: WHILE_HELD });
    far.send({ pt: 8, seq: 500 + i, ts: (500 + i) * 160, payload: WHILE_HELD });
  }
  // They have been with the daemon before it hears that the gates are open.
  await new Promise(resolve => setTimeout(resolve, 500));
  run({ type: 'media.hold', owner: call.owner, ref: nextRef(), held: false });
  await media.box.wait('media-ready');
  const [phoneHad, browserHad] = [far.rtp.length, browser.rtp.length];
  await until(
    () => far.rtp.length > phoneHad + 3 && browser.rtp.length > browserHad + 3,
    async i => {
      await toPhone(browser)(600 + i);
      toBrowser(far)(600 + i);
    },
  );
  const held = (payload: Uint8Array) => payload[0] === WHILE_HELD[0];
  assert.ok(!far.rtp.some(packet => held(packet.subarray(12))));
  assert.ok(!browser.rtp.some(packet => held(packet.payload)));
  await call.release();
});

test('RTP-08 packets of strangers are not heard', async () => {
  const browser = newBrowser();
  const far = await newPhone();
  const stranger = await newPhone(STRANGER);
  const call = await callOut(media, browser, far);
  stranger.learn(call.offer);
  const other = new Uint8Array(160).fill(1);
  await until(
    () => browser.rtp.length > 5,
    i => {
      stranger.send({ pt: 8, seq: i, ts: i * 160, payload: other, ssrc: 666 });
      toBrowser(far)(i);
    },
  );
  assert.ok(browser.rtp.every(packet => packet.payload[0] === SPEECH[0]));
  await call.release();
});

test('RTP-07 RTE-24 silence of the IMS side is told; before it comes, so is who passes the packets on', async () => {
  const browser = newBrowser();
  const far = await newPhone();
  const call = await callOut(media, browser, far);
  await until(() => browser.rtp.length > 0, toBrowser(far));
  // This daemon has no kernel module.
  const passed = () => media.plane.health().daemons?.[0]?.streams;
  await until(() => passed()?.userspace !== 0, toBrowser(far));
  assert.equal(passed()?.kernel, 0);
  const lost = await media.box.wait('media-lost');
  assert.deepEqual(lost, { type: 'media-lost', owner: call.owner, cause: 'ims-silent' });
  await call.release();
});

test('RTE-01 a new connection of the browser takes over; the IMS side keeps its port and hears no other address', async () => {
  const browser = newBrowser();
  const far = await newPhone();
  const call = await callOut(media, browser, far);
  await until(() => browser.rtp.length > 0, toBrowser(far));
  const second = newBrowser();
  const { run } = media.plane.port;
  run({ type: 'media.reoffer', from: 'web', owner: call.owner, ref: nextRef(), leg: LEG, sdp: await second.offer() });
  await second.accept((await media.box.wait('media-ready')).sdp);
  await media.box.wait('media-connected');
  await until(() => second.rtp.length > 0, toBrowser(far));
  const heard = far.rtp.length;
  await until(() => far.rtp.length > heard, toPhone(second));
  await call.release();
});

test('RTE-01 a fork moves the IMS side, and the browser’s answer stays as it is', async () => {
  const browser = newBrowser();
  const far = await newPhone();
  const other = await newPhone();
  const call: RtpengineCall = await callOut(media, browser, far);
  other.learn(call.offer);
  const sdp = other.sdp({ laws: [8], version: 2 });
  media.plane.port.run({ type: 'media.answer', from: 'ims', owner: call.owner, ref: nextRef(), fork: 'g', sdp });
  assert.equal((await media.box.wait('media-ready')).sdp, call.answer);
  await until(() => other.rtp.length > 0, toPhone(browser));
  await until(() => browser.rtp.length > 0, toBrowser(other));
  await call.release();
});

/** The phone's answer with keys. */
function withKey(far: Phone, byte: number): string {
  const line = `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${Buffer.alloc(30, byte).toString('base64')}\r\n`;
  return far.sdp({ laws: [8] }).replace(/(RTP\/)(AVP .*\r\n)/, (_, rtp, rest) => `${rtp}S${rest}${line}`);
}

test('SDP-25 RTE-01 the daemon keeps its key through forks and an ICE restart; after a fork in plain RTP, which costs it, one with keys is refused', async () => {
  const { run } = media.plane.port;
  const far = await newPhone();
  const browser = newBrowser();
  const offered = await browser.offer();
  const call = await callOut(media, browser, far, () => withKey(far, 1), 'keyed');
  const [ours = ''] = /inline:\S{40}/.exec(call.offer) ?? [];
  for (const byte of [2, 1]) {
    const sdp = withKey(far, byte);
    run({ type: 'media.answer', from: 'ims', owner: call.owner, ref: nextRef(), fork: `${byte}`, sdp });
    assert.equal((await media.box.wait('media-ready')).sdp, call.answer);
  }
  const restarted = offered
    .replace(/a=ice-ufrag:.*/, 'a=ice-ufrag:anew')
    .replace(/a=ice-pwd:.*/, `a=ice-pwd:${'anew'.repeat(6)}`);
  run({ type: 'media.reoffer', from: 'web', owner: call.owner, ref: nextRef(), leg: LEG, sdp: restarted });
  assert.notEqual(ufragOf((await media.box.wait('media-ready')).sdp), ufragOf(call.answer));
  // Asked for after the daemon has answered all that: it would have been lost with another key.
  run({ type: 'media.reoffer', from: 'ims', owner: call.owner, ref: nextRef(), sdp: withKey(far, 3) });
  assert.ok((await media.box.wait('media-ready')).sdp.includes(ours));
  assert.ok((await call.release()).codec === 'PCMA');

  const mixed = await callOut(media, newBrowser(), far, () => far.sdp({ laws: [8] }), 'keyed');
  const sdp = withKey(far, 1);
  run({ type: 'media.answer', from: 'ims', owner: mixed.owner, ref: nextRef(), fork: 'b', sdp });
  assert.equal((await media.box.wait('media-failed')).failure, 'srtp');
  await mixed.release();
  assert.ok(!media.box.all.some(input => input.type === 'media-lost'));
});

const ufragOf = (sdp: string) => /a=ice-ufrag:(\S+)/.exec(sdp)?.[1];

test('RTE-13 a realm has its own interface, and IPv6 towards the core while the browser has IPv4', async () => {
  const browser = newBrowser();
  const far = await newPhone('::1');
  const call = await callOut(media, browser, far, () => far.sdp({ laws: [8] }), 'partner');
  assert.match(call.offer, /c=IN IP6 ::1\r\n/);
  assert.match(call.answer, new RegExp(`a=candidate:.* ${HOST} `));
  await until(() => far.rtp.length > 2, toPhone(browser));
  await until(() => browser.rtp.length > 2, toBrowser(far));
  const stats = await call.release();
  assert.match(stats.path ?? '', /^udp4 /);
  assert.ok(stats.fromWeb.packets > 0 && stats.fromIms.packets > 0);
});
