/** SIPp as the other end of calls: one scenario at a time, with a verdict. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ipaddr from 'ipaddr.js';
import { until } from './talk.ts';

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
  /** Time for all of it, in s. Default 40. */
  timeoutS?: number;
}

export interface Sipp {
  /** Resolves when every call went as the scenario says; rejects with SIPp's own words and the messages when one did not, or when its time is up. */
  done: Promise<void>;
  kill(): void;
}

const PROGRAM = '/usr/bin/sipp';
const SCENARIOS = join(import.meta.dirname, '../interop/sipp');
const TIMEOUT_S = 40;

/** Resolves when SIPp hears what comes to its port. */
export async function startSipp(options: SippOptions): Promise<Sipp> {
  const { scenario, host, port, target, service, keys = {}, calls = 1, rate = 10, lossPercent = 0 } = options;
  const { timeoutS = TIMEOUT_S } = options;
  const folder = mkdtempSync(join(tmpdir(), 'lineside-sipp-'));
  const errors = join(folder, 'errors.log');
  const messages = join(folder, 'messages.log');
  const file = join(folder, `${scenario}.xml`);
  let text = readFileSync(join(SCENARIOS, `${scenario}.xml`), 'utf8');
  for (const [name, value] of Object.entries(keys)) text = text.replaceAll(`[${name}]`, value);
  writeFileSync(file, text);
  const child = spawn(
    PROGRAM,
    [
      ...(target === undefined ? [] : [target]),
      ...['-sf', file, '-i', host, '-p', `${port}`, '-nostdin'],
      ...['-m', `${calls}`, '-r', `${rate}`, '-timeout', `${timeoutS}s`, '-timeout_error'],
      ...['-trace_err', '-error_file', errors, '-trace_msg', '-message_file', messages],
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
      const told = `${printed}\n${read(errors)}`.trim().slice(0, 3000);
      const trace = read(messages).slice(-12_000);
      rmSync(folder, { recursive: true, force: true });
      if (code === 0) resolve();
      else reject(new Error(`SIPp's scenario ${scenario} ended with ${code}: ${told}\n${trace || 'no message'}`));
    });
  });
  // Whoever kills it does not ask for the verdict.
  done.catch(() => {});
  await until(() => child.exitCode !== null || isBound(host, port), `SIPp on port ${port}`, 10_000);
  return { done, kill: () => void child.kill('SIGKILL') };
}

/** True when a UDP socket is bound to this address, as the kernel lists them: words of the address in its own byte order. */
function isBound(host: string, port: number): boolean {
  const bytes = ipaddr.parse(host).toByteArray();
  const words: string[] = [];
  for (let at = 0; at < bytes.length; at += 4) words.push(hex(bytes.slice(at, at + 4).reverse()));
  const name = `${words.join('')}:${hex([port >> 8, port & 255])}`;
  return read(bytes.length === 4 ? '/proc/net/udp' : '/proc/net/udp6').includes(` ${name} `);
}

function hex(bytes: readonly number[]): string {
  return Buffer.from(bytes).toString('hex').toUpperCase();
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
