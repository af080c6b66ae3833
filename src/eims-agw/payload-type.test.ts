/** Payload type numbers: those of the other side, those we had, the lowest free; never one for two. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Codecs, NO_CODECS } from './codec.ts';
import { PCMA, PCMU } from './payload-format.ts';
import { numberAnswer, numberOffer, type PayloadTypes } from './payload-type.ts';
import { eventFormat, ownFormat } from './speech-codec.ts';

const [AMR_WB, AMR, OPUS] = [ownFormat('AMR-WB'), ownFormat('AMR'), ownFormat('opus')];
const TE = eventFormat(8000);
const numbers = ({ speech, events }: Codecs) => [...speech, ...events].map(codec => codec.pt);
const offer = (types: PayloadTypes, reuse: Codecs = NO_CODECS, before: Codecs = NO_CODECS) =>
  numberOffer(types, { speech: [AMR_WB, AMR, PCMA, PCMU], events: [eventFormat(16_000), TE] }, before, reuse);

test('SDP-17 the numbers of the other side are taken over, static ones stay, the rest is counted up from 96', () => {
  const browser: Codecs = { speech: [{ ...PCMA, pt: 108 }], events: [{ ...TE, pt: 126 }] };
  assert.deepEqual(numbers(offer(new Map(), browser)), [96, 97, 8, 0, 98, 126]);
  assert.deepEqual(numbers(offer(new Map())), [96, 97, 8, 0, 98, 101]);
  // A wish that takes the lowest number is heard first; one for a number of RTCP is not.
  assert.deepEqual(numbers(offer(new Map(), { speech: [], events: [{ ...TE, pt: 96 }] })), [97, 98, 8, 0, 99, 96]);
  assert.deepEqual(numbers(offer(new Map(), { speech: [{ ...AMR, pt: 72 }], events: [] })), [96, 97, 8, 0, 98, 101]);
});

test('SDP-17 a number stays what it was, in every later offer and answer', () => {
  const types: PayloadTypes = new Map();
  const first = offer(types);
  assert.deepEqual(numbers(offer(types)), numbers(first));
  // They answer an offer of theirs with 96 for Opus: ours has that number for AMR-WB.
  const answer = numberAnswer(types, { speech: [{ ...OPUS, pt: 96 }], events: [{ ...TE, pt: 105 }] });
  assert.deepEqual(numbers(answer), [99, 105]);
  // An event has two numbers now; the last one is gone on with.
  assert.deepEqual(numbers(offer(types, NO_CODECS, answer)), [96, 97, 8, 0, 98, 105]);
  assert.deepEqual(numbers(offer(types)), numbers(first));
});

test('SDP-17 the lines of a bundle share their numbers', () => {
  const types: PayloadTypes = new Map([[96, { name: 'VP8', clock: 90_000, channels: 1, fmtp: null }]]);
  assert.deepEqual(numbers(offer(types)), [97, 98, 8, 0, 99, 101]);
});

test('when all numbers are taken a format is left out', () => {
  const types: PayloadTypes = new Map();
  for (let pt = 96; pt < 128; pt += 1) types.set(pt, { name: `x${pt}`, clock: 8000, channels: 1, fmtp: null });
  assert.deepEqual(numbers(offer(types)), [8, 0]);
  assert.deepEqual(numbers(numberAnswer(types, { speech: [{ ...AMR, pt: 96 }], events: [] })), []);
});
