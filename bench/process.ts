/** What a process and its children have cost, read from the kernel. Linux only. */
import { readdirSync, readFileSync } from 'node:fs';

/** Time all threads of a process have run, ms. */
export function cpuMs(pid: number): number {
  let ns = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      ns += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
    } catch {
      // A thread that has just ended: its time is lost to us, and small.
    }
  }
  return ns / 1e6;
}

/** The same of a process and all below it, ms. */
export function treeCpuMs(pid: number): number {
  return [pid, ...childrenOf(pid)].reduce((sum, id) => sum + cpuMs(id), 0);
}

/** Resident memory of a process, kB. */
export function rssKb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

function childrenOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  return children.flatMap(child => [child, ...childrenOf(child)]);
}

export const pause = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms));
