/** Entry points that are older than the settings. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkSettings } from '../config/settings.ts';
import { type Log, type LogFields, silentLog } from '../runtime/log.ts';
import { createMemoryStore } from '../store/memory.ts';
import { createEntryPoints } from './entry-points.ts';

test('CTC-09 an entry point whose destination has become a number that visitors call from is told at the start', async () => {
  const store = createMemoryStore();
  const told: Array<[LogFields, string]> = [];
  const log: Log = { ...silentLog, error: (...line) => void told.push(line) };
  const over = (numbers: string[]) => {
    const { clickToCall, emergency } = checkSettings({
      clickToCall: { pools: [{ id: 'p', clients: ['shop'], numbers }] },
    });
    return createEntryPoints({ settings: { clickToCall, emergency }, store, log, uuid: () => 'e1', now: () => 0 });
  };
  const draft = { poolId: 'p', allowedOrigins: ['https://shop.example'], displayName: 'Shop' };
  const before = over(['+15550108000']);
  before.start();
  assert.equal((await before.create('shop', { ...draft, destination: 'tel:+15550108001' })).ok, true);
  over(['+15550108000']).start();
  assert.deepEqual(told, []);
  over(['+15550108000-+15550108001']).start();
  assert.deepEqual(told, [
    [
      { entryPointId: 'e1', clientId: 'shop' },
      'The destination of an entry point is a number that visitors call from.',
    ],
  ]);
});
