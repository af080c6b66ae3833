/** One contract for every store, and what only a file can do wrong. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, it } from 'node:test';
import { fc } from '../../test/support/property.ts';
import { SCALE } from '../../test/support/scale.ts';
import type { StoreKind, Write } from '../ep-cscf/effect.ts';
import type { Store } from '../ep-cscf/ports.ts';
import { createMemoryStore } from './memory.ts';
import { createSqliteStore } from './sqlite.ts';
import { createStore, StoreError } from './store.ts';

const directory = mkdtempSync(join(tmpdir(), 'lineside-store-'));
after(() => rmSync(directory, { recursive: true, force: true }));
let files = 0;
const freshFile = () => {
  files += 1;
  return join(directory, `${files}`, 'deep', 'lineside.sqlite');
};

const stores: Array<[name: string, make: () => { store: Store; reopen: (() => Store) | null }]> = [
  ['memory', () => ({ store: createMemoryStore(), reopen: null })],
  [
    'sqlite',
    () => {
      const file = freshFile();
      return { store: createSqliteStore(file), reopen: () => createSqliteStore(file) };
    },
  ],
];

it('the sqlite store knows its oldest records after a restart and after a commit that failed', () => {
  const file = freshFile();
  const record = (i: number): Write => ({ op: 'put', kind: 'record', key: `r${i}`, value: i });
  const records = () => store.load('record').map(row => row.value);
  let store = createSqliteStore(file, 3);
  store.commit([1, 2, 3, 4].map(record));
  store.close();
  store = createSqliteStore(file, 3);
  store.commit([record(5)]);
  assert.deepEqual(records(), [3, 4, 5]);
  assert.throws(() => store.commit([record(6), { op: 'put', kind: 'call', key: 'c', value: undefined }]), TypeError);
  assert.deepEqual(records(), [3, 4, 5]);
  store.commit([record(7)]);
  assert.deepEqual(records(), [4, 5, 7]);
  assert.throws(() => store.commit([{ op: 'delete', kind: 'record', key: 'r7' }]), TypeError);
  store.close();
});

for (const [name, open] of [
  ['memory', () => createMemoryStore(3)],
  ['sqlite', () => createSqliteStore(freshFile(), 3)],
] as const) {
  it(`the ${name} store keeps the newest call records and every other row`, () => {
    const store = open();
    for (let i = 1; i <= 20; i += 1) {
      store.commit([
        { op: 'put', kind: 'record', key: `r${i}`, value: i },
        { op: 'put', kind: 'lease', key: `l${i}`, value: i },
      ]);
    }
    assert.deepEqual(
      store.load('record').map(row => row.value),
      [18, 19, 20],
    );
    assert.equal(store.load('lease').length, 20);
    store.close();
  });
}

for (const [name, make] of stores) {
  describe(`the ${name} store`, () => {
    it('gives back values in the order of their first put', () => {
      const { store } = make();
      store.commit([
        { op: 'put', kind: 'outbox', key: 'b', value: { n: 1 } },
        { op: 'put', kind: 'outbox', key: 'a', value: { n: 2 } },
        { op: 'put', kind: 'call', key: 'b', value: 'other kind' },
      ]);
      store.commit([{ op: 'put', kind: 'outbox', key: 'b', value: { n: 3 } }]);
      assert.deepEqual(store.load('outbox'), [
        { key: 'b', value: { n: 3 } },
        { key: 'a', value: { n: 2 } },
      ]);
      assert.deepEqual(store.load('lease'), []);
      store.close();
    });

    it('puts a key that was deleted at the end', () => {
      const { store } = make();
      store.commit([
        { op: 'put', kind: 'outbox', key: 'a', value: 1 },
        { op: 'put', kind: 'outbox', key: 'b', value: 2 },
        { op: 'delete', kind: 'outbox', key: 'a' },
        { op: 'put', kind: 'outbox', key: 'a', value: 3 },
        { op: 'delete', kind: 'outbox', key: 'never there' },
      ]);
      assert.deepEqual(
        store.load('outbox').map(row => row.key),
        ['b', 'a'],
      );
      store.close();
    });

    it('keeps no reference to what it was given', () => {
      const { store } = make();
      const value = { list: [1] };
      store.commit([{ op: 'put', kind: 'call', key: 'k', value }]);
      value.list.push(2);
      assert.deepEqual(store.load('call'), [{ key: 'k', value: { list: [1] } }]);
      store.close();
    });

    it('keeps nothing of a commit that fails', () => {
      const { store } = make();
      store.commit([{ op: 'put', kind: 'call', key: 'old', value: 1 }]);
      assert.throws(() =>
        store.commit([
          { op: 'put', kind: 'call', key: 'new', value: 1 },
          { op: 'delete', kind: 'call', key: 'old' },
          { op: 'put', kind: 'call', key: 'bad', value: undefined },
        ]),
      );
      assert.deepEqual(store.load('call'), [{ key: 'old', value: 1 }]);
      store.commit([{ op: 'put', kind: 'call', key: 'old', value: 2 }]);
      assert.deepEqual(store.load('call'), [{ key: 'old', value: 2 }]);
      store.close();
    });

    it('agrees with a map whatever is written', () => {
      const { store: opened, reopen } = make();
      let store = opened;
      const kinds: StoreKind[] = ['binding', 'call', 'outbox', 'lease', 'entry-point'];
      const write: fc.Arbitrary<Write> = fc.oneof(
        fc.record({
          op: fc.constant('put' as const),
          kind: fc.constantFrom(...kinds),
          key: fc.constantFrom('a', 'b', 'c', 'é', ''),
          value: fc.jsonValue(),
        }),
        fc.record({
          op: fc.constant('delete' as const),
          kind: fc.constantFrom(...kinds),
          key: fc.constantFrom('a', 'b', 'c', 'é', ''),
        }),
      );
      const model = new Map<string, Map<string, unknown>>(kinds.map(kind => [kind, new Map()]));
      fc.assert(
        fc.property(fc.array(write, { maxLength: 12 }), fc.boolean(), (writes, restart) => {
          store.commit(writes);
          for (const each of writes) {
            if (each.op === 'delete') model.get(each.kind)?.delete(each.key);
            else model.get(each.kind)?.set(each.key, JSON.parse(JSON.stringify(each.value)));
          }
          if (restart && reopen !== null) {
            store.close();
            store = reopen();
          }
          for (const kind of kinds) {
            const expected = Array.from(model.get(kind) ?? [], ([key, value]) => ({ key, value }));
            assert.deepEqual(store.load(kind), expected);
          }
        }),
        { numRuns: 60 * SCALE },
      );
      store.close();
    });
  });
}

describe('the sqlite file', () => {
  it('is checkpointed at close and is for its owner only', () => {
    const file = freshFile();
    const store = createStore({ kind: 'sqlite', recordsKept: 10, file });
    store.commit([{ op: 'put', kind: 'call', key: 'k', value: 'x'.repeat(10_000) }]);
    store.close();
    store.close();
    assert.equal(existsSync(`${file}-wal`), false);
    assert.equal(statSync(join(file, '..')).mode & 0o077, 0);
    assert.equal(statSync(file).mode & 0o077, 0);
    assert.deepEqual(createStore({ kind: 'memory', recordsKept: 10, file }).load('call'), []);
  });

  it('is refused with one sentence when a newer version wrote it', () => {
    const file = freshFile();
    createSqliteStore(file).close();
    const db = new DatabaseSync(file);
    db.exec('UPDATE version SET number = 99');
    db.close();
    assert.throws(() => createSqliteStore(file), { message: /^The store .* has version 99, but .*\.$/ });
  });

  it('is refused with one sentence when it is locked, foreign, damaged or out of reach', () => {
    const file = freshFile();
    const store = createSqliteStore(file);
    assert.throws(() => createSqliteStore(file), { message: /another process holds it\.$/ });
    store.close();

    const foreign = join(directory, 'foreign.sqlite');
    const db = new DatabaseSync(foreign);
    db.exec('CREATE TABLE recipes (name TEXT)');
    db.close();
    assert.throws(() => createSqliteStore(foreign), { message: /another program made it\.$/ });

    const alike = join(directory, 'alike.sqlite');
    const other = new DatabaseSync(alike);
    other.exec(
      'CREATE TABLE version (number INTEGER); INSERT INTO version VALUES (1); CREATE TABLE recipes (name TEXT)',
    );
    other.close();
    assert.throws(() => createSqliteStore(alike), { message: /another program made it\.$/ });
    const named = join(directory, 'named.sqlite');
    const third = new DatabaseSync(named);
    third.exec('CREATE TABLE version (major INTEGER, minor INTEGER)');
    third.close();
    assert.throws(() => createSqliteStore(named), { message: /another program made it\.$/ });

    // Where every new name is answered ENOENT, Node's own mkdir would try for ever.
    assert.throws(() => createSqliteStore('/proc/lineside/x.sqlite'), { message: /its directory cannot be made\.$/ });

    const text = join(directory, 'text.sqlite');
    writeFileSync(text, 'This is not a database. '.repeat(100));
    assert.throws(() => createSqliteStore(text), { message: /it is not an sqlite file\.$/ });
    assert.throws(() => createSqliteStore(join(text, 'x.sqlite')), StoreError);
    assert.throws(() => createSqliteStore(directory), { message: /cannot be opened or created\.$/ });
  });

  it('is refused with one sentence that names it when bytes or rows of it are damaged', () => {
    const file = freshFile();
    const store = createSqliteStore(file);
    for (let i = 0; i < 50; i += 1) {
      store.commit([{ op: 'put', kind: 'call', key: `k${i}`, value: 'x'.repeat(1000) }]);
    }
    store.close();
    const good = readFileSync(file);
    const fd = openSync(file, 'r+');
    writeSync(fd, Buffer.alloc(4096, 0xa5), 0, 4096, 8192);
    closeSync(fd);
    const sentence = /^The store .*\.sqlite is damaged \(.*\); put a backup in its place, or move it away .*\.$/;
    assert.throws(() => createSqliteStore(file), { message: sentence });

    writeFileSync(file, good);
    const db = new DatabaseSync(file);
    db.exec("UPDATE rows SET value = '{bad' WHERE key = 'k7'");
    db.close();
    const opened = createSqliteStore(file);
    assert.throws(() => opened.load('call'), { message: sentence });
    opened.close();
  });

  it('keeps nothing of what was deleted', () => {
    const file = freshFile();
    const store = createSqliteStore(file);
    store.commit([{ op: 'put', kind: 'outbox', key: 'k', value: { sdp: 'ice-pwd:not-for-long' } }]);
    store.commit([{ op: 'delete', kind: 'outbox', key: 'k' }]);
    store.close();
    assert.equal(readFileSync(file).includes('not-for-long'), false);
  });

  it('is refused with one sentence when it cannot be written', async () => {
    const file = freshFile();
    createSqliteStore(file).close();
    for (const path of [directory, join(file, '..', '..'), join(file, '..')]) chmodSync(path, 0o755);
    chmodSync(file, 0o444);
    const opens = (path: string) =>
      `try { createSqliteStore(${JSON.stringify(path)}); } catch (e) { console.log(e.message); }`;
    // Permissions do not bind root, so a child acts as nobody.
    const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    const child = runChild(`${opens(file)} ${opens(join(directory, 'x', 'y'))}`, nobody);
    let told = '';
    child.stdout.on('data', chunk => {
      told += String(chunk);
    });
    await once(child, 'close');
    assert.match(told, /cannot be used: it is not writable\.\n.*its directory is not writable\.\n$/);
  });

  it('holds every commit that returned, and none by half, when the process is killed', async () => {
    const file = freshFile();
    const child = runChild(`
      const store = createSqliteStore(${JSON.stringify(file)});
      for (let n = 0; n < 20_000; n += 1) {
        store.commit([
          { op: 'put', kind: 'call', key: 'c' + n, value: n },
          { op: 'put', kind: 'outbox', key: 'o' + n, value: n },
        ]);
        writeSync(1, n + '\\n');
      }`);
    let seen = '';
    child.stdout.on('data', chunk => {
      seen += String(chunk);
      if (seen.length > 5000) child.kill('SIGKILL');
    });
    await once(child, 'close');
    assert.equal(child.signalCode, 'SIGKILL');
    const told = seen.slice(0, seen.lastIndexOf('\n')).split('\n').length;
    const store = createSqliteStore(file);
    const calls = store.load('call');
    assert.deepEqual(
      calls.map(row => row.value),
      store.load('outbox').map(row => row.value),
    );
    assert.ok(calls.length >= told, `${calls.length} rows kept, ${told} told`);
    store.close();
  });
});

function runChild(code: string, options: { uid?: number; gid?: number } = {}) {
  const imports = `import { writeSync } from 'node:fs';
    import { createSqliteStore } from ${JSON.stringify(new URL('./sqlite.ts', import.meta.url).href)};`;
  return spawn(process.execPath, ['--input-type=module', '-e', `${imports}\n${code}`], {
    stdio: ['ignore', 'pipe', 'ignore'],
    ...options,
  });
}
