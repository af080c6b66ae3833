/** Our SRTP against libsrtp of Debian: the same bytes out, the same packets taken, the same refused. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { SrtpKeys } from '../../src/eims-agw/relay/dtls/types.ts';
import { srtpSession } from '../../src/eims-agw/relay/srtp/session.ts';
import { MAX_OVERHEAD, type SrtpSuite } from '../../src/eims-agw/relay/srtp/suite.ts';
import { fc } from '../support/property.ts';

const SCRIPT = fileURLToPath(new URL('../support/libsrtp.py', import.meta.url));
const SUITES: readonly SrtpSuite[] = [
  'SRTP_AES128_CM_HMAC_SHA1_80',
  'SRTP_AES128_CM_HMAC_SHA1_32',
  'SRTP_AEAD_AES_128_GCM',
];
const COUNT = 1500;
const SSRC = 0xcafe1234;

interface Packet {
  rtcp: boolean;
  hex: string;
}

const key = fc.record({
  key: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  salt: fc.uint8Array({ minLength: 14, maxLength: 14 }),
});

/** RTP with every kind of header, numbered on from shortly before the first roll-over; every tenth is RTCP. */
function stream(seed: number): Packet[] {
  const shape = fc.record({
    csrcs: fc.integer({ min: 0, max: 15 }),
    extension: fc.option(fc.uint8Array({ maxLength: 16 }), { nil: null }),
    payload: fc.uint8Array({ maxLength: 200 }),
    type: fc.integer({ min: 0, max: 255 }),
    gap: fc.integer({ min: 1, max: 60 }),
  });
  let sequence = 65_400;
  return fc.sample(shape, { seed, numRuns: COUNT }).map(({ csrcs, extension, payload, type, gap }, index) => {
    if (index % 10 === 9) return { rtcp: true, hex: report(payload).toString('hex') };
    sequence += gap;
    const head = Buffer.alloc(12 + 4 * csrcs, 0x5a);
    head[0] = 0x80 | (extension === null ? 0 : 0x10) | csrcs;
    head[1] = type;
    head.writeUInt16BE(sequence & 0xffff, 2);
    head.writeUInt32BE((sequence * 160) >>> 0, 4);
    head.writeUInt32BE(SSRC, 8);
    const words = extension === null ? 0 : extension.length >> 2;
    const more = extension === null ? [] : [Buffer.from([0xbe, 0xde, 0, words]), extension.subarray(0, 4 * words)];
    return { rtcp: false, hex: Buffer.concat([head, ...more, payload]).toString('hex') };
  });
}

/** A sender report of some length in words. */
function report(content: Uint8Array): Buffer {
  const words = content.length >> 2;
  const packet = Buffer.alloc(8 + 4 * words);
  packet.set([0x80, 200, 0, 1 + words]);
  packet.writeUInt32BE(SSRC, 4);
  packet.set(content.subarray(0, 4 * words), 8);
  return packet;
}

/** Keys of both directions, which our session wipes; those of the peer are the same. */
function keysOf(suite: SrtpSuite, seed: number): { keys: SrtpKeys; hex: string } {
  const [pair] = fc.sample(key, { seed, numRuns: 1 });
  assert.ok(pair !== undefined);
  const salt = Buffer.from(pair.salt.subarray(0, suite.endsWith('GCM') ? 12 : 14));
  const master = () => ({ key: Buffer.from(pair.key), salt: Buffer.from(salt) });
  return { keys: { local: master(), remote: master() }, hex: Buffer.concat([pair.key, salt]).toString('hex') };
}

function libsrtp(
  does: 'protect' | 'unprotect',
  profile: SrtpSuite,
  key: string,
  packets: Packet[],
): Array<string | null> {
  const input = JSON.stringify({ does, profile, key, packets });
  const { status, stdout, stderr } = spawnSync('/usr/bin/python3', [SCRIPT], {
    input,
    encoding: 'utf8',
    timeout: 60_000,
    maxBuffer: 1 << 26,
  });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

for (const [index, suite] of SUITES.entries()) {
  test(`${suite}: each opens what the other protects, and both write the same`, () => {
    const { keys, hex } = keysOf(suite, index);
    const packets = stream(100 + index);
    const session = srtpSession(suite, keys);
    const ours = packets.map(packet => ({ ...packet, hex: protect(session, packet) }));
    assert.deepEqual(
      libsrtp('protect', suite, hex, packets),
      ours.map(({ hex }) => hex),
    );
    assert.deepEqual(
      libsrtp('unprotect', suite, hex, ours),
      packets.map(({ hex }) => hex),
    );
    assert.deepEqual(
      ours.map(packet => open(session, packet)),
      packets.map(({ hex }) => hex),
    );
  });

  test(`${suite}: both refuse what was changed or comes again, and take what comes late`, () => {
    const { keys, hex } = keysOf(suite, index + 50);
    const session = srtpSession(suite, keys);
    const whole = stream(200 + index)
      .slice(0, 400)
      .map(packet => ({ ...packet, hex: protect(session, packet) }));
    const played = whole.flatMap((packet, at) => {
      const earlier = whole[at - 3];
      if (at % 7 === 3) return [changed(packet, at), packet];
      if (at % 11 === 5 && earlier !== undefined) return [packet, earlier];
      return at % 13 === 12 ? [] : [packet];
    });
    const theirs = libsrtp('unprotect', suite, hex, played);
    assert.deepEqual(
      played.map(packet => open(session, packet)),
      theirs,
    );
    assert.ok(theirs.filter(result => result === null).length > 50);
    assert.ok(theirs.filter(result => result !== null).length > 300);
  });
}

type Session = ReturnType<typeof srtpSession>;

function protect(session: Session, { rtcp, hex }: Packet): string {
  const clear = Buffer.from(hex, 'hex');
  const buffer = Buffer.concat([clear, Buffer.alloc(MAX_OVERHEAD)]);
  const length = rtcp ? session.protectRtcp(buffer, clear.length) : session.protectRtp(buffer, clear.length);
  assert.ok(length > clear.length);
  return buffer.toString('hex', 0, length);
}

function open(session: Session, { rtcp, hex }: Packet): string | null {
  const packet = Buffer.from(hex, 'hex');
  const length = rtcp ? session.unprotectRtcp(packet) : session.unprotectRtp(packet);
  return typeof length === 'number' ? packet.toString('hex', 0, length) : null;
}

/** One bit of it, anywhere behind the fixed header. */
function changed({ rtcp, hex }: Packet, at: number): Packet {
  const packet = Buffer.from(hex, 'hex');
  const where = 12 + ((at * 7919) % (packet.length - 12));
  packet[where] = (packet[where] ?? 0) ^ (1 << (at % 8));
  return { rtcp, hex: packet.toString('hex') };
}
