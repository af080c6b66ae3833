/** Whether a call costs the same however many others are up, and what one that is up costs. */
import { type BenchResult, numbersOf, rowOf } from '../bench.ts';
import { cpuMs, pause, rssKb, sleeps } from '../process.ts';
import type { BenchDevice } from './client.ts';
import { type Figures, fullCalls, nextCallee, onceEach } from './load.ts';
import { type BenchWorld, CALLERS, startWorld, warmUp } from './world.ts';

const HELD = numbersOf('LINESIDE_BENCH_CALLS', [1, 100, 1000, 10_000]);
/** As many as one registration may have, by default. */
const PER_DEVICE = 4;
const CALLS = 1000;
const IDLE_MS = 2000;
/** Until the last transaction is forgotten: 64 T1. RFC 3261 17.1.2.2. */
const SETTLE_MS = 6500;

export async function heldBench(): Promise<BenchResult[]> {
  const world = await startWorld(CALLERS + Math.max(...HELD) / PER_DEVICE);
  try {
    await warmUp(world.devices.slice(0, CALLERS));
    const holders = world.devices.slice(CALLERS);
    await onceEach(holders, device => device.register());
    await onceEach(holders, device => device.openChannel());
    const levels: Array<{ held: number; figures: Figures }> = [];
    for (const held of HELD) {
      const figures = await level(world, holders, levels.at(-1)?.held ?? 0, held);
      levels.push({ held, figures });
      // It takes minutes, and what was measured is not lost when it does not end.
      console.log(`${held} calls up: ${JSON.stringify(figures)}`);
    }
    return [
      {
        name: 'signalling-held',
        method: `Calls as many as go while others are up, media engine that carries nothing, ${holders.length} devices with a channel each, one run.`,
        rows: levels.map(({ held, figures }) => rowOf(`${held} calls up`, [figures])),
      },
    ];
  } finally {
    await world.close();
  }
}

/** Has `to` calls up instead of `from`, and measures. */
async function level(
  { pid, devices, liveKb }: BenchWorld,
  holders: readonly BenchDevice[],
  from: number,
  to: number,
): Promise<Figures> {
  const [before, liveBefore] = [rssKb(pid), await liveKb()];
  for (let up = from; up < to; ) {
    // Each of them once in turn, so that none has more than another, nor more than it may.
    const first = up % holders.length;
    const more = Math.min(to - up, holders.length - first);
    await onceEach(holders.slice(first, first + more), device => device.hold(nextCallee()));
    up += more;
  }
  await pause(SETTLE_MS);
  const rss = rssKb(pid) - before;
  const live = (await liveKb()) - liveBefore;
  const [cpu, slept] = [cpuMs(pid), sleeps(pid)];
  await pause(IDLE_MS);
  const idle = {
    'idle CPU %': ((cpuMs(pid) - cpu) / IDLE_MS) * 100,
    'idle wake-ups/s': ((sleeps(pid) - slept) * 1000) / IDLE_MS,
  };
  const figures = await fullCalls(pid, devices.slice(0, CALLERS), (device, callee) => device.call(callee), CALLS);
  return { ...figures, 'RSS kB/call up': rss / (to - from), 'live kB/call up': live / (to - from), ...idle };
}
