/** The layout of the sqlite file and how an older one becomes the present one: forward only. */
import type { DatabaseSync } from 'node:sqlite';

/** A store that cannot be used. The message is one sentence that names the file. */
export class StoreError extends Error {}

/** Step n makes version n + 1 out of version n. Steps are never changed once released, only added. */
const steps: readonly string[] = [
  `CREATE TABLE rows (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL) STRICT`,
];

/** The version this code writes. */
const VERSION = steps.length;

/** Brings the file to the present version in one transaction. Throws StoreError when a newer Lineside or another program wrote it. */
export function migrate(db: DatabaseSync, file: string): void {
  db.exec('BEGIN IMMEDIATE');
  try {
    const found = readVersion(db, file);
    if (found > VERSION) {
      throw new StoreError(
        `The store ${file} has version ${found}, but this Lineside knows versions up to ${VERSION}; start the newer Lineside or another file.`,
      );
    }
    for (const step of steps.slice(found)) db.exec(step);
    if (found < VERSION) db.prepare('UPDATE version SET number = ?').run(VERSION);
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/** What a file of any version holds, and nothing else unless a newer one. */
const TABLES = new Set(['version', 'rows']);

function readVersion(db: DatabaseSync, file: string): number {
  const tables = db.prepare('SELECT name FROM sqlite_schema').all();
  if (tables.length === 0) {
    db.exec('CREATE TABLE version (number INTEGER NOT NULL) STRICT');
    db.exec('INSERT INTO version (number) VALUES (0)');
    return 0;
  }
  const foreign = new StoreError(`The store ${file} cannot be used: another program made it.`);
  const [column, ...more] = db.prepare("SELECT name FROM pragma_table_info('version')").all();
  if (column?.name !== 'number' || more.length > 0) throw foreign;
  const version = db.prepare('SELECT number FROM version').get()?.number;
  if (typeof version !== 'number' || version < 1) throw foreign;
  if (version <= VERSION && !tables.every(table => TABLES.has(String(table.name)))) throw foreign;
  return version;
}
