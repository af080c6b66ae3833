/** A run that is ended takes its children with it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';

const RUN = join(import.meta.dirname, 'run.ts');
/** Says who it is and where it may write, and takes its time to end. */
const CHILD = `
  process.on('SIGTERM', () => setTimeout(() => process.exit(0), 100));
  setInterval(() => {}, 1000);
  console.log(process.pid, process.env.TMPDIR);
`;
const STEP = { name: 'child', command: process.execPath, args: ['-e', CHILD] };
const NEXT = { name: 'next', command: 'echo', args: ['next'] };
const PARENT = `import { runAll } from ${JSON.stringify(RUN)}; await runAll(${JSON.stringify([STEP, NEXT])});`;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

for (const signal of ['SIGTERM', 'SIGINT'] as const)
  test(`a run that gets ${signal} ends its child, waits for it, and leaves no files`, async () => {
    const parent = spawn(process.execPath, ['--input-type=module', '-e', PARENT], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise<number | null>(resolve => parent.once('exit', resolve));
    let pid = 0;
    let text = '';
    try {
      for await (const line of createInterface({ input: parent.stdout })) {
        text += line;
        const [, found, folder = ''] = /^(\d+) (\/.*)$/.exec(line) ?? [];
        if (found === undefined) continue;
        pid = Number(found);
        assert.ok(existsSync(folder));
        parent.kill(signal);
        assert.equal(await ended, 1);
        assert.deepEqual([isAlive(pid), existsSync(folder)], [false, false]);
      }
      assert.notEqual(pid, 0);
      assert.doesNotMatch(text, /next/);
    } finally {
      if (pid !== 0 && isAlive(pid)) process.kill(pid, 'SIGKILL');
    }
  });
