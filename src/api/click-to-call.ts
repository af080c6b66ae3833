/** webrtc-click-to-call v0.1, our extension: anonymous visitors of a web page call its business. CAMARA digest 11b. */
import type { EntryPoint, EntryPointDraft } from '../ep-cscf/visitor-word.ts';
import { businessOnly, type ClickToCallParts } from './click-to-call-parts.ts';
import { isRefusal } from './core-reply.ts';
import { formatDateTime } from './date-time.ts';
import { type Answer, type Api, type Call, notFound, type Operation } from './operation.ts';
import type { Refusal } from './ports.ts';
import { entryPoint, entryPointBody, entryPointList } from './schemas/click-to-call.ts';
import { compile } from './validator.ts';
import { visitorCallOperations } from './visitor-calls.ts';
import { visitorTokenOperations } from './visitor-tokens.ts';

const checkBody = compile(entryPointBody);

export function clickToCallApi(parts: ClickToCallParts): Api {
  return {
    name: 'webrtc-click-to-call',
    title: 'WebRTC click to call (extension)',
    description:
      'Not a CAMARA API. Visitors of a web page call its business, without an account and without a number: ' +
      'a business makes entry points, a page gets a visitor token, a token is good for one call.',
    version: '0.1.0',
    basePaths: parts.settings.api.clickToCallPaths,
    pathParameters: { entryPointId: 'Id of an entry point.', mediaSessionId: 'Id of the visitor’s call.' },
    operations: [
      list(parts),
      create(parts),
      read(parts),
      update(parts),
      remove(parts),
      ...visitorTokenOperations(parts),
      ...visitorCallOperations(parts),
    ],
  };
}

function list({ entryPoints }: ClickToCallParts): Operation {
  return {
    id: 'listEntryPoints',
    method: 'GET',
    path: '/entry-points',
    summary: 'Lists the entry points of the client.',
    description: 'In the order they were made.',
    scopes: ['webrtc-click-to-call:entry-points:read'],
    success: { status: 200, description: 'The entry points.', schema: entryPointList },
    errors: [],
    agree: businessOnly,
    run: ({ who }) => ({ ok: true, status: 200, body: entryPoints.list(who.clientId).map(shown) }),
  };
}

function create({ entryPoints }: ClickToCallParts): Operation {
  return {
    id: 'createEntryPoint',
    method: 'POST',
    path: '/entry-points',
    summary: 'Makes an entry point.',
    description: 'Whom visitors call, from which pool of numbers, from which pages, and when.',
    scopes: ['webrtc-click-to-call:entry-points:create'],
    body: { required: true, schema: entryPointBody, check: checkBody },
    success: { status: 201, description: 'The entry point.', schema: entryPoint },
    errors: ['out-of-range', 'pool-foreign', 'emergency-refused', 'entry-point-quota', 'not-kept'],
    agree: businessOnly,
    async run({ who, body }) {
      const made = await entryPoints.create(who.clientId, body as unknown as EntryPointDraft);
      if (isRefusal(made)) return made;
      const { entryPointId } = made.entryPoint;
      return { ok: true, status: 201, body: shown(made.entryPoint), location: `/entry-points/${entryPointId}` };
    },
  };
}

function read(parts: ClickToCallParts): Operation {
  return {
    id: 'getEntryPoint',
    method: 'GET',
    path: '/entry-points/{entryPointId}',
    summary: 'Shows an entry point.',
    description: 'One of another client is not found.',
    scopes: ['webrtc-click-to-call:entry-points:read'],
    success: { status: 200, description: 'The entry point.', schema: entryPoint },
    errors: ['not-found'],
    run(call) {
      const found = ownEntryPoint(parts, call);
      return found === null ? notFound : { ok: true, status: 200, body: shown(found) };
    },
  };
}

function update(parts: ClickToCallParts): Operation {
  return {
    id: 'updateEntryPoint',
    method: 'PUT',
    path: '/entry-points/{entryPointId}',
    summary: 'Replaces an entry point.',
    description: 'Calls that are up go on as they were begun.',
    scopes: ['webrtc-click-to-call:entry-points:update'],
    body: { required: true, schema: entryPointBody, check: checkBody },
    success: { status: 200, description: 'The entry point.', schema: entryPoint },
    errors: ['out-of-range', 'not-found', 'pool-foreign', 'emergency-refused', 'not-kept'],
    lookup: call => (ownEntryPoint(parts, call) === null ? notFound : null),
    async run(call): Promise<Answer | Refusal> {
      const found = ownEntryPoint(parts, call);
      if (found === null) return notFound;
      const kept = await parts.entryPoints.replace(found, call.body as unknown as EntryPointDraft);
      return isRefusal(kept) ? kept : { ok: true, status: 200, body: shown(kept.entryPoint) };
    },
  };
}

function remove(parts: ClickToCallParts): Operation {
  return {
    id: 'deleteEntryPoint',
    method: 'DELETE',
    path: '/entry-points/{entryPointId}',
    summary: 'Takes an entry point away.',
    description: 'There are no new calls; those that are up go on.',
    scopes: ['webrtc-click-to-call:entry-points:delete'],
    success: { status: 204, description: 'It is gone.' },
    errors: ['not-found', 'not-kept'],
    async run(call): Promise<Answer | Refusal> {
      const found = ownEntryPoint(parts, call);
      if (found === null) return notFound;
      return (await parts.entryPoints.remove(found)) ? { ok: true, status: 204 } : { ok: false, error: 'not-kept' };
    },
  };
}

function ownEntryPoint({ entryPoints }: ClickToCallParts, { who, params }: Call): EntryPoint | null {
  const found = entryPoints.find(params['entryPointId'] ?? '');
  return who.legs === 2 && found?.clientId === who.clientId ? found : null;
}

function shown({ clientId: _, createdAt, ...entryPoint }: EntryPoint) {
  return { ...entryPoint, createdAt: formatDateTime(createdAt) };
}
