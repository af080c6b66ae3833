/** Mutations of whole handshakes, seeded: nothing throws, nobody without the right certificate gets keys, state stays small. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  connectedOf,
  type End,
  type Fate,
  failureOf,
  makePair,
  makePerson,
  type Pair,
} from '../../../../test/support/dtls-pair.ts';
import { SCALE } from '../../../../test/support/scale.ts';
import { fragmentHeader } from './inbox.ts';
import { readRecords, recordHeader } from './record.ts';
import type { DtlsEffect } from './types.ts';

/** Numbers below `n` from a seed. */
type Dice = (n: number) => number;

function diceOf(seed: number): Dice {
  let state = seed >>> 0;
  return n => {
    // xorshift32: no state is zero.
    state = (state === 0 ? 0x9e3779b9 : state) >>> 0;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
}

/** Lengths and offsets where readers go wrong. */
const EDGES = [0, 1, 11, 12, 13, 255, 256, 16_384, 16_640, 0xffff, 0xff_ffff];

type Mutation = (datagram: Buffer, dice: Dice, seen: readonly Buffer[]) => Buffer;

const MUTATIONS: readonly Mutation[] = [
  // Bits and bytes.
  (d, dice) => {
    for (let i = 0; i <= dice(3); i += 1) d[dice(d.length)] = dice(256);
    return d;
  },
  // Cut short, or with something behind.
  (d, dice) => d.subarray(0, dice(d.length)),
  (d, dice) => Buffer.concat([d, Buffer.alloc(dice(40), dice(256))]),
  // A header field of the record: type, version, epoch, sequence, length.
  (d, dice) => {
    const at = [0, 1, 3, 9, 11][dice(5)] ?? 0;
    if (d.length >= 13)
      d.writeUIntBE((EDGES[dice(EDGES.length)] ?? 0) & 0xffff & (at === 0 ? 0xff : 0xffff), at, at === 0 ? 1 : 2);
    return d;
  },
  // A header field of the first fragment: type, length, number, offset, size.
  (d, dice) => {
    const [at, size] = [
      [13, 1],
      [14, 3],
      [17, 2],
      [19, 3],
      [22, 3],
    ][dice(5)] ?? [13, 1];
    const edge = EDGES[dice(EDGES.length)] ?? 0;
    if (d.length >= 25) d.writeUIntBE(edge % 256 ** (size ?? 1), at ?? 13, size ?? 1);
    return d;
  },
  // One record of it, under another epoch, or glued to an older datagram.
  (d, dice) => {
    const { records } = readRecords(d);
    const record = records[dice(Math.max(1, records.length))];
    if (record === undefined) return d;
    return Buffer.concat([recordHeader(record.type, dice(3), dice(100), record.payload.length), record.payload]);
  },
  (d, dice, seen) => Buffer.concat([seen[dice(seen.length)] ?? d, d]),
  // A fragment of a message that nobody sends, of any kind, anywhere.
  (_, dice) => {
    const part = Buffer.alloc(dice(30), dice(256));
    const length = Math.max(part.length, EDGES[dice(EDGES.length)] ?? 0);
    const header = fragmentHeader(dice(25), length, dice(12), dice(Math.max(1, length - part.length + 1)), part.length);
    return Buffer.concat([recordHeader(22, dice(2), dice(100), header.length + part.length), header, part]);
  },
];

function mutant(datagram: Buffer, dice: Dice, seen: readonly Buffer[]): Buffer {
  const mutation = MUTATIONS[dice(MUTATIONS.length)];
  assert.ok(mutation !== undefined);
  return Buffer.from(mutation(Buffer.from(datagram), dice, seen));
}

/** Each datagram goes with mutants before it, now and then without itself. */
function mutating(dice: Dice, seen: Buffer[]): Fate {
  return datagram => {
    seen.push(datagram);
    const copies = Array.from({ length: dice(4) }, () => ({
      delayMs: 1 + dice(3),
      datagram: mutant(datagram, dice, seen),
    }));
    return dice(10) === 0 ? copies : [...copies, { delayMs: 2 + dice(3), datagram }];
  };
}

function assertSmall(end: End): void {
  const { inbox, early, transcript, flight } = end.data;
  assert.ok(inbox.heldBytes <= 32_768 && inbox.slots.size <= 8);
  assert.ok(early.length <= 4 && transcript.length <= 12 && flight.length <= 6);
  assert.ok(end.sent.length < 400, `${end.sent.length} datagrams`);
  assert.ok(end.events.length <= 2);
}

function run(seed: number, options: Parameters<typeof makePair>[0] = {}): { pair: Pair; seen: Buffer[]; dice: Dice } {
  const dice = diceOf(seed);
  const seen: Buffer[] = [];
  const pair = makePair({ ...options, fate: mutating(dice, seen) });
  pair.run(35_000);
  assertSmall(pair.client);
  assertSmall(pair.server);
  return { pair, seen, dice };
}

test('mutated flights: no throw, no keys but the same keys, small state', () => {
  let both = 0;
  for (let seed = 1; seed <= 150 * SCALE; seed += 1) {
    const { pair } = run(seed, {
      client: { datagramBytes: 500 },
      server: { datagramBytes: seed % 2 === 0 ? 300 : 1200 },
    });
    const [client, server] = [connectedOf(pair.client), connectedOf(pair.server)];
    if (client !== undefined && server !== undefined) {
      both += 1;
      assert.deepEqual(client.keys.local, server.keys.remote, `seed ${seed}`);
      assert.deepEqual(client.keys.remote, server.keys.local, `seed ${seed}`);
    }
    for (const end of [pair.client, pair.server]) {
      assert.ok(connectedOf(end) !== undefined || failureOf(end) !== undefined || end.data.phase === 'client-hello');
    }
  }
  // Some get through, so that the last messages are mutated too.
  assert.ok(both > 5 * SCALE, `${both}`);
});

test('mutated flights between ends that expect others: never any keys', () => {
  const mallory = makePerson();
  for (let seed = 1; seed <= 60 * SCALE; seed += 1) {
    const { pair } = run(0x5eed + seed, { client: { identity: mallory.identity } });
    assert.equal(connectedOf(pair.server), undefined, `seed ${seed}`);
    const other = run(0xf00d + seed, { server: { identity: mallory.identity } });
    assert.equal(connectedOf(other.pair.client), undefined, `seed ${seed}`);
  }
});

test('once connected, no mutant of anything that was sent moves either end', () => {
  const pair = makePair();
  pair.run(1_000);
  const dice = diceOf(6347);
  const seen = [...pair.client.sent, ...pair.server.sent];
  const out: DtlsEffect[] = [];
  for (let i = 0; i < 20_000 * SCALE; i += 1) {
    const datagram = mutant(seen[dice(seen.length)] ?? Buffer.alloc(1), dice, seen);
    (i % 2 === 0 ? pair.client : pair.server).dtls.receive(datagram, 1_000 + i, out);
  }
  assert.deepEqual(out, []);
  assert.deepEqual([pair.client.dtls.state, pair.server.dtls.state], ['connected', 'connected']);
  assertSmall(pair.client);
  assertSmall(pair.server);
});

test('noise, first datagrams above all: no throw, and no state before there is a fragment of a hello', () => {
  const dice = diceOf(5764);
  for (let i = 0; i < 300 * SCALE; i += 1) {
    const pair = makePair({ fate: () => [] });
    const hello = pair.client.sent[0] ?? Buffer.alloc(1);
    const out: DtlsEffect[] = [];
    for (let n = 0; n < 10; n += 1) {
      const junk = Buffer.from(Array.from({ length: dice(80) }, () => dice(256)));
      if (junk.length > 0) junk[0] = 20 + dice(4);
      pair.server.dtls.receive(dice(3) === 0 ? mutant(hello, dice, [hello]) : junk, n, out);
    }
    assertSmall(pair.server);
    const { state } = pair.server.dtls;
    assert.ok(state !== 'connected' && !out.some(effect => effect.type === 'connected'));
    if (state === 'new') assert.equal(pair.server.data.inbox.slots.size, 0);
  }
});
