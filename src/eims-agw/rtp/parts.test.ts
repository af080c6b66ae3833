/** The small parts of the relay: laws, rate caps, ports. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { audioBucket, take } from './bucket.ts';
import { A_TO_U, aDecode, aEncode, convertLaw, U_TO_A, uDecode, uEncode } from './g711.ts';
import { createPortPool } from './port-pool.ts';

const CODES = Array.from({ length: 256 }, (_, code) => code);

test('each law codes its own values without loss', () => {
  for (const code of CODES) {
    assert.equal(aEncode(aDecode(code)), code);
    // Mu-law has two zeros.
    if (code !== 0x7f) assert.equal(uEncode(uDecode(code)), code);
  }
});

test('known values of the laws', () => {
  assert.deepEqual([aDecode(0xd5), aDecode(0x55), aDecode(0x2a), aDecode(0xaa)], [8, -8, -32_256, 32_256]);
  assert.deepEqual([uDecode(0xff), uDecode(0x7f), uDecode(0x00), uDecode(0x80)], [0, -0, -32_124, 32_124]);
  assert.deepEqual([aEncode(0), uEncode(0), aEncode(32_767), uEncode(-32_768)], [0xd5, 0xff, 0xaa, 0x00]);
});

test('conversion changes a sample by at most one step, and there and back again is stable', () => {
  for (const code of CODES) {
    const before = uDecode(code);
    const after = aDecode(U_TO_A[code] ?? 0);
    assert.ok(Math.abs(after - before) <= Math.max(16, Math.abs(before) / 16), `${before} ${after}`);
    const once = A_TO_U[U_TO_A[code] ?? 0] ?? 0;
    assert.equal(A_TO_U[U_TO_A[once] ?? 0], once);
  }
  const packet = Uint8Array.from([1, 0xff, 0xff, 1]);
  convertLaw(packet, 1, 3, U_TO_A);
  assert.deepEqual([...packet], [1, 0xd5, 0xd5, 1]);
});

test('a bucket gives a second of credit and refills with time', () => {
  const bucket = audioBucket(0);
  let passed = 0;
  for (let i = 0; i < 300; i += 1) if (take(bucket, 100, 0)) passed += 1;
  assert.equal(passed, 200);
  assert.equal(take(bucket, 100, 4), false);
  assert.equal(take(bucket, 100, 5), true);
  const heavy = audioBucket(0);
  passed = 0;
  for (let i = 0; i < 100; i += 1) if (take(heavy, 1_400, 0)) passed += 1;
  assert.equal(passed, 22);
});

test('ports are even, used once, rest for five seconds, and never run dry', () => {
  let now = 0;
  const pool = createPortPool(
    { min: 21_001, max: 21_080 },
    () => now,
    () => 7,
  );
  const ports: number[] = [];
  for (let port = pool.take(); port !== null; port = pool.take()) ports.push(port);
  assert.equal(ports.length, 37);
  assert.equal(new Set(ports).size, 37);
  assert.ok(ports.every(port => port % 2 === 0 && port >= 21_002 && port <= 21_078));
  assert.equal(ports[0], 21_002 + 14);
  const [first = 0] = ports;
  pool.give(first);
  pool.give(first);
  assert.equal(pool.used(), 36);
  const other = pool.take();
  // A fresh pair is left: the one just given back rests.
  assert.ok(other !== null && !ports.includes(other));
  pool.give(other);
  now = 5_000;
  assert.equal(pool.take() !== null && pool.take() === null, true);
});

test('whoever takes and gives ports in haste does not use the range up: the pair that rests longest is taken when no other is left', () => {
  let now = 0;
  const pool = createPortPool(
    { min: 21_000, max: 21_007 },
    () => now,
    () => 0,
  );
  const given = Array.from({ length: 9 }, () => {
    now += 1;
    const port = pool.take() ?? 0;
    pool.give(port);
    return port;
  });
  assert.deepEqual(given, [21_000, 21_002, 21_004, 21_006, 21_000, 21_002, 21_004, 21_006, 21_000]);
});

test('a range without a pair gives none', () => {
  const pool = createPortPool(
    { min: 5_001, max: 5_002 },
    () => 0,
    () => 1,
  );
  assert.equal(pool.take(), null);
  pool.give(5_001);
  assert.equal(pool.used(), 0);
});
