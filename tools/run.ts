/** Runs a command with its output shown, and tells how long it took. */
import { spawn } from 'node:child_process';

export interface Step {
  name: string;
  command: string;
  args: readonly string[];
  env?: Record<string, string>;
}

/** Resolves with the exit code; a signal counts as 1. */
export function run(step: Step): Promise<number> {
  return new Promise(resolve => {
    const child = spawn(step.command, step.args, { stdio: 'inherit', env: { ...process.env, ...step.env } });
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
