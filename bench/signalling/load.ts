/** How calls are asked for: at a pace, or as many as go; and what they cost the process that is measured. */
import { cpuMs, pause } from '../process.ts';
import type { Moments } from './client.ts';
import type { BenchCore } from './core.ts';

export const CALLS = 1000;
export const CALLS_PER_S = 100;

export type Figures = Record<string, number>;

export type Call<T> = (caller: T, callee: string) => Promise<Moments>;

/** Calls from `callers` that each rest between two of them, so that about `CALLS_PER_S` go in a second. */
export async function pacedCalls<T>(
  pid: number,
  callers: readonly T[],
  core: BenchCore,
  call: Call<T>,
): Promise<Figures> {
  const [cpu, at] = [cpuMs(pid), performance.now()];
  const restMs = (callers.length * 1000) / CALLS_PER_S;
  const [toInvite, toEvent]: [number[], number[]] = [[], []];
  const work = async (caller: T) => {
    const callee = nextCallee();
    const [moments] = await Promise.all([call(caller, callee), pause(restMs)]);
    toInvite.push((core.invitedAt.get(callee) ?? Number.NaN) - moments.asked);
    toEvent.push(moments.connected - (core.answeredAt.get(callee) ?? Number.NaN));
  };
  await lanes(callers, CALLS, work, restMs / callers.length);
  return {
    'CPU us/call': ((cpuMs(pid) - cpu) * 1000) / CALLS,
    'calls/s': (CALLS * 1000) / (performance.now() - at),
    'API to INVITE p50 ms': quantile(toInvite, 0.5),
    'p99 ms': quantile(toInvite, 0.99),
    '200 to event p50 ms': quantile(toEvent, 0.5),
    '200 to event p99 ms': quantile(toEvent, 0.99),
    lost: toEvent.filter(Number.isNaN).length,
  };
}

/** Calls from `callers` without a rest, `count` in all. */
export async function fullCalls<T>(
  pid: number,
  callers: readonly T[],
  call: Call<T>,
  count = 3 * CALLS,
): Promise<Figures> {
  const [cpu, at] = [cpuMs(pid), performance.now()];
  let lost = 0;
  await lanes(callers, count, async caller => {
    const { connected } = await call(caller, nextCallee());
    if (Number.isNaN(connected)) lost += 1;
  });
  return {
    'CPU us/call': ((cpuMs(pid) - cpu) * 1000) / count,
    'calls/s': (count * 1000) / (performance.now() - at),
    lost,
  };
}

/** `count` pieces of work, one at a time for each of `workers`; these begin `stepMs` apart. */
export async function lanes<T>(
  workers: readonly T[],
  count: number,
  work: (worker: T) => Promise<unknown>,
  stepMs = 0,
): Promise<void> {
  let left = count;
  const lane = async (worker: T, index: number) => {
    if (stepMs > 0) await pause(index * stepMs);
    while (left > 0) {
      left -= 1;
      await work(worker);
    }
  };
  await Promise.all(workers.map(lane));
}

/** One piece of work with each, 20 at a time. */
export async function onceEach<T>(workers: readonly T[], work: (worker: T) => Promise<unknown>): Promise<void> {
  let next = 0;
  const lane = async () => {
    for (let worker = workers[next++]; worker !== undefined; worker = workers[next++]) await work(worker);
  };
  await Promise.all(Array.from({ length: 20 }, lane));
}

let called = 0;
/** A number for every call, so that each can be told from the others at the core. */
export function nextCallee(): string {
  called += 1;
  return `+1666${String(1_000_000 + called)}`;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.filter(value => !Number.isNaN(value)).sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
}
