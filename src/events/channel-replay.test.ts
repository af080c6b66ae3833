/** What is kept of events that were written to a page that says nothing back. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fc } from '../../test/support/property.ts';
import { createReplay, type Replay, type StoredWritten } from './channel-replay.ts';

const LENGTH = 3;
const AGE_MS = 100;

/** A store that counts what is asked of it, and the replay over it. */
function lifeOver(rows = new Map<string, StoredWritten>(), floorBefore = 0) {
  let writes = 0;
  let floor = floorBefore;
  const replay: Replay = createReplay(LENGTH, AGE_MS, floor, {
    newKey: seq => `k${seq}`,
    keep(key, written) {
      writes += 1;
      rows.set(key, written);
    },
    forget(key) {
      writes += 1;
      rows.delete(key);
    },
    missing(seq) {
      writes += 1;
      floor = seq;
    },
  });
  for (const [key, row] of [...rows].sort(([, a], [, b]) => a.seq - b.seq)) replay.adopt(key, row);
  return { replay, writes: () => writes, again: () => lifeOver(new Map(rows), floor) };
}

describe('the replay of a channel', () => {
  it('writes once for each event when it is full, by number or by age', () => {
    const { replay, writes } = lifeOver();
    for (let seq = 1; seq <= 20; seq += 1) replay.keep({ seq, body: 'e', at: seq });
    for (let seq = 21; seq <= 40; seq += 1) replay.keep({ seq, body: 'e', at: seq * AGE_MS });
    // All that was there when the second part began was too old: two of its rows were not needed again.
    assert.equal(writes(), 40 + LENGTH - 1);
  });

  it('answers the same in its next life', () => {
    const step = fc.record({ wait: fc.nat(60), confirm: fc.option(fc.nat(3)), ask: fc.nat(6) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), steps => {
        let life = lifeOver();
        let at = 0;
        for (const [index, { wait, confirm, ask }] of steps.entries()) {
          const seq = index + 1;
          at += wait;
          life.replay.keep({ seq, body: `e${seq}`, at });
          if (confirm !== null) life.replay.confirm(seq - confirm);
          const next = life.again();
          // A page never asks for less than it is known to have.
          const from = Math.max(0, confirm === null ? seq - ask : seq - Math.min(ask, confirm));
          const told = (replay: Replay) => replay.after(from, at)?.map(written => written.body) ?? null;
          assert.deepEqual(told(next.replay), told(life.replay));
          if (ask === 0) life = life.again();
        }
      }),
    );
  });
});
