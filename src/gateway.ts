/** The composition root: the only file that knows every adapter. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { sessionBody } from './api/call-handling.ts';
import { registrationBody } from './api/registration.ts';
import { createApi } from './api/server.ts';
import type { Settings } from './config/settings.ts';
import { createMediaPlane, type MediaPlane, type MediaPlaneOptions } from './eims-agw/media-plane.ts';
import { createCore } from './ep-cscf/core.ts';
import type { StoreKind } from './ep-cscf/effect.ts';
import type { DeviceId } from './ep-cscf/ids.ts';
import type { Input } from './ep-cscf/input.ts';
import type { Store } from './ep-cscf/ports.ts';
import type { Principal } from './ep-cscf/words.ts';
import { createEvents } from './events/events.ts';
import { createClickToCall } from './gateway-click-to-call.ts';
import { declareGauges } from './gateway-gauges.ts';
import { backOffOf, coreSettingsOf, mediaSettingsOf } from './gateway-settings.ts';
import { createMw } from './mw/ims.ts';
import { systemClock } from './runtime/clock.ts';
import { createIds, shardOfId } from './runtime/ids.ts';
import { createLag } from './runtime/lag.ts';
import { createLog } from './runtime/log.ts';
import { createLoop, type Loop } from './runtime/loop.ts';
import { createMetrics } from './runtime/metrics.ts';
import { createOpsServer } from './runtime/ops-server.ts';
import { createRandom } from './runtime/random.ts';
import { createCallerRates } from './runtime/rate-limit.ts';
import { watchStore } from './runtime/store-watch.ts';
import { createTimerWheel } from './runtime/timer-wheel.ts';
import { readKeyFile } from './store/key-file.ts';
import { createStore, StoreError } from './store/store.ts';
import { createW2Sip } from './w2-sip/w2-sip.ts';
import { createAccessTokens } from './waf/access-token.ts';
import { mountButtonFile } from './wwsf/button-file.ts';
import { createPages } from './wwsf/pages.ts';

export interface Gateway {
  /** Asks what its calls need outside and a check of settings cannot know, within 2 s: sentences about what is in the way, and what is less than the settings want. */
  check(): ReturnType<MediaPlane['check']>;
  /** Opens everything, the API listener last. Rejects when a part cannot start; what was open is closed then. */
  start(): Promise<void>;
  /** `drain`: live calls may go on for `ops.drainMs`, emergency calls for `emergency.drainMs` more. Then everything ends in order. Called again without `drain`, it cuts a drain short. */
  close(options: { drain: boolean }): Promise<void>;
  /** Reads certificates, and the secret of the TURN servers, again. */
  reload(): void;
  /** Live counts of every table and of all timers, for leak tests. When nobody is registered and no call is up only the node's own remain: connections to the core, and timers of those. */
  sizes(): Record<string, number>;
}

/** How often a drain looks whether the last call has ended, in ms. */
const DRAIN_LOOK_MS = 100;
/** After the last calls were ended: time for their BYEs, events and records to leave, in ms. */
const LAST_WORDS_MS = 1500;

export interface GatewayParts extends Pick<MediaPlaneOptions, 'engine'> {
  /** In place of the one in the settings. */
  store?: Store;
}

/** `parts` replace what the settings name: benches give an engine that carries nothing, tests a store that fails. */
export async function createGateway(
  settings: Settings,
  { store: givenStore, ...parts }: GatewayParts = {},
): Promise<Gateway> {
  const log = createLog(settings.log);
  const metrics = createMetrics();
  const clock = systemClock();
  const random = createRandom();
  const ids = createIds(random);
  const wheel = createTimerWheel(() => clock.now());
  const lag = createLag();
  const store = watchStore(givenStore ?? createStore(settings.store), { log, metrics, after });
  const core = createCore({ settings: coreSettingsOf(settings), ids });
  const count = metrics.count;
  let publicUrl = settings.public.url.replace(/\/+$/, '');
  // The ports answer through the loop, and the loop is made of the ports.
  const emit = (input: Input) => loop.emit(input);

  const media = createMediaPlane({
    settings: mediaSettingsOf(settings),
    emit,
    log: (level, message, fields) => log[level](fields, message),
    count: (name, labels, value) => count(name, labels, value),
    clock: { now: () => performance.now(), after },
    random: () => random(4).readUInt32LE(),
    ...parts,
  });
  const mw = createMw({
    settings,
    backOff: backOffOf(settings.registration),
    emit,
    ids,
    timers: wheel,
    clock,
    log: log.with({ part: 'mw' }),
    count,
    lagMs: lag.ms,
    shardOfBinding: shardOfId,
    randomHex: bytes => random(bytes).toString('hex'),
  });
  const events = createEvents({
    settings,
    publicUrl: () => publicUrl,
    channelsPath: settings.api.channelsPaths[0] ?? '',
    store,
    // What is in memory only is sealed with a key that is in memory only.
    key: settings.store.kind === 'memory' ? randomBytes(32) : readKeyFile(settings.store.keyFile),
    emit,
    ids,
    clock: {
      now: clock.now,
      setTimer: (ms, fire) => setTimeout(fire, ms).unref(),
      clearTimer: handle => clearTimeout(handle as NodeJS.Timeout),
    },
    log: log.with({ part: 'events' }),
    metrics,
    snapshot,
    origins: {
      ofClient: (origin, clientId) => settings.api.clients[clientId]?.origins.includes(origin) === true,
      ofVisitors: (origin, clientId) => clickToCall.entryPoints.allows(origin, clientId),
    },
  });
  const clickToCall = createClickToCall({ settings, store, log, uuid: ids.uuid, now: clock.now });
  const tokens = createAccessTokens({ settings: settings.auth, clock, log: log.with({ part: 'waf' }), metrics });
  const rates = createCallerRates(settings.api);
  const w2Sip = settings.w2Sip.enabled
    ? createW2Sip({
        settings,
        core: { ask: request => loop.ask(request), emit },
        tokens,
        rates,
        ids,
        timers: wheel,
        now: clock.now,
        randomHex: bytes => random(bytes).toString('hex'),
        publicUrl: () => publicUrl,
        log: log.with({ part: 'w2-sip' }),
        count,
      })
    : null;
  const loop: Loop = createLoop({
    core,
    clock,
    wheel,
    store,
    ims: mw.port,
    media: media.port,
    events: w2Sip?.events(events.port) ?? events.port,
    log,
    metrics,
  });
  const pages = settings.web.enabled
    ? createPages({
        settings: settings.web,
        emergencyNumbers: settings.emergency.numbers,
        publicUrl: () => publicUrl,
        log: log.with({ part: 'wwsf' }),
        now: clock.now,
      })
    : null;
  const api = createApi({
    settings,
    tokens,
    rates,
    core: loop,
    subscriptions: events.subscriptions,
    channels: events.channels,
    clickToCall,
    ids,
    clock,
    log: log.with({ part: 'api' }),
    metrics,
    async pages(app) {
      await pages?.mountPages(app);
      if (pages !== null || settings.clickToCall.pools.length > 0) await mountButtonFile(app, settings.web.pagesDir);
    },
  });
  for (const path of settings.api.channelsPaths) api.onUpgrade(`${path}/channels/:id/ws`, events.handleUpgrade);
  if (w2Sip !== null) api.onUpgrade(settings.w2Sip.path, w2Sip.handleUpgrade);

  let state: 'starting' | 'ready' | 'draining' = 'starting';
  const unready = (): string[] => [
    ...(state === 'ready' ? [] : [state]),
    ...(store.healthy() ? [] : ['store']),
    ...(media.health().ok ? [] : ['media']),
    ...(mw.peers().length === 0 || mw.peers().some(({ up }) => up) ? [] : ['core']),
  ];
  const ops = createOpsServer({ host: settings.ops.host, port: settings.ops.port, metrics, unready });
  declareGauges(metrics, {
    core,
    events,
    media,
    mw,
    w2Sip,
    now: clock.now,
    ready: () => unready().length === 0,
    draining: () => state === 'draining',
  });

  /** What a device holds, as the APIs show it: for a page that opens its channel. */
  async function snapshot(who: Principal, deviceId: string) {
    const reply = await loop.ask({ type: 'snapshot', ref: ids.ref(), who, deviceId: deviceId as DeviceId });
    if (!reply.ok || !('sessions' in reply) || !('registrations' in reply)) return { registrations: [], sessions: [] };
    return { registrations: reply.registrations.map(registrationBody), sessions: reply.sessions.map(sessionBody) };
  }

  async function start(): Promise<void> {
    try {
      await ops.start();
      await media.start();
      await mw.start();
      // First what is owed, so that the events of restored calls find their subscriptions.
      takeUp(() => events.start());
      takeUp(() => clickToCall.entryPoints.start());
      loop.emit({
        type: 'restore',
        bindings: valuesOf(store, 'binding'),
        calls: valuesOf(store, 'call'),
        leases: valuesOf(store, 'lease'),
      });
      const { url } = await api.start();
      if (publicUrl === '') publicUrl = url;
      state = 'ready';
      log.info({ url }, 'Lineside is ready');
    } catch (error) {
      await end();
      throw error;
    }
  }

  /** A row of another shape than ours: an operator can do no more about it than about a damaged file. */
  function takeUp(run: () => void): void {
    try {
      run();
    } catch (error) {
      if (error instanceof StoreError) throw error;
      throw new StoreError(
        `The store ${settings.store.file} holds rows that cannot be taken up (${(error as Error).message}); put a backup in its place, or move it away to start with nothing.`,
        { cause: error },
      );
    }
  }

  let closing: Promise<void> | null = null;
  let hurried = false;

  function close({ drain }: { drain: boolean }): Promise<void> {
    hurried ||= !drain;
    closing ??= endInOrder();
    return closing;
  }

  async function endInOrder(): Promise<void> {
    state = 'draining';
    mw.drain();
    loop.emit({ type: 'drain' });
    await callsEnded(settings.ops.drainMs, () => hurried);
    loop.emit({ type: 'end-all', spareEmergency: !hurried });
    await callsEnded(LAST_WORDS_MS, () => false);
    if (!hurried) {
      // What is left are emergency calls.
      await callsEnded(settings.emergency.drainMs, () => hurried);
      loop.emit({ type: 'end-all', spareEmergency: false });
      await callsEnded(LAST_WORDS_MS, () => false);
    }
    await end();
    log.info({}, 'Lineside has ended');
  }

  async function callsEnded(ms: number, enough: () => boolean): Promise<void> {
    const until = performance.now() + ms;
    while (core.sizes().calls > 0 && !enough() && performance.now() < until) await sleep(DRAIN_LOOK_MS);
  }

  async function end(): Promise<void> {
    loop.flush();
    w2Sip?.close();
    await api.close();
    await events.close();
    loop.close();
    await mw.close();
    await media.close();
    await ops.close();
    wheel.close();
    lag.close();
    await store.close();
  }

  return {
    check: () => media.check(),
    start,
    close,
    reload() {
      api.reload();
      mw.reload();
    },
    sizes: () => ({
      ...core.sizes(),
      ...prefixed('mw', mw.sizes()),
      ...prefixed('media', media.sizes()),
      ...prefixed('events', { ...events.sizes() }),
      ...(w2Sip === null ? {} : prefixed('w2Sip', w2Sip.sizes())),
      ...prefixed('loop', loop.sizes()),
      ...prefixed('wheel', { timers: wheel.size }),
    }),
  };
}

function after(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  timer.unref();
  return () => clearTimeout(timer);
}

function valuesOf(store: Store, kind: StoreKind): unknown[] {
  return store.load(kind).map(row => row.value);
}

function prefixed(name: string, sizes: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(sizes).map(([key, value]) => [`${name}.${key}`, value]));
}
