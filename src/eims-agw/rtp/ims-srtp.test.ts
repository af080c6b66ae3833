/** SRTP at the sockets towards the core, against a far end that has SRTP of its own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImsTarget, PtRule, Route, SdesKey, SdesSuite } from '../engine.ts';
import { PCMA } from '../payload-format.ts';
import { srtpSession } from '../relay/srtp/session.ts';
import type { ImsLeg, ImsLegEvents } from './ims-leg.ts';
import { imsSrtp } from './ims-srtp.ts';
import { applyRoute, fromWeb, relay } from './relay.ts';

const S80 = 'AES_CM_128_HMAC_SHA1_80';
const S32 = 'AES_CM_128_HMAC_SHA1_32';
const FROM = { address: '127.0.0.9', port: 4000, family: 'IPv4', size: 0 } as const;
const keyOf = (byte: number) => Buffer.alloc(30, byte).toString('base64');

const master = (key: string) => {
  const bytes = Buffer.from(key, 'base64');
  return { key: bytes.subarray(0, 16), salt: bytes.subarray(16) };
};
const farOf = (suite: SdesSuite, own: string, ours: string) =>
  srtpSession(suite === S80 ? 'SRTP_AES128_CM_HMAC_SHA1_80' : 'SRTP_AES128_CM_HMAC_SHA1_32', {
    local: master(own),
    remote: master(ours),
  });

function rtp(seq: number, ssrc = 5, bytes = 160): Buffer {
  const packet = Buffer.alloc(12 + bytes, seq & 0xff);
  packet[0] = 0x80;
  packet[1] = 8;
  packet.writeUInt16BE(seq, 2);
  packet.writeUInt32BE(160 * seq, 4);
  packet.writeUInt32BE(ssrc, 8);
  return packet;
}

/** A leg whose packets are kept, and what of the far end's comes through in clear. */
function world(suite: SdesSuite, again = false) {
  const sent: Buffer[] = [];
  const reports: Buffer[] = [];
  const heard: Buffer[] = [];
  const dropped: string[] = [];
  const srtp = imsSrtp(suite, again, reason => void dropped.push(reason));
  const wire: ImsLeg = {
    port: 4,
    sendRtp: (packet, start) => void sent.push(Buffer.from(packet.subarray(start))),
    sendRtcp: packet => void reports.push(Buffer.from(packet)),
    close: () => undefined,
  };
  const events: ImsLegEvents = srtp.opening(
    {
      rtp: packet => void heard.push(Buffer.from(packet)),
      rtcp: packet => void heard.push(Buffer.from(packet)),
      fault: error => assert.fail(String(error)),
    },
    address => address === FROM.address,
  );
  return { srtp, sent, reports, heard, events, leg: srtp.protecting(wire), dropped };
}

function sealed(far: ReturnType<typeof farOf>, packet: Buffer, rtcp = false): Buffer {
  const room = Buffer.concat([packet, Buffer.alloc(20)]);
  return room.subarray(0, rtcp ? far.protectRtcp(room, packet.length) : far.protectRtp(room, packet.length));
}

for (const suite of [S80, S32] as const)
  test(`SDP-25 ${suite}: what we send the far end opens, what it sends comes in clear, reports with the long tag`, () => {
    const w = world(suite);
    w.srtp.agree({ suite, key: keyOf(1) });
    const far = farOf(suite, keyOf(1), w.srtp.key);
    const plain = rtp(7);
    w.leg.sendRtp(Buffer.concat([Buffer.alloc(4), plain]), 4, 4000, '127.0.0.9');
    const [out] = w.sent;
    assert.ok(out);
    assert.equal(out.length, plain.length + (suite === S80 ? 10 : 4));
    assert.equal(far.unprotectRtp(out), plain.length);
    assert.deepEqual(out.subarray(0, plain.length), plain);
    w.events.rtp(sealed(far, rtp(9, 6)), FROM);
    assert.deepEqual(w.heard, [rtp(9, 6)]);
    const report = Buffer.from('80c90001000000060000000000000000', 'hex');
    w.leg.sendRtcp(report, 4001, '127.0.0.9');
    const [sentReport] = w.reports;
    assert.ok(sentReport);
    assert.equal(sentReport.length, report.length + 14);
    assert.equal(far.unprotectRtcp(sentReport), report.length);
    w.events.rtcp(sealed(far, report, true), FROM);
    assert.deepEqual(w.heard[1], report);
  });

test('SDP-25 what is plain, of another key, changed or sent twice is dropped and counted', () => {
  const w = world(S32);
  w.srtp.agree({ suite: S32, key: keyOf(1) });
  const far = farOf(S32, keyOf(1), w.srtp.key);
  const packet = sealed(far, rtp(1));
  const changed = Buffer.from(packet);
  changed[20] = (changed[20] ?? 0) ^ 1;
  for (const bad of [rtp(1), sealed(farOf(S32, keyOf(2), w.srtp.key), rtp(1)), changed, Buffer.alloc(3)])
    w.events.rtp(bad, FROM);
  w.events.rtcp(Buffer.from('80c90001000000060000000000000000', 'hex'), FROM);
  assert.deepEqual([w.heard.length, w.dropped], [0, Array<string>(5).fill('srtp')]);
  w.events.rtp(Buffer.from(packet), FROM);
  w.events.rtp(Buffer.from(packet), FROM);
  assert.deepEqual([w.heard.length, w.dropped.length], [1, 6]);
});

test('SDP-25 what is too long, or of nobody whose packets are taken, is not opened: that would cost more than all else', () => {
  const w = world(S80);
  const far = farOf(S80, keyOf(1), w.srtp.key);
  w.events.rtp(rtp(1), { ...FROM, address: '127.0.0.66' });
  assert.equal(w.heard.length, 1);
  w.srtp.agree({ suite: S80, key: keyOf(1) });
  // Authentic, so it is for these reasons alone that they are not taken.
  w.events.rtp(sealed(far, rtp(1, 6, 1_600)), FROM);
  w.events.rtp(sealed(far, rtp(2, 6)), { ...FROM, address: '127.0.0.66' });
  assert.deepEqual(w.dropped, ['oversize', 'wrongSource']);
  w.events.rtp(sealed(far, rtp(3, 6, 1_388)), FROM);
  assert.equal(w.heard.length, 2);
});

test('SDP-25 a picture packet that is asked for again leaves as it left before, of the sound nothing is kept; plain RTP passes while no key is agreed', () => {
  const w = world(S80, true);
  w.leg.sendRtp(rtp(1), 0, 4000, '127.0.0.9');
  assert.deepEqual(w.sent, [rtp(1)]);
  w.srtp.agree({ suite: S80, key: keyOf(1) });
  for (let i = 0; i < 2; i += 1) w.leg.sendRtp(rtp(2), 0, 4000, '127.0.0.9');
  assert.deepEqual(w.sent[1], w.sent[2]);
  assert.notDeepEqual(w.sent[1]?.subarray(0, 172), rtp(2));
  const sound = world(S80);
  sound.srtp.agree({ suite: S80, key: keyOf(1) });
  for (let i = 0; i < 2; i += 1) sound.leg.sendRtp(rtp(2), 0, 4000, '127.0.0.9');
  assert.equal(sound.sent.length, 1);
});

test('SDP-25 with a new key of the far end ours goes on under another SSRC: no number comes twice under one key', () => {
  const w = world(S80);
  let random = 100;
  const r = relay(77, 'c', 0, () => random++, null, 5_000);
  r.ims = w.leg;
  r.srtp = w.srtp;
  const rule: PtRule = { in: 8, out: 8, kind: 'speech', from: PCMA, to: PCMA };
  const target: ImsTarget = { address: '127.0.0.9', port: 4000, rtcpAddress: '127.0.0.9', rtcpPort: 4001 };
  const route = (key: string | null): Route => {
    const sdes: SdesKey | null = key === null ? null : { suite: S80, key };
    return {
      leg: 1,
      target: sdes === null ? null : { ...target, sdes },
      toIms: [rule],
      toWeb: [rule],
      toImsOpen: true,
      toWebOpen: true,
      supervise: false,
      video: null,
    };
  };
  const ssrcs = new Set<number>();
  let seq = 0;
  const talk = (key: string) => {
    applyRoute(r, route(key), 0);
    const far = farOf(S80, key, w.srtp.key);
    for (let i = 0; i < 3; i += 1) {
      fromWeb(r, rtp(seq), 20 * seq);
      seq += 1;
      const out = w.sent.at(-1);
      assert.ok(out);
      // A far end that is new begins to count at nothing.
      assert.equal(typeof far.unprotectRtp(Buffer.from(out)), 'number');
      ssrcs.add(out.readUInt32BE(8));
    }
  };
  talk(keyOf(1));
  talk(keyOf(1));
  assert.equal(ssrcs.size, 1);
  talk(keyOf(2));
  // Nobody there, then the first again.
  applyRoute(r, route(null), 0);
  talk(keyOf(2));
  assert.equal(ssrcs.size, 2);
  talk(keyOf(1));
  assert.equal(ssrcs.size, 3);
});

/** What a far end has sent before its counter of roll-overs shows in the tag. */
function rolledOver(far: ReturnType<typeof farOf>, ssrc = 6): void {
  for (const seq of [30_000, 60_000, 65_535]) sealed(far, rtp(seq, ssrc));
}

test('SDP-25 RFC 3711 3.3.1 a fork heard again goes on where it stood: its roll-overs count, and nothing is taken twice', () => {
  const w = world(S80);
  const [a, b] = [1, 2].map(byte => farOf(S80, keyOf(byte), w.srtp.key));
  assert.ok(a && b);
  w.srtp.agree({ suite: S80, key: keyOf(1) });
  const early = sealed(a, rtp(65_530, 6));
  w.events.rtp(Buffer.from(early), FROM);
  const late = sealed(a, rtp(3, 6));
  w.events.rtp(Buffer.from(late), FROM);
  w.srtp.agree({ suite: S80, key: keyOf(2) });
  w.events.rtp(sealed(b, rtp(9, 7)), FROM);
  assert.equal(w.heard.length, 3);
  for (const between of [undefined, { suite: S80, key: keyOf(2) } as const]) {
    w.srtp.agree(between);
    w.srtp.agree({ suite: S80, key: keyOf(1) });
    for (const played of [early, late]) w.events.rtp(Buffer.from(played), FROM);
    assert.equal(w.heard.length, 3, 'played back');
  }
  w.events.rtp(sealed(a, rtp(4, 6)), FROM);
  assert.equal(w.heard.length, 4);
});

for (const counts of ['anew', 'on'] as const)
  test(`SDP-25 RFC 3711 3.3.1 a far end with a new key counts ${counts}: it is heard, and each packet once`, () => {
    const w = world(S80);
    const before = farOf(S80, keyOf(1), w.srtp.key);
    w.srtp.agree({ suite: S80, key: keyOf(1) });
    for (const seq of [40_000, 65_535, 1]) w.events.rtp(sealed(before, rtp(seq, 6)), FROM);
    assert.equal(w.heard.length, 3);
    const after = farOf(S80, keyOf(3), w.srtp.key);
    if (counts === 'on') rolledOver(after);
    w.srtp.agree({ suite: S80, key: keyOf(3) });
    const packet = sealed(after, rtp(2, 6));
    for (let i = 0; i < 2; i += 1) w.events.rtp(Buffer.from(packet), FROM);
    w.events.rtp(sealed(after, rtp(3, 6)), FROM);
    assert.deepEqual([w.heard.length, w.dropped], [5, ['srtp']]);
    // The old key is of nobody any more.
    w.events.rtp(sealed(before, rtp(4, 6)), FROM);
    assert.equal(w.heard.length, 5);
  });

test('SDP-25 RFC 3711 3.3.1 the same key again is no new one: the roll-overs of both ends go on', () => {
  const w = world(S80);
  const far = farOf(S80, keyOf(1), w.srtp.key);
  for (const [seq, n] of [30_000, 60_000, 5].entries()) {
    assert.equal(w.srtp.agree({ suite: S80, key: keyOf(1) }), false);
    w.events.rtp(sealed(far, rtp(n, 6)), FROM);
    w.leg.sendRtp(rtp(n), 0, 4000, '127.0.0.9');
    assert.equal(far.unprotectRtp(w.sent[seq] ?? Buffer.alloc(0)), 172);
  }
  assert.equal(w.heard.length, 3);
});

test('SDP-25 RFC 3711 9.1 whoever the far end is, no number of ours comes twice under our key, were the SSRC the same', () => {
  const w = world(S80);
  const report = Buffer.from('80c90001000000050000000000000000', 'hex');
  for (const byte of [1, 2]) {
    w.srtp.agree({ suite: S80, key: keyOf(byte) });
    w.leg.sendRtp(rtp(7, 5, 160), 0, 4000, '127.0.0.9');
    w.leg.sendRtcp(report, 4001, '127.0.0.9');
  }
  assert.equal(w.sent.length, 1);
  const [first, second] = w.reports.map(packet => packet.readUInt32BE(16) % 2 ** 31);
  assert.deepEqual([first, second], [1, 2]);
});

test('SDP-25 two lines of one far end with one key: each has a key of ours and counts for itself', () => {
  const lines = [world(S80), world(S80, true)];
  const [sound, picture] = lines;
  assert.ok(sound && picture && sound.srtp.key !== picture.srtp.key);
  for (const w of lines) {
    w.srtp.agree({ suite: S80, key: keyOf(1) });
    const far = farOf(S80, keyOf(1), w.srtp.key);
    const packet = sealed(far, rtp(1, 6));
    for (let i = 0; i < 2; i += 1) w.events.rtp(Buffer.from(packet), FROM);
    assert.deepEqual([w.heard.length, w.dropped], [1, ['srtp']]);
  }
});

test('SDP-25 a far end that has another key without end is heard under the last, and what is kept of the others is bounded', () => {
  const w = world(S80);
  const packets = Array.from({ length: 40 }, (_, byte) => {
    w.srtp.agree({ suite: S80, key: keyOf(byte) });
    const packet = sealed(farOf(S80, keyOf(byte), w.srtp.key), rtp(1, 6));
    w.events.rtp(Buffer.from(packet), FROM);
    return packet;
  });
  assert.equal(w.heard.length, 40);
  for (const byte of [39, 38, 33, 32]) {
    w.srtp.agree({ suite: S80, key: keyOf(byte) });
    w.events.rtp(Buffer.from(packets[byte] ?? Buffer.alloc(0)), FROM);
  }
  assert.equal(w.heard.length, 40);
});

test('SDP-25 junk under the address of the far end is soon not looked at any more: what continues its stream is heard, other streams a second later', () => {
  const w = world(S80);
  w.srtp.agree({ suite: S80, key: keyOf(1) });
  const far = farOf(S80, keyOf(1), w.srtp.key);
  w.events.rtp(sealed(far, rtp(1, 6)), FROM);
  for (let i = 0; i <= 100; i += 1) w.events.rtp(rtp(i, 99), FROM);
  w.events.rtp(sealed(far, rtp(2, 6)), FROM);
  const other = sealed(far, rtp(1, 7));
  w.events.rtp(Buffer.from(other), FROM);
  assert.equal(w.heard.length, 2);
  w.srtp.tick();
  w.events.rtp(Buffer.from(other), FROM);
  assert.deepEqual([w.heard.length, w.dropped.length], [3, 102]);
});
