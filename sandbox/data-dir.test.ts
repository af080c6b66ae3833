/** What `npm start -- --data` takes, and what it says of what it does not. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeDataDir } from './data-dir.ts';

test('a data directory that is missing is made, for its owner only', t => {
  const folder = mkdtempSync(join(tmpdir(), 'lineside-data-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'a/b');
  makeDataDir(path);
  assert.equal(statSync(path).mode & 0o777, 0o700);
  makeDataDir(path);
});

test('what cannot be a data directory is refused with one sentence, and at once', () => {
  assert.throws(() => makeDataDir('/dev/null'), {
    message: 'The data directory /dev/null cannot be used: it is not a directory.',
  });
  for (const path of ['/dev/null/x', '/proc/x']) {
    assert.throws(() => makeDataDir(path), {
      message: `The data directory ${path} cannot be used: it can be neither made nor written to.`,
    });
  }
});
