/** The event side as a whole: subscriptions, channels, and the outbox that feeds their sinks. */
import type { Static } from 'typebox';
import type { events } from '../config/events.ts';
import type { sink } from '../config/sink.ts';
import type { EventInput } from '../ep-cscf/input.ts';
import type { EventsPort, Store } from '../ep-cscf/ports.ts';
import type { Principal } from '../ep-cscf/words.ts';
import { createDiscardLog } from '../runtime/discard-log.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { type ChannelLife, createChannels } from './channel.ts';
import { type ChannelOrigins, createUpgrades, type Upgrades } from './channel-upgrade.ts';
import { createCircuitBreaker } from './circuit-breaker.ts';
import { createInvitations } from './invitation.ts';
import { createJournal } from './journal.ts';
import { type Carrier, createOutbox, type Outbox } from './outbox.ts';
import type { Channels, Clock, SinkTransport, Snapshot, Subscriptions } from './ports.ts';
import { createSeal } from './seal.ts';
import { createSink } from './sink.ts';
import { createSinkPolicy, type SinkPolicy } from './sink-policy.ts';
import { createSinkQueue, type SinkQueue } from './sink-queue.ts';
import { createSubscriptions, type SubscriptionLife } from './subscription.ts';
import { createSubscriptionRows } from './subscription-row.ts';
import { createSubscriptionTable } from './subscription-table.ts';

export interface EventsOptions {
  settings: { sink: Static<typeof sink>; events: Static<typeof events> };
  /** Public base URL without a closing slash; may be known only once the listener is up. */
  publicUrl(): string;
  /** Base path of the channels API. */
  channelsPath: string;
  store: Store;
  /** 32 bytes: seals sink credentials in the store. */
  key: Uint8Array;
  /** Hears how invitations went, always after the call that caused it has returned. */
  emit(input: EventInput): void;
  ids: { uuid(): string };
  clock: Clock;
  log: Log;
  metrics: Metrics;
  /** What a device holds, in the form its page reads. */
  snapshot(who: Principal, deviceId: string): Promise<Snapshot>;
  /** Which origins are a client's, and its visitors'. */
  origins: Pick<ChannelOrigins, 'ofClient' | 'ofVisitors'>;
  /** In place of real https, for tests. */
  transport?: SinkTransport;
  policy?: SinkPolicy;
}

export interface Events {
  port: EventsPort;
  subscriptions: Subscriptions;
  channels: Channels;
  /** For the API listener: takes a socket that was opened for a channel. */
  handleUpgrade: Upgrades['handle'];
  /** Takes up what the store holds and goes on delivering. Call it once, before the first `plan`. */
  start(): void;
  /** Stops sending: pages hear 1012, what is owed stays in the store, what is under way gets `graceMs` to come back. */
  close(graceMs?: number): Promise<void>;
  sizes(): EventSizes;
}

export interface EventSizes {
  subscriptions: number;
  channels: number;
  connected: number;
  /** Events owed and not delivered. */
  backlog: number;
  invitations: number;
}

/** Wires the event side. Throws Error with one sentence when the sink settings cannot be read. */
export function createEvents(options: EventsOptions): Events {
  const { settings, store, clock, log, metrics, publicUrl, channelsPath } = options;
  const uuid = () => options.ids.uuid();
  const policy = options.policy ?? createSinkPolicy(settings.sink);
  const transport = options.transport ?? createSink(policy, settings.sink);
  const journal = createJournal(store, clock, log);
  const table = createSubscriptionTable();
  const rows = createSubscriptionRows(createSeal(options.key));
  const invitations = createInvitations(options.emit);
  let flying = 0;
  /** The host alone: paths of sinks may hold secrets. */
  let troubled = '';
  const tellTrouble = createDiscardLog(clock.now, (reason, attempts) =>
    log.warn({ sink: troubled, reason, attempts }, 'A sink did not take an event.'),
  );
  const counted: SinkTransport = {
    async deliver(request) {
      flying += 1;
      try {
        const answer = await transport.deliver(request);
        const reason = answer.type === 'answered' ? refusal(answer.status) : answer.reason;
        if (reason !== null) {
          troubled = new URL(request.url).host;
          tellTrouble(reason, 1);
          log.debug({ sink: troubled, reason, correlator: request.correlator }, 'An attempt at a sink failed.');
        }
        return answer;
      } finally {
        flying -= 1;
      }
    },
    close: () => transport.close(),
  };

  const sinks = createSinkCarrier(
    { clock, sink: counted, limits: settings.sink },
    () => outbox,
    () => life,
  );
  const outbox: Outbox = createOutbox({
    clock,
    journal,
    table,
    invitations,
    metrics,
    log,
    uuid,
    source: publicUrl,
    sinks,
    channels: {
      nextSeq: (id, writes) => channels.carrier.nextSeq(id, writes),
      absent: (id, now) => channels.carrier.absent(id, now),
      push: (subscription, row) => channels.carrier.push(subscription, row),
      abandon: (subscription, outcome) => channels.carrier.abandon(subscription, outcome),
    },
  });
  const life: SubscriptionLife = createSubscriptions({
    clock,
    journal,
    table,
    rows,
    outbox,
    log,
    uuid,
    settings: settings.events,
    checkSink: url => policy.check(url),
    channelOf: (url, who) => channels.channelOf(url, who),
  });
  const channels: ChannelLife = createChannels({
    clock,
    journal,
    table,
    rows,
    outbox,
    life,
    log,
    uuid,
    publicUrl,
    channelsPath,
    settings: settings.events,
    snapshot: options.snapshot,
  });
  const upgrades = createUpgrades({
    clock,
    channels,
    publicUrl,
    origins: { ...options.origins, subscribers: settings.events.channelOrigins },
  });
  metrics.gauge('event_backlog', 'Events owed and not delivered.', () => {
    const { https, websocket } = outbox.backlog();
    return [
      { labels: { channel: 'https' }, value: https },
      { labels: { channel: 'websocket' }, value: websocket },
    ];
  });

  return {
    port: outbox.port,
    subscriptions: life.api,
    channels: channels.api,
    handleUpgrade: upgrades.handle,
    start() {
      channels.adopt(store.load('channel'), store.load('written'));
      life.adopt(store.load('subscription'));
      outbox.adopt(store.load('outbox'));
      for (const subscription of [...table.all()]) {
        const { channelId } = subscription.row;
        if (channelId !== null && channels.ownerOf(channelId) === null) outbox.abandon(subscription, 'ended');
      }
      channels.start();
      life.start();
      outbox.start();
    },
    async close(graceMs = 500) {
      life.stop();
      channels.stop();
      sinks.stop();
      const until = Date.now() + graceMs;
      while (flying + upgrades.size() > 0 && Date.now() < until) await new Promise(resolve => setTimeout(resolve, 10));
      upgrades.terminate();
      await transport.close();
      await journal.flush();
    },
    sizes: () => {
      const { https, websocket } = outbox.backlog();
      return {
        subscriptions: table.sizes().active,
        ...channels.sizes(),
        backlog: https + websocket,
        invitations: invitations.size(),
      };
    },
  };
}

/** Why an answer is no delivery, or null. Few words: each has a log line of its own. */
function refusal(status: number): string | null {
  return status >= 200 && status < 300 ? null : `status ${status}`;
}

/** One queue for each subscription that is owed something at an https sink. */
function createSinkCarrier(
  shared: { clock: Clock; sink: SinkTransport; limits: Static<typeof sink> },
  outbox: () => Outbox,
  life: () => SubscriptionLife,
): Carrier & { stop(): void } {
  const queues = new Map<string, SinkQueue>();
  const breaker = createCircuitBreaker();

  return {
    push(subscription, row) {
      const { id } = subscription.row;
      let queue = queues.get(id);
      if (queue === undefined) {
        queue = createSinkQueue(subscription.row, {
          ...shared,
          breaker,
          finish(left, outcome) {
            outbox().finish(subscription, left, outcome);
            if (subscription.owed === 0) queues.delete(id);
          },
          gone() {
            if (subscription.row.ended) outbox().abandon(subscription, 'ended');
            else void life().end(subscription, 'NETWORK_TERMINATED', false);
          },
        });
        queues.set(id, queue);
      }
      queue.push(row);
    },
    abandon(subscription, outcome) {
      const queue = queues.get(subscription.row.id);
      queues.delete(subscription.row.id);
      queue?.abandon(outcome);
    },
    stop() {
      for (const queue of queues.values()) queue.stop();
    },
  };
}
