/** Tests of the sets of scopes that tokens share. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createReadScopes } from './scope-set.ts';

test('scopes come as a string or a list, and what is no scope is left out', () => {
  const read = createReadScopes();
  assert.deepEqual(read('a  b a'), new Set(['a', 'b']));
  assert.deepEqual(read(['c', 7, '', 'd']), new Set(['c', 'd']));
  for (const nothing of [undefined, null, 5, '', {}]) assert.equal(read(nothing).size, 0);
});

test('tokens that say the same share a set, and only so many sets are remembered', () => {
  const read = createReadScopes(2);
  const [one, two] = [read('a b'), read('c')];
  assert.equal(read('a b'), one);
  read('d');
  assert.equal(read('a b'), one, 'it was used after the other');
  assert.notEqual(read('c'), two);
  const long = 'x '.repeat(5000);
  assert.notEqual(read(long), read(long));
});
