/** The framer finds the same messages however the stream is cut, and stops at its limits. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../../test/support/property.ts';
import { SCALE } from '../../../test/support/scale.ts';
import { createFramer, type FramerEvent } from './framer.ts';

const RUNS = 200 * SCALE;

function message(body: string, lengthField = 'Content-Length'): string {
  return `OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP c;branch=z9hG4bK1\r\n${lengthField}: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

function show(events: readonly FramerEvent[]): string[] {
  return events.map(event => (event.type === 'message' ? Buffer.from(event.bytes).toString() : event.type));
}

test('messages, pings and lone line breaks are told apart in any chunking', () => {
  const part = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 80 }).map(body => ({ wire: message(body), seen: [message(body)] })),
    fc.string({ maxLength: 80 }).map(body => ({ wire: message(body, 'l'), seen: [message(body, 'l')] })),
    fc.constant({ wire: `\r\n\r\n${message('')}`, seen: ['ping', message('')] }),
    fc.constant({ wire: `\r\n${message('x')}`, seen: [message('x')] }),
    fc.constant({ wire: message('\r\n\r\n', 'CONTENT-LENGTH '), seen: [message('\r\n\r\n', 'CONTENT-LENGTH ')] }),
  );
  fc.assert(
    fc.property(
      fc.array(part, { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
      (parts, cuts) => {
        const wire = Buffer.from(parts.map(p => p.wire).join(''));
        const framer = createFramer();
        const seen: FramerEvent[] = [];
        for (let pos = 0, i = 0; pos < wire.length; i++) {
          const size = cuts[i % cuts.length] ?? 1;
          seen.push(...framer.push(wire.subarray(pos, pos + size)));
          pos += size;
        }
        assert.deepEqual(
          show(seen),
          parts.flatMap(p => p.seen),
        );
        assert.equal(framer.pendingBytes, 0);
      },
    ),
    { numRuns: RUNS },
  );
});

test('a message handed out stays as it was when the stream goes on', () => {
  const framer = createFramer();
  const wire = Buffer.from(message('first') + message('second'));
  const events = [
    ...framer.push(wire.subarray(0, 10)),
    ...framer.push(wire.subarray(10, 100)),
    ...framer.push(wire.subarray(100)),
  ];
  framer.push(Buffer.from(message('third')));
  assert.deepEqual(show(events), [message('first'), message('second')]);
});

test('TRN-05 a folded Content-Length is read', () => {
  const wire = 'OPTIONS sip:a@b SIP/2.0\r\nl:\r\n 3\r\n\r\nabcOPT';
  assert.deepEqual(show(createFramer().push(Buffer.from(wire))), [wire.slice(0, -3)]);
});

for (const [name, wire, reason] of [
  ['missing', 'OPTIONS sip:a@b SIP/2.0\r\nVia: x\r\n\r\n', 'Content-Length missing'],
  ['negative', 'OPTIONS sip:a@b SIP/2.0\r\nContent-Length: -1\r\n\r\n', 'malformed Content-Length'],
  [
    'with a colon far off',
    `OPTIONS sip:a@b SIP/2.0\r\nl: 5\r\nContent-Length${' '.repeat(60)}: 0\r\n\r\nabcde`,
    'malformed Content-Length',
  ],
  ['double', 'OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 5\r\nl: 5\r\n\r\nabcde', 'Content-Length twice'],
  ['too large', 'OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 300000\r\n\r\n', 'body too large'],
] as const) {
  test(`a ${name} Content-Length ends the stream and hands over the head`, () => {
    const framer = createFramer();
    const [event, ...more] = framer.push(Buffer.from(wire));
    assert.equal(more.length, 0);
    assert.ok(event?.type === 'error');
    assert.equal(event.reason, reason);
    assert.equal(event.head?.at(-1), 10);
    assert.deepEqual(framer.push(Buffer.from(message(''))), []);
    assert.equal(framer.pendingBytes, 0);
  });
}

test('TRN-07 a header section without end is refused at the limit, not held', () => {
  const framer = createFramer({ startLineBytes: 100, headersBytes: 100 });
  let events: FramerEvent[] = [];
  let pushed = 0;
  while (events.length === 0 && pushed < 1000) {
    events = framer.push(Buffer.from('abcdefg'));
    pushed += 7;
  }
  assert.deepEqual(show(events), ['error']);
  assert.ok(pushed <= 210);
});

test('a lone CR between messages is an error', () => {
  assert.deepEqual(show(createFramer().push(Buffer.from('\rX'))), ['error']);
});
