/** Which source may speak for the far end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../../test/support/property.ts';
import { acceptRtcp, acceptRtp, aim, latch, mayBeFar } from './latch.ts';

const TARGET = { address: '127.0.0.9', port: 4000, rtcpAddress: '127.0.0.9', rtcpPort: 4001 };

function aimed(mayMove: Parameters<typeof latch>[0] = null) {
  const l = latch(mayMove);
  aim(l, TARGET);
  let seq = 0;
  const from = (address: string, port: number, now = 0, ssrc = 1) => {
    seq += 1;
    return acceptRtp(l, address, port, ssrc, seq, now);
  };
  return { l, from };
}

test('nothing is taken before SDP told where from', () => {
  const l = latch(() => true);
  assert.equal(acceptRtp(l, '127.0.0.9', 4000, 1, 1, 0), false);
  assert.equal(acceptRtcp(l, '127.0.0.9', 4001), false);
});

test('RTP-08 the announced source is taken at once and then alone', () => {
  const { from } = aimed();
  assert.equal(from('127.0.0.9', 4000), true);
  assert.equal(from('127.0.0.9', 5000), false);
  assert.equal(from('127.0.0.8', 4000), false);
});

test('another port of the announced address is taken with the third packet of one SSRC, and answered there', () => {
  const { l, from } = aimed();
  assert.deepEqual([from('127.0.0.9', 5000), from('127.0.0.9', 5000), from('127.0.0.9', 5000)], [false, false, true]);
  assert.deepEqual([l.address, l.port], ['127.0.0.9', 5000]);
  // The announced port only counts again after five seconds of silence.
  assert.equal(from('127.0.0.9', 4000, 4_999), false);
  assert.equal(from('127.0.0.9', 4000, 5_000), true);
  assert.equal(l.port, 4000);
});

test('mixed SSRCs do not add up', () => {
  const { from } = aimed();
  for (let i = 0; i < 6; i += 1) assert.equal(from('127.0.0.9', 5000, 0, i % 2), false);
});

test('the window for unannounced sources closes after ten packets or two seconds; the announced one stays welcome', () => {
  const many = aimed();
  for (let i = 0; i < 10; i += 1) many.from('127.0.0.9', 5000 + i);
  for (let i = 0; i < 5; i += 1) assert.equal(many.from('127.0.0.9', 6000), false);
  assert.equal(many.from('127.0.0.9', 4000), true);
  const late = aimed();
  late.from('127.0.0.9', 5000, 0);
  for (let i = 0; i < 5; i += 1) assert.equal(late.from('127.0.0.9', 5000, 2_001), false);
});

test('another address is never taken unless that is allowed, inside the prefixes, and the right one is silent', () => {
  const strict = aimed();
  for (let i = 0; i < 8; i += 1) assert.equal(strict.from('127.0.0.8', 4000), false);
  const nat = aimed(address => address === '127.0.0.8');
  for (let i = 0; i < 8; i += 1) assert.equal(nat.from('127.0.0.7', 4000), false);
  const got = [1, 2, 3, 4, 5].map(() => nat.from('127.0.0.8', 4444));
  assert.deepEqual(got, [false, false, false, false, true]);
  const busy = aimed(() => true);
  busy.from('127.0.0.9', 5000, 1_000);
  for (let i = 0; i < 8; i += 1) assert.equal(busy.from('127.0.0.8', 4444, 1_400), false);
});

test('the announced source takes its place at once from one of another address that was faster', () => {
  const { l, from } = aimed(() => true);
  for (let i = 0; i < 5; i += 1) from('127.0.0.8', 4444, 1_000);
  assert.deepEqual([l.address, l.port], ['127.0.0.8', 4444]);
  assert.equal(from('127.0.0.9', 4000, 1_001), true);
  assert.deepEqual([l.address, l.port], ['127.0.0.9', 4000]);
  assert.equal(from('127.0.0.8', 4444, 1_002), false);
});

test('the same SDP again keeps the latch, new SDP opens it', () => {
  const { l, from } = aimed();
  for (let i = 0; i < 3; i += 1) from('127.0.0.9', 5000);
  aim(l, { ...TARGET });
  assert.deepEqual([l.latched, l.port], [true, 5000]);
  aim(l, { ...TARGET, port: 4010 });
  assert.deepEqual([l.latched, l.port], [false, 4010]);
  assert.equal(from('127.0.0.9', 4010), true);
});

test('RTCP shares the address of RTP and is answered where it comes from', () => {
  const { l, from } = aimed();
  assert.equal(acceptRtcp(l, '127.0.0.8', 4001), false);
  assert.equal(acceptRtcp(l, '127.0.0.9', 4777), true);
  assert.deepEqual([l.rtcpAddress, l.rtcpPort], ['127.0.0.9', 4777]);
  from('127.0.0.9', 4000);
  assert.equal(acceptRtcp(l, '127.0.0.9', 4001), true);
});

test('port 0 can send and cannot be answered: it is nobody’s', () => {
  const { l, from } = aimed(() => true);
  for (let i = 0; i < 8; i += 1) assert.equal(from('127.0.0.9', 0), false);
  for (let i = 0; i < 8; i += 1) assert.equal(from('127.0.0.8', 0, 1_000), false);
  assert.equal(acceptRtcp(l, '127.0.0.9', 0), false);
  assert.deepEqual([l.port, l.rtcpPort], [4000, 4001]);
});

test('whoever is taken was a source that may be the far end, and strangers are not', () => {
  const source = fc.record({
    address: fc.constantFrom('127.0.0.7', '127.0.0.8', '127.0.0.9', '127.0.0.10'),
    port: fc.constantFrom(4000, 4001),
    rtcp: fc.boolean(),
  });
  const target = { ...TARGET, rtcpAddress: '127.0.0.8' };
  fc.assert(
    fc.property(fc.array(source, { maxLength: 40 }), fc.boolean(), (sources, moves) => {
      const l = latch(moves ? address => address !== '127.0.0.10' : null);
      assert.equal(mayBeFar(l, target.address, target.port), false);
      aim(l, target);
      sources.forEach(({ address, port, rtcp }, i) => {
        const may = mayBeFar(l, address, port);
        // Once another address than this one has proved itself, this one has to be heard no more.
        if (l.latched && l.address === target.address) assert.ok(address !== '127.0.0.7' || !may);
        const taken = rtcp ? acceptRtcp(l, address, port) : acceptRtp(l, address, port, 1, i, 1_000 * i);
        assert.ok(may || !taken);
        assert.ok(address !== '127.0.0.10' || !may);
        assert.ok(moves || address !== '127.0.0.7' || !may);
      });
    }),
  );
});
