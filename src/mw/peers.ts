/** Asks the first hops of the core by OPTIONS whether they live. RFC 3261 11, IMS digest 7.3. */
import type { SipTimers, Target, TargetHealth, UserAgent } from '../sip/index.ts';
import { shownTarget } from './next-hop.ts';

export interface PeersOptions {
  agent: UserAgent;
  health: TargetHealth;
  /** The servers of the first hops. */
  firsts(tell: (targets: readonly Target[]) => void): void;
  timers: SipTimers;
  /** Host and port of this node, for From. */
  hostPort(target: Target): string;
  /** Between two questions to a peer that answers, in ms; one that does not is asked three times as often. 0: nobody is asked. */
  periodMs: number;
}

export interface Peers {
  start(): void;
  close(): void;
  /** Every peer that is asked, and whether it is fit for requests. */
  states(): Array<{ peer: string; up: boolean }>;
}

/** A peer that says nothing for so long is down, in ms. */
const SILENT_MS = 5000;
const TICK = 'peers.tick';

export function createPeers(options: PeersOptions): Peers {
  const { agent, health, timers, periodMs } = options;
  let peers: readonly Target[] = [];
  /** Peers with a question open. */
  const asked = new Set<string>();
  let ticks = 0;

  function tick(): void {
    timers.start(TICK, periodMs / 3, tick);
    const round = ticks % 3 === 0;
    ticks += 1;
    options.firsts(targets => {
      peers = targets;
      for (const target of targets) if (round || !health.isUp(target)) ask(target);
    });
  }

  function ask(target: Target): void {
    const peer = shownTarget(target);
    if (asked.has(peer)) return;
    asked.add(peer);
    const silence = `peers.${peer}`;
    const done = () => {
      asked.delete(peer);
      timers.stop(silence);
    };
    timers.start(silence, SILENT_MS, () => health.failed(target, null));
    const uri = `sip:${peer}`;
    const from = `<sip:${options.hostPort(target)}>`;
    agent.request(
      { method: 'OPTIONS', uri, from, to: `<${uri}>`, route: [], headers: [['Accept', 'application/sdp']], target },
      {
        // Any answer says that it lives, but for those that say it does not. The stack has noted it already.
        onFinal(response) {
          done();
          if (response.status === 408) health.failed(target, null);
        },
        onFailure() {
          done();
          health.failed(target, null);
        },
      },
    );
  }

  return {
    start() {
      if (periodMs > 0) tick();
    },
    close: () => timers.stop(TICK),
    states: () => peers.map(target => ({ peer: shownTarget(target), up: health.isUp(target) })),
  };
}
