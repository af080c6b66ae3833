/** One request on its way down the pipeline, and what the steps share. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Ids } from '../ep-cscf/ids.ts';
import type { ClientAddress } from '../runtime/client-address.ts';
import type { CallerRates } from '../runtime/rate-limit.ts';
import type { Cors } from './cors.ts';
import type { JsonObject } from './json.ts';
import type { Answer, Call, Operation } from './operation.ts';
import type { Access, AccessTokens, Refusal } from './ports.ts';
import type { Routes } from './route.ts';

/** What the steps need; the same for all requests. */
export interface PipelineParts {
  routes: Routes;
  cors: Cors;
  tokens: AccessTokens;
  ids: Pick<Ids, 'uuid'>;
  rates: CallerRates;
  addressOf: ClientAddress;
  bodyLimitBytes: number;
  /** Public base URL, without a closing slash. */
  publicUrl(): string;
  /** Responses that go on. */
  streams: Set<ServerResponse>;
}

export interface Exchange {
  parts: PipelineParts;
  request: IncomingMessage;
  method: string;
  /** As received, without the query. */
  path: string;
  query: URLSearchParams;
  address: string;
  /** ms since the epoch. */
  now: number;
  correlator: string;
  correlatorValid: boolean;
  /** Name of the API, or 'none' before the route is known. */
  api: string;
  base: string;
  operation: Operation | null;
  /** The same, or what a preflight asks about: whose origins count. */
  asked: Operation | null;
  params: Readonly<Record<string, string>>;
  access: Access | null;
  /** The client asks too often, and has to wait this long unless its body says that the matter is urgent, in ms. */
  waitMs: number;
  /** The token was shown by DPoP, good or not: the challenge of a 401 answers in kind. */
  dpop: boolean;
  body: JsonObject | null;
  call: Call | null;
  /** Allow header: methods of the path. */
  allow: string;
  /** The connection cannot be used any more: a body was left unread. */
  close: boolean;
}

/** The answer to a preflight. */
interface Preflight {
  ok: true;
  status: 204;
  preflight: true;
}

export type Outcome = Answer | Preflight | Refusal;

/** The one value of a header, or null: absent. Several lines of it count as `several`. Node keeps only the first of some. */
export function headerLines(request: IncomingMessage, name: string): { value: string | null; several: boolean } {
  const { rawHeaders } = request;
  let value: string | null = null;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const field = rawHeaders[i];
    if (field?.length !== name.length || field.toLowerCase() !== name) continue;
    if (value !== null) return { value, several: true };
    value = rawHeaders[i + 1] ?? '';
  }
  return { value, several: false };
}
