/** Spares a sink host that does not answer: after some failures in a row nothing is tried for a while, then one attempt probes. */

export interface CircuitBreaker {
  /** 0 when an attempt may start now (it must then be told as `succeeded` or `failed`), else ms until it is worth asking again. */
  ask(host: string, now: number): number;
  succeeded(host: string): void;
  failed(host: string, now: number): void;
  /** Hosts held back now. */
  open(now: number): number;
}

interface Host {
  /** Failures in a row. */
  failures: number;
  /** No attempt before this, ms since the epoch. */
  until: number;
  probing: boolean;
}

const FAILURES = 5;
/** First pause; it doubles with each failed probe up to the longest, which leaves several probes in the life of a session event. */
const PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 8000;
/** While a probe is under way the others ask again after this. */
const PROBE_WAIT_MS = 250;
/** Hosts remembered; past it those that are not held back are forgotten. */
const HOSTS = 4096;

/** Makes a breaker; hosts are independent of each other. */
export function createCircuitBreaker(): CircuitBreaker {
  const hosts = new Map<string, Host>();

  return {
    ask(host, now) {
      const found = hosts.get(host);
      if (found === undefined || found.failures < FAILURES) return 0;
      if (found.until > now) return found.until - now;
      if (found.probing) return PROBE_WAIT_MS;
      found.probing = true;
      return 0;
    },
    succeeded(host) {
      hosts.delete(host);
    },
    failed(host, now) {
      const found = hosts.get(host) ?? { failures: 0, until: 0, probing: false };
      if (!hosts.has(host)) {
        if (hosts.size >= HOSTS) for (const [name, each] of hosts) if (each.until <= now) hosts.delete(name);
        hosts.set(host, found);
      }
      // Attempts that were already on their way when it opened do not lengthen the pause.
      if (found.failures >= FAILURES && !found.probing) return;
      found.failures += 1;
      found.probing = false;
      if (found.failures >= FAILURES) {
        found.until = now + Math.min(PAUSE_MS * 2 ** (found.failures - FAILURES), LONGEST_PAUSE_MS);
      }
    },
    open(now) {
      let count = 0;
      for (const host of hosts.values()) if (host.until > now) count += 1;
      return count;
    },
  };
}
