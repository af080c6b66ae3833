/** Makes the served OpenAPI 3.0 documents out of the operations and their schemas, so that they cannot tell another story than the checks. */
import { type TSchema, Type } from 'typebox';
import { type ErrorCode, errorTable } from '../errors.ts';
import { type Components, createComponents, type Json } from './components.ts';
import type { Api, Operation } from './operation.ts';
import { errorInfo } from './schemas/common.ts';

const correlator = Type.String({
  title: 'XCorrelator',
  pattern: '^[a-zA-Z0-9_:;./<>{}-]{0,256}$',
  maxLength: 256,
  description: 'Letters, digits and - _ : ; . / < > { }',
});

const CORRELATOR = {
  name: 'x-correlator',
  in: 'header',
  description: 'Ties a request to its response and to its events. One is made when none is sent.',
  schema: { $ref: '#/components/schemas/XCorrelator' },
};

const REFUSALS: Readonly<Record<number, string>> = {
  400: 'The request is malformed.',
  401: 'The access token is missing or not good.',
  403: 'The access token does not allow this.',
  404: 'Not found, or not for this access token.',
  409: 'Not possible in the present state.',
  422: 'An identifier is missing, or one too many.',
  429: 'Too many requests, or a quota is used up.',
  501: 'Not supported.',
  503: 'Not possible now; try again later.',
  504: 'The network did not answer in time.',
};

/** The document of one API. `apiRoot` is the public base URL, `base` the path it is served under. */
export function openApiDocument(api: Api, apiRoot: string, base: string): Json {
  const schemas = createComponents();
  const paths: Record<string, Json> = {};
  for (const operation of api.operations) {
    paths[operation.path] = {
      ...paths[operation.path],
      [operation.method.toLowerCase()]: describe(api, operation, schemas),
    };
  }
  schemas.ofAnswer(errorInfo);
  schemas.ofAnswer(correlator);
  return {
    openapi: '3.0.3',
    info: {
      title: api.title,
      description: api.description,
      version: versionOf(base) ?? api.version,
      license: { name: 'Apache 2.0' },
    },
    servers: [
      { url: `{apiRoot}${base}`, variables: { apiRoot: { default: apiRoot, description: 'Public base URL.' } } },
    ],
    tags: [{ name: api.title }],
    paths,
    components: {
      securitySchemes: {
        openId: {
          type: 'openIdConnect',
          openIdConnectUrl: 'https://example.com/.well-known/openid-configuration',
          description: 'The identity provider of the operator.',
        },
        ...(api.operations.some(({ tokens }) => tokens !== undefined)
          ? { visitorToken: { type: 'http', scheme: 'bearer', description: 'A token for one call of a visitor.' } }
          : {}),
        ...(api.operations.some(({ callback }) => callback !== undefined)
          ? {
              notificationsBearerAuth: {
                type: 'http',
                scheme: 'bearer',
                description: 'The accessToken of sinkCredential.',
              },
            }
          : {}),
      },
      schemas: schemas.all(),
    },
  };
}

/** `/v0.4rc1` -> `0.4.0-rc.1`, `/v0.4` -> `0.4.0`, or null. CAMARA Commonalities, API versions in the URL. */
function versionOf(base: string): string | null {
  const [, major, minor = '0', candidate] = /\/v(\d+)(?:\.(\d+))?(?:rc(\d+))?$/.exec(base) ?? [];
  if (major === undefined) return null;
  return `${major}.${minor}.0${candidate === undefined ? '' : `-rc.${candidate}`}`;
}

function describe(api: Api, operation: Operation, schemas: Components): Json {
  const { body, success } = operation;
  const names = [...operation.path.matchAll(/\{(\w+)\}/g)].map(match => match[1] ?? '');
  const parameters: Json[] = [CORRELATOR];
  for (const name of names) {
    const schema = { type: 'string', minLength: 1, maxLength: 256 };
    parameters.push({ name, in: 'path', required: true, description: api.pathParameters[name], schema });
  }
  for (const { name, in: place, description, schema } of operation.parameters ?? []) {
    parameters.push({ name, in: place, required: true, description, schema: schemas.ofRequest(schema) });
  }
  const responses: Record<string, Json> = {
    [success.status]: {
      description: success.description,
      headers: responseHeaders(success.status),
      ...(success.schema === undefined ? {} : { content: json(schemas.ofAnswer(success.schema)) }),
      ...(operation.produces === undefined
        ? {}
        : { content: { [operation.produces]: { schema: { type: 'string' } } } }),
    },
  };
  for (const [status, codes] of codesOf(operation)) {
    responses[status] = {
      description: `${REFUSALS[status] ?? 'Refused.'} Codes: ${codes.join(', ')}.`,
      'x-codes': codes,
      headers: responseHeaders(status),
      content: json(schemas.ofAnswer(errorInfo)),
    };
  }
  return {
    tags: [api.title],
    operationId: operation.id,
    summary: operation.summary,
    description: operation.description,
    parameters,
    security: securityOf(operation),
    ...(body === undefined
      ? {}
      : { requestBody: { required: body.required, content: json(schemas.ofRequest(body.schema)) } }),
    ...(operation.callback === undefined ? {} : { callbacks: callbackOf(operation.callback, schemas) }),
    responses,
  };
}

/** An operation without a token says so. OpenAPI 3.0.3, security requirement. */
function securityOf({ tokens, scopes }: Operation): Json[] {
  if (tokens !== undefined) return [{ visitorToken: [] }];
  return scopes.length === 0 ? [] : [{ openId: scopes }];
}

/** What the sink of a subscription is to take: one of these events at a time. CloudEvents 1.0, structured mode. */
function callbackOf(kinds: readonly TSchema[], schemas: Components): Json {
  const schema = { oneOf: kinds.map(kind => schemas.ofAnswer(kind)) };
  return {
    notifications: {
      '{$request.body#/sink}': {
        post: {
          summary: 'Takes one event.',
          description: 'Sent again until it is answered, with the same id; in order within a media session.',
          parameters: [CORRELATOR],
          security: [{}, { notificationsBearerAuth: [] }],
          requestBody: { required: true, content: { 'application/cloudevents+json': { schema } } },
          responses: {
            '204': { description: 'Taken.' },
            '410': { description: 'Not wanted any more: the subscription ends.' },
            '429': { description: 'Too fast: sent again after Retry-After.' },
          },
        },
      },
    },
  };
}

function responseHeaders(status: number): Json {
  const headers: Json = { 'x-correlator': { schema: { $ref: '#/components/schemas/XCorrelator' } } };
  if (status === 201) headers['Location'] = { description: 'Where it can be seen.', schema: { type: 'string' } };
  if (status === 429 || status === 503) {
    headers['Retry-After'] = { description: 'Seconds to wait.', schema: { type: 'integer', minimum: 1 } };
  }
  return headers;
}

function json(schema: unknown): Json {
  return { 'application/json': { schema } };
}

/** What may be answered to any request that needs a token. */
const COMMON: readonly ErrorCode[] = ['invalid-argument', 'unauthenticated', 'scope-missing', 'token-context'];

/** CAMARA codes of an operation by HTTP status. */
function codesOf({ errors, scopes }: Operation): Map<number, string[]> {
  const codes = new Map<number, string[]>();
  for (const error of [...(scopes.length === 0 ? [] : COMMON), ...errors]) {
    const { status, code } = errorTable[error];
    const known = codes.get(status) ?? [];
    if (!known.includes(code)) codes.set(status, [...known, code]);
  }
  return codes;
}
