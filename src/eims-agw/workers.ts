/** Supervisor of media worker processes: starts them, hears that they live, restarts them with back-off, ends them. */
import { type ChildProcess, fork } from 'node:child_process';
import type { EngineCounts } from './engine.ts';
import type { Clock, Count, Log } from './settings.ts';

const PING_MS = 1_000;
/** Unanswered pings before a worker counts as hung. */
const MISSED = 3;
/** Unanswered pings after which it gets no new calls; the last one may still be on its way. */
const DOUBTFUL = 2;
const MISSED_STARTING = 15;
/** The first restart is at once, so that the very next call finds a worker on its way. */
const BACK_OFF_MS = [0, 500, 2_000, 10_000];
const START_MS = 10_000;
const END_MS = 1_000;
/** Far above what its calls need: a worker that leaks ends, and takes no other part of the host with it. */
const HEAP_MB = 256;
/** Nothing made for a packet lives long: more room for it would only grow the process, by 120 kB for each call, and each collection. */
const YOUNG_MB = 2;
/** Helper threads would cost more than the little they find to collect. */
const COLLECTOR = '--single-threaded-gc';

/** What every worker says of itself. */
export type WorkerReport =
  | { type: 'ready' }
  /** It cannot work at all; the sentence says why. */
  | { type: 'unable'; reason: string }
  | { type: 'pong'; lagMs: number; counts: EngineCounts };

export interface WorkersOptions {
  file: URL;
  count: number;
  /** First message of worker `index`. */
  init: (index: number) => object;
  clock: Clock;
  log: Log;
  onCount: Count;
  /** What a worker has counted since it was last asked. */
  onCounts: (counts: EngineCounts) => void;
  /** Anything a worker says that is not a report. */
  onMessage: (index: number, message: unknown) => void;
  /** Worker `index` is gone, with all it held. */
  onLost: (index: number) => void;
}

export interface Workers {
  /** Rejects with the worker's sentence when one is unable to work. */
  start(): Promise<void>;
  send(index: number, message: object): boolean;
  /** Ready to take work, as far as is known. */
  usable(index: number): boolean;
  /** On its way, or slow: what is sent now waits in its channel. */
  waiting(index: number): boolean;
  /** How late its event loop is, as it last told, ms. */
  lagMs(index: number): number;
  pid(index: number): number | null;
  close(): Promise<void>;
}

interface Slot {
  index: number;
  child: ChildProcess | null;
  ready: boolean;
  missed: number;
  lagMs: number;
  restarts: number;
  cancelRestart: (() => void) | null;
  started: ((error: Error | null) => void) | null;
}

export function createWorkers(options: WorkersOptions): Workers {
  const slots: Slot[] = Array.from({ length: options.count }, (_, index) => ({
    index,
    child: null,
    ready: false,
    missed: 0,
    lagMs: 0,
    restarts: 0,
    cancelRestart: null,
    started: null,
  }));
  const state = { closing: false, cancelPing: null as (() => void) | null };
  const pingAll = () => {
    state.cancelPing = options.clock.after(PING_MS, pingAll);
    for (const slot of slots) ping(options, slot);
  };
  return {
    async start() {
      try {
        await Promise.all(slots.map(slot => started(options, state, slot)));
      } catch (error) {
        await closeAll(state, slots);
        throw error;
      }
      pingAll();
    },
    send: (index, message) => sendTo(slots[index], message),
    usable: index => isUsable(slots[index]),
    waiting: index => !isUsable(slots[index]) && slots[index]?.child?.connected === true,
    lagMs: index => slots[index]?.lagMs ?? 0,
    pid: index => slots[index]?.child?.pid ?? null,
    close: () => closeAll(state, slots),
  };
}

function isUsable(slot: Slot | undefined): boolean {
  return slot?.ready === true && slot.missed < DOUBTFUL;
}

function started(options: WorkersOptions, state: { closing: boolean }, slot: Slot): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = options.clock.after(START_MS, () =>
      slot.started?.(new Error('A media worker did not start in time.')),
    );
    slot.started = error => {
      slot.started = null;
      cancel();
      if (error === null) resolve();
      else reject(error);
    };
    spawn(options, state, slot);
  });
}

function spawn(options: WorkersOptions, state: { closing: boolean }, slot: Slot): void {
  slot.cancelRestart = null;
  const child = fork(options.file, [], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    execArgv: [`--max-old-space-size=${HEAP_MB}`, `--max-semi-space-size=${YOUNG_MB}`, COLLECTOR],
  });
  slot.child = child;
  slot.ready = false;
  slot.missed = 0;
  slot.lagMs = 0;
  child.on('error', error => {
    options.log('error', 'a media worker could not be started or reached', {
      worker: slot.index,
      reason: error.message,
    });
    if (child.pid === undefined) gone(options, state, slot, child, null);
  });
  child.on('message', message => hear(options, slot, child, message as WorkerReport));
  child.on('exit', (code, signal) => gone(options, state, slot, child, signal ?? String(code)));
  child.send(options.init(slot.index), ignoreClosed);
}

function hear(options: WorkersOptions, slot: Slot, child: ChildProcess, message: WorkerReport): void {
  if (slot.child !== child) return;
  switch (message.type) {
    case 'ready':
      slot.ready = true;
      options.log('info', 'media worker ready', { worker: slot.index, pid: child.pid ?? null });
      slot.started?.(null);
      break;
    case 'unable':
      options.log('error', 'a media worker cannot work', { worker: slot.index, reason: message.reason });
      if (slot.started !== null) slot.started(new Error(message.reason));
      // It was able once: perhaps it will be again.
      else child.kill();
      break;
    case 'pong':
      slot.missed = 0;
      slot.lagMs = message.lagMs;
      options.onCounts(message.counts);
      // It has lived long enough to be trusted again.
      slot.restarts = Math.max(0, slot.restarts - 0.1);
      break;
    default:
      options.onMessage(slot.index, message);
  }
}

function gone(
  options: WorkersOptions,
  state: { closing: boolean },
  slot: Slot,
  child: ChildProcess,
  how: string | null,
): void {
  if (slot.child !== child) return;
  slot.child = null;
  slot.ready = false;
  if (state.closing) return;
  if (slot.started !== null) {
    slot.started(new Error(`A media worker ended while starting (${how ?? 'not started'}).`));
    return;
  }
  options.log('error', 'a media worker ended', { worker: slot.index, how });
  options.onCount('media_worker_restarts_total', {}, 1);
  const wait = BACK_OFF_MS[Math.min(Math.ceil(slot.restarts), BACK_OFF_MS.length - 1)] ?? 10_000;
  slot.restarts += 1;
  if (wait === 0) spawn(options, state, slot);
  else slot.cancelRestart = options.clock.after(wait, () => spawn(options, state, slot));
  // Last: what it was asked and had not answered may wait for the next one.
  options.onLost(slot.index);
}

function ping(options: WorkersOptions, slot: Slot): void {
  const { child } = slot;
  if (child === null) return;
  if (slot.missed >= (slot.ready ? MISSED : MISSED_STARTING)) {
    options.log('error', 'a media worker hangs and is ended', { worker: slot.index });
    child.kill('SIGKILL');
    return;
  }
  slot.missed += 1;
  sendTo(slot, { type: 'ping' });
}

function sendTo(slot: Slot | undefined, message: object): boolean {
  if (slot?.child?.connected !== true) return false;
  slot.child.send(message, ignoreClosed);
  return true;
}

/** Ends all: the closed channel is the word, a kill the last one. */
async function closeAll(
  state: { closing: boolean; cancelPing: (() => void) | null },
  slots: readonly Slot[],
): Promise<void> {
  state.closing = true;
  state.cancelPing?.();
  await Promise.all(
    slots.map(async slot => {
      slot.cancelRestart?.();
      slot.ready = false;
      const { child } = slot;
      if (child === null || child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      const kill = setTimeout(() => child.kill('SIGKILL'), END_MS);
      const ended = new Promise<void>(resolve => child.once('exit', () => resolve()));
      if (child.connected) child.disconnect();
      await ended;
      clearTimeout(kill);
    }),
  );
}

/** A channel that closed under a message: the exit that follows tells all. */
function ignoreClosed(): void {
  return;
}
