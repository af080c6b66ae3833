/** Writes the answer of the pipeline: status, headers, body. Nothing else writes an API response. CAMARA digest 2.2, 2.4. */
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import { errorTable } from '../errors.ts';
import { drainBody, isUnreadable } from './body.ts';
import { ALLOWED_HEADERS, EXPOSED_HEADERS, PREFLIGHT_AGE_S } from './cors.ts';
import type { Exchange, Outcome } from './exchange.ts';
import type { Refusal } from './ports.ts';

const DRAIN_MS = 1000;
const RETRY_S = 5;

/** HTTP status of an outcome. */
export function statusOf(outcome: Outcome): number {
  return outcome.ok ? outcome.status : errorTable[outcome.error].status;
}

/** Sends the answer. */
export function respond(exchange: Exchange, outcome: Outcome, reply: FastifyReply): void {
  const headers = headersOf(exchange, outcome);
  const { request, parts } = exchange;
  if ('stream' in outcome && outcome.stream !== undefined) {
    startStream(exchange, reply, headers, outcome.stream);
    return;
  }
  const body = bodyOf(outcome);
  if (exchange.close || isUnreadable(request, parts.bodyLimitBytes)) {
    void answerAndClose(exchange, reply, statusOf(outcome), headers, body ?? '');
    return;
  }
  // As bytes: text of this type would be sent with a charset, which JSON has not (RFC 8259 11).
  reply
    .code(statusOf(outcome))
    .headers(headers)
    .send(body === undefined ? undefined : Buffer.from(body));
}

function headersOf(exchange: Exchange, outcome: Outcome): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {
    'x-correlator': exchange.correlator,
    'cache-control': 'no-store',
    vary: 'Origin',
  };
  addCors(exchange, outcome, headers);
  if ('preflight' in outcome) headers['allow'] = exchange.allow;
  else if (!outcome.ok) {
    addRefusal(exchange, outcome, headers);
    headers['content-type'] = 'application/json';
  } else if ('body' in outcome) {
    headers['content-type'] = 'application/json';
    if (outcome.location !== undefined)
      headers['location'] = exchange.parts.publicUrl() + exchange.base + outcome.location;
  }
  return headers;
}

function addCors(exchange: Exchange, outcome: Outcome, headers: OutgoingHttpHeaders): void {
  const { origin } = exchange.request.headers;
  if (origin === undefined || !mayRead(exchange, origin)) return;
  headers['access-control-allow-origin'] = origin;
  if (outcome.ok && 'preflight' in outcome) {
    headers['access-control-allow-methods'] = exchange.allow;
    headers['access-control-allow-headers'] = ALLOWED_HEADERS;
    headers['access-control-max-age'] = String(PREFLIGHT_AGE_S);
  } else headers['access-control-expose-headers'] = EXPOSED_HEADERS;
}

function mayRead({ access, asked, params, parts }: Exchange, origin: string): boolean {
  const own = asked?.origins?.(params, access) ?? null;
  return own === null ? parts.cors.allows(origin, access?.principal.clientId ?? null) : own.includes(origin);
}

function addRefusal(exchange: Exchange, refusal: Refusal, headers: OutgoingHttpHeaders): void {
  const { status } = errorTable[refusal.error];
  if (status === 401) headers['www-authenticate'] = exchange.dpop ? 'DPoP' : 'Bearer';
  if (status === 405) headers['allow'] = exchange.allow;
  if (status === 429 || status === 503) headers['retry-after'] = String(refusal.retryAfterS ?? RETRY_S);
}

/** Undefined when the answer has no body. */
function bodyOf(outcome: Outcome): string | undefined {
  if (!outcome.ok) {
    const { status, code, message } = errorTable[outcome.error];
    return JSON.stringify({ status, code, message: (outcome.message ?? message).slice(0, 512) });
  }
  return 'body' in outcome ? JSON.stringify(outcome.body) : undefined;
}

function startStream(
  exchange: Exchange,
  reply: FastifyReply,
  headers: OutgoingHttpHeaders,
  stream: (response: ServerResponse) => void,
): void {
  reply.hijack();
  const response = reply.raw;
  const { streams } = exchange.parts;
  streams.add(response);
  response.on('close', () => streams.delete(response));
  // Proxies that gather answers would hold events back.
  response.writeHead(200, { ...headers, 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
  stream(response);
}

/** The whole answer goes out first; then what is still coming is thrown away for a while, so that the client gets to read it. */
async function answerAndClose(
  exchange: Exchange,
  reply: FastifyReply,
  status: number,
  headers: OutgoingHttpHeaders,
  body: string,
): Promise<void> {
  reply.hijack();
  const response = reply.raw;
  response.on('error', () => {});
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body), connection: 'close' });
  response.write(body);
  await drainBody(exchange.request, 64 * exchange.parts.bodyLimitBytes, DRAIN_MS);
  response.end();
}
