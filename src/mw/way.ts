/** The way to the cores: their names, the state of their servers, and the questions whether they live. RFC 3263, IMS digest 7.3. */
import { isIP } from 'node:net';
import type { Settings } from '../config/settings.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import {
  createTargetHealth,
  type Locate,
  parseUri,
  type SipTimers,
  type Target,
  type TargetHealth,
  type UserAgent,
} from '../sip/index.ts';
import { createDns } from './dns.ts';
import { createNextHops, type RealmHops, shownTarget } from './next-hop.ts';
import { createPeers, type Peers } from './peers.ts';

export interface Way {
  locate: Locate;
  health: TargetHealth;
  /** Calls `tell` when this URI leads to that server. */
  ifLedTo(uri: string, server: Target, tell: () => void): void;
  /** Begins to ask the servers of the first hops. `hostPort` is ours, as this target knows us. */
  watch(agent: UserAgent, hostPort: (target: Target) => string): Peers;
}

/** Throws with one sentence for a setting that cannot be read. */
export function createWay(
  sip: Settings['sip'],
  realms: readonly RealmHops[],
  clock: Clock,
  timers: SipTimers,
  log: Log,
): Way {
  const hops = createNextHops({
    realms,
    dns: createDns(sip.dnsServers, [isIP(sip.host) === 6 ? 6 : 4]),
    speaks: sip.transports,
    now: clock.now,
    random: Math.random,
    onFailure: (name, stale) => log.warn({ name, stale }, 'a SIP name has no address'),
  });
  const health = createTargetHealth(
    clock.now,
    (target, up) => {
      const peer = shownTarget(target);
      if (up) log.info({ peer }, 'SIP peer up');
      else log.warn({ peer }, 'SIP peer down: it does not answer, or wants to be left alone');
    },
    Math.random,
    (target, percent) => log.warn({ peer: shownTarget(target), percent }, 'SIP peer wants fewer requests'),
  );
  return {
    locate: hops.locate,
    health,
    ifLedTo(text, { transport, host, port }, tell) {
      const uri = parseUri(text);
      if (uri === null) return;
      hops.locate(uri, targets => {
        const found = targets.some(to => to.transport === transport && to.host === host && to.port === port);
        if (found) tell();
      });
    },
    watch(agent, hostPort) {
      const { firsts } = hops;
      const peers = createPeers({ agent, health, firsts, timers, hostPort, periodMs: sip.optionsMs });
      peers.start();
      return peers;
    },
  };
}
