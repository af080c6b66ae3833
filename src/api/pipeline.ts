/** The request pipeline: every API request goes down this list, and the first step with something to say answers it. CAMARA digest 2.1. */
import type { Exchange, Outcome } from './exchange.ts';
import {
  addressRate,
  authentication,
  callerRate,
  correlator,
  media,
  methodAllowed,
  ownership,
  parameters,
  preflight,
  routeKnown,
  runOperation,
  schema,
  scope,
  tokenAgreement,
  urgency,
} from './pipeline-steps.ts';

/** Null: go on. */
export type Step = (exchange: Exchange) => Outcome | null | Promise<Outcome | null>;

export const pipeline: ReadonlyArray<readonly [name: string, step: Step]> = [
  ['route', routeKnown],
  ['preflight', preflight],
  ['method', methodAllowed],
  ['address-rate', addressRate],
  ['authentication', authentication],
  ['caller-rate', callerRate],
  ['scope', scope],
  ['correlator', correlator],
  ['media', media],
  ['urgency', urgency],
  ['parameters', parameters],
  ['ownership', ownership],
  ['schema', schema],
  ['token-agreement', tokenAgreement],
  // State, limits and the network answer in here.
  ['operation', runOperation],
];

/** Runs the steps in order. Resolves with the answer, and never rejects: a broken promise of ours becomes 'internal'. */
export async function runPipeline(
  exchange: Exchange,
  onFault: (step: string, fault: unknown) => void,
): Promise<Outcome> {
  let at = '';
  try {
    for (const [name, step] of pipeline) {
      at = name;
      const said = step(exchange);
      const outcome = said instanceof Promise ? await said : said;
      if (outcome !== null) return outcome;
    }
    throw new Error('No step answered the request.');
  } catch (fault) {
    onFault(at, fault);
    return { ok: false, error: 'internal' };
  }
}
