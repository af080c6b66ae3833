/** AVPs and messages come back as they were written, however the stream was cut; nonsense ends a stream. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/property.ts';
import { avp, createReader, type DiameterMessage, find, numberOf, textOf, writeMessage } from './diameter.ts';

const message = fc.record({
  request: fc.boolean(),
  command: fc.integer({ min: 0, max: 0xffffff }),
  application: fc.constantFrom(0, 16_777_216),
  hopByHop: fc.nat(),
  endToEnd: fc.nat(),
});
const parts = fc.array(
  fc.record({
    code: fc.integer({ min: 1, max: 5000 }),
    vendor: fc.constantFrom(0, 10_415),
    data: fc.uint8Array({ maxLength: 40 }),
  }),
  { maxLength: 6 },
);

test('a stream of messages is read as it was written, in pieces of any size', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(message, parts), { maxLength: 4 }), fc.integer({ min: 1, max: 64 }), (sent, size) => {
      const stream = Buffer.concat(
        sent.map(([head, avps]) =>
          writeMessage(
            head,
            avps.map(({ code, vendor, data }) => avp(code, Buffer.from(data), vendor)),
          ),
        ),
      );
      const got: DiameterMessage[] = [];
      const read = createReader(one => got.push(one));
      for (let at = 0; at < stream.length; at += size) assert.ok(read(stream.subarray(at, at + size)));
      const expected = sent.map(([head, avps]) => ({
        ...head,
        avps: avps.map(one => ({ ...one, data: Buffer.from(one.data) })),
      }));
      assert.deepEqual(
        got.map(one => ({ ...one, avps: one.avps.map(part => ({ ...part, data: Buffer.from(part.data) })) })),
        expected,
      );
    }),
    { numRuns: 200 },
  );
});

test('a stream that is no Diameter is refused', () => {
  const read = createReader(() => assert.fail('no message'));
  assert.equal(read(Buffer.from('GET / HTTP/1.1\r\nHost: here\r\n\r\n')), false);
});

test('values are read as text and as numbers, absent ones as nothing', () => {
  const bytes = writeMessage({ request: true, command: 1, application: 0, hopByHop: 1, endToEnd: 1 }, [
    avp(1, 'web-1@home'),
    avp(614, 2, 10_415),
    avp(297, [avp(298, 5001)]),
  ]);
  createReader(({ avps }) => {
    assert.equal(textOf(avps, 1), 'web-1@home');
    assert.equal(numberOf(avps, 614, 10_415), 2);
    assert.equal(numberOf(avps, 614), null);
    assert.equal(textOf(avps, 99), '');
    assert.equal(find(avps, 297)?.data.length, 12);
  })(bytes);
});
