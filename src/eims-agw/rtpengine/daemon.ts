/** One daemon of the pool: is it there, may it be used, what can it do, how busy is it. */
import type { EngineCaps, PayloadFormat } from '../engine.ts';
import { sameFormat } from '../payload-format.ts';
import type { Clock, Count, Log } from '../settings.ts';
import { createNgClient, type NgClient, type Wire, type WireEvents } from './client.ts';
import type { NgReply, NgRequest } from './ng.ts';
import type { Habits } from './pair.ts';
import type { DaemonPlace } from './place.ts';
import type { Member } from './pool.ts';
import { type Probed, probe } from './probe.ts';
import { type Load, NO_STREAMS, readLoad } from './reply.ts';

const PING_MS = 2_000;
const PATIENCE_MS = 1_500;
/** A daemon tells its age in whole seconds; when it seems to have begun so much later than before, it is another. */
const ANOTHER_MS = 2_500;
/** Unanswered pings after which its calls are given up. */
const MISSED = 3;
/** One that must not be used may have been upgraded. */
const REFUSED_AGAIN_MS = 30_000;

export interface DaemonOptions {
  /** `host:port`, as in metrics and the log. */
  name: string;
  weight: number;
  limit: number;
  prefix: string;
  /** Versions the operator answers for. */
  vouched: readonly string[];
  /** All of a daemon's calls have these; what it advertises is found out. */
  habits: Omit<Habits, 'ims' | 'family' | 'advertised'>;
  places: readonly DaemonPlace[];
  /** Files that calls may be played. */
  files: readonly string[];
  open: (events: WireEvents) => Wire;
  clock: Clock;
  log: Log;
  count: Count;
  /** It may be used from now on. */
  onReady: () => void;
  /** It is gone, and all its calls with it. */
  onLost: () => void;
}

export interface Daemon extends Pick<NgClient, 'ask'> {
  readonly name: string;
  /** What it is now; nothing follows from it. */
  examine(): Promise<Probed>;
  /** Resolves with what the first probe found, then watches on. */
  start(): Promise<Probed>;
  close(): void;
  member(): Member;
  formats(): readonly PayloadFormat[];
  /** What it writes for addresses of its own towards the core, where those are others. */
  advertised(): Habits['advertised'];
  /** By its last statistics. */
  streams(): Load['streams'];
  /** So many more calls of ours, and pictures, which it counts as calls. */
  took(more: { calls?: number; pictures?: number }): void;
  /** A call waited for it in vain. */
  doubt(): void;
}

export function createDaemon(options: DaemonOptions): Daemon {
  const { name, clock, log } = options;
  const client = createNgClient({ ...options, daemon: name, onRefused: () => lose('nobody listens there') });
  let up = false;
  let formats: readonly PayloadFormat[] = [];
  let advertised: Habits['advertised'] = new Map();
  let missed = 0;
  /** When it began, ms of our clock. */
  let bornAt: number | null = null;
  let ours = 0;
  let pictures = 0;
  /** Calls of others, by its last statistics. */
  let others = 0;
  let streams = NO_STREAMS;
  let told = '';
  let cancel: (() => void) | null = null;
  let closed = false;

  function later(ms: number, run: () => void): void {
    cancel?.();
    cancel = closed ? null : clock.after(ms, run);
  }

  function examine(): Promise<Probed> {
    const ask = (request: NgRequest) => new Promise<NgReply | null>(done => client.ask(request, PATIENCE_MS, done));
    const { vouched, habits, places, files } = options;
    return probe({ ask, id: `${options.prefix}probe-`, vouched, habits, places, files });
  }

  async function look(): Promise<Probed> {
    const probed = await examine();
    if (closed) return probed;
    if (probed.ok) {
      up = true;
      missed = 0;
      bornAt = null;
      ({ formats, advertised } = probed);
      const codecs = [...new Set(formats.map(format => format.name))].join(' ');
      say('info', 'an rtpengine is ready', { software: probed.software, codecs });
      if (probed.unplayable.length > 0)
        log('warn', 'an rtpengine cannot play what calls are to be played', {
          daemon: name,
          files: probed.unplayable.join(' '),
        });
      options.onReady();
      ping();
    } else {
      say('error', 'an rtpengine cannot be used', { why: `it ${probed.fault}` });
      later(probed.silent ? PING_MS : REFUSED_AGAIN_MS, () => void look());
    }
    return probed;
  }

  function ping(): void {
    client.ask({ command: 'statistics' }, PATIENCE_MS, reply => {
      if (closed || !up) return;
      const load = reply === null ? null : readLoad(reply.body);
      if (reply === null) missed += 1;
      else missed = 0;
      if (missed >= MISSED) return lose('it does not answer');
      if (load !== null) {
        ({ streams } = load);
        others = Math.max(0, load.sessions - ours - pictures);
        const born = clock.now() - load.ageMs;
        if (bornAt !== null && born > bornAt + ANOTHER_MS) return lose('it was started again', 0);
        bornAt = Math.min(bornAt ?? born, born);
      }
      later(PING_MS, ping);
    });
  }

  function lose(why: string, lookInMs = PING_MS): void {
    if (closed || !up) return;
    up = false;
    say('error', 'an rtpengine is gone', { why, calls: ours });
    later(lookInMs, () => void look());
    options.onLost();
  }

  /** What has been said already is not said again. */
  function say(level: 'info' | 'error', message: string, fields: Parameters<Log>[2]): void {
    const text = JSON.stringify([message, fields]);
    if (text !== told) log(level, message, { daemon: name, ...fields });
    told = text;
  }

  return {
    name,
    examine,
    start: look,
    close() {
      closed = true;
      cancel?.();
      client.close();
    },
    ask: client.ask,
    member: () => ({
      state: up ? (missed > 0 ? 'doubtful' : 'up') : 'down',
      sessions: ours + others,
      ours,
      limit: options.limit,
      weight: options.weight,
    }),
    formats: () => (up ? formats : []),
    advertised: () => advertised,
    streams: () => (up ? streams : NO_STREAMS),
    took(more) {
      ours += more.calls ?? 0;
      pictures += more.pictures ?? 0;
    },
    doubt() {
      missed = Math.max(missed, 1);
    },
  };
}

type Able = Pick<Daemon, 'formats' | 'member'>;

/** Whether a daemon codes all of these. */
export function codesAll(daemon: Pick<Daemon, 'formats'>, wanted: readonly PayloadFormat[]): boolean {
  const formats = daemon.formats();
  return wanted.every(format => formats.some(own => sameFormat(own, format)));
}

/** What the ablest can do that has room: a call that is promised this comes to one that keeps it. */
export function promisedCaps(daemons: readonly Able[]): EngineCaps {
  const there = daemons.filter(daemon => daemon.member().state !== 'down');
  const free = there.filter(({ member }) => member().ours < member().limit);
  const [ablest] = (free.length > 0 ? free : there).map(daemon => daemon.formats()).sort((a, b) => b.length - a.length);
  return { transcode: ablest ?? [], video: true, bundle: false, play: true, keyLasts: false };
}
