/** From a request to its answer: makes the exchange, runs the pipeline, responds, and leaves one log line and two metrics. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { correlatorOf } from './correlator.ts';
import type { Exchange, Outcome, PipelineParts } from './exchange.ts';
import { runPipeline } from './pipeline.ts';
import { respond, statusOf } from './respond.ts';

/** API requests worked on at once; past it they are refused, so that memory stays bounded whatever the core waits for. */
export const IN_FLIGHT_LIMIT = 2000;

export interface ServiceParts {
  parts: PipelineParts;
  clock: Clock;
  log: Log;
  metrics: Metrics;
}

export interface Service {
  /** True when the request is for one of the APIs. */
  owns(url: string): boolean;
  /** Answers a request. Never throws. */
  serve(request: FastifyRequest, reply: FastifyReply): void;
}

export function createService({ parts, clock, log, metrics }: ServiceParts): Service {
  let inFlight = 0;
  return {
    owns: url => parts.routes.owns(pathOf(url)),
    serve(request, reply) {
      const startedAt = performance.now();
      const exchange = begin(request);
      inFlight += 1;
      const outcome: Promise<Outcome> =
        inFlight > IN_FLIGHT_LIMIT
          ? Promise.resolve(shed())
          : runPipeline(exchange, (step, fault) => {
              log.error(
                { step, correlator: exchange.correlator, fault: faultOf(fault) },
                'A step of the pipeline broke.',
              );
            });
      void outcome
        .then(said => {
          respond(exchange, said, reply);
          tell(exchange, said, (performance.now() - startedAt) / 1000);
        })
        .catch((fault: unknown) => {
          log.error({ correlator: exchange.correlator, fault: faultOf(fault) }, 'A response could not be written.');
          request.raw.destroy();
        })
        .finally(() => {
          inFlight -= 1;
        });
    },
  };

  function begin(request: FastifyRequest): Exchange {
    const { raw } = request;
    const url = raw.url ?? '/';
    const mark = url.indexOf('?');
    const { value, valid } = correlatorOf(raw, parts.ids.uuid);
    return {
      parts,
      request: raw,
      method: raw.method ?? '',
      path: pathOf(url),
      query: mark < 0 ? noQuery : new URLSearchParams(url.slice(mark + 1)),
      address: parts.addressOf(raw),
      now: clock.now(),
      correlator: value,
      correlatorValid: valid,
      api: 'none',
      base: '',
      operation: null,
      asked: null,
      params: {},
      access: null,
      waitMs: 0,
      dpop: false,
      body: null,
      call: null,
      allow: '',
      close: false,
    };
  }

  function shed(): Outcome {
    metrics.count('overload_shed_total', { reason: 'api' });
    return { ok: false, error: 'overloaded' };
  }

  function tell(exchange: Exchange, outcome: Outcome, seconds: number): void {
    const status = statusOf(outcome);
    const operation = exchange.operation?.id ?? (exchange.method === 'OPTIONS' ? 'preflight' : 'none');
    const { api, correlator, access } = exchange;
    metrics.observe('api_request_duration_seconds', seconds, { api, operation, code: String(status) });
    if (!outcome.ok) metrics.count('api_rejections_total', { reason: outcome.error });
    log.info(
      {
        correlator,
        client: access?.principal.clientId,
        purpose: access?.purpose,
        api,
        operation,
        status,
        reason: outcome.ok ? undefined : outcome.error,
        ms: Math.round(seconds * 1e6) / 1e3,
      },
      'API request',
    );
  }
}

const noQuery = new URLSearchParams();

function pathOf(url: string): string {
  const mark = url.indexOf('?');
  return mark < 0 ? url : url.slice(0, mark);
}

/** What broke, without values: messages of our own errors carry none. */
function faultOf(fault: unknown): string {
  return fault instanceof Error ? `${fault.name}: ${fault.message}` : 'unknown';
}
