/** CPU, delay and memory of signalling: whole calls and registrations through API, SIP and events, without media. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BenchResult, rowOf } from '../bench.ts';
import { cpuMs, pause, rssKb, sleeps } from '../process.ts';
import { type BenchDevice, OFFER } from './client.ts';
import { startCore } from './core.ts';
import { type JanusCaller, startSipJanus } from './janus.ts';
import { CALLS, CALLS_PER_S, type Figures, fullCalls, nextCallee, onceEach, pacedCalls } from './load.ts';
import { wakingCost } from './waking.ts';
import { CALLERS, CORE, HOST, startWorld, warmUp } from './world.ts';

const REPEATS = Number(process.env.LINESIDE_BENCH_REPEATS ?? 3);
const JANUS = 8188;
const REGISTRATIONS = 2000;
const IDLE_MS = 5000;
/** Until the last transaction of the registrations is forgotten: 64 T1. RFC 3261 17.1.2.2. */
const SETTLE_MS = 6500;
const LOST_MS = 3000;

export async function signallingBench(): Promise<BenchResult[]> {
  const runs: Run[] = [];
  const peers: Pick<Run, 'paced' | 'full'>[] = [];
  const waking: Array<Awaited<ReturnType<typeof wakingCost>>> = [];
  for (let n = 0; n < REPEATS; n += 1) {
    waking.push(await wakingCost());
    runs.push(await oneRun());
    peers.push(await janusRun());
  }
  const each = <T>(of: readonly T[], name: keyof T) => of.map(run => run[name] as Figures);
  const shared = `Whole gateway in one process with its sqlite store, media engine that carries nothing, reg event off, ${REPEATS} runs; median (lowest-highest).`;
  return [
    {
      name: 'signalling-machine',
      method:
        'A piece of work in JavaScript that asks nobody for anything: what a processor that has slept adds to the same work, whoever does it.',
      rows: [rowOf('at a stretch', each(waking, 'stretch')), rowOf('every 10 ms', each(waking, 'paced'))],
    },
    {
      name: 'signalling-call',
      method: `${shared} A call is POST, INVITE, 180, 200, ACK, events by WebSocket, DELETE, BYE. Delays include the load generator, which shares the machine.`,
      rows: [
        rowOf(`Lineside, ${CALLS_PER_S} calls/s`, each(runs, 'paced')),
        rowOf(`Janus SIP plugin, ${CALLS_PER_S} calls/s`, each(peers, 'paced')),
        rowOf('Lineside, as many as go', each(runs, 'full')),
        rowOf('Janus SIP plugin, as many as go', each(peers, 'full')),
      ],
    },
    {
      name: 'signalling-registration',
      method: `${shared} ${REGISTRATIONS} numbers, 20 requests at a time.`,
      rows: [rowOf('Lineside', each(runs, 'registration'))],
    },
  ];
}

interface Run {
  registration: Figures;
  paced: Figures;
  full: Figures;
}

async function oneRun(): Promise<Run> {
  const world = await startWorld(REGISTRATIONS);
  const { pid, core, devices } = world;
  try {
    const callers = devices.slice(0, CALLERS);
    await warmUp(callers);
    const registration = await registrations(pid, devices.slice(CALLERS));
    await idle(pid, registration);
    const call = (device: BenchDevice, callee: string) => device.call(callee);
    const paced = await pacedCalls(pid, callers, core, call);
    const full = await fullCalls(pid, callers, call);
    return { registration, paced, full };
  } finally {
    await world.close();
  }
}

async function idle(pid: number, figures: Figures): Promise<void> {
  await pause(SETTLE_MS);
  const [cpu, slept] = [cpuMs(pid), sleeps(pid)];
  await pause(IDLE_MS);
  figures['idle CPU %'] = ((cpuMs(pid) - cpu) / IDLE_MS) * 100;
  figures['idle wake-ups/s'] = ((sleeps(pid) - slept) * 1000) / IDLE_MS;
}

async function registrations(pid: number, devices: readonly BenchDevice[]): Promise<Figures> {
  const [cpu, rss, at] = [cpuMs(pid), rssKb(pid), performance.now()];
  await onceEach(devices, device => device.register());
  await pause(500);
  return {
    'CPU us/registration': ((cpuMs(pid) - cpu) * 1000) / devices.length,
    'registrations/s': (devices.length * 1000) / (performance.now() - 500 - at),
    'RSS kB/registration': (rssKb(pid) - rss) / devices.length,
  };
}

/** The same calls by Janus; what it needs when idle is taken off. */
async function janusRun(): Promise<Pick<Run, 'paced' | 'full'>> {
  const folder = mkdtempSync(join(tmpdir(), 'lineside-bench-'));
  const core = await startCore(HOST, CORE);
  const janus = await startSipJanus(folder, HOST, JANUS);
  try {
    const handles: JanusCaller[] = [];
    for (let i = 0; i < CALLERS; i += 1) handles.push(await janus.attach(`u${i}`, `${HOST}:${CORE}`, HOST));
    // Now and then Janus loses one: it is counted, and the others go on.
    const lost = { asked: Number.NaN, connected: Number.NaN };
    const call = (handle: JanusCaller, callee: string) =>
      Promise.race([
        handle.call(`sip:${callee}@${HOST}:${CORE}`, OFFER).catch(() => lost),
        pause(LOST_MS).then(() => lost),
      ]);
    await Promise.all(handles.map(handle => call(handle, nextCallee())));
    await pause(1500);
    const idleFrom = cpuMs(janus.pid);
    await pause(IDLE_MS);
    const idleUsPerS = ((cpuMs(janus.pid) - idleFrom) / IDLE_MS) * 1e6;
    const busy = (figures: Figures): Figures => ({
      ...figures,
      'CPU us/call': (figures['CPU us/call'] ?? Number.NaN) - idleUsPerS / (figures['calls/s'] ?? CALLS_PER_S),
    });
    const paced = busy(await pacedCalls(janus.pid, handles, core, call));
    const full = busy(await fullCalls(janus.pid, handles, call, CALLS));
    return { paced, full };
  } finally {
    await janus.close();
    await core.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
