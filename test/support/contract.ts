/** Holds every response and every event against the documents the gateway serves. */
import assert from 'node:assert/strict';
import { Ajv, type ValidateFunction } from 'ajv';

/** Statuses any operation may answer although its document does not list them. CAMARA Commonalities. */
const COMMON = [401, 404, 405, 406, 408, 415, 417, 429, 500, 502, 503, 504];
const CORRELATOR = /^[a-zA-Z0-9-_:;./<>{}]{1,256}$/;
/** Where the document stands that says what events of a type look like, by the API in the type. */
const EVENT_BASES = new Map([
  ['webrtc-events-subscriptions', '/webrtc-events-subscriptions/v0.3rc1'],
  ['webrtc-events', '/webrtc-events/v0.2'],
]);

type Node = Record<string, unknown>;
interface Document {
  paths: Record<string, Record<string, Node>>;
  components: { schemas: Node };
}

export interface Contract {
  /** To be called before the first event. */
  learn(documentOf: (base: string) => Promise<unknown>): Promise<void>;
  response(
    documentOf: (base: string) => Promise<unknown>,
    method: string,
    url: string,
    got: { status: number; headers: Readonly<Record<string, unknown>>; body: unknown },
    correlator?: string,
  ): Promise<void>;
  /** `correlator` null: it came by a channel, which has no headers. */
  event(event: unknown, correlator: string | null): void;
}

/** By the text of the document and the place in it: every gateway of a process serves nearly the same, and compiling costs more than a whole call. */
const compiled = new Map<string, Map<string, ValidateFunction>>();

export function createContract(): Contract {
  const known = new Map<Document, Map<string, ValidateFunction>>();
  const documents = new Map<string, Document | null>();
  const seen = new Map<string, { sequence: number; final: boolean; ids: Set<string> }>();

  function check(key: string, document: Document, schema: unknown, value: unknown): void {
    const places = known.get(document) ?? placesOf(document);
    known.set(document, places);
    let validate = places.get(key);
    if (validate === undefined) {
      validate = compile({ ...(schema as object), components: document.components });
      places.set(key, validate);
    }
    assert.ok(validate(value), `${key}: ${JSON.stringify(validate.errors)} in ${JSON.stringify(value)}`);
  }

  return {
    async learn(documentOf) {
      for (const base of EVENT_BASES.values()) documents.set(base, (await documentOf(base)) as Document | null);
    },

    async response(documentOf, method, url, { status, headers, body }, correlator) {
      const path = url.split('?', 1)[0] ?? '';
      const base = /^\/[^/]+\/[^/]+/.exec(path)?.[0] ?? '';
      if (!documents.has(base)) documents.set(base, (await documentOf(base)) as Document | null);
      const document = documents.get(base);
      if (path === `${base}/openapi.json`) return;
      const place = `${method} ${path} ${status}`;
      if (document === null || document === undefined) {
        // Pages have none. An API that is served has one, or nothing here would be held against anything.
        assert.ok(status === 404 || !base.startsWith('/webrtc-'), `${place}: no document tells of ${base}`);
        return;
      }
      assert.match(String(headers['x-correlator'] ?? ''), CORRELATOR, place);
      if (correlator !== undefined && correlator !== '' && CORRELATOR.test(correlator)) {
        assert.equal(headers['x-correlator'], correlator, place);
      }
      assert.equal(headers['cache-control'], 'no-store', place);
      if (status === 204) {
        assert.equal(body, null, place);
        return;
      }
      assert.equal(headers['content-type'], 'application/json', place);
      if (status >= 400) {
        check(`${base} ErrorInfo`, document, { $ref: '#/components/schemas/ErrorInfo' }, body);
        assert.equal((body as { status: number }).status, status, place);
      }
      if (status === 201) assert.match(String(headers['location']), /^https?:\/\/[^/]+\//, place);
      const template = templateOf(document, path.slice(base.length));
      const operation = template === null ? undefined : document.paths[template]?.[method.toLowerCase()];
      if (operation === undefined) {
        assert.ok([...COMMON, 400].includes(status), place);
        return;
      }
      const told = (operation['responses'] as Record<string, Node>)[status];
      if (told === undefined) {
        assert.ok(COMMON.includes(status), `${place} stands in no document`);
        return;
      }
      if (status >= 400) {
        const codes = told['x-codes'] as string[];
        assert.ok(
          codes.includes((body as { code: string }).code),
          `${place} ${JSON.stringify(body)}: not among ${codes}`,
        );
      }
      const schema = (told['content'] as Record<string, { schema: unknown }>)['application/json']?.schema;
      check(`${base} ${method} ${template} ${status}`, document, schema, body);
    },

    event(event, correlator) {
      const [, api = ''] = /^org\.camaraproject\.([a-z-]+)\.v0\.[a-z-]+$/.exec((event as Event).type) ?? [];
      const document = documents.get(EVENT_BASES.get(api) ?? '');
      assert.ok(document !== null && document !== undefined, `no document tells of ${(event as Event).type}`);
      if (correlator !== null) assert.match(correlator, CORRELATOR);
      const callback = dig(document.paths['/subscriptions'], ['post', 'callbacks', 'notifications']);
      const schema = dig(callback, [
        '{$request.body#/sink}',
        'post',
        'requestBody',
        'content',
        'application/cloudevents+json',
        'schema',
      ]);
      check(`event of ${api}`, document, schema, event);
      inOrder(event as Event);
    },
  };

  /** +1 with each event of a session, the same number and id when it is sent again, nothing after the last. CAMARA digest 8.5. */
  function inOrder({ id, data }: Event): void {
    if (data.mediaSessionId === undefined) return;
    const key = `${data.subscriptionId} ${data.mediaSessionId}`;
    const before = seen.get(key);
    if (before?.ids.has(id)) return;
    if (before !== undefined) {
      assert.ok(!before.final, `${key}: an event after the last`);
      assert.equal(data.sequenceNumber, before.sequence + 1, `${key}: a gap`);
    }
    const final = FINAL.has(data.status ?? '');
    if (final)
      assert.ok((data.reason ?? '') !== '' || data.status === 'SessionCancelled', `${key}: an end without reason`);
    seen.set(key, { sequence: data.sequenceNumber ?? 0, final, ids: (before?.ids ?? new Set()).add(id) });
  }
}

function placesOf(document: Document): Map<string, ValidateFunction> {
  const text = JSON.stringify(document);
  const places = compiled.get(text) ?? new Map<string, ValidateFunction>();
  compiled.set(text, places);
  return places;
}

function compile(schema: object): ValidateFunction {
  const ajv = new Ajv({
    strict: false,
    formats: { 'date-time': isUtc, uuid: true, uri: true, 'uri-reference': true, int32: true, float: true },
  });
  return ajv.compile(closed(schema) as object);
}

/** The documents leave answers open for fields to come; what stands in none of them today is a fault today. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  return 'properties' in copy && copy['type'] === 'object' ? { additionalProperties: false, ...copy } : copy;
}

interface Event {
  id: string;
  type: string;
  data: {
    subscriptionId?: string;
    mediaSessionId?: string;
    sequenceNumber?: number;
    status?: string;
    reason?: string;
  };
}

const FINAL = new Set(['Terminated', 'SessionCancelled', 'Declined', 'Failed', 'NoAnswer', 'NotReachable', 'Busy']);

function dig(node: unknown, path: readonly string[]): unknown {
  let found = node;
  for (const step of path) found = (found as Node | undefined)?.[step];
  assert.ok(found !== undefined, `the document has no ${path.join(' ')}`);
  return found;
}

function templateOf(document: Document, path: string): string | null {
  const segments = path.split('/');
  for (const template of Object.keys(document.paths)) {
    const pattern = template.split('/');
    if (pattern.length !== segments.length) continue;
    if (pattern.every((part, i) => part.startsWith('{') || part === segments[i])) return template;
  }
  return null;
}

/** Times we send are UTC with milliseconds. CAMARA digest 2.3. */
function isUtc(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text) && !Number.isNaN(Date.parse(text));
}
