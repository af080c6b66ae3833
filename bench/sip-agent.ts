/** Our user agent on a socket of its own, worked at a steady rate, and the programs it is measured with. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createRandom } from '../src/runtime/random.ts';
import { createTimerWheel } from '../src/runtime/timer-wheel.ts';
import {
  createSipTransport,
  createTransactionLayer,
  createUserAgent,
  type DrivenTransactionLayer,
  type UserAgent,
} from '../src/sip/index.ts';
import { pause } from './process.ts';

export interface BenchAgent {
  agent: UserAgent;
  contact: string;
  close(): Promise<void>;
}

export async function openAgent(host: string, port: number): Promise<BenchAgent> {
  const now = () => performance.now();
  const timers = createTimerWheel(now);
  let layer: DrivenTransactionLayer | null = null;
  const transport = await createSipTransport({
    listen: [{ transport: 'udp', host, port }],
    onMessage: (result, source) => layer?.receive(result, source),
    timers,
  });
  const contact = `<sip:+15550100001@${host}:${port}>`;
  const agent = createUserAgent({
    timers,
    now,
    contact: () => contact,
    randomHex,
    layer(user) {
      layer = createTransactionLayer({ wire: transport, timers, now, random: () => randomHex(9), user });
      return layer;
    },
    user: { onInvite: () => ({ status: 486, reason: 'Busy Here' }) },
  });
  return {
    agent,
    contact,
    async close() {
      layer = null;
      await transport.close();
      timers.close();
    },
  };
}

/** Between two looks at how many are due, in ms: to wake up oftener is work of the load, and this process pays for its load as well. */
const BEAT_MS = 10;

/** CPU of this process for one of `count` units, us: `begin` starts one, `perS` a second; it ends when none is `busy`, and rejects when that takes 5 s. */
export async function paced(count: number, perS: number, begin: () => void, busy: () => boolean): Promise<number> {
  const before = process.cpuUsage();
  const startedAt = performance.now();
  for (let begun = 0; begun < count; ) {
    const due = Math.min(count, ((performance.now() - startedAt) / 1000) * perS);
    for (; begun < due; begun += 1) begin();
    await pause(BEAT_MS);
  }
  for (let i = 0; i < 500 && busy(); i += 1) await pause(10);
  const { user, system } = process.cpuUsage(before);
  if (busy()) throw new Error('not all of it came to an end');
  return (user + system) / count;
}

/** A program that runs on; rejects with what is missing. */
export async function started(program: string, args: string[], cwd: string): Promise<ChildProcess> {
  const child = spawn(program, args, { cwd, stdio: 'ignore' });
  const failed = new Promise<never>((_, reject) => {
    child.once('error', () => reject(new Error(`${program} is missing: apt-get install sip-tester kamailio`)));
    child.once('exit', code => reject(new Error(`${program} ended at its start (exit ${code})`)));
  });
  failed.catch(() => {});
  await Promise.race([pause(1500), failed]);
  return child;
}

/** Ends it. */
export function ended(child: ChildProcess): Promise<void> {
  return new Promise(resolve => {
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), 3000).unref();
  });
}

const random = createRandom();
const randomHex = (bytes: number) => random(bytes).toString('hex');
