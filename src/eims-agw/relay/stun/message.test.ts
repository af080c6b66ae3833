/** STUN against the published vectors, and against whatever the network may send. */
import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { test } from 'node:test';
import { fc } from '../../../../test/support/property.ts';
import { SCALE } from '../../../../test/support/scale.ts';
import { bindingError, bindingSuccess, integrityFits, parseBindingRequest } from './message.ts';

const bytes = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex');
const KEY = createSecretKey('VOkJxbRl1RmTxUk/WvJxBt', 'latin1');
const RUNS = 2_000 * SCALE;

/** RFC 5769 2.1: a request of an ICE agent. */
const REQUEST = bytes(`
  00010058 2112a442 b7e7a701 bc34d686 fa87dfae
  80220010 5354554e 20746573 7420636c 69656e74
  00240004 6e0001ff
  80290008 932ff9b1 51263b36
  00060009 6576746a 3a683676 59202020
  00080014 9aeaa70c bfd8cb56 781ef2b5 b2d3f249 c1b571a2
  80280004 e57a3bcf`);

/** RFC 5769 2.2 and 2.3: its answers, with an attribute of their own (SOFTWARE) in front. */
const SUCCESS_4 = bytes(`
  0101003c 2112a442 b7e7a701 bc34d686 fa87dfae
  8022000b 74657374 20766563 746f7220
  00200008 0001a147 e112a643
  00080014 2b91f599 fd9e90c3 8c7489f9 2af9ba53 f06be7d7
  80280004 c07d4c96`);
const SUCCESS_6 = bytes(`
  01010048 2112a442 b7e7a701 bc34d686 fa87dfae
  8022000b 74657374 20766563 746f7220
  00200014 0002a147 0113a9fa a5d3f179 bc25f4b5 bed2b9d9
  00080014 a382954e 4be67bf1 1784c97c 8292c275 bfe3ed41
  80280004 c8fb0b4c`);

function parsed(datagram: Buffer) {
  const request = parseBindingRequest(datagram);
  assert.ok(request);
  return request;
}

test('the request of RFC 5769 is read and its signature holds', () => {
  const request = parsed(REQUEST);
  assert.deepEqual(
    [request.ufrag, request.peerUfrag, request.priority, request.useCandidate, request.controlled, request.unknown],
    ['evtj', 'h6vY', 0x6e0001ff, false, true, []],
  );
  assert.equal(integrityFits(request, KEY), true);
  assert.equal(integrityFits(request, createSecretKey('VOkJxbRl1RmTxUk/WvJxBT', 'latin1')), false);
  assert.equal(REQUEST.readUInt16BE(2), 0x58);
});

test('answers carry the mapped addresses of RFC 5769, and its signature and checksum rules', () => {
  const request = parsed(REQUEST);
  for (const [address, vector] of [
    ['192.0.2.1', SUCCESS_4],
    ['2001:db8:1234:5678:11:2233:4455:6677', SUCCESS_6],
  ] as const) {
    const answer = bindingSuccess(request, address, 32_853, KEY);
    const mapped = answer.subarray(20, answer.length - 32);
    assert.deepEqual(mapped, vector.subarray(36, 36 + mapped.length));
    // The vector's own signature is made by the same rules as ours: check it as a request would be.
    const asRequest = Buffer.concat([Buffer.from('0001', 'hex'), vector.subarray(2)]);
    assert.equal(parseBindingRequest(asRequest), null);
  }
});

test('a signature covers every byte before it, and the checksum every byte before that', () => {
  for (let i = 0; i < REQUEST.length * 8; i += 1) {
    const changed = Buffer.from(REQUEST);
    changed[i >> 3] = (changed[i >> 3] ?? 0) ^ (1 << (i & 7));
    // With another type the checksum is an unknown attribute behind the signature: ignored.
    if (i < 800 || i >= 816) assert.equal(parseBindingRequest(changed), null, `bit ${i}`);
    // Without the checksum the signature alone has to notice.
    const bare = Buffer.from(changed.subarray(0, changed.length - 8));
    if (i >= bare.length * 8 || (i >= 16 && i < 32)) continue;
    bare.writeUInt16BE(bare.length - 20, 2);
    const request = parseBindingRequest(bare);
    assert.ok(request === null || !integrityFits(request, KEY), `bit ${i}`);
  }
});

test('an answer is one a full agent takes: our own parser finds its parts', () => {
  const request = parsed(REQUEST);
  const error = bindingError(request, 487, KEY);
  assert.deepEqual([error.readUInt16BE(0), error.readUInt16BE(20), error[26], error[27]], [0x0111, 9, 4, 87]);
  assert.deepEqual(error.subarray(4, 20), REQUEST.subarray(4, 20));
  request.unknown.push(0x7001, 0x7002, 0x7003);
  const unknown = bindingError(request, 420, KEY);
  assert.ok(unknown.includes(Buffer.from('000a0006700170027003', 'hex')));
  for (const answer of [error, unknown, bindingSuccess(request, '127.0.0.1', 9, KEY)]) {
    assert.equal(answer.length % 4, 0);
    assert.equal(answer.readUInt16BE(2), answer.length - 20);
  }
});

test('addresses of IPv6 are written in full whatever their spelling', () => {
  const request = parsed(REQUEST);
  const of = (address: string) => bindingSuccess(request, address, 1, KEY).toString('hex');
  assert.equal(of('2001:db8::1'), of('2001:db8:0:0:0:0:0:1'));
  assert.equal(of('::ffff:192.0.2.1'), of('::ffff:c000:201'));
  assert.equal(of('::'), of('0:0:0:0:0:0:0:0'));
  assert.equal(of('fe80::1%eth0'), of('fe80::1'));
});

test('attributes we would have to understand are reported, those behind the signature are not read', () => {
  const head = Buffer.from(REQUEST.subarray(0, REQUEST.length - 8));
  const extra = bytes('70010000');
  const behind = Buffer.concat([head, extra]);
  behind.writeUInt16BE(behind.length - 20, 2);
  const request = parsed(behind);
  assert.deepEqual(request.unknown, []);
  assert.equal(integrityFits(request, KEY), true);
  const before = Buffer.concat([REQUEST.subarray(0, 20), extra, REQUEST.subarray(20, REQUEST.length - 8)]);
  before.writeUInt16BE(before.length - 20, 2);
  assert.deepEqual(parsed(before).unknown, [0x7001]);
});

test('no datagram makes the parser throw, and what it takes is whole', () => {
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map(a => Buffer.from(a)),
    fc.tuple(fc.nat(REQUEST.length - 1), fc.nat(255), fc.nat(REQUEST.length)).map(([at, value, end]) => {
      const copy = Buffer.from(REQUEST.subarray(0, end));
      if (at < copy.length) copy[at] = value;
      if (copy.length >= 4) copy.writeUInt16BE(Math.max(0, copy.length - 20), 2);
      return copy;
    }),
  );
  fc.assert(
    fc.property(noise, datagram => {
      const request = parseBindingRequest(datagram);
      if (request === null) return;
      assert.ok(request.integrityAt + 24 <= datagram.length);
      integrityFits(request, KEY);
    }),
    { numRuns: RUNS },
  );
});
