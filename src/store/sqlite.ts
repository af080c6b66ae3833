/** The store of a single node: one sqlite file, written ahead, held by one process. */
import { accessSync, closeSync, constants, existsSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { StoreKind, Write } from '../ep-cscf/effect.ts';
import type { Store } from '../ep-cscf/ports.ts';
import { encode } from './encode.ts';
import { makeFolder } from './folder.ts';
import { RECORDS_KEPT } from './memory.ts';
import { migrate, StoreError } from './migration.ts';

/** Pages of 4 KiB: 16 MiB. */
const LOG_PAGES = 4096;

/**
 * Opens or creates the store in `file`; of the call records the newest `recordsKept` stay; its directory is made when it is missing.
 * A commit is one transaction in the write-ahead log: it survives the death of the process at any instant; a loss of power may take the
 * last ones, never a part of one. Throws StoreError with one sentence when the file cannot be used.
 */
export function createSqliteStore(file: string, recordsKept = RECORDS_KEPT): Store {
  const db = open(file);
  // Only this process writes, so it can know every row's number: writes then need no index and touch one tree.
  const numbers: Numbers = { rows: new Map(), records: [], left: 0 };
  const statements = {
    begin: db.prepare('BEGIN IMMEDIATE'),
    commit: db.prepare('COMMIT'),
    insert: db.prepare('INSERT INTO rows (kind, key, value) VALUES (?, ?, ?)'),
    update: db.prepare('UPDATE rows SET value = ? WHERE seq = ?'),
    remove: db.prepare('DELETE FROM rows WHERE seq = ?'),
    load: db.prepare('SELECT key, value FROM rows WHERE kind = ? ORDER BY seq'),
    number: db.prepare('SELECT seq, kind, key FROM rows ORDER BY seq'),
  };
  learn(numbers, statements.number);

  const apply = (writes: Parameters<Store['commit']>[0]): void => {
    for (const write of writes) {
      if (write.kind === 'record') {
        applyRecord(write);
        continue;
      }
      const known = numbersOf(numbers, write.kind);
      const seq = known.get(write.key);
      if (write.op === 'put') {
        if (seq !== undefined) statements.update.run(encode(write), seq);
        else known.set(write.key, statements.insert.run(write.kind, write.key, encode(write)).lastInsertRowid);
      } else if (seq !== undefined) {
        statements.remove.run(seq);
        known.delete(write.key);
      }
    }
  };

  function applyRecord(write: Write): void {
    if (write.op !== 'put') throw new TypeError('A record leaves when it is the oldest, not by its key.');
    numbers.records.push(Number(statements.insert.run(write.kind, write.key, encode(write)).lastInsertRowid));
    for (; numbers.records.length - numbers.left > recordsKept; numbers.left += 1) {
      statements.remove.run(numbers.records[numbers.left] ?? 0);
    }
    // Now and then, not each time: an array is long to shift.
    if (numbers.left <= recordsKept) return;
    numbers.records.splice(0, numbers.left);
    numbers.left = 0;
  }

  return {
    load(kind) {
      try {
        return statements.load.all(kind).map(row => ({ key: String(row.key), value: JSON.parse(String(row.value)) }));
      } catch (error) {
        throw damaged(file, `a row of the kind ${kind} cannot be read`, error);
      }
    },
    commit(writes) {
      if (writes.length === 0) return;
      statements.begin.run();
      try {
        apply(writes);
        statements.commit.run();
      } catch (error) {
        if (db.isTransaction) db.exec('ROLLBACK');
        learn(numbers, statements.number);
        throw error;
      }
    },
    close() {
      if (!db.isOpen) return;
      db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      db.close();
    },
  };
}

function damaged(file: string, how: string, cause?: unknown): StoreError {
  return new StoreError(
    `The store ${file} is damaged (${how.replaceAll('\n', ' ')}); put a backup in its place, or move it away to start with nothing.`,
    { cause },
  );
}

/** The number of every row. */
interface Numbers {
  rows: Map<StoreKind, Map<string, number | bigint>>;
  /** Of call records in their order: they are written once, and so many that their keys would be most of what is remembered. */
  records: number[];
  /** How many of these have left already. */
  left: number;
}

function numbersOf(numbers: Numbers, kind: StoreKind): Map<string, number | bigint> {
  const known = numbers.rows.get(kind) ?? new Map<string, number | bigint>();
  numbers.rows.set(kind, known);
  return known;
}

function learn(numbers: Numbers, all: StatementSync): void {
  numbers.rows.clear();
  numbers.records = [];
  numbers.left = 0;
  for (const row of all.iterate()) {
    const kind = String(row.kind) as StoreKind;
    if (kind === 'record') numbers.records.push(Number(row.seq));
    else numbersOf(numbers, kind).set(String(row.key), Number(row.seq));
  }
}

function open(file: string): DatabaseSync {
  let db: DatabaseSync | null = null;
  try {
    makeFolder(dirname(resolve(file)));
    // sqlite would open it for reading and fail later with a stranger sentence.
    if (existsSync(file)) accessSync(file, constants.W_OK);
    // What it holds (tokens of sinks, SDP) is for this user only; the log beside it takes over the mode.
    else closeSync(openSync(file, 'a', 0o600));
    db = new DatabaseSync(file, { timeout: 500 });
    // Exclusive before WAL: the file is then locked for this process, and needs no shared memory beside it.
    db.exec('PRAGMA locking_mode = EXCLUSIVE');
    db.exec('PRAGMA journal_mode = WAL');
    db.exec('PRAGMA synchronous = NORMAL');
    // The log is copied into the file when it holds this much, and only then the disk is waited for: a page that changed often is copied once.
    db.exec(`PRAGMA wal_autocheckpoint = ${LOG_PAGES}`);
    // Numbers and SDP of calls that are over do not stay behind in freed pages.
    db.exec('PRAGMA secure_delete = ON');
    migrate(db, file);
    const [fault] = db.prepare('PRAGMA quick_check(1)').all();
    if (fault?.quick_check !== 'ok') throw damaged(file, String(fault?.quick_check));
    return db;
  } catch (error) {
    if (db?.isOpen) db.close();
    if (error instanceof StoreError) throw error;
    if (primaryCode(error) === DAMAGED) throw damaged(file, (error as Error).message, error);
    throw new StoreError(`The store ${file} cannot be used: ${explain(error)}.`, { cause: error });
  }
}

/** The part of an sqlite result code that is the error's class. */
const PRIMARY = 0xff;
const DAMAGED = 11;
const SENTENCES: Readonly<Record<number, string>> = {
  5: 'another process holds it',
  6: 'another process holds it',
  8: 'it is not writable',
  10: 'the disk failed to read or write it',
  13: 'the disk is full',
  14: 'it cannot be opened or created',
  26: 'it is not an sqlite file',
};

function primaryCode(error: unknown): number | null {
  const { errcode } = error as { errcode?: number };
  return errcode === undefined ? null : errcode & PRIMARY;
}

function explain(error: unknown): string {
  const { code, message, syscall } = error as NodeJS.ErrnoException;
  const primary = primaryCode(error);
  if (primary !== null) return SENTENCES[primary] ?? message ?? 'unknown fault';
  switch (code) {
    case 'ENOENT':
      return 'its directory cannot be made';
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return syscall === 'access' ? 'it is not writable' : 'its directory is not writable';
    case 'EEXIST':
    case 'ENOTDIR':
      return 'its directory is not a directory';
    default:
      return message ?? 'unknown fault';
  }
}
