/** What a process and its children have cost, and what the machine had left, read from the kernel. Linux only. */
import type { ChildProcess } from 'node:child_process';
import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** USER_HZ is 100 on every Linux that Node runs on. */
const TICK_MS = 10;
const FORCE_MS = 1_500;

/** Time all threads of a process have run, ms: to the nanosecond for those that live, else to 10 ms. proc_pid_stat(5), schedstat. */
export function cpuMs(pid: number): number {
  let ns = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      ns += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
    } catch {
      // A thread that has just ended.
    }
  }
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name before the last bracket may contain anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // Only this one remembers threads that have ended.
  return Math.max(ns / 1e6, (Number(fields[11]) + Number(fields[12])) * TICK_MS);
}

/** The same of a process and all below it, ms. */
export function treeCpuMs(pid: number): number {
  return [pid, ...childrenOf(pid)].reduce((sum, id) => sum + cpuMs(id), 0);
}

/** How often the threads of a process have gone to sleep, each to be woken again. proc_pid_status(5). */
export function sleeps(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
    return sum + Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1]);
  }, 0);
}

/** Resident memory of a process, kB. */
export function rssKb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

/** The same of a process and all below it, kB. */
export function treeRssKb(pid: number): number {
  return [pid, ...childrenOf(pid)].reduce((sum, id) => sum + rssKb(id), 0);
}

/** Time of all processors since the start of the machine, in its own ticks. proc_stat(5). */
export interface MachineTime {
  total: number;
  idle: number;
  /** Kept from us by the host of a virtual machine. */
  stolen: number;
}

export function machineTime(): MachineTime {
  const line = readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '';
  const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, softIrq = 0, stolen = 0] = line
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return { total: user + nice + system + idle + wait + irq + softIrq + stolen, idle: idle + wait, stolen };
}

/** Per cent of the machine's time since `from` that nobody used, and that the host took. */
export function machineShares(from: MachineTime): { idle: number; stolen: number } {
  const now = machineTime();
  const total = Math.max(1, now.total - from.total);
  return { idle: ((now.idle - from.idle) / total) * 100, stolen: ((now.stolen - from.stolen) / total) * 100 };
}

/** Whether a command is in the search path. */
export function installed(command: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some(folder => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function childrenOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  return children.flatMap(child => [child, ...childrenOf(child)]);
}

/** Ends a child, by force when it does not want to. */
export function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise(resolve => {
    const force = setTimeout(() => child.kill('SIGKILL'), FORCE_MS);
    child.once('exit', () => {
      clearTimeout(force);
      resolve();
    });
    child.kill('SIGTERM');
  });
}

export const pause = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms));
