/** Metrics in Prometheus text; every metric is declared here, so names stay stable and documented. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export type Labels = Readonly<Record<string, string>>;

export interface Metrics {
  /** Adds `value` (default 1) to a counter, or observes it when the name is a histogram's. What was not declared counts in `metrics_rejected_total`. */
  count(name: string, labels?: Labels, value?: number): void;
  /** Observes seconds (or a ratio) in a histogram. */
  observe(name: string, value: number, labels?: Labels): void;
  /** A gauge read when the metrics are read; `labels` names those of the figures it gives, which may be none at first. */
  gauge(
    name: string,
    help: string,
    read: () => number | Array<{ labels: Labels; value: number }>,
    labels?: readonly string[],
  ): void;
  /** Prometheus text format. */
  text(): Promise<string>;
  readonly contentType: string;
}

type Declaration = readonly [help: string, labels: readonly string[]];

export const counters: Readonly<Record<string, Declaration>> = {
  api_rejections_total: ['Requests refused by the pipeline before an operation ran.', ['reason']],
  ims_register_total: ['REGISTER transactions by outcome.', ['outcome', 'sip_code']],
  sip_requests_total: ['SIP requests.', ['method', 'direction']],
  sip_responses_total: ['SIP responses.', ['method', 'class', 'direction']],
  sip_retransmissions_total: ['SIP messages sent again.', ['method']],
  w2_sip_requests_total: ['Requests of user agents on W2, by how they were answered.', ['method', 'class']],
  sip_discarded_total: ['SIP input thrown away.', ['reason']],
  call_attempts_total: ['Calls by how they ended.', ['case', 'direction', 'outcome']],
  emergency_calls_total: ['Emergency calls by how they ended.', ['outcome']],
  call_ends_total: ['Call legs by final status and class of reason.', ['direction', 'status', 'class']],
  media_packets_total: ['RTP packets received, by side; counted when a call ends.', ['from']],
  media_events_total: ['Packets dropped, by reason, and telephone events.', ['event']],
  media_failures_total: ['Media operations that failed.', ['operation', 'failure']],
  media_worker_restarts_total: ['Media workers that ended and were started again.', []],
  media_lost_total: ['Calls whose media was lost.', ['cause']],
  media_one_way_total: ['Answered calls in which a side had not sent a packet after 20 s.', ['side']],
  rtpengine_requests_total: ['Requests to rtpengine by what came of them.', ['daemon', 'command', 'outcome']],
  rtpengine_resends_total: ['Requests to rtpengine sent once more.', ['daemon']],
  rtpengine_key_frames_unasked_total: [
    'Key frames that far ends asked for by INFO and no browser was asked for.',
    ['daemon'],
  ],
  events_total: ['Events by what became of them.', ['type', 'channel', 'outcome']],
  overload_shed_total: ['Work refused because of load.', ['reason']],
  metrics_rejected_total: ['Figures that no declared metric would take: a fault of the program.', ['name']],
  store_failures_total: ['Commits that the store could not keep.', []],
  visitor_tokens_total: ['Visitor tokens given, or why a page was refused one.', ['outcome']],
  visitor_calls_total: ['Calls of visitors by class of their end.', ['pool', 'class']],
  token_rejections_total: ['Access tokens refused.', ['reason']],
};

export const histograms: Readonly<Record<string, readonly [...declaration: Declaration, buckets?: readonly number[]]>> =
  {
    api_request_duration_seconds: ['Time to answer an API request.', ['api', 'operation', 'code']],
    ims_register_duration_seconds: ['Time of a REGISTER until its final response.', []],
    call_setup_duration_seconds: ['From INVITE to the answer.', ['direction']],
    call_duration_seconds: [
      'From the answer to the end.',
      ['direction'],
      [1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14_400],
    ],
    media_command_duration_seconds: ['Time a media command took.', ['command', 'outcome']],
    media_mos: [
      'Estimated mean opinion score (ITU-T G.107) of what came from a side, at the end of a call.',
      ['side'],
      [1.5, 2, 2.5, 3, 3.25, 3.5, 3.75, 4, 4.1, 4.2, 4.3, 4.4],
    ],
    media_loss_ratio: [
      'Share of the packets of a side that did not arrive, at the end of a call.',
      ['side'],
      [0, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1],
    ],
    media_jitter_seconds: ['Mean jitter of a side, at the end of a call.', ['side']],
    media_round_trip_seconds: ['Mean round trip between the gateway and a side, at the end of a call.', ['side']],
    rtpengine_round_trip_seconds: ['Time until rtpengine replied to a request that was sent once.', ['daemon']],
    event_delivery_duration_seconds: ['From the event to its delivery.', ['channel']],
  };

/** How often the lateness of the event loop is looked at: each look wakes an idle process. */
const LAG_EVERY_MS = 500;

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'lineside_', eventLoopMonitoringPrecision: LAG_EVERY_MS });
  const counter = new Map<string, Counter>();
  for (const [name, [help, labels]] of Object.entries(counters)) {
    counter.set(name, new Counter({ name: `lineside_${name}`, help, labelNames: [...labels], registers: [registry] }));
  }
  const histogram = new Map<string, Histogram>();
  for (const [name, [help, labels, own = SECONDS]] of Object.entries(histograms)) {
    const buckets = [...own];
    histogram.set(
      name,
      new Histogram({ name: `lineside_${name}`, help, labelNames: [...labels], buckets, registers: [registry] }),
    );
  }
  /** A wrong figure must not end a call: it is counted as a fault of ours. */
  function take(name: string, labels: Labels, value: number): void {
    try {
      const found = counter.get(name);
      if (found !== undefined) found.inc(labels, value);
      else histogramOf(name).observe(labels, value);
    } catch {
      counter.get('metrics_rejected_total')?.inc({ name }, 1);
    }
  }

  function histogramOf(name: string): Histogram {
    const found = histogram.get(name);
    if (found === undefined) throw new RangeError(name);
    return found;
  }

  return {
    count: (name, labels = {}, value = 1) => take(name, labels, value),
    observe: (name, value, labels = {}) => take(name, labels, value),
    gauge(name, help, read, labels = []) {
      const labelNames = new Set<string>(labels);
      const first = read();
      if (Array.isArray(first))
        for (const { labels } of first) for (const label of Object.keys(labels)) labelNames.add(label);
      new Gauge({
        name: `lineside_${name}`,
        help,
        labelNames: [...labelNames],
        registers: [registry],
        collect() {
          const now = read();
          if (typeof now === 'number') this.set(now);
          else {
            // Those that are no longer given are no longer shown.
            this.reset();
            for (const figure of now) this.set(figure.labels, figure.value);
          }
        },
      });
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
