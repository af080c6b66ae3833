/** Known words are found in the scratch buffer letter for letter, and no others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldOf, readField } from './name.ts';
import { load } from './scan.ts';
import { spelled, type Words, wordAt } from './words.ts';

/** What `table` has for the word, which stands between others. */
function found(table: Words<string>, word: string): string | undefined {
  const text = `a${word}a`;
  load(text, 0, text.length);
  return wordAt(table, 1, text.length - 1);
}

test('a word is found as it is spelled, and none that looks like it', () => {
  const words = spelled('Route Event');
  spelled('Rouse');
  for (const word of ['Route', 'Event']) assert.equal(found(words, word), word);
  for (const word of ['Rouse', 'Roůte', 'route', 'Rout', 'Routes', 'R', ''])
    assert.equal(found(words, word), undefined);
});

test('of two words of one place the first is found', () => {
  const words = spelled('an ba');
  assert.equal(found(words, 'an'), 'an');
  assert.equal(found(words, 'ba'), undefined);
});

test('a field is the same by the name that stands there as by its text, in any case', () => {
  const names =
    'From from FROM f Reply-To Refer-To P-Asserted-Service Proxy-Authenticate record-route Min-SE X-Own'.split(' ');
  for (const name of names) {
    load(name, 0, name.length);
    assert.deepEqual(readField(name, 0, name.length), fieldOf(name));
  }
});
