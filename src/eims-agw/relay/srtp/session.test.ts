/** SRTP against the published vectors and against itself over a network that loses, copies, changes and reorders. */
import assert from 'node:assert/strict';
import { createCipheriv, createHmac } from 'node:crypto';
import { test } from 'node:test';
import { fc } from '../../../../test/support/property.ts';
import { SCALE } from '../../../../test/support/scale.ts';
import type { SrtpKeys, SrtpProfile } from '../dtls/types.ts';
import { aesCm } from './aes-cm.ts';
import { aesGcm } from './aes-gcm.ts';
import { derive, sessionKeys } from './key.ts';
import { srtpSession } from './session.ts';
import { hmacPads, hmacSha1 } from './sha1.ts';
import { MAX_OVERHEAD } from './suite.ts';

const bytes = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex');
const CM: SrtpProfile = 'SRTP_AES128_CM_HMAC_SHA1_80';
const GCM: SrtpProfile = 'SRTP_AEAD_AES_128_GCM';
const PROFILES = [CM, GCM] as const;

test('HMAC-SHA1 is that of RFC 2202, and node’s for every length', () => {
  const out = new Int32Array(5);
  const hex = () => [...out].map(w => (w >>> 0).toString(16).padStart(8, '0')).join('');
  hmacSha1(hmacPads(Buffer.alloc(20, 0x0b)), Buffer.from('Hi There'), 8, -1, out);
  assert.equal(hex(), 'b617318655057264e28bc0b6fb378c8ef146be00');
  hmacSha1(hmacPads(Buffer.from('Jefe')), Buffer.from('what do ya want for nothing?'), 28, -1, out);
  assert.equal(hex(), 'effcdf6ae5eb2fa2d27416d5f184df9c259a7c79');
  const key = Buffer.from('a key of twenty byte');
  const data = Buffer.from(Array.from({ length: 400 }, (_, i) => (i * 31) & 255));
  for (let length = 0; length <= 400; length += 1) {
    hmacSha1(hmacPads(key), data, length, 0x01020304, out);
    const wanted = createHmac('sha1', key).update(data.subarray(0, length)).update(bytes('01020304')).digest('hex');
    assert.equal(hex(), wanted, `${length}`);
  }
  assert.throws(() => hmacPads(Buffer.alloc(65)), RangeError);
});

test('session keys are those of RFC 3711 B.3', () => {
  const key = bytes('E1F97A0D3E018BE0D64FA32C06DE4139');
  const salt = bytes('0EC675AD498AFEEBB6960B3AABE6');
  const keys = sessionKeys({ key, salt }, 'rtp', 20);
  assert.equal(keys.key.toString('hex'), 'c61e7a93744f39ee10734afe3ff7a087');
  assert.equal(keys.salt.toString('hex'), '30cbbc08863d8c85d49db34a9ae1');
  assert.equal(
    derive(key, salt, 1, 96).toString('hex').toUpperCase(),
    'CEBE321F6FF7716B6FD4AB49AF256A156D38BAA48F0A0ACF3C34E2359E6CDBCEE049646C43D9327AD175578EF72270986371C10C9A369AC2F94A8C5FBCDDDC256D6E919A48B610EF17C2041E474035766B68642C59BBFC2F34DB60DBDFB2DC68',
  );
});

test('the key stream is that of RFC 3711 B.2', () => {
  const cipher = aesCm({
    key: bytes('2B7E151628AED2A6ABF7158809CF4F3C'),
    auth: Buffer.alloc(20),
    salt: bytes('F0F1F2F3F4F5F6F7F8F9FAFBFCFD'),
  });
  const packet = Buffer.alloc(12 + 48 + 10);
  cipher.sealRtp(packet, 12, 60, 0, 0);
  assert.equal(
    packet.subarray(12, 60).toString('hex').toUpperCase(),
    'E03EAD0935C95E80E166B16DD92B4EB4D23513162B02D0F72A43A2FE4A5F97AB41E95B3BB0A2E8DD477901E4FCA894C0',
  );
});

/** RFC 7714 16: session keys as they stand. */
const GCM_KEYS = {
  key: bytes('000102030405060708090a0b0c0d0e0f'),
  salt: bytes('517569642070726f2071756f'),
  auth: Buffer.alloc(0),
};
const GCM_RTP = bytes(
  `8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070 61727465 73207472 6573`,
);
const GCM_SRTP =
  bytes(`8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b 36de3adf 8833
  899d7f27 beb16a91 52cf765e e4390cce`);
const GCM_RTCP = bytes(
  `81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef deadbeef deadbeef deadbeef`,
);
const GCM_SRTCP =
  bytes(`81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda 4ce09b46 86303ded
  0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4`);

test('AEAD_AES_128_GCM gives the packets of RFC 7714 16.1.1 and 17.1, and opens them', () => {
  const cipher = aesGcm(GCM_KEYS);
  const packet = Buffer.alloc(GCM_SRTP.length);
  GCM_RTP.copy(packet);
  cipher.sealRtp(packet, 12, GCM_RTP.length, 0x5501a0b2, 0xf17b);
  assert.equal(packet.toString('hex'), GCM_SRTP.toString('hex'));
  assert.equal(cipher.openRtp(packet, 12, GCM_RTP.length, 0x5501a0b2, 0xf17b), true);
  assert.deepEqual(packet.subarray(0, GCM_RTP.length), GCM_RTP);
  const report = Buffer.alloc(GCM_SRTCP.length);
  GCM_RTCP.copy(report);
  assert.equal(cipher.sealRtcp(report, GCM_RTCP.length, 0x5d4), GCM_SRTCP.length);
  assert.equal(report.toString('hex'), GCM_SRTCP.toString('hex'));
  assert.equal(cipher.openRtcp(report, report.length), GCM_RTCP.length);
  assert.deepEqual(report.subarray(0, GCM_RTCP.length), GCM_RTCP);
});

const key = (seed: number, salt: number) => ({
  key: Buffer.from(Array.from({ length: 16 }, (_, i) => (i * 13 + seed) & 255)),
  salt: Buffer.from(Array.from({ length: salt }, (_, i) => (i * 7 + seed) & 255)),
});

/** Two ends that know each other's keys. */
function pair(profile: SrtpProfile) {
  const salt = profile === CM ? 14 : 12;
  const keys = (a: number, b: number): SrtpKeys => ({ local: key(a, salt), remote: key(b, salt) });
  return { a: srtpSession(profile, keys(1, 2)), b: srtpSession(profile, keys(2, 1)) };
}

function rtp(seq: number, payload: Uint8Array, ssrc = 77, extra: { csrcs?: number; extension?: number } = {}): Buffer {
  const { csrcs = 0, extension = -1 } = extra;
  const head = Buffer.alloc(12 + 4 * csrcs + (extension < 0 ? 0 : 4 + 4 * extension), 0xab);
  head[0] = 0x80 | csrcs | (extension < 0 ? 0 : 0x10);
  head[1] = 8;
  head.writeUInt16BE(seq & 0xffff, 2);
  head.writeUInt32BE((seq * 160) >>> 0, 4);
  head.writeUInt32BE(ssrc, 8);
  if (extension >= 0) head.writeUInt16BE(extension, 12 + 4 * csrcs + 2);
  return Buffer.concat([head, payload]);
}

function protect(session: ReturnType<typeof srtpSession>, clear: Buffer): Buffer | number {
  const buffer = Buffer.alloc(clear.length + MAX_OVERHEAD);
  clear.copy(buffer);
  const isRtcp = (clear[1] ?? 0) >= 192 && (clear[1] ?? 0) <= 223;
  const length = isRtcp ? session.protectRtcp(buffer, clear.length) : session.protectRtp(buffer, clear.length);
  return length > 0 ? buffer.subarray(0, length) : length;
}

function sealed(session: ReturnType<typeof srtpSession>, clear: Buffer): Buffer {
  const result = protect(session, clear);
  assert.ok(typeof result !== 'number');
  return result;
}

/** AES_CM_128_HMAC_SHA1_80 again, straight from RFC 3711 with fresh objects for every packet. */
function reference(clear: Buffer, header: number, roc: number): Buffer {
  const master = key(1, 14);
  const [k, auth, salt] = [0, 1, 2].map(label => derive(master.key, master.salt, label, [16, 20, 14][label] ?? 0));
  assert.ok(k && auth && salt);
  const iv = Buffer.alloc(16);
  salt.copy(iv);
  const mask = Buffer.alloc(16);
  mask.writeUInt32BE(clear.readUInt32BE(8), 4);
  mask.writeUInt32BE(roc, 8);
  mask.writeUInt16BE(clear.readUInt16BE(2), 12);
  for (let i = 0; i < 16; i += 1) iv[i] = (iv[i] ?? 0) ^ (mask[i] ?? 0);
  const body = Buffer.concat([
    clear.subarray(0, header),
    createCipheriv('aes-128-ctr', k, iv).update(clear.subarray(header)),
  ]);
  const rocBytes = Buffer.alloc(4);
  rocBytes.writeUInt32BE(roc);
  return Buffer.concat([body, createHmac('sha1', auth).update(body).update(rocBytes).digest().subarray(0, 10)]);
}

test('random packets over two wraps are those of a second implementation, key stream ahead or not', () => {
  const { a } = pair(CM);
  const shape = fc.record({
    gap: fc.integer({ min: 1, max: 700 }),
    size: fc.integer({ min: 0, max: 1_400 }),
    run: fc.integer({ min: 1, max: 12 }),
  });
  let seq = 64_000;
  const shapes = fc.sample(shape, { numRuns: 400 * SCALE });
  for (const { gap, size, run } of shapes) {
    seq += gap;
    for (let i = 0; i < run; i += 1, seq += 1) {
      const clear = rtp(seq, Buffer.alloc(i % 3 === 0 ? size : 160, seq & 255), 77, {
        csrcs: size % 4,
        extension: size % 3,
      });
      const header = 12 + 4 * (size % 4) + 4 + 4 * (size % 3);
      assert.deepEqual(sealed(a, clear), reference(clear, header, Math.floor(seq / 65_536)));
    }
  }
  assert.ok(seq > 2 * 65_536);
});

for (const profile of PROFILES) {
  test(`${profile}: what is protected is opened at the other end, over loss, reordering, copies and wraps`, () => {
    const { a, b } = pair(profile);
    const taken = new Set<number>();
    const delayed: Array<{ seq: number; packet: Buffer }> = [];
    const moves = fc.sample(fc.integer({ min: 0, max: 99 }), { numRuns: 140_000 });
    const take = (seq: number, packet: Buffer) => {
      const copy = Buffer.from(packet);
      const clear = b.unprotectRtp(copy);
      if (typeof clear === 'number') {
        assert.ok(!taken.has(seq), 'taken twice');
        taken.add(seq);
        assert.deepEqual(copy.subarray(12, clear), Buffer.alloc(20, seq & 255));
      } else assert.equal(clear, 'replay');
    };
    let sent = 0;
    const every = SCALE > 1 ? 1 : 7;
    moves.forEach((move, i) => {
      const seq = 60_000 + i;
      // Long losses too, yet never more than half of the sequence space.
      if (i % every !== 0 || move < 5) return;
      const packet = sealed(a, rtp(seq, Buffer.alloc(20, seq & 255)));
      sent += 1;
      if (move < 15) delayed.push({ seq, packet });
      else take(seq, packet);
      if (move > 90) take(seq, packet);
      if (delayed.length > 1) for (const late of delayed.splice(0)) take(late.seq, late.packet);
    });
    assert.ok(taken.size > sent * 0.95, `${taken.size} of ${sent}`);
  });

  test(`${profile}: any changed or missing byte is noticed and changes nothing`, () => {
    const { a, b } = pair(profile);
    const first = sealed(a, rtp(10, Buffer.alloc(30, 1)));
    for (let i = 0; i < first.length; i += 1) {
      const changed = Buffer.from(first);
      changed[i] = (changed[i] ?? 0) ^ 0x04;
      assert.equal(typeof b.unprotectRtp(changed), 'string', `byte ${i}`);
      assert.equal(typeof b.unprotectRtp(Buffer.from(first.subarray(0, i))), 'string');
    }
    assert.equal(b.unprotectRtp(Buffer.from(first)), 42);
    assert.equal(b.unprotectRtp(Buffer.from(first)), 'replay');
    const report = sealed(a, bytes('80c90001 0000004d'));
    for (let i = 0; i < report.length; i += 1) {
      const changed = Buffer.from(report);
      changed[i] = (changed[i] ?? 0) ^ 0x80;
      assert.equal(typeof b.unprotectRtcp(changed), 'string', `byte ${i}`);
      assert.equal(typeof b.unprotectRtcp(Buffer.from(report.subarray(0, i))), 'string');
    }
    const clear = Buffer.from(report);
    assert.equal(b.unprotectRtcp(clear), 8);
    assert.equal(clear.subarray(0, 8).toString('hex'), '80c900010000004d');
    assert.equal(b.unprotectRtcp(Buffer.from(report)), 'replay');
  });

  test(`${profile}: no index is used twice, and two SSRCs are all we send`, () => {
    const { a } = pair(profile);
    for (let seq = 0; seq < 20; seq += 1) sealed(a, rtp(seq, Buffer.alloc(160)));
    assert.equal(protect(a, rtp(19, Buffer.alloc(160, 9))), 0);
    assert.equal(protect(a, rtp(3, Buffer.alloc(160, 9))), 0);
    sealed(a, rtp(400, Buffer.alloc(160), 78));
    assert.equal(protect(a, rtp(400, Buffer.alloc(160), 79)), -1);
    sealed(a, rtp(400, Buffer.alloc(160)));
    sealed(a, rtp(300, Buffer.alloc(160)));
    assert.equal(protect(a, rtp(100, Buffer.alloc(160))), -1);
    assert.equal(protect(a, Buffer.alloc(11, 0x80)), -1);
  });

  test(`${profile}: sources are few, authenticated, and none is forgotten, so that nothing of it can be played back`, () => {
    const { b } = pair(profile);
    const from = (ssrc: number, seq: number) => {
      const sender = pair(profile).a;
      return sealed(sender, rtp(seq, Buffer.alloc(4), ssrc));
    };
    for (let ssrc = 1; ssrc <= 63; ssrc += 1) assert.equal(b.unprotectRtp(from(ssrc, 1)), 16);
    const forged = from(64, 1);
    forged[20] = (forged[20] ?? 0) ^ 1;
    assert.equal(b.unprotectRtp(forged), 'tag');
    assert.equal(b.unprotectRtp(from(64, 1)), 16);
    assert.equal(b.unprotectRtp(from(65, 1)), 'ssrc');
    for (let ssrc = 1; ssrc <= 64; ssrc += 1) assert.equal(b.unprotectRtp(from(ssrc, 1)), 'replay');
    assert.equal(b.unprotectRtp(from(1, 2)), 16);
  });

  test(`${profile}: what continues a stream is told from what does not, before any key is used`, () => {
    const { a, b } = pair(profile);
    const first = sealed(a, rtp(100, Buffer.alloc(20)));
    assert.equal(b.continues(first, false), false);
    b.unprotectRtp(Buffer.from(first));
    assert.equal(b.continues(first, false), false);
    const next = sealed(a, rtp(101, Buffer.alloc(20)));
    assert.equal(b.continues(next, false), true);
    assert.equal(b.continues(sealed(a, rtp(90, Buffer.alloc(20))), false), true);
    assert.equal(b.continues(sealed(a, rtp(165, Buffer.alloc(20))), false), false);
    const stranger = Buffer.from(next);
    stranger.writeUInt32BE(78, 8);
    assert.equal(b.continues(stranger, false), false);
    const report = sealed(a, bytes('80c90001 0000004d'));
    assert.equal(b.continues(report, true), true);
    b.unprotectRtcp(Buffer.from(report));
    assert.equal(b.continues(report, true), false);
    for (const length of [0, 4, 11, 12]) assert.equal(b.continues(next.subarray(0, length), false), false);
    for (const length of [0, 7, 8, 15]) assert.equal(b.continues(report.subarray(0, length), true), false);
  });

  test(`${profile}: a closed session protects nothing and takes nothing`, () => {
    const { a, b } = pair(profile);
    const packet = sealed(a, rtp(1, Buffer.alloc(20)));
    const report = sealed(a, bytes('80c90001 0000004d'));
    a.close();
    b.close();
    assert.equal(protect(a, rtp(2, Buffer.alloc(20))), -1);
    assert.equal(protect(a, bytes('80c90001 0000004d')), -1);
    assert.deepEqual([b.unprotectRtp(packet), b.unprotectRtcp(report)], ['usedUp', 'usedUp']);
  });

  test(`${profile}: noise is dropped with a reason, never with an exception`, () => {
    const { a, b } = pair(profile);
    const good = sealed(a, rtp(5, Buffer.alloc(40)));
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 80 }).map(x => Buffer.from(x)),
      fc.tuple(fc.nat(good.length), fc.nat(good.length - 1), fc.nat(255)).map(([end, at, value]) => {
        const copy = Buffer.from(good.subarray(0, end));
        if (at < end) copy[at] = value;
        return copy;
      }),
    );
    fc.assert(
      fc.property(noise, packet => {
        if (packet.equals(good)) return;
        assert.equal(typeof b.unprotectRtp(Buffer.from(packet)), 'string');
        assert.equal(typeof b.unprotectRtcp(packet), 'string');
      }),
      { numRuns: 1_500 * SCALE },
    );
    assert.equal(b.unprotectRtp(good), 52);
  });
}
