/** Processes of the lab: known by their id from the first moment, and by nobody else's. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { endProcess, processOf, startProcess } from './process.ts';

const folder = mkdtempSync(join(tmpdir(), 'lineside-process-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Looked at so often that it is met in the middle of becoming another program. */
test('a process that has just started is never taken for one that has ended', async () => {
  for (let run = 0; run < 10; run += 1) {
    startProcess(folder, 'one', ['tail', '-f', join(folder, 'one.log')], 'ours');
    for (let look = 0; look < 400; look += 1) assert.notEqual(processOf(folder, 'one'), null);
    await endProcess(folder, 'one');
  }
});

test('one that has ended, or that took over the number, is none', async () => {
  startProcess(folder, 'two', ['true', folder], 'ours');
  while (processOf(folder, 'two') !== null) await sleep(5);
  writeFileSync(join(folder, 'three.pid'), String(process.pid));
  assert.equal(processOf(folder, 'three'), null);
});
