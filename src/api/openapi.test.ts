/** The served OpenAPI documents against the published ones, when those lie beside the repository. CAMARA r3.1. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import {
  BEFORE,
  CALLS,
  CHANNELS,
  CLICK_TO_CALL,
  describedOnly,
  EVENTS,
  ICE_SERVERS,
  REGISTRATION,
  send,
  testApi,
} from '../../test/support/api-kit.ts';
import { parseDateTime } from './date-time.ts';
import { isUuid } from './field.ts';

type Node = Record<string, unknown>;
interface Document extends Node {
  paths: Record<string, Record<string, Node>>;
  components: Node;
}

const published = new URL('../../../shared/camara/', import.meta.url);

/** Differences that are decisions of ours, by place; everything else must be equal. */
type Decided = Readonly<Record<string, { more?: string[]; less?: string[] }>>;

const decided: Decided = {
  // A-11: declared, but the text forbids them.
  'createSession request': { less: ['status', 'answer'] },
  // A-12: read-only names that published examples send.
  'updateSessionStatus request': {
    more: ['originatorAddress', 'originatorName', 'receiverAddress', 'receiverName', 'mediaSessionId'],
  },
  // A-23: 200 with a body, always. A-33: never 202.
  'updateSessionStatus statuses': { less: ['204'] },
  'updateRegistrationById statuses': { less: ['204'] },
  'createNotificationChannelSubscription statuses': { less: ['202'] },
  'deleteNotificationChannelSubscription statuses': { less: ['202'] },
  // Everywhere. A-14: the shape decides which coordinates there are. A-32: one subscription for up to three types.
  '': {
    less: [
      ...['radius', 'zAxis', 'semiMajorAxis', 'semiMinorAxis', 'verticalAxis', 'orientation'].map(
        name => `.coordinates.${name}=required`,
      ),
      ...['types=maxItems 1', '=minItems 0'],
    ],
  },
};

/**
 * CAMARA r2.2. What it knew and gave no effect is taken and ignored as any unknown name is (9), so it is not offered;
 * read-only names of a request likewise. `protocolSettings` has no use upstream either. Addresses are today's (5.3).
 */
const addresses = ['originatorAddress=pattern', 'receiverAddress=pattern'];
const noEffect = ['callObjectRef', 'offerRequired', 'serverCorrelator', 'reason', 'sequenceNumber'];
const decidedBefore: Decided = {
  ...decided,
  events: {
    more: ['EventSessionStatus.data.locationDetails', 'EventSessionInvitation.data.locationDetails'],
    less: ['EventSessionStatus', 'EventSessionInvitation'].flatMap(kind =>
      ['clientCorrelator', 'callObjectRef', 'serverCorrelator', 'offerRequired'].map(name => `${kind}.data.${name}`),
    ),
  },
  'createSession request': { less: [...noEffect, ...addresses, 'status', 'answer', 'mediaSessionId'] },
  'createSession response': { less: [...noEffect, ...addresses] },
  'getSessionDetailsById response': { less: [...noEffect, ...addresses] },
  'updateSessionStatus request': {
    less: [
      ...noEffect,
      ...[
        'originatorAddress',
        'originatorName',
        'receiverAddress',
        'receiverName',
        'mediaSessionId',
        'clientCorrelator',
      ],
    ],
  },
  'updateSessionStatus response': { less: [...noEffect, ...addresses] },
  'createRegistration request': { less: ['deviceId=pattern'] },
  'createNotificationChannelSubscription request': { less: ['protocolSettings'] },
  'createNotificationChannelSubscription response': { less: ['protocolSettings'] },
  'retrieveNotificationChannelSubscription response': { less: ['protocolSettings'] },
  'retrieveNotificationChannelSubscriptionList response': { less: ['[].protocolSettings'] },
};

async function served(base: string): Promise<Document> {
  const { api } = testApi(BEFORE, describedOnly);
  const got = await send(api, 'GET', `${base}/openapi.json`, { token: null });
  assert.equal(got.status, 200);
  return got.body;
}

/** Follows a reference. */
function resolve(root: Node, node: unknown): Node {
  let found = node;
  while (typeof found === 'object' && found !== null && '$ref' in found) {
    let target: unknown = root;
    for (const step of String(found.$ref).slice(2).split('/')) target = (target as Node)[step];
    found = target;
  }
  assert.ok(typeof found === 'object' && found !== null);
  return found as Node;
}

/** What a schema says of values, beside the names of properties. */
const LIMITS = [
  ...['format', 'pattern', 'minLength', 'maxLength', 'minimum', 'maximum', 'minItems', 'maxItems', 'minProperties'],
  ...['default', 'nullable', 'readOnly', 'writeOnly'],
];

/**
 * Every property path of a schema, and a line for each thing said of it; `allOf`, `oneOf` and discriminators are laid over each other.
 * Of texts and examples it counts that they are there.
 */
function fields(root: Node, node: unknown, prefix: string, out: Set<string>): void {
  const schema = resolve(root, node);
  for (const part of ['allOf', 'oneOf', 'anyOf']) {
    for (const option of (schema[part] as unknown[] | undefined) ?? []) fields(root, option, prefix, out);
  }
  const { discriminator, items } = schema as { discriminator?: { mapping: Node }; items?: unknown };
  for (const ref of Object.values(discriminator?.mapping ?? {})) {
    // The mapped schema refers back to this one: only its own part is taken.
    const mapped = resolve(root, { $ref: ref })['allOf'] as unknown[];
    fields(root, mapped.at(-1), prefix, out);
  }
  if (items !== undefined) fields(root, items, `${prefix}[]`, out);
  if (schema['enum'] !== undefined) out.add(`${prefix}=enum ${[...(schema['enum'] as string[])].sort().join('|')}`);
  for (const word of LIMITS) if (schema[word] !== undefined) out.add(`${prefix}=${word} ${schema[word]}`);
  for (const word of ['description', 'example']) if (schema[word] !== undefined) out.add(`${prefix}=${word}`);
  if (schema['additionalProperties'] === false) out.add(`${prefix}=closed`);
  for (const name of (schema['required'] as string[] | undefined) ?? [])
    out.add(`${prefix === '' ? name : `${prefix}.${name}`}=required`);
  for (const [name, child] of Object.entries((schema['properties'] as Node | undefined) ?? {})) {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    out.add(path);
    fields(root, child, path, out);
  }
}

function fieldsOf(root: Node, content: unknown): Set<string> {
  const out = new Set<string>();
  const [media] = Object.values((content as Record<string, { schema: unknown }> | undefined) ?? {});
  const schema = media?.schema;
  if (schema !== undefined) fields(root, schema, '', out);
  return out;
}

function parametersOf(root: Node, operation: Node): string[] {
  const list = ((operation['parameters'] as unknown[] | undefined) ?? []).map(item => resolve(root, item));
  return list.map(({ name, in: place, required = false }) => `${place} ${name} ${required}`).sort();
}

function scopesOf(operation: Node): string[] {
  return (operation['security'] as Array<{ openId: string[] }>).flatMap(({ openId }) => openId).sort();
}

function successOf(root: Node, operation: Node): { statuses: string[]; body: Set<string> } {
  const responses = Object.entries(operation['responses'] as Node).filter(([status]) => status.startsWith('2'));
  const first = responses.find(([status]) => status === '200' || status === '201');
  return {
    statuses: responses.map(([status]) => status).sort(),
    body: fieldsOf(root, first === undefined ? undefined : resolve(root, first[1])['content']),
  };
}

/** Every field of every kind of event that is posted to a sink. */
function eventsOf(root: Document): Set<string> {
  const out = new Set<string>();
  for (const [name, kind] of Object.entries(root.components['schemas'] as Node)) {
    if (!/^Event[A-Z]/.test(name)) continue;
    fields(root, { properties: propertiesOf(root, kind) }, name, out);
  }
  return out;
}

/** Of a schema and what it is made of; discriminators are not followed, for an envelope refers back to its kinds. */
function propertiesOf(root: Node, node: unknown): Node {
  const { allOf = [], properties = {} } = resolve(root, node) as { allOf?: unknown[]; properties?: Node };
  return Object.assign({}, ...allOf.map(part => propertiesOf(root, part)), properties);
}

/** Names under a decided name go with it. */
function isUnder(name: string, decidedNames: readonly string[]): boolean {
  return decidedNames.some(top => name.startsWith(top) && /^(?:[.[= ]|$)/.test(name.slice(top.length)));
}

/** Limits of ours on what clients send, where none is published; in answers we may promise what we like, but never that nothing is added. */
const OUR_LIMITS = [
  // The text wants undeclared names refused.
  /=closed$/,
  // A-14.
  /coordinates\.\w+=(minimum|maximum) /,
  /\.sdp=(minLength 1|required)$/,
  /(originator|receiver)Name=pattern /,
  /sinkCredential\.accessToken=(minLength|pattern) /,
  /^(config)?=minProperties 1$/,
];
/** The older line published hardly any. */
const OLDER_LIMITS = /=(format|pattern|minimum|maximum|minLength|maxLength|writeOnly|required)( |$)/;

function same(decided: Decided, place: string, ours: Iterable<string>, theirs: Iterable<string>): void {
  const { more = [], less = [] } = decided[place] ?? {};
  const wanted = [...theirs].filter(name => !isUnder(name, less));
  const got = [...ours].filter(name => !isUnder(name, more));
  const [names, published] = [got, wanted].map(list => list.filter(name => !name.includes('=')).sort());
  assert.deepEqual(names, published, place);
  const isDecided = (fact: string) => (decided['']?.less ?? []).some(ending => fact.endsWith(ending));
  const missing = wanted.filter(fact => !got.includes(fact) && !isDecided(fact));
  const limits = decided === decidedBefore ? [...OUR_LIMITS, OLDER_LIMITS] : OUR_LIMITS;
  const mayAdd = (fact: string) =>
    /=(description|example)$/.test(fact) ||
    (place.endsWith(' request') ? limits.some(limit => limit.test(fact)) : !fact.endsWith('=closed'));
  const added = got.filter(fact => fact.includes('=') && !wanted.includes(fact) && !mayAdd(fact));
  assert.deepEqual({ missing, added }, { missing: [], added: [] }, place);
}

/** The CAMARA codes a published response lists. */
function codesOf(root: Node, response: unknown): Set<string> {
  const [media] = Object.values((resolve(root, response)['content'] ?? {}) as Record<string, { schema: unknown }>);
  const found = new Set<string>();
  if (media !== undefined) fields(root, media.schema, '', found);
  const lists = [...found].filter(line => line.startsWith('code=enum '));
  return new Set(lists.flatMap(line => line.slice('code=enum '.length).split('|')));
}

/** Codes we document but they do not, and codes of theirs that have no case of ours. */
const OURS = new Set(['INVALID_TOKEN_CONTEXT']);
const UNUSED = new Set([
  ...['OUT_OF_RANGE', 'EMERGENCY_ADDRESS_MISSING', 'IDENTIFIER_NOT_FOUND', 'SUBSCRIPTION_MISMATCH', 'ABORTED'],
  // One list stands for POST and PUT of subscriptions.
  ...['INVALID_PROTOCOL', 'INVALID_SINK', 'QUOTA_EXCEEDED'],
]);

function checkCodes(place: string, ours: readonly string[], theirs: ReadonlySet<string>): void {
  if (theirs.size === 0) return;
  const strange = ours.filter(code => !theirs.has(code) && !OURS.has(code));
  const missing = [...theirs].filter(code => !ours.includes(code) && !UNUSED.has(code));
  assert.deepEqual([strange, missing], [[], []], place);
}

function compare(ours: Document, theirs: Document, but: Decided): number {
  const equal = (place: string, our: Iterable<string>, their: Iterable<string>) => same(but, place, our, their);
  let operations = 0;
  equal('events', eventsOf(ours), eventsOf(theirs));
  assert.deepEqual(
    Object.keys(ours.paths)
      .filter(path => path !== '/openapi.json')
      .sort(),
    Object.keys(theirs.paths).sort(),
  );
  for (const [path, methods] of Object.entries(theirs.paths)) {
    equal(path, Object.keys(ours.paths[path] ?? {}), Object.keys(methods));
    for (const [method, their] of Object.entries(methods)) {
      const our = ours.paths[path]?.[method] ?? {};
      const id = String(their['operationId']);
      operations += 1;
      assert.equal(our['operationId'], id);
      equal(`${id} scopes`, scopesOf(our), scopesOf(their));
      equal(`${id} parameters`, parametersOf(ours, our), parametersOf(theirs, their));
      const asked = (document: Node, operation: Node) =>
        fieldsOf(document, (operation['requestBody'] as Node | undefined)?.['content']);
      equal(`${id} request`, asked(ours, our), asked(theirs, their));
      const [mine, yours] = [successOf(ours, our), successOf(theirs, their)];
      equal(`${id} statuses`, mine.statuses, yours.statuses);
      equal(`${id} response`, mine.body, yours.body);
      for (const status of Object.keys(their['responses'] as Node)) {
        // 422 of subscriptions has no case of ours (A-32).
        if (status.startsWith('2') || (status === '422' && id.includes('NotificationChannel'))) continue;
        const mine = (our['responses'] as Record<string, { 'x-codes': string[] }>)[status];
        assert.ok(mine !== undefined, `${id} ${status}`);
        checkCodes(`${id} ${status}`, mine['x-codes'], codesOf(theirs, (their['responses'] as Node)[status]));
      }
    }
  }
  return operations;
}

for (const [base, name, operations, but] of [
  [REGISTRATION, 'r3.1/webrtc-registration', 5, decided],
  [CALLS, 'r3.1/webrtc-call-handling', 4, decided],
  [EVENTS, 'r3.1/webrtc-events-subscriptions', 5, decided],
  ['/webrtc-registration/v0.3', 'v0.3/webrtc-registration', 3, decidedBefore],
  ['/webrtc-call-handling/v0.3', 'v0.3/webrtc-call-handling', 4, decidedBefore],
  ['/webrtc-events/v0.2', 'v0.3/webrtc-events', 4, decidedBefore],
] as const) {
  const file = new URL(`${name}.yaml`, published);
  const skip = existsSync(file) ? false : 'the published file does not lie beside the repository';
  test(`A-01 4.1, 5.1, 8.1, 9 the document of ${base} says what the published one says`, { skip }, async () => {
    assert.equal(compare(await served(base), parse(readFileSync(file, 'utf8')), but), operations);
  });
}

test('every document is whole: each reference resolves, each property is described, examples fit, nothing but OpenAPI 3.0 words', async () => {
  const ajv = new Ajv({ strict: false, formats: { uri: true, 'uri-reference': true, int32: true, float: true } });
  ajv.addFormat('date-time', text => parseDateTime(text) !== null);
  ajv.addFormat('uuid', isUuid);
  for (const base of [REGISTRATION, CALLS, EVENTS, CHANNELS, ICE_SERVERS, CLICK_TO_CALL]) {
    const document = await served(base);
    assert.equal(document['openapi'], '3.0.3');
    let objects = 0;
    const walk = (node: unknown): void => {
      if (Array.isArray(node)) for (const item of node) walk(item);
      if (typeof node !== 'object' || node === null) return;
      if ('$ref' in node) resolve(document, node);
      const { type, properties = {}, example } = node as Node & { properties?: Record<string, Node> };
      if (type === 'object') {
        objects += 1;
        for (const [name, property] of Object.entries(properties))
          assert.ok('$ref' in property || 'description' in property, `${base} says nothing of ${name}`);
      }
      if (type !== undefined && example !== undefined) assert.ok(ajv.validate(node, example), `${base}: ${example}`);
      for (const word of ['const', '$id', '$defs', 'examples', 'anyOf']) assert.ok(!(word in node), word);
      for (const child of Object.values(node)) walk(child);
    };
    walk(document);
    assert.ok(objects >= 4);
    assert.ok(!('/openapi.json' in document.paths));
  }
});

test('2.3 what requests alone take is closed; what stands in an answer, in a request too, is open for fields to come', async () => {
  const { components } = await served(CALLS);
  const schemas = components['schemas'] as Record<string, Node>;
  const closed = Object.keys(schemas).filter(name => schemas[name]?.['additionalProperties'] === false);
  assert.deepEqual(closed, ['MediaSessionCreate', 'MediaSessionStatusChange']);
  for (const name of ['ErrorInfo', 'LocationDetails', 'MediaSessionResponse', 'WrtcSdpDescriptor'])
    assert.ok(!('additionalProperties' in (schemas[name] ?? {})), name);
});
