/** The key file: made once, private, told plainly when it is of no use. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readKeyFile } from './key-file.ts';

const directory = mkdtempSync(join(tmpdir(), 'lineside-key-'));
after(() => rmSync(directory, { recursive: true, force: true }));

test('the first start makes a key for its owner only, the next ones read it', () => {
  const file = join(directory, 'new', 'store.key');
  const key = readKeyFile(file);
  assert.equal(key.length, 32);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(readKeyFile(file), key);
  assert.notDeepEqual(readKeyFile(join(directory, 'other.key')), key);
});

test('a file that everybody may read, that holds no key, or that is none, is refused in one sentence', () => {
  const file = join(directory, 'open.key');
  readKeyFile(file);
  chmodSync(file, 0o644);
  assert.throws(() => readKeyFile(file), { message: /^The key file .* everybody on this host.*\.$/ });
  const empty = join(directory, 'empty.key');
  writeFileSync(empty, '', { mode: 0o600 });
  assert.throws(() => readKeyFile(empty), { message: /holds no key/ });
  assert.throws(() => readKeyFile(directory), { message: /^The key file .*\.$/ });
  assert.throws(() => readKeyFile(join(empty, 'below.key')), { message: /cannot be used: ENOTDIR\.$/ });
});
