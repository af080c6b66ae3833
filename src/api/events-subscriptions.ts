/** webrtc-events-subscriptions v0.3: who is told of what, where. CAMARA digest 8. */
import type { Settings } from '../config/settings.ts';
import type { SubscriptionView } from '../ep-cscf/event-word.ts';
import { isRefusal } from './core-reply.ts';
import { formatDateTime, parseDateTime } from './date-time.ts';
import { checkCredentialType, checkFuture, createScopes, credentialOf, eventNames, mayCreate } from './event-field.ts';
import { isHttpsUrl, isPlainId } from './field.ts';
import type { JsonObject } from './json.ts';
import { type Api, type Call, notFound, type Operation } from './operation.ts';
import type { Refusal, Subscriptions } from './ports.ts';
import { notifications } from './schemas/cloud-event.ts';
import { EVENT_PREFIX } from './schemas/common.ts';
import {
  type SubscriptionBody,
  type SubscriptionUpdateBody,
  subscription,
  subscriptionList,
  subscriptionRequest,
  subscriptionUpdateRequest,
} from './schemas/events-subscriptions.ts';
import { compile } from './validator.ts';

export interface EventsSubscriptionsParts {
  subscriptions: Subscriptions;
  now(): number;
  settings: Pick<Settings['api'], 'eventsPaths'>;
}

const credentialCodes = {
  '/sinkCredential/credentialType': 'invalid-credential',
  '/sinkCredential/accessTokenType': 'invalid-token',
} as const;
const checkRequest = compile(subscriptionRequest, {
  ...credentialCodes,
  '/protocol': 'invalid-protocol',
  '/sink': 'invalid-sink',
});
const checkUpdate = compile(subscriptionUpdateRequest, credentialCodes);

export function eventsSubscriptionsApi(parts: EventsSubscriptionsParts): Api {
  return {
    name: 'webrtc-events-subscriptions',
    title: 'WebRTC events subscriptions',
    description: 'Subscribes to what happens to a device: calls that come in, changes of calls, ends of registrations.',
    version: '0.3.0-rc.1',
    basePaths: parts.settings.eventsPaths,
    pathParameters: { subscriptionId: 'Id of a subscription.' },
    operations: [create(parts), list(parts), read(parts), update(parts), remove(parts)],
  };
}

function create({ subscriptions, now }: EventsSubscriptionsParts): Operation {
  return {
    id: 'createNotificationChannelSubscription',
    method: 'POST',
    path: '/subscriptions',
    summary: 'Makes a subscription.',
    description: 'The access token needs the create scope of each event type asked for, and of no other.',
    scopes: createScopes,
    body: { required: true, schema: subscriptionRequest, check: body => checkNew(body, now()) },
    success: { status: 201, description: 'The subscription.', schema: subscription },
    callback: notifications,
    errors: [400, 401, 403, 409, 429],
    agree: ({ body, scopes }) => mayCreate(eventNames((body as unknown as SubscriptionBody).types), scopes),
    async run(call) {
      const body = call.body as unknown as SubscriptionBody;
      const { config } = body;
      const made = await subscriptions.create(
        call.who,
        {
          sink: body.sink,
          types: eventNames(body.types),
          deviceId: config.subscriptionDetail.deviceId.toLowerCase(),
          expiresAt: config.subscriptionExpireTime === undefined ? null : parseDateTime(config.subscriptionExpireTime),
          maxEvents: config.subscriptionMaxEvents ?? null,
          initialEvent: config.initialEvent ?? null,
          credential: credentialOf(body.sinkCredential),
        },
        call.correlator,
      );
      if (isRefusal(made)) return made;
      const view = made.subscription;
      return { ok: true, status: 201, body: bodyOf(view), location: `/subscriptions/${view.id}` };
    },
  };
}

function list({ subscriptions }: EventsSubscriptionsParts): Operation {
  return {
    id: 'retrieveNotificationChannelSubscriptionList',
    method: 'GET',
    path: '/subscriptions',
    summary: 'Lists subscriptions.',
    description: 'Those in force that the access token may see.',
    scopes: ['webrtc-events-subscriptions:read'],
    success: { status: 200, description: 'The subscriptions.', schema: subscriptionList },
    errors: [400, 401, 403],
    run: ({ who }) => ({ ok: true, status: 200, body: subscriptions.list(who).slice(0, 100).map(bodyOf) }),
  };
}

function read(parts: EventsSubscriptionsParts): Operation {
  return {
    id: 'retrieveNotificationChannelSubscription',
    method: 'GET',
    path: '/subscriptions/{subscriptionId}',
    summary: 'Shows a subscription.',
    description: 'One that ended, or that the access token may not see, is not found.',
    scopes: ['webrtc-events-subscriptions:read'],
    success: { status: 200, description: 'The subscription.', schema: subscription },
    errors: [400, 401, 403, 404],
    run(call) {
      const found = get(parts, call);
      return found === null ? notFound : { ok: true, status: 200, body: bodyOf(found) };
    },
  };
}

function update(parts: EventsSubscriptionsParts): Operation {
  const { subscriptions, now } = parts;
  return {
    id: 'updateNotificationChannelSubscription',
    method: 'PUT',
    path: '/subscriptions/{subscriptionId}',
    summary: 'Renews a subscription.',
    description: 'Changes the credential, the end, or both.',
    scopes: ['webrtc-events-subscriptions:update'],
    body: { required: true, schema: subscriptionUpdateRequest, check: body => checkChange(body, now()) },
    success: { status: 200, description: 'The subscription after the change.', schema: subscription },
    errors: [400, 401, 403, 404, 429],
    lookup: call => (get(parts, call) === null ? notFound : null),
    async run(call) {
      const body = call.body as unknown as SubscriptionUpdateBody;
      const expireTime = body.config?.subscriptionExpireTime;
      const changed = await subscriptions.update(call.who, idOf(call), {
        expiresAt: expireTime === undefined ? null : parseDateTime(expireTime),
        credential: credentialOf(body.sinkCredential),
      });
      return isRefusal(changed) ? changed : { ok: true, status: 200, body: bodyOf(changed.subscription) };
    },
  };
}

function remove({ subscriptions }: EventsSubscriptionsParts): Operation {
  return {
    id: 'deleteNotificationChannelSubscription',
    method: 'DELETE',
    path: '/subscriptions/{subscriptionId}',
    summary: 'Ends a subscription.',
    description: 'A last event tells its sink.',
    scopes: ['webrtc-events-subscriptions:delete'],
    success: { status: 204, description: 'It ended.' },
    errors: [400, 401, 403, 404],
    async run(call) {
      const id = idOf(call);
      if (!isPlainId(id)) return notFound;
      const gone = await subscriptions.remove(call.who, id, call.correlator);
      return isRefusal(gone) ? gone : { ok: true, status: 204 };
    },
  };
}

function checkNew(body: JsonObject, now: number): Refusal | null {
  const fault = checkCredentialType(body) ?? checkRequest(body);
  if (fault !== null) return fault;
  const { sink, sinkCredential, config } = body as unknown as SubscriptionBody;
  if (!isHttpsUrl(sink)) return { ok: false, error: 'invalid-sink' };
  return (
    checkFuture('sinkCredential.accessTokenExpiresUtc', sinkCredential?.accessTokenExpiresUtc, now) ??
    checkFuture('config.subscriptionExpireTime', config.subscriptionExpireTime, now)
  );
}

function checkChange(body: JsonObject, now: number): Refusal | null {
  const fault = checkCredentialType(body) ?? checkUpdate(body);
  if (fault !== null) return fault;
  const { sinkCredential, config } = body as unknown as SubscriptionUpdateBody;
  return (
    checkFuture('sinkCredential.accessTokenExpiresUtc', sinkCredential?.accessTokenExpiresUtc, now) ??
    checkFuture('config.subscriptionExpireTime', config?.subscriptionExpireTime, now)
  );
}

function get({ subscriptions }: EventsSubscriptionsParts, call: Call): SubscriptionView | null {
  const id = idOf(call);
  return isPlainId(id) ? subscriptions.get(call.who, id) : null;
}

function idOf(call: Call): string {
  return call.params['subscriptionId'] ?? '';
}

interface SubscriptionShown {
  id: string;
  protocol: 'HTTP';
  sink: string;
  types: string[];
  config: {
    subscriptionDetail: { deviceId: string };
    subscriptionExpireTime?: string;
    subscriptionMaxEvents?: number;
    initialEvent?: boolean;
  };
  startsAt: string;
  expiresAt: string;
  status: 'ACTIVE';
}

/** Everything but the credential, which is never shown. */
function bodyOf(view: SubscriptionView): SubscriptionShown {
  const { requestedExpiry, maxEvents, initialEvent } = view;
  return {
    id: view.id,
    protocol: 'HTTP',
    sink: view.sink,
    types: view.types.map(name => EVENT_PREFIX + name),
    config: {
      subscriptionDetail: { deviceId: view.deviceId },
      ...(requestedExpiry === null ? {} : { subscriptionExpireTime: formatDateTime(requestedExpiry) }),
      ...(maxEvents === null ? {} : { subscriptionMaxEvents: maxEvents }),
      ...(initialEvent === null ? {} : { initialEvent }),
    },
    startsAt: formatDateTime(view.startsAt),
    expiresAt: formatDateTime(view.expiresAt),
    status: view.status,
  };
}
