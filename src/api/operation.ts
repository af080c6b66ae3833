/** What an API operation is: its place, its scopes, its shapes, and the functions the pipeline calls. */
import type { ServerResponse } from 'node:http';
import type { TSchema } from 'typebox';
import type { Visitor } from '../ep-cscf/visitor-word.ts';
import type { Principal } from '../ep-cscf/words.ts';
import type { ErrorCode } from '../errors.ts';
import type { JsonObject } from './json.ts';
import type { Access, AccessTokens, Refusal } from './ports.ts';
import type { BodyCheck } from './validator.ts';

/** What a client gets when all went well. */
export interface Answer {
  ok: true;
  status: 200 | 201 | 204;
  body?: unknown;
  /** Path of what was created, below the API's base path. */
  location?: string;
  /** In place of a body: writes into the response, whose head has left, until one side ends it. */
  stream?: (response: ServerResponse) => void;
}

/** One request as an operation sees it: everything before the operation in the pipeline has passed. */
export interface Call {
  who: Principal;
  scopes: ReadonlySet<string>;
  /** False: the operator wants an address for emergency calls to be on file, and none is. */
  emergencyAddress: boolean;
  /** Of a visitor token only. */
  visitor: Visitor | null;
  /** Where the request came from; not for the log. */
  address: string;
  correlator: string;
  /** ms since the epoch, the time of receipt. */
  now: number;
  /** The base path it was asked under. */
  base: string;
  /** Path parameters, decoded. */
  params: Readonly<Record<string, string>>;
  query: URLSearchParams;
  /** The value of a request header, or null. */
  header(name: string): string | null;
  /** Null when the operation takes no body, or an optional one did not come. */
  body: JsonObject | null;
}

interface Parameter {
  name: string;
  in: 'query' | 'header';
  description: string;
  schema: TSchema;
  /** Null when the value is good, else a sentence. */
  check(value: string): string | null;
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

export interface Operation {
  /** The operationId of the OpenAPI document. */
  id: string;
  method: Method;
  /** Below the base path; parameters in braces: `/sessions/{mediaSessionId}/status`. */
  path: string;
  summary: string;
  description: string;
  /** Any one of them is enough to get past the scope step; none: no token is asked for. */
  scopes: readonly string[];
  /** What checks its tokens, where these are no access tokens: visitor tokens. */
  tokens?: AccessTokens;
  /** The only origins whose pages may read its answers; null or absent: those of the client, or of any when it is not known. */
  origins?(params: Readonly<Record<string, string>>, access: Access | null): readonly string[] | null;
  /** A one-time ticket in the query stands in place of the access token: whose it is, or null. It is used up. */
  ticket?(ticket: string, params: Readonly<Record<string, string>>): Principal | null;
  /** Of a success; JSON when absent. */
  produces?: 'text/event-stream';
  /** A body that is not held back by the rates of the client and the user. */
  urgent?(body: JsonObject): boolean;
  /** All required. */
  parameters?: readonly Parameter[];
  body?: { required: boolean; schema: TSchema; check: BodyCheck };
  success: { status: 200 | 201 | 204; description: string; schema?: TSchema };
  /** What is posted later to the address in `body.sink`: one schema for each kind. For the document only. */
  callback?: readonly TSchema[];
  /** What this operation may be refused with, beside what any request may be: a malformed one, a bad token, a missing scope. */
  errors: readonly ErrorCode[];
  /** Finds the item, if the caller may see it, before the body is looked at. Null: found. */
  lookup?(call: Call): Promise<Refusal | null> | Refusal | null;
  /** Token against body. */
  agree?(call: Call): Refusal | null;
  run(call: Call): Promise<Answer | Refusal> | Answer | Refusal;
}

/** One API: its name, where it is served, its operations. */
export interface Api {
  /** `webrtc-registration` */
  name: string;
  title: string;
  description: string;
  /** Of the OpenAPI document, where the base path does not say it. */
  version: string;
  basePaths: readonly string[];
  /** Parameters of paths, for the document. */
  pathParameters: Readonly<Record<string, string>>;
  operations: readonly Operation[];
}

export const notFound: Refusal = { ok: false, error: 'not-found' };

/** 400 INVALID_ARGUMENT with a sentence of ours. */
export function invalid(message: string): Refusal {
  return { ok: false, error: 'invalid-argument', message };
}
