/** SIPp as the other end of calls: one scenario at a time, with a verdict. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SippOptions {
  /** File of `test/interop/sipp`, without its ending. */
  scenario: string;
  host: string;
  port: number;
  /** host:port to call; absent: SIPp is called. */
  target?: string;
  /** Number to call. */
  service?: string;
  /** Words that stand in brackets in the scenario, such as [code]: SIPp's own keys may not be a response code. */
  keys?: Readonly<Record<string, string>>;
  /** Calls in all, and new ones each second. Default one. */
  calls?: number;
  rate?: number;
  /** Share of SIPp's packets that are lost both ways, in percent. */
  lossPercent?: number;
}

export interface Sipp {
  /** Resolves when every call went as the scenario says; rejects with SIPp's own words when one did not, or after 40 s. */
  done: Promise<void>;
  kill(): void;
}

const PROGRAM = '/usr/bin/sipp';
const SCENARIOS = join(import.meta.dirname, '../interop/sipp');
const TIMEOUT_S = 40;

export function startSipp(options: SippOptions): Sipp {
  const { scenario, host, port, target, service, keys = {}, calls = 1, rate = 10, lossPercent = 0 } = options;
  const folder = mkdtempSync(join(tmpdir(), 'lineside-sipp-'));
  const errors = join(folder, 'errors.log');
  const file = join(folder, `${scenario}.xml`);
  let text = readFileSync(join(SCENARIOS, `${scenario}.xml`), 'utf8');
  for (const [name, value] of Object.entries(keys)) text = text.replaceAll(`[${name}]`, value);
  writeFileSync(file, text);
  const child = spawn(
    PROGRAM,
    [
      ...(target === undefined ? [] : [target]),
      ...['-sf', file, '-i', host, '-p', `${port}`, '-nostdin'],
      ...['-m', `${calls}`, '-r', `${rate}`, '-timeout', `${TIMEOUT_S}s`, '-timeout_error'],
      ...['-trace_err', '-error_file', errors],
      ...(service === undefined ? [] : ['-s', service]),
      ...(lossPercent === 0 ? [] : ['-lost', `${lossPercent}`]),
    ],
    { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let printed = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  const done = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', code => {
      const told = `${printed}\n${read(errors)}`.trim();
      rmSync(folder, { recursive: true, force: true });
      if (code === 0) resolve();
      else reject(new Error(`SIPp's scenario ${scenario} ended with ${code}: ${told.slice(0, 3000)}`));
    });
  });
  // Whoever kills it does not ask for the verdict.
  done.catch(() => {});
  return { done, kill: () => void child.kill('SIGKILL') };
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
