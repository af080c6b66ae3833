/** The Ims port over SIP: a trusted node on Mw, a client behind a P-CSCF, or a trunk. IMS digest 1.4, TS 24.371. */
import { randomBytes } from 'node:crypto';
import { realmsOf } from '../config/realm.ts';
import type { Settings } from '../config/settings.ts';
import { BACK_OFF, type BackOff } from '../ep-cscf/back-off.ts';
import type { BindingId, CallId, Ids } from '../ep-cscf/ids.ts';
import type { Emit, ImsPort } from '../ep-cscf/ports.ts';
import type { Clock } from '../runtime/clock.ts';
import { createDiscardLog } from '../runtime/discard-log.ts';
import type { Log } from '../runtime/log.ts';
import {
  type CallUser,
  isEmergencyRequest,
  type Refusal,
  reasonPhrase,
  type SipCount,
  type SipRequest,
  type SipTimers,
  type Target,
  type UserAgentUser,
} from '../sip/index.ts';
import { chargingOf } from './charging.ts';
import { callContact, ownUri } from './headers.ts';
import type { Transport } from './node.ts';
import { createOverload } from './overload.ts';
import type { Peers } from './peers.ts';
import { PRECONDITION } from './precondition-demand.ts';
import { createRealm, type NodeParts, type Realm } from './realm.ts';
import { createRealms } from './realms.ts';
import { openStack, type Stack } from './stack.ts';
import { readTlsSide } from './tls-side.ts';
import { createWay } from './way.ts';

export interface MwOptions {
  settings: Pick<Settings, 'sip' | 'ims' | 'emergency' | 'media'>;
  /** Default: that of RFC 5626. */
  backOff?: BackOff;
  emit: Emit;
  ids: Ids;
  /** Shard of a binding the core knows, or null for a token it does not. */
  shardOfBinding(binding: BindingId): number | null;
  timers: SipTimers;
  clock: Clock;
  log: Log;
  /** Declared counters only: sip_requests_total, sip_responses_total, sip_discarded_total, overload_shed_total. */
  count: SipCount;
  /** How late the event loop is, in ms. */
  lagMs(): number;
  /** So many random bytes as lower-case hex. Default: node:crypto. */
  randomHex?: (bytes: number) => string;
}

export interface Mw {
  port: ImsPort;
  /** Opens the sockets. Rejects with one sentence when a setting or an address cannot be used. */
  start(): Promise<void>;
  /** New calls are refused with 503 from now, but no emergency call and no call back to one; live ones go on. */
  drain(): void;
  /** Ends what is left (CANCEL, BYE, 480), gives it a second, closes the sockets. */
  close(): Promise<void>;
  /** Reads our certificate again, for connections from now on. One that cannot be used is told in the log, and changes nothing. */
  reload(): void;
  /** Live counts for gauges and leak tests. */
  sizes(): {
    bindings: number;
    calls: number;
    dialogs: number;
    subscriptions: number;
    transactions: number;
    connections: number;
  };
  /** The servers of the first hops, and whether each is fit for requests. Empty while none is asked. */
  peers(): Array<{ peer: string; up: boolean }>;
  /** Address the SIP sockets are bound to; the port is the system's choice when the setting is 0. Null before `start`. */
  listening(): { host: string; port: number } | null;
}

const SHUTDOWN_MS = 1000;
const NONE = { calls: 0, dialogs: 0, subscriptions: 0 };
const DRAINED: readonly [string, string] = ['Reason', 'SIP;cause=503;text="Service Unavailable"'];

export function createMw(options: MwOptions): Mw {
  const { settings, ids, log, count, timers, clock } = options;
  const { sip, ims } = settings;
  const randomHex = options.randomHex ?? ((bytes: number) => randomBytes(bytes).toString('hex'));
  let running: (Stack & { peers: Peers }) | null = null;
  let draining = false;

  const host = sip.advertisedHost || sip.host;
  const parts: NodeParts = {
    emit: options.emit,
    emergency: settings.emergency,
    video: settings.media.video,
    backOff: options.backOff ?? BACK_OFF,
    ids,
    timers,
    now: clock.now,
    log,
    host,
    hostPort(transport) {
      const sentBy = started().transport.listening.find(socket => socket.transport === transport)?.sentBy;
      return sentBy === undefined ? `${host}:${sip.port}` : `${sentBy.host}:${sentBy.port}`;
    },
    icid: () => randomHex(16),
    agent: () => started().agent,
  };
  const [firstRealm, ...others] = realmsOf(ims);
  const realmList = [
    createRealm(firstRealm, parts, timers),
    ...others.map(one => createRealm(one, parts, timers)),
  ] as const;
  const realms = createRealms(realmList, options.emit, token => options.shardOfBinding(token as BindingId) !== null);
  const way = createWay(sip, realmList, clock, timers, log);
  /** Ids of calls whose INVITE is being taken in: the Contact is asked for before the call is offered. */
  const minted = new WeakMap<SipRequest, { owner: CallId; realm: Realm; binding: BindingId }>();

  function started(): NonNullable<typeof running> {
    if (running === null) throw new Error('the Mw side was used before start or after close');
    return running;
  }

  function contactOf(invite: SipRequest): string {
    const found = realms.find(invite);
    const shard = found === null ? null : options.shardOfBinding(found.binding);
    const transport = transportOf(invite);
    if (found === null || shard === null) return `<sip:${parts.hostPort(transport)}>`;
    const owner = ids.call(shard);
    minted.set(invite, { owner, ...found });
    return callContact(ownUri(owner, parts.hostPort(transport), transport));
  }

  function onInvite(
    call: Parameters<Realm['calls']['invited']>[2],
    request: SipRequest,
    sdp: string | null,
  ): CallUser | Refusal {
    const known = minted.get(request);
    if (known === undefined) return { status: 404, reason: reasonPhrase(404) };
    if (draining && !isEmergencyRequest(request)) {
      count('overload_shed_total', { reason: 'draining' }, 1);
      return { status: 503, reason: reasonPhrase(503), headers: [['Retry-After', '30']] };
    }
    const { owner, binding, realm } = known;
    return realm.calls.invited(owner, { binding, number: realm.bindings.numberOf(binding) }, call, request, sdp);
  }

  async function start(): Promise<void> {
    const shed = createDiscardLog(clock.now, (reason, count) =>
      log.warn({ reason, count }, 'SIP requests refused because of load'),
    );
    const overload = createOverload({
      lagMs: options.lagMs,
      calls: () => realms.calls,
      maxLagMs: sip.maxLagMs,
      maxCalls: sip.maxCalls,
      count,
      tell: reason => shed(reason, 1),
      random: Math.random,
    });
    const user: UserAgentUser = {
      onInvite,
      screen: overload,
      onOptions: () => (draining ? { status: 503, reason: reasonPhrase(503) } : { status: 200, reason: 'OK' }),
      log: (level, message, fields) => log[level](fields, message),
    };
    const { locate, health } = way;
    const calls = { user, locate, health, contact: contactOf, standing: chargingOf, onDemand: [PRECONDITION] };
    const stack = await openStack({ sip, timers, clock, log, count, randomHex, calls, onBroken });
    const peers = way.watch(stack.agent, target => {
      const sentBy = stack.transport.sentBy(target);
      return sentBy === null ? 'invalid' : `${sentBy.host}:${sentBy.port}`;
    });
    running = { ...stack, peers };
    for (const { transport, host, port } of stack.transport.listening)
      log.info({ transport, host, port }, 'SIP listens');
    realms.start();
  }

  function onBroken(server: Target): void {
    for (const { proxy, bindings } of realmList) way.ifLedTo(proxy, server, bindings.flowLost);
  }

  async function close(): Promise<void> {
    if (running === null) return;
    const { agent, layer, transport, peers } = running;
    draining = true;
    const leaving = realms.stop();
    peers.close();
    agent.endAll([DRAINED]);
    const until = Date.now() + SHUTDOWN_MS;
    const busy = ({ calls, singles } = agent.sizes()) => calls > 0 || (leaving && singles > 0);
    while (busy() && Date.now() < until) await new Promise(resolve => setTimeout(resolve, 20));
    layer.close();
    await transport.close();
    running = null;
  }

  return {
    port: { run: realms.run },
    start,
    drain() {
      draining = true;
    },
    close,
    sizes() {
      const { calls, dialogs, subscriptions } = running?.agent.sizes() ?? NONE;
      const transactions = running?.layer.size ?? 0;
      const connections = running?.transport.connections ?? 0;
      return { bindings: realms.bindings, calls, dialogs, subscriptions, transactions, connections };
    },
    reload() {
      if (running === null || !sip.transports.includes('tls')) return;
      try {
        running.transport.setTls(readTlsSide(sip));
        log.info({}, 'the certificate for SIP was read again');
      } catch (error) {
        log.error({ fault: (error as Error).message }, 'the certificate for SIP cannot be used; the old one stays');
      }
    },
    peers: () => running?.peers.states() ?? [],
    listening() {
      const socket = running?.transport.listening[0];
      return socket === undefined ? null : { host: socket.host, port: socket.port };
    },
  };
}

/** Transport a request came by. */
function transportOf(request: SipRequest): Transport {
  const said = request.headers.via()?.transport;
  return said === 'TLS' ? 'tls' : said === 'TCP' ? 'tcp' : 'udp';
}
