/** What waking up costs on this machine, without a gateway: the same work at a stretch, and piece by piece with a rest between. */
import { fork } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { cpuMs } from '../process.ts';
import type { Figures } from './load.ts';

const PIECES = 500;
const REST_MS = 10;
const TEXT = JSON.stringify(Array.from({ length: 60 }, (_, i) => ({ id: `k${i}`, value: i, text: 'x'.repeat(20) })));

interface WakingCost {
  stretch: Figures;
  paced: Figures;
}

/** CPU time of one piece either way, measured in a process of its own. */
export async function wakingCost(): Promise<WakingCost> {
  const child = fork(import.meta.filename);
  return new Promise((resolve, reject) => {
    child.once('message', cost => resolve(cost as WakingCost));
    child.once('exit', code => reject(new Error(`the work alone was not measured (exit ${code})`)));
  });
}

/** As much as a turn of the gateway: texts are read, looked at and written. */
function piece(): number {
  let length = 0;
  for (let i = 0; i < 8; i += 1) {
    const read = JSON.parse(TEXT) as Array<{ id: string; value: number }>;
    const byId = new Map(read.map(({ id, value }) => [id, value]));
    length += JSON.stringify([...byId]).length;
  }
  return length;
}

async function measure(restMs: number): Promise<Figures> {
  const from = cpuMs(process.pid);
  for (let i = 0; i < PIECES; i += 1) {
    piece();
    if (restMs > 0) await pause(restMs);
  }
  return { 'CPU us/piece': ((cpuMs(process.pid) - from) * 1000) / PIECES };
}

if (process.send !== undefined && process.argv[1] === import.meta.filename) {
  await measure(0);
  process.send({ stretch: await measure(0), paced: await measure(REST_MS) });
}
