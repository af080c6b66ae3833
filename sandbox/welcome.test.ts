/** What is printed at the start is what the README tells. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { welcome } from './welcome.ts';

const README = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');
const PLACES = {
  pages: 'http://127.0.0.1:9091',
  issuer: 'http://127.0.0.1:9092',
  operations: 'http://127.0.0.1:9093',
  business: 'http://127.0.0.1:9094',
};

test('the tries that the sandbox prints are those of the README, by number and name', () => {
  const told = [...README.matchAll(/\*\*Try (\d+): (.+?)\.\*\*/g)].map(([, number, name]) => `${number}. ${name}`);
  assert.ok(told.length > 1);
  for (const emergency of [false, true])
    for (const relay of [null, '127.0.0.5']) {
      const text = welcome(PLACES, { host: '127.0.0.1', emergency, relay });
      const printed = [...text.matchAll(/^ {2}(\d+\. [^:]+):/gm)].map(([, line = '']) => line.toLowerCase());
      assert.deepEqual(
        printed,
        told.map(line => line.toLowerCase()),
      );
      assert.equal(text.includes('--turn'), relay === null);
      assert.equal(text.includes('--emergency'), !emergency);
    }
});
