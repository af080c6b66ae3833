/** Files as every version of the layout left them: each one is opened, read and written by the present code. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { createSqliteStore } from './sqlite.ts';

const directory = mkdtempSync(join(tmpdir(), 'lineside-migration-'));
after(() => rmSync(directory, { recursive: true, force: true }));

/** What was on disk, by version. Once released these texts are never changed; a new version adds its own. */
const FILES: Readonly<Record<number, string>> = {
  1: `
    CREATE TABLE version (number INTEGER NOT NULL) STRICT;
    INSERT INTO version (number) VALUES (1);
    CREATE TABLE rows (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL) STRICT;
    INSERT INTO rows (seq, kind, key, value) VALUES
      (3, 'subscription', 's1', '{"id":"s1"}'), (4, 'outbox', 'o1', '{"n":1}'), (9, 'outbox', 'o2', '{"n":2}');`,
};

function versionOf(file: string): unknown {
  const db = new DatabaseSync(file, { readOnly: true });
  const found = db.prepare('SELECT number FROM version').get()?.['number'];
  db.close();
  return found;
}

for (const [version, text] of Object.entries(FILES)) {
  test(`a file of version ${version} is taken up: nothing is lost, and it goes on in order`, () => {
    const file = join(directory, `${version}.sqlite`);
    const db = new DatabaseSync(file);
    db.exec(text);
    db.close();
    const store = createSqliteStore(file);
    store.commit([
      { op: 'put', kind: 'outbox', key: 'o3', value: { n: 3 } },
      { op: 'delete', kind: 'outbox', key: 'o1' },
    ]);
    store.close();
    const again = createSqliteStore(file);
    assert.deepEqual(again.load('subscription'), [{ key: 's1', value: { id: 's1' } }]);
    assert.deepEqual(again.load('outbox'), [
      { key: 'o2', value: { n: 2 } },
      { key: 'o3', value: { n: 3 } },
    ]);
    again.close();
  });
}

test('a new file has the last version there is a file of here', () => {
  const file = join(directory, 'new.sqlite');
  createSqliteStore(file).close();
  assert.equal(versionOf(file), Math.max(...Object.keys(FILES).map(Number)));
});
