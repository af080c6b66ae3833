/** The operations on event subscriptions, whatever an API calls its events and however it names what is watched. CAMARA digest 8. */
import { type TSchema, Type } from 'typebox';
import type { SubscriptionView, Watched } from '../ep-cscf/event-word.ts';
import type { ErrorCode } from '../errors.ts';
import { isRefusal } from './core-reply.ts';
import { formatDateTime, parseDateTime } from './date-time.ts';
import { checkCredentialType, checkFuture, credentialOf, type EventWords } from './event-field.ts';
import { isHttpsUrl, isPlainId } from './field.ts';
import type { JsonObject } from './json.ts';
import { type Call, notFound, type Operation } from './operation.ts';
import type { Refusal, Subscriptions } from './ports.ts';
import { notificationsOf } from './schemas/cloud-event.ts';
import type { SubscriptionBody, SubscriptionUpdateBody } from './schemas/events-subscriptions.ts';
import { type BodyCheck, compile } from './validator.ts';

/** How one API words its subscriptions. */
export interface SubscriptionForm {
  words: EventWords;
  request: TSchema;
  /** Null: there is no such operation. */
  update: TSchema | null;
  subscription: TSchema;
  /** What `watched` may refuse with. */
  refusals: readonly ErrorCode[];
  /** What a checked request watches. */
  watched(call: Call): Watched | Refusal | Promise<Watched | Refusal>;
  /** The same to be shown. */
  detail(view: SubscriptionView): object;
}

interface Parts {
  subscriptions: Subscriptions;
  now(): number;
  form: SubscriptionForm;
}

const credentialCodes = {
  '/sinkCredential/credentialType': 'invalid-credential',
  '/sinkCredential/accessTokenType': 'invalid-token',
} as const;
const LISTED = 100;

/** The operations of one API. They see its own subscriptions and no others. */
export function subscriptionOperations(parts: Parts): Operation[] {
  const { update } = parts.form;
  return [create(parts), list(parts), read(parts), ...(update === null ? [] : [renew(parts, update)]), remove(parts)];
}

function create({ subscriptions, now, form }: Parts): Operation {
  const { words } = form;
  const check = compile(form.request, {
    ...credentialCodes,
    '/protocol': 'invalid-protocol',
    '/sink': 'invalid-sink',
  });
  return {
    id: 'createNotificationChannelSubscription',
    method: 'POST',
    path: '/subscriptions',
    summary: 'Makes a subscription.',
    description: 'The access token needs the create scope of each event type asked for, and of no other.',
    scopes: words.createScopes,
    body: { required: true, schema: form.request, check: body => checkNew(body, check, now()) },
    success: { status: 201, description: 'The subscription.', schema: form.subscription },
    callback: notificationsOf(words.api),
    errors: [
      'out-of-range',
      'invalid-protocol',
      'invalid-credential',
      'invalid-token',
      'invalid-sink',
      'subscription-exists',
      'too-many-requests',
      'subscription-quota',
      ...form.refusals,
    ],
    agree: ({ body, scopes }) => words.mayCreate(words.names((body as unknown as SubscriptionBody).types), scopes),
    async run(call) {
      const { sink, types, config, sinkCredential } = call.body as unknown as SubscriptionBody;
      const watched = await form.watched(call);
      if (isRefusal(watched)) return watched;
      const made = await subscriptions.create(
        call.who,
        {
          ...watched,
          api: words.api,
          sink,
          types: words.names(types),
          expiresAt: config.subscriptionExpireTime === undefined ? null : parseDateTime(config.subscriptionExpireTime),
          maxEvents: config.subscriptionMaxEvents ?? null,
          initialEvent: config.initialEvent ?? null,
          credential: credentialOf(sinkCredential),
        },
        call.correlator,
      );
      if (isRefusal(made)) return made;
      const view = made.subscription;
      return { ok: true, status: 201, body: bodyOf(view, form), location: `/subscriptions/${view.id}` };
    },
  };
}

function list({ subscriptions, form }: Parts): Operation {
  const { api } = form.words;
  return {
    id: 'retrieveNotificationChannelSubscriptionList',
    method: 'GET',
    path: '/subscriptions',
    summary: 'Lists subscriptions.',
    description: 'Those in force that the access token may see.',
    scopes: [`${api}:read`],
    success: {
      status: 200,
      description: 'The subscriptions.',
      schema: Type.Array(form.subscription, { maxItems: LISTED }),
    },
    errors: [],
    run({ who }) {
      const mine = subscriptions.list(who).filter(view => view.api === api);
      return { ok: true, status: 200, body: mine.slice(0, LISTED).map(view => bodyOf(view, form)) };
    },
  };
}

function read(parts: Parts): Operation {
  return {
    id: 'retrieveNotificationChannelSubscription',
    method: 'GET',
    path: '/subscriptions/{subscriptionId}',
    summary: 'Shows a subscription.',
    description: 'One that ended, or that the access token may not see, is not found.',
    scopes: [`${parts.form.words.api}:read`],
    success: { status: 200, description: 'The subscription.', schema: parts.form.subscription },
    errors: ['not-found'],
    run(call) {
      const found = get(parts, call);
      return found === null ? notFound : { ok: true, status: 200, body: bodyOf(found, parts.form) };
    },
  };
}

function renew(parts: Parts, schema: TSchema): Operation {
  const { subscriptions, now, form } = parts;
  const check = compile(schema, credentialCodes);
  return {
    id: 'updateNotificationChannelSubscription',
    method: 'PUT',
    path: '/subscriptions/{subscriptionId}',
    summary: 'Renews a subscription.',
    description: 'Changes the credential, the end, or both.',
    scopes: [`${form.words.api}:update`],
    body: { required: true, schema, check: body => checkChange(body, check, now()) },
    success: { status: 200, description: 'The subscription after the change.', schema: form.subscription },
    errors: ['invalid-credential', 'invalid-token', 'not-found', 'too-many-requests'],
    lookup: call => (get(parts, call) === null ? notFound : null),
    async run(call) {
      const body = call.body as unknown as SubscriptionUpdateBody;
      const expireTime = body.config?.subscriptionExpireTime;
      const changed = await subscriptions.update(call.who, idOf(call), {
        expiresAt: expireTime === undefined ? null : parseDateTime(expireTime),
        credential: credentialOf(body.sinkCredential),
      });
      return isRefusal(changed) ? changed : { ok: true, status: 200, body: bodyOf(changed.subscription, form) };
    },
  };
}

function remove(parts: Parts): Operation {
  return {
    id: 'deleteNotificationChannelSubscription',
    method: 'DELETE',
    path: '/subscriptions/{subscriptionId}',
    summary: 'Ends a subscription.',
    description: 'A last event tells its sink.',
    scopes: [`${parts.form.words.api}:delete`],
    success: { status: 204, description: 'It ended.' },
    errors: ['not-found'],
    async run(call) {
      if (get(parts, call) === null) return notFound;
      const gone = await parts.subscriptions.remove(call.who, idOf(call), call.correlator);
      return isRefusal(gone) ? gone : { ok: true, status: 204 };
    },
  };
}

function checkNew(body: JsonObject, check: BodyCheck, now: number): Refusal | null {
  const fault = checkCredentialType(body) ?? check(body);
  if (fault !== null) return fault;
  const { sink, sinkCredential, config } = body as unknown as SubscriptionBody;
  if (!isHttpsUrl(sink)) return { ok: false, error: 'invalid-sink' };
  return (
    checkFuture('sinkCredential.accessTokenExpiresUtc', sinkCredential?.accessTokenExpiresUtc, now) ??
    checkFuture('config.subscriptionExpireTime', config.subscriptionExpireTime, now)
  );
}

function checkChange(body: JsonObject, check: BodyCheck, now: number): Refusal | null {
  const fault = checkCredentialType(body) ?? check(body);
  if (fault !== null) return fault;
  const { sinkCredential, config } = body as unknown as SubscriptionUpdateBody;
  return (
    checkFuture('sinkCredential.accessTokenExpiresUtc', sinkCredential?.accessTokenExpiresUtc, now) ??
    checkFuture('config.subscriptionExpireTime', config?.subscriptionExpireTime, now)
  );
}

function get({ subscriptions, form }: Parts, call: Call): SubscriptionView | null {
  const id = idOf(call);
  const found = isPlainId(id) ? subscriptions.get(call.who, id) : null;
  return found?.api === form.words.api ? found : null;
}

function idOf(call: Call): string {
  return call.params['subscriptionId'] ?? '';
}

/** Everything but the credential, which is never shown. */
function bodyOf(view: SubscriptionView, form: SubscriptionForm): Record<string, unknown> {
  const { requestedExpiry, maxEvents, initialEvent } = view;
  return {
    id: view.id,
    protocol: 'HTTP',
    sink: view.sink,
    types: form.words.types(view.types),
    config: {
      subscriptionDetail: form.detail(view),
      ...(requestedExpiry === null ? {} : { subscriptionExpireTime: formatDateTime(requestedExpiry) }),
      ...(maxEvents === null ? {} : { subscriptionMaxEvents: maxEvents }),
      ...(initialEvent === null ? {} : { initialEvent }),
    },
    startsAt: formatDateTime(view.startsAt),
    expiresAt: formatDateTime(view.expiresAt),
    status: view.status,
  };
}
