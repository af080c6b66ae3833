/** webrtc-events v0.2 (CAMARA r2.2) over the same event side. CAMARA digest 9. */
import type { Ids } from '../../ep-cscf/ids.ts';
import { isRefusal, registrationOf } from '../core-reply.ts';
import { eventWords } from '../event-field.ts';
import { isPlainId } from '../field.ts';
import type { JsonObject } from '../json.ts';
import type { Api, Call } from '../operation.ts';
import type { CorePort, Refusal, Subscriptions } from '../ports.ts';
import {
  EVENTS_V02,
  type SubscriptionBodyV02,
  subscriptionRequestV02,
  subscriptionV02,
} from '../schemas/r2-2-events.ts';
import { type SubscriptionForm, subscriptionOperations } from '../subscription-operations.ts';
import { loosen } from './loosen.ts';

interface Parts {
  core: CorePort;
  ids: Pick<Ids, 'ref'>;
  subscriptions: Subscriptions;
  now(): number;
  basePaths: readonly string[];
}

const mismatch: Refusal = { ok: false, error: 'subscription-mismatch' };

export function eventsV02({ core, ids, subscriptions, now, basePaths }: Parts): Api {
  const form: SubscriptionForm = {
    words: eventWords(EVENTS_V02),
    request: subscriptionRequestV02,
    update: null,
    subscription: subscriptionV02,
    refusals: ['subscription-mismatch'],
    watched: call => watchedBy(call, core, ids),
    detail: ({ registrationId, deviceId, mediaSessionId }) => ({
      registrationId,
      deviceId,
      ...(mediaSessionId === null ? {} : { sessionId: mediaSessionId }),
    }),
  };
  return {
    name: EVENTS_V02,
    title: 'WebRTC events',
    description: 'Subscribes to one kind of event of the device that a registration belongs to.',
    version: '0.2.0',
    basePaths,
    pathParameters: { subscriptionId: 'Id of a subscription.' },
    operations: subscriptionOperations({ subscriptions, now, form }).map(operation =>
      operation.body === undefined ? operation : loosen(operation, operation.body.schema, spelt),
    ),
  };
}

/** A registration stands for its device: the subscription outlives it, as today's do. Unknown, ended and foreign ones are all the same. */
async function watchedBy(call: Call, core: CorePort, ids: Pick<Ids, 'ref'>) {
  const { subscriptionDetail } = (call.body as unknown as SubscriptionBodyV02).config;
  const { registrationId, deviceId, sessionId } = subscriptionDetail;
  if (!isPlainId(registrationId)) return mismatch;
  const asked = { type: 'get-registration', ref: ids.ref(), who: call.who, registrationId } as const;
  const found = registrationOf(await core.ask({ ...asked, registrationId: registrationId as never }));
  if (isRefusal(found)) return found.error === 'not-found' ? mismatch : found;
  if (deviceId !== undefined && deviceId.toLowerCase() !== found.deviceId) return mismatch;
  return { deviceId: found.deviceId, registrationId, mediaSessionId: sessionId ?? null };
}

/** Published examples write two names otherwise than the schema does. */
function spelt(body: JsonObject): JsonObject {
  const within = (parent: JsonObject, name: string, change: (child: JsonObject) => JsonObject): JsonObject => {
    const child = parent[name];
    const isObject = typeof child === 'object' && child !== null && !Array.isArray(child);
    return isObject ? { ...parent, [name]: change(child as JsonObject) } : parent;
  };
  const credential = within(body, 'sinkCredential', child =>
    renamed(child, 'accessTokenExpireUtc', 'accessTokenExpiresUtc'),
  );
  return within(credential, 'config', config =>
    within(config, 'subscriptionDetail', detail => renamed(detail, 'mediaSessionId', 'sessionId')),
  );
}

function renamed(object: JsonObject, from: string, to: string): JsonObject {
  if (!Object.hasOwn(object, from) || Object.hasOwn(object, to)) return object;
  const { [from]: value, ...rest } = object;
  return { ...rest, [to]: value };
}
