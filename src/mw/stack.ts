/** The SIP stack of this node: its sockets, transactions and user agent, put together and counted. */
import type { Settings } from '../config/settings.ts';
import type { Clock } from '../runtime/clock.ts';
import { createDiscardLog } from '../runtime/discard-log.ts';
import type { Log } from '../runtime/log.ts';
import {
  createSipTransport,
  createTransactionLayer,
  createUserAgent,
  type DrivenTransactionLayer,
  type Listen,
  OVERLOAD_CONTROL,
  type SipCount,
  type SipTimers,
  type SipTransport,
  type Target,
  type UserAgent,
  type UserAgentOptions,
} from '../sip/index.ts';
import { countedLayer, countedUser, createCounter, stackCounts } from './counting.ts';
import { readTlsSide } from './tls-side.ts';
import { trustOf } from './trust.ts';

export interface Stack {
  agent: UserAgent;
  layer: DrivenTransactionLayer;
  transport: SipTransport;
}

export interface StackOptions {
  sip: Settings['sip'];
  timers: SipTimers;
  clock: Clock;
  log: Log;
  count: SipCount;
  randomHex(bytes: number): string;
  /** What calls need of the Mw side: where they go, and what is done with those that come. */
  calls: Pick<UserAgentOptions, 'locate' | 'health' | 'contact' | 'standing' | 'onDemand' | 'user'>;
  /** A connection to this server has ended. */
  onBroken(server: Target): void;
}

/** Opens the sockets. Rejects with one sentence when a setting or an address cannot be used. */
export async function openStack({ sip, timers, clock, log, count, ...options }: StackOptions): Promise<Stack> {
  const counter = createCounter(count);
  const discarded = createDiscardLog(clock.now, (reason, count) =>
    log.warn({ reason, count }, 'SIP input thrown away'),
  );
  const common = {
    timers,
    log: (level: 'debug' | 'info' | 'warn' | 'error', message: string, fields: Parameters<Log['info']>[0]) =>
      log[level](fields, message),
    count: stackCounts(count, discarded),
  };
  let layer: DrivenTransactionLayer | null = null;
  const transport = await createSipTransport({
    ...common,
    listen: listenOf(sip),
    ...(sip.transports.includes('tls') ? { tls: readTlsSide(sip) } : {}),
    onMessage: (result, source) => layer?.receive(result, source),
    onBroken(server, connection) {
      layer?.broken(server, connection);
      options.onBroken(server);
    },
    accept: trustOf(sip.trustedPeers),
    limits: { connections: sip.maxConnections, keepAliveMs: sip.keepAliveMs },
  });
  const timerValues = { t1: sip.t1Ms, t2: sip.t2Ms, t4: sip.t4Ms };
  const agent = createUserAgent({
    ...options.calls,
    layer(user) {
      layer = createTransactionLayer({
        ...common,
        wire: transport,
        now: clock.now,
        random: () => options.randomHex(12),
        user: countedUser(user, counter),
        timerValues,
        limits: { transactions: sip.maxTransactions },
        singleVia: true,
        viaParams: sip.overloadControl ? OVERLOAD_CONTROL : '',
      });
      return countedLayer(layer, counter);
    },
    timers,
    now: clock.now,
    timerValues,
    patienceMs: sip.targetPatienceMs,
    randomHex: options.randomHex,
  });
  if (layer === null) throw new Error('the user agent has built no transaction layer');
  return { agent, layer, transport };
}

function listenOf(sip: Settings['sip']): Listen[] {
  return sip.transports.map(transport => {
    const base = { transport, host: sip.host, port: transport === 'tls' ? sip.tlsPort : sip.port };
    return sip.advertisedHost === '' ? base : { ...base, advertise: sip.advertisedHost };
  });
}
