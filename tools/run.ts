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

const children = new Set<ChildProcess>();
let ending = false;
/** Time of a child to end what it has begun, ms. */
const END_MS = 5000;

/** Ends with its children, and after them: they may still write to what goes with the run. */
async function end(signal: NodeJS.Signals): Promise<void> {
  ending = true;
  // Once more, and nothing is waited for.
  process.once(signal, () => process.exit(1));
  const gone = [...children].map(child => new Promise(resolve => child.once('close', resolve)));
  for (const child of children) child.kill(signal);
  const timer = setTimeout(() => children.forEach(child => void child.kill('SIGKILL')), END_MS);
  await Promise.all(gone);
  clearTimeout(timer);
  process.exit(1);
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end);

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
  const child = spawn(step.command, step.args, {
    stdio: ['inherit', output, output],
    env: { NODE_COMPILE_CACHE, ...process.env, TMPDIR, ...step.env },
  });
  children.add(child);
  child.once('close', () => children.delete(child));
  return child;
}

function codeOf(step: Step, child: ChildProcess): Promise<number> {
  return new Promise(resolve => {
    child.on('error', error => {
      console.error(`${step.name}: ${error.message}`);
      resolve(1);
    });
    // Of a run that ends, nothing follows from what its children say.
    child.on('close', code => ending || resolve(code ?? 1));
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
