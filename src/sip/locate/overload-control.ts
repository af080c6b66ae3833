/** What a server says of the load it can take, in the Via of its responses, and which requests that keeps from it. RFC 7339. */
import type { SipResponse } from '../message/message.ts';

/** Via parameters by which we say that we obey: the loss-based algorithm alone. RFC 7339 4.1, 4.2. */
export const OVERLOAD_CONTROL = ';oc;oc-algo="loss"';

/** One word of a server. */
export interface LossReport {
  /** Share of the new requests not to be sent, 0 to 100. */
  percent: number;
  /** 0 ends the limit. */
  validityMs: number;
  /** Later words have higher ones. */
  seq: number;
}

/** RFC 7339 4.3. */
const DEFAULT_VALIDITY_MS = 500;
/** A longer validity is not obeyed, in ms: a server renews it with each response. */
const MAX_VALIDITY_MS = 300_000;

/** The report in the top Via of a response; null when there is none that we obey. RFC 7339 4, 5.1. */
export function lossReportOf(response: SipResponse): LossReport | null {
  const params = response.headers.via()?.params;
  const oc = params?.get('oc');
  if (params === undefined || oc === undefined || oc === null) return null;
  const percent = amount(oc);
  const seq = amount(params.get('oc-seq') ?? null);
  const validityMs = params.has('oc-validity') ? amount(params.get('oc-validity') ?? null) : DEFAULT_VALIDITY_MS;
  if (percent === null || percent > 100 || seq === null || validityMs === null) return null;
  if (params.get('oc-algo')?.replaceAll('"', '').trim().toLowerCase() !== 'loss') return null;
  return { percent, validityMs: Math.min(validityMs, MAX_VALIDITY_MS), seq };
}

function amount(text: string | null): number | null {
  return text !== null && /^\d{1,15}(\.\d{1,9})?$/.test(text) ? Number(text) : null;
}

export interface LossLimits {
  /** Takes a report of the server of this key; one that is older than the last is dropped. True when a limit begins. */
  report(key: string, report: LossReport): boolean;
  /** Whether a new request is kept from this server. */
  drops(key: string): boolean;
  /** Servers that have ever asked for less. */
  readonly size: number;
}

interface Limit {
  percent: number;
  until: number;
  seq: number;
}

const MAX_LIMITS = 1000;

/** `now` in ms; `random` gives [0, 1). RFC 7339 5.10. */
export function createLossLimits(now: () => number, random: () => number): LossLimits {
  const limits = new Map<string, Limit>();
  return {
    report(key, { percent, validityMs, seq }) {
      const known = limits.get(key);
      if (known !== undefined && seq <= known.seq) return false;
      // Nothing is kept of servers that have never asked for less.
      if (known === undefined && (percent === 0 || validityMs === 0)) return false;
      const begins = (known === undefined || known.until <= now()) && percent > 0 && validityMs > 0;
      if (known === undefined && limits.size >= MAX_LIMITS) limits.delete(limits.keys().next().value ?? '');
      limits.set(key, { percent, until: now() + validityMs, seq });
      return begins;
    },
    drops(key) {
      const limit = limits.get(key);
      return limit !== undefined && limit.until > now() && random() * 100 < limit.percent;
    },
    get size() {
      return limits.size;
    },
  };
}
