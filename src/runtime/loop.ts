/**
 * The loop: the inputs that wait are handled in their order, what they want kept is stored in one commit, then the world hears of it.
 * A store that takes its time has several commits under way; the world hears of them in their order all the same.
 * Timers, counts and log lines are the process's own and wait for no store.
 */

import type { ApiRequest, Reply } from '../ep-cscf/api-request.ts';
import type {
  CountEffect,
  Effect,
  GoneEffect,
  ImsEffect,
  LogEffect,
  MediaEffect,
  StoreEffect,
  TimerEffect,
  Write,
} from '../ep-cscf/effect.ts';
import type { Owner, Ref } from '../ep-cscf/ids.ts';
import type { Input, TimerInput, TimerName } from '../ep-cscf/input.ts';
import type { Core, EventsPort, ImsPort, MediaPlanePort, Store } from '../ep-cscf/ports.ts';
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
  sizes(): { queued: number; asked: number };
  /** Lets events leave now that would leave on the next turn: their channels are about to be closed. */
  flush(): void;
  /** Handles nothing any more: the ports end now, and a timer or a late answer must not reach one that has ended. */
  close(): void;
}

/** Inputs handled before the sockets get their turn again. */
const TURN = 256;

/** Commits under way at once; past it inputs wait, and share the next one. */
const COMMITS = 32;

/** What is said to whoever asks while the process ends. */
const ENDED: Reply = { ok: false, error: 'network-unavailable' };

/** What leaves the process's own memory, and waits for the store. */
type Outward = Exclude<Effect, StoreEffect | TimerEffect | LogEffect | CountEffect | GoneEffect>;

export function createLoop(parts: LoopParts): Loop {
  const { core, clock, wheel, store, log, metrics } = parts;
  const queue: Input[] = [];
  const asked = new Map<Ref, (reply: Reply) => void>();
  /** Timers that have fired and wait for their turn: one that is stopped or started anew before it is dropped. */
  const fired = new Map<string, TimerInput>();
  const out: Effect[] = [];
  let scheduled = false;
  let closed = false;
  let dispatching = false;
  /** Events planned up to here may leave. */
  let dispatchable = 0;
  let underWay = 0;
  /** Settles when everything before has been kept and told; null: it has. */
  let before: Promise<void> | null = null;

  /** Not at once: what the sockets have at the same time shares one commit. */
  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    setImmediate(turn);
  }

  function turn(): void {
    for (let left = TURN; left > 0 && queue.length > 0 && underWay < COMMITS; ) {
      const inputs = queue.splice(0, left);
      left -= inputs.length;
      step(inputs);
    }
    scheduled = false;
    if (queue.length > 0 && underWay < COMMITS) schedule();
  }

  function step(inputs: readonly Input[]): void {
    const effects: Outward[] = [];
    const rows: Write[] = [];
    for (const input of inputs) if (input.type !== 'timer' || isDue(input)) handle(input, effects, rows);
    const committed = commit(rows);
    const planned = parts.events.planned();
    if (committed === undefined && before === null) perform(effects, planned);
    else inTurn(committed, () => perform(effects, planned));
  }

  /** Runs `tell` once the store has kept what belongs to it and everything before has been told. */
  function inTurn(committed: Promise<void> | undefined, tell: () => void): void {
    underWay += 1;
    const mine = Promise.all([before, committed]).then(() => {
      underWay -= 1;
      if (before === mine) before = null;
      tell();
      if (queue.length > 0) schedule();
    });
    before = mine;
  }

  /** Has the core handle one input; what it wants of the world goes to `effects`, what it wants kept to `rows`. */
  function handle(input: Input, effects: Outward[], rows: Write[]): void {
    const now = clock.now();
    out.length = 0;
    try {
      core.handle(input, now, out);
    } catch (error) {
      // A broken promise of our own: this input is lost, the rest goes on.
      log.error({ input: input.type, fault: (error as Error).stack ?? String(error) }, 'the core failed on an input');
      if ('ref' in input && asked.has(input.ref)) settle(input.ref, { ok: false, error: 'internal' });
      return;
    }
    for (const effect of out) take(effect, now, effects, rows);
  }

  function take(effect: Effect, now: number, effects: Outward[], rows: Write[]): void {
    switch (effect.type) {
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
        // Nothing is kept of an owner here: it has stopped its timers itself.
        return;
      case 'store':
        rows.push(effect.write);
        return;
      case 'event.publish':
        rows.push(...parts.events.plan(effect, now));
        effects.push(effect);
        return;
      default:
        effects.push(effect);
    }
  }

  function isDue(timer: TimerInput): boolean {
    const key = timerKey(timer.owner, timer.name);
    return fired.get(key) === timer && fired.delete(key);
  }

  /** After the HTTP response that caused them (CAMARA digest 6: the response goes out first, the event after it), and never before the commit. */
  function dispatchSoon(effects: readonly Outward[], planned: number): void {
    if (!effects.some(effect => effect.type === 'event.publish')) return;
    dispatchable = planned;
    if (dispatching) return;
    dispatching = true;
    setImmediate(dispatch);
  }

  function dispatch(): void {
    if (!dispatching) return;
    dispatching = false;
    parts.events.dispatch(dispatchable);
  }

  /** A store that fails must not end calls: they go on, and who watches the store tells. */
  function commit(rows: Write[]): Promise<void> | undefined {
    if (rows.length === 0) return undefined;
    try {
      return store.commit(rows)?.catch(() => undefined);
    } catch {
      return undefined;
    }
  }

  function perform(effects: readonly Outward[], planned: number): void {
    if (closed) return;
    for (const effect of effects) if (effect.type === 'reply') settle(effect.ref, effect.reply);
    for (const effect of effects) run(effect);
    dispatchSoon(effects, planned);
  }

  function settle(ref: Ref, reply: Reply): void {
    const resolve = asked.get(ref);
    if (resolve === undefined) return;
    asked.delete(ref);
    resolve(reply);
  }

  function run(effect: Outward): void {
    if (effect.type === 'reply' || effect.type === 'event.publish') return;
    if (isMedia(effect)) parts.media.run(effect);
    else parts.ims.run(effect);
  }

  function time(effect: TimerEffect): void {
    const key = timerKey(effect.owner, effect.name);
    fired.delete(key);
    if (effect.type === 'timer.stop') wheel.stop(key);
    else wheel.start(key, effect.ms, fire);
  }

  function fire(key: string): void {
    if (closed) return;
    const [owner, name] = key.split(' ') as [Owner, TimerName];
    const timer: TimerInput = { type: 'timer', owner, name };
    fired.set(key, timer);
    queue.push(timer);
    schedule();
  }

  return {
    emit(input) {
      if (closed) return;
      queue.push(input);
      schedule();
    },
    ask(request) {
      if (closed) return Promise.resolve(ENDED);
      return new Promise(resolve => {
        asked.set(request.ref, resolve);
        queue.push(request);
        schedule();
      });
    },
    flush: dispatch,
    close() {
      closed = true;
      queue.length = 0;
      for (const ref of [...asked.keys()]) settle(ref, ENDED);
    },
    sizes: () => ({ queued: queue.length, asked: asked.size }),
  };
}

function isMedia(effect: ImsEffect | MediaEffect): effect is MediaEffect {
  return effect.type.startsWith('media.');
}

/** Neither an id nor the name of a timer has a space. */
function timerKey(owner: Owner, name: TimerName): string {
  return `${owner} ${name}`;
}
