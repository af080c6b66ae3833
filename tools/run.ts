/** Runs a command with its output shown, and tells how long it took. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Hundreds of test processes load the same files: what is stripped and compiled once serves them all. */
const NODE_COMPILE_CACHE = join(import.meta.dirname, '../node_modules/.cache/compile');

/** What a test leaves behind when it is killed, or a browser at its end, goes with the run. */
const TMPDIR = mkdtempSync(join(tmpdir(), 'lineside-run-'));
// Some tests act as nobody, who has to find the way to what they made.
chmodSync(TMPDIR, 0o711);
process.on('exit', () => rmSync(TMPDIR, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));

export interface Step {
  name: string;
  command: string;
  args: readonly string[];
  env?: Record<string, string>;
}

/** Resolves with the exit code; a signal counts as 1. */
export function run(step: Step): Promise<number> {
  return codeOf(step, start(step, 'inherit'));
}

/** As `run`, for steps beside each other: the output is shown whole, once the step has ended. */
export async function runQuietly(step: Step): Promise<number> {
  const child = start(step, 'pipe');
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
  const code = await codeOf(step, child);
  process.stdout.write(Buffer.concat(chunks));
  return code;
}

function start(step: Step, output: 'inherit' | 'pipe'): ChildProcess {
  return spawn(step.command, step.args, {
    stdio: ['inherit', output, output],
    env: { NODE_COMPILE_CACHE, ...process.env, TMPDIR, ...step.env },
  });
}

function codeOf(step: Step, child: ChildProcess): Promise<number> {
  return new Promise(resolve => {
    child.on('error', error => {
      console.error(`${step.name}: ${error.message}`);
      resolve(1);
    });
    child.on('close', code => resolve(code ?? 1));
  });
}

/** Runs the steps one after the other and exits with 1 as soon as one fails. */
export async function runAll(steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    const started = performance.now();
    console.log(`\n— ${step.name}`);
    const code = await run(step);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    if (code !== 0) {
      console.error(`\n${step.name} failed after ${seconds} s.`);
      process.exit(1);
    }
    console.log(`  ${step.name}: ${seconds} s`);
  }
}
