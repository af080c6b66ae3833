/** The loop: one input, all its effects, then the next. What must be kept is stored before the world hears of it. */

import type { ApiRequest, Reply } from '../ep-cscf/api-request.ts';
import type { Owner, Ref } from '../ep-cscf/ids.ts';
import type {
  Core,
  Effect,
  EventsPort,
  ImsEffect,
  ImsPort,
  Input,
  MediaEffect,
  MediaPlanePort,
  Store,
  TimerEffect,
  TimerInput,
  TimerName,
  Write,
} from '../ep-cscf/ports.ts';
import type { Clock } from './clock.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { TimerWheel } from './timer-wheel.ts';

export interface LoopParts {
  core: Core;
  clock: Clock;
  wheel: TimerWheel;
  store: Store;
  ims: ImsPort;
  media: MediaPlanePort;
  events: EventsPort;
  log: Log;
  metrics: Metrics;
}

export interface Loop {
  /** Queues an input. Never runs anything synchronously, so a port may call it from within `run`. */
  emit(input: Input): void;
  /** Queues an API request and resolves with its one reply. Never rejects. */
  ask(request: ApiRequest): Promise<Reply>;
  /** False while the store cannot keep what it is given. */
  storeHealthy(): boolean;
  sizes(): { queued: number; asked: number; timers: number };
}

/** Inputs handled before the sockets get their turn again. */
const TURN = 256;

type QueuedTimer = { input: TimerInput; generation: number };

export function createLoop(parts: LoopParts): Loop {
  const { core, clock, wheel, store, log, metrics } = parts;
  const queue: Array<Input | QueuedTimer> = [];
  const asked = new Map<Ref, (reply: Reply) => void>();
  /** Generation of each running timer: a firing that was overtaken by a stop or a restart is dropped. */
  const timers = new Map<string, number>();
  const timersOf = new Map<Owner, Set<TimerName>>();
  const out: Effect[] = [];
  let generation = 0;
  let scheduled = false;
  let healthy = true;
  let dispatching = false;
  /** The store works on the writes of the present input. */
  let committing = false;

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    queueMicrotask(turn);
  }

  function turn(): void {
    for (let i = 0; i < TURN; i += 1) {
      const next = queue.shift();
      if (next === undefined) break;
      const waiting = step(next);
      if (waiting !== undefined) {
        // The store needs time: nothing else runs meanwhile, so the order of inputs is the order of effects.
        waiting.finally(() => {
          scheduled = false;
          schedule();
        });
        return;
      }
    }
    scheduled = false;
    if (queue.length > 0) {
      scheduled = true;
      setImmediate(turn);
    }
  }

  function step(next: Input | QueuedTimer): Promise<void> | undefined {
    const input = 'generation' in next ? current(next) : next;
    if (input === null) return undefined;
    const now = clock.now();
    out.length = 0;
    try {
      core.handle(input, now, out);
    } catch (error) {
      // A broken promise of our own: this input is lost, the rest goes on.
      log.error({ input: input.type, fault: (error as Error).stack ?? String(error) }, 'the core failed on an input');
      if ('ref' in input && asked.has(input.ref)) settle(input.ref, { ok: false, error: 'internal' });
      return undefined;
    }
    const committed = commit(writes(out, now));
    if (committed === undefined) {
      perform(out);
      return undefined;
    }
    const effects = out.slice();
    committing = true;
    return committed.then(() => {
      committing = false;
      if (dispatching) setImmediate(dispatch);
      perform(effects);
    });
  }

  function current(timer: QueuedTimer): TimerInput | null {
    const key = timerKey(timer.input.owner, timer.input.name);
    if (timers.get(key) !== timer.generation) return null;
    forgetTimer(timer.input.owner, timer.input.name);
    return timer.input;
  }

  function writes(effects: readonly Effect[], now: number): Write[] {
    const result: Write[] = [];
    for (const effect of effects) {
      if (effect.type === 'store') result.push(effect.write);
      else if (effect.type === 'event.publish') result.push(...parts.events.plan(effect, now));
    }
    return result;
  }

  /** After the HTTP response that caused them (CAMARA digest 6: the response goes out first, the event after it), and never before the commit. */
  function dispatchSoon(effects: readonly Effect[]): void {
    if (dispatching || !effects.some(effect => effect.type === 'event.publish')) return;
    dispatching = true;
    setImmediate(dispatch);
  }

  function dispatch(): void {
    // What the store has not kept yet stands among the planned: it takes all of them along once it has.
    if (committing) return;
    dispatching = false;
    parts.events.dispatch(clock.now());
  }

  /** A store that fails must not end calls: they go on, the node says it is not ready, the operator is told once. */
  function commit(rows: Write[]): Promise<void> | undefined {
    if (rows.length === 0) return undefined;
    try {
      const result = store.commit(rows);
      if (result !== undefined) return result.then(() => kept(), failed);
      kept();
    } catch (error) {
      failed(error);
    }
    return undefined;
  }

  function kept(): void {
    if (!healthy) log.info({}, 'the store keeps state again');
    healthy = true;
  }

  function failed(error: unknown): void {
    metrics.count('store_failures_total');
    if (healthy) log.error({ fault: (error as Error).message }, 'the store cannot keep state');
    healthy = false;
  }

  function perform(effects: readonly Effect[]): void {
    for (const effect of effects) if (effect.type === 'reply') settle(effect.ref, effect.reply);
    for (const effect of effects) run(effect);
    dispatchSoon(effects);
  }

  function settle(ref: Ref, reply: Reply): void {
    const resolve = asked.get(ref);
    if (resolve === undefined) return;
    asked.delete(ref);
    resolve(reply);
  }

  function run(effect: Effect): void {
    switch (effect.type) {
      case 'reply':
      case 'store':
      case 'event.publish':
        return;
      case 'timer.start':
      case 'timer.stop':
        time(effect);
        return;
      case 'log':
        log[effect.level]({ ...effect.fields, owner: effect.owner }, effect.message);
        return;
      case 'count':
        metrics.count(effect.name, effect.labels, effect.value);
        return;
      case 'gone':
        forget(effect.owner);
        return;
      default:
        if (isMedia(effect)) parts.media.run(effect);
        else parts.ims.run(effect);
    }
  }

  function time(effect: TimerEffect): void {
    const { owner, name } = effect;
    const key = timerKey(owner, name);
    if (effect.type === 'timer.stop') {
      wheel.stop(key);
      forgetTimer(owner, name);
      return;
    }
    generation += 1;
    const mine = generation;
    timers.set(key, mine);
    const names = timersOf.get(owner) ?? new Set();
    names.add(name);
    timersOf.set(owner, names);
    wheel.start(key, effect.ms, () => {
      queue.push({ input: { type: 'timer', owner, name }, generation: mine });
      schedule();
    });
  }

  function forgetTimer(owner: Owner, name: TimerName): void {
    timers.delete(timerKey(owner, name));
    const names = timersOf.get(owner);
    names?.delete(name);
    if (names?.size === 0) timersOf.delete(owner);
  }

  function forget(owner: Owner): void {
    for (const name of timersOf.get(owner) ?? []) {
      wheel.stop(timerKey(owner, name));
      timers.delete(timerKey(owner, name));
    }
    timersOf.delete(owner);
  }

  return {
    emit(input) {
      queue.push(input);
      schedule();
    },
    ask(request) {
      return new Promise(resolve => {
        asked.set(request.ref, resolve);
        queue.push(request);
        schedule();
      });
    },
    storeHealthy: () => healthy,
    sizes: () => ({ queued: queue.length, asked: asked.size, timers: timers.size }),
  };
}

function isMedia(effect: ImsEffect | MediaEffect): effect is MediaEffect {
  return effect.type.startsWith('media.');
}

function timerKey(owner: Owner, name: TimerName): string {
  return `${owner} ${name}`;
}
