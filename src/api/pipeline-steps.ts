/** The steps of the request pipeline, in the order they run. */
import { hasBody, readBody } from './body.ts';
import { type Exchange, headerLines, type Outcome } from './exchange.ts';
import { parseJsonObject } from './json.ts';
import { accepts, isJsonType } from './media-type.ts';
import { type Call, invalid, type Operation } from './operation.ts';
import type { Proof } from './ports.ts';

const ID_LIMIT = 256;

export function routeKnown(exchange: Exchange): Outcome | null {
  const found = exchange.parts.routes.find(exchange.path);
  if (found !== null) {
    exchange.api = found.api.name;
    exchange.base = found.base;
  }
  if (!found?.methods) return { ok: false, error: 'unknown-route' };
  const target = found.methods.get(exchange.method) ?? null;
  exchange.operation = target?.operation ?? null;
  exchange.asked = exchange.operation ?? found.methods.get(askedMethod(exchange))?.operation ?? null;
  exchange.params = target?.emptyId ? { [target.emptyId]: '' } : found.params;
  exchange.allow = found.allow;
  return null;
}

/** What a preflight is about. */
function askedMethod({ request }: Exchange): string {
  return request.headers['access-control-request-method'] ?? '';
}

/** A browser asks first, without a token, and so may anybody. What may be done is said by headers; to pages, when the origin is known. */
export function preflight({ method }: Exchange): Outcome | null {
  return method === 'OPTIONS' ? { ok: true, status: 204, preflight: true } : null;
}

export function methodAllowed(exchange: Exchange): Outcome | null {
  return exchange.operation === null ? { ok: false, error: 'method-not-allowed' } : null;
}

export function addressRate(exchange: Exchange): Outcome | null {
  return limited(exchange.parts.rates.ofAddress(exchange.address, exchange.now));
}

/** One token in one Authorization header, as a bearer token or with a proof of its key, and none in the query. RFC 6750 2, RFC 9449 7. */
export function authentication(exchange: Exchange): Outcome | null | Promise<Outcome | null> {
  if (operationOf(exchange).scopes.length === 0) return null;
  const { value, several } = headerLines(exchange.request, 'authorization');
  if (value === null && operationOf(exchange).ticket !== undefined) return byTicket(exchange);
  const shown = value === null ? null : shownIn(value);
  if (several || shown === null || exchange.query.has('access_token')) return { ok: false, error: 'unauthenticated' };
  exchange.dpop = shown.scheme === 'dpop';
  const proof = exchange.dpop ? proofOf(exchange) : null;
  if (exchange.dpop && proof === null) return { ok: false, error: 'unauthenticated' };
  const tokens = operationOf(exchange).tokens ?? exchange.parts.tokens;
  return tokens.verify(shown.token, proof).then(access => {
    if (access === null) return { ok: false, error: 'unauthenticated' };
    if ('error' in access) return access;
    exchange.access = access;
    return null;
  });
}

/** Where a browser cannot set Authorization (EventSource). The ticket allows this operation and nothing else. */
function byTicket(exchange: Exchange): Outcome | null {
  const operation = operationOf(exchange);
  const tickets = exchange.query.getAll('ticket');
  const [ticket = ''] = tickets;
  const principal = tickets.length === 1 ? (operation.ticket?.(ticket, exchange.params) ?? null) : null;
  if (principal === null) return { ok: false, error: 'unauthenticated' };
  exchange.access = { principal, scopes: new Set(operation.scopes), expiresAt: exchange.now };
  return null;
}

export function callerRate(exchange: Exchange): Outcome | null {
  const { access, now, parts } = exchange;
  if (access === null) return null;
  const wait = parts.rates.ofCaller(access.principal, access.visitor !== undefined, now);
  if (operationOf(exchange).urgent === undefined) return limited(wait);
  exchange.waitMs = wait;
  return null;
}

/** What had to wait for its body is held back now, unless it is urgent: an emergency call is not refused for the calls before it. */
export function urgency(exchange: Exchange): Outcome | null {
  const { body, waitMs } = exchange;
  if (waitMs === 0 || (body !== null && operationOf(exchange).urgent?.(body) === true)) return null;
  return limited(waitMs);
}

export function scope(exchange: Exchange): Outcome | null {
  const { scopes } = operationOf(exchange);
  const held = exchange.access?.scopes;
  if (scopes.length === 0 || scopes.some(name => held?.has(name))) return null;
  return { ok: false, error: 'scope-missing' };
}

export function correlator(exchange: Exchange): Outcome | null {
  return exchange.correlatorValid ? null : invalid('The header x-correlator cannot be used.');
}

/** Accept, Content-Type, Content-Encoding, size, and the JSON itself. */
export async function media(exchange: Exchange): Promise<Outcome | null> {
  const { request, parts } = exchange;
  const { body: wanted, produces } = operationOf(exchange);
  if (!accepts(request.headers.accept, produces)) return { ok: false, error: 'not-acceptable' };
  let bytes: Buffer | null = null;
  if (hasBody(request)) {
    if (wanted !== undefined) {
      const { value, several } = headerLines(request, 'content-type');
      if (several || !isJsonType(value ?? undefined) || isEncoded(request.headers['content-encoding'])) {
        return { ok: false, error: 'media-type' };
      }
    }
    const read = await readBody(request, parts.bodyLimitBytes);
    if (!read.ok) {
      exchange.close = true;
      return invalid(`The body is larger than ${parts.bodyLimitBytes} bytes, or did not arrive whole.`);
    }
    if (read.bytes.length > 0) bytes = read.bytes;
  }
  if (wanted === undefined) return null;
  if (bytes === null) return wanted.required ? invalid('A body is needed.') : null;
  const parsed = parseJsonObject(bytes);
  if (!parsed.ok) return invalid(parsed.reason);
  exchange.body = parsed.value;
  return null;
}

/** Path, query and header parameters. */
export function parameters(exchange: Exchange): Outcome | null {
  for (const [name, value] of Object.entries(exchange.params)) {
    if (value === '') return invalid(`The path parameter ${name} is empty.`);
    if (value.length > ID_LIMIT && [...value].length > ID_LIMIT)
      return invalid(`The path parameter ${name} is too long.`);
  }
  for (const parameter of operationOf(exchange).parameters ?? []) {
    const { name } = parameter;
    const lines =
      parameter.in === 'query' ? queryValue(exchange, name) : headerLines(exchange.request, name.toLowerCase());
    const place = parameter.in === 'query' ? `The query parameter ${name}` : `The header ${name}`;
    if (lines.several) return invalid(`${place} stands twice.`);
    if (lines.value === null) return invalid(`${place} is missing.`);
    const fault = parameter.check(lines.value);
    if (fault !== null) return invalid(`${place} ${fault}`);
  }
  return null;
}

/** Item lookup before the body is looked at, so that a stranger's probe learns nothing. CAMARA digest 2.5. */
export function ownership(exchange: Exchange): Outcome | null | Promise<Outcome | null> {
  return operationOf(exchange).lookup?.(callOf(exchange)) ?? null;
}

export function schema(exchange: Exchange): Outcome | null {
  const { body } = operationOf(exchange);
  return body === undefined || exchange.body === null ? null : body.check(exchange.body);
}

export function tokenAgreement(exchange: Exchange): Outcome | null {
  return operationOf(exchange).agree?.(callOf(exchange)) ?? null;
}

export function runOperation(exchange: Exchange): Outcome | Promise<Outcome> {
  return operationOf(exchange).run(callOf(exchange));
}

function limited(waitMs: number): Outcome | null {
  return waitMs === 0 ? null : { ok: false, error: 'too-many-requests', retryAfterS: Math.ceil(waitMs / 1000) };
}

function operationOf(exchange: Exchange): Operation {
  if (exchange.operation === null) throw new Error('A step ran before the operation was known.');
  return exchange.operation;
}

/** RFC 6750 2.1: the scheme in any letter case, one space or more, one token. Null when it is anything else. */
function shownIn(value: string): { scheme: string; token: string } | null {
  const [, scheme, token] = /^(bearer|dpop) +([A-Za-z0-9._~+/-]+=*)$/i.exec(value) ?? [];
  return scheme === undefined || token === undefined ? null : { scheme: scheme.toLowerCase(), token };
}

/** RFC 9449 4.3: one DPoP header. */
function proofOf({ request, method, path, parts }: Exchange): Proof | null {
  const { value, several } = headerLines(request, 'dpop');
  return value === null || several ? null : { jwt: value, method, url: parts.publicUrl() + path };
}

function isEncoded(value: string | undefined): boolean {
  return value !== undefined && value.trim().toLowerCase() !== 'identity';
}

function queryValue(exchange: Exchange, name: string): { value: string | null; several: boolean } {
  const values = exchange.query.getAll(name);
  return { value: values[0] ?? null, several: values.length > 1 };
}

const nobody = { clientId: '', subject: null, number: null, legs: 2 } as const;
const noScopes: ReadonlySet<string> = new Set();

function callOf(exchange: Exchange): Call {
  exchange.call ??= {
    who: exchange.access?.principal ?? nobody,
    scopes: exchange.access?.scopes ?? noScopes,
    emergencyAddress: exchange.access?.emergencyAddress ?? true,
    visitor: exchange.access?.visitor ?? null,
    address: exchange.address,
    correlator: exchange.correlator,
    now: exchange.now,
    params: exchange.params,
    query: exchange.query,
    base: exchange.base,
    header: name => headerLines(exchange.request, name.toLowerCase()).value,
    body: exchange.body,
  };
  return exchange.call;
}
