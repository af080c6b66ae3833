import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMeter } from './levels.ts';
import { durationText, headline, sentence, whenText, wordsOf } from './words.ts';

const NOW = Date.UTC(2026, 0, 5, 12);
const HOUR = 3_600_000;

test('every language has all words, and each can be replaced', () => {
  const [en, de] = [wordsOf('en'), wordsOf('de-AT')];
  assert.deepEqual(Object.keys(de), Object.keys(en));
  assert.notEqual(de.hangUp, en.hangUp);
  assert.equal(wordsOf('xx').hangUp, en.hangUp, 'English where there is nothing else');
  assert.equal(wordsOf('de', { hangUp: 'Ende' }).hangUp, 'Ende');
  assert.equal(wordsOf('de', { hangUp: 'Ende' }).mute, de.mute);
  const holes = (text: string) => (text.match(/\{\w+\}/g) ?? []).join();
  for (const key of Object.keys(en) as Array<keyof typeof en>)
    assert.equal(holes(de[key] ?? ''), holes(en[key] ?? ''), key);
});

test('the time when it opens is as long as it must be', () => {
  const when = (at: number, language = 'en') => whenText(at, language, NOW, 'UTC').replace(/\s/g, ' ');
  assert.equal(when(NOW + HOUR), '1:00 PM');
  assert.match(when(NOW + 20 * HOUR), /^Tuesday.* 8:00 AM$/);
  assert.match(when(NOW + 10 * 24 * HOUR), /^Thursday, January 15.* 12:00 PM$/);
  assert.equal(when(NOW + 20 * HOUR, 'de'), 'Dienstag, 08:00');
});

test('what went wrong has a sentence, known or not', () => {
  const words = wordsOf('en');
  const say = (state: Parameters<typeof sentence>[0]) => sentence(state, words, 'en', NOW);
  assert.match(say({ name: 'failed', error: 'microphone-denied', retryAt: null }), /Allow it/);
  assert.equal(say({ name: 'failed', error: 'device-taken', retryAt: null }), words['error-service']);
  assert.equal(say({ name: 'ended', reason: 'no-common-format', durationMs: null }), words['end-failed']);
  assert.equal(say({ name: 'closed', opensAt: null }), '');
  const talking = { name: 'talking', since: NOW, muted: true, held: true, reconnecting: true } as const;
  assert.equal(headline(talking, words), words.reconnecting, 'the most pressing first');
  assert.equal(headline({ ...talking, reconnecting: false }, words), words.held);
});

test('minutes and seconds, hours where there are some', () => {
  assert.deepEqual([-5, 999, 61_000, 3_600_000].map(durationText), ['0:00', '0:00', '1:01', '1:00:00']);
});

test('a microphone that gives nothing at all for six seconds is noticed; a quiet room is not', async () => {
  let now = 0;
  const meter = createMeter(() => now);
  const look = async (here: number | undefined, ms: number) => {
    now += ms;
    const source = { type: 'media-source', kind: 'audio', ...(here === undefined ? {} : { audioLevel: here }) };
    const received = { type: 'inbound-rtp', kind: 'audio', audioLevel: 1 };
    return meter.read({ getStats: async () => new Map(Object.entries({ source, received })) });
  };
  assert.deepEqual(await look(0.25, 0), { here: 0.8, there: 1 });
  await look(0, 100);
  await look(0, 5999);
  assert.equal(meter.silent, false);
  await look(0, 1);
  assert.equal(meter.silent, true);
  await look(0.001, 100);
  assert.equal(meter.silent, false);
  await look(undefined, 100);
  await look(undefined, 10_000);
  assert.equal(meter.silent, false, 'a browser that does not say');
  assert.deepEqual(await meter.read(null), { here: 0, there: 0 });
});
