/** webrtc-call-handling v0.4: media sessions, made and steered. CAMARA digest 5. */

import type { Settings } from '../config/settings.ts';
import type { SessionView } from '../ep-cscf/api-request.ts';
import { isEmergency } from '../ep-cscf/identity.ts';
import type { Ids, MediaSessionId, RegistrationId } from '../ep-cscf/ids.ts';
import type { CallStatus, LocationDetails } from '../ep-cscf/words.ts';
import { isRefusal, refusalOf, sessionOf } from './core-reply.ts';
import { isPlainId } from './field.ts';
import { checkLocation, locationOf } from './location.ts';
import { type Answer, type Api, type Call, invalid, notFound, type Operation } from './operation.ts';
import type { CorePort, Refusal } from './ports.ts';
import {
  type LocationBody,
  type MediaSessionCreate,
  type MediaSessionStatusChange,
  mediaSessionCreate,
  mediaSessionResponse,
  mediaSessionStatusChange,
} from './schemas/call-handling.ts';
import { id } from './schemas/common.ts';
import { compile } from './validator.ts';

export interface CallHandlingParts {
  core: CorePort;
  ids: Pick<Ids, 'ref'>;
  now(): number;
  settings: Pick<Settings['api'], 'callHandlingPaths'>;
  /** Numbers that are emergency calls whatever the request says. */
  emergency: Pick<Settings['emergency'], 'numbers'>;
}

/** What the operations on a call need, whoever made it. */
export type SessionParts = Pick<CallHandlingParts, 'core' | 'ids' | 'now'>;

const checkCreate = compile(mediaSessionCreate);
const checkStatusChange = compile(mediaSessionStatusChange);

export function callHandlingApi(parts: CallHandlingParts): Api {
  return {
    name: 'webrtc-call-handling',
    title: 'WebRTC call handling',
    description: 'Makes, answers, changes and ends calls of registered devices.',
    version: '0.4.0-rc.1',
    basePaths: parts.settings.callHandlingPaths,
    pathParameters: { mediaSessionId: 'Id of a media session.' },
    operations: [create(parts), readSession(parts), putSession(parts), endSession(parts)],
  };
}

function create({ core, ids, now, emergency }: CallHandlingParts): Operation {
  return {
    id: 'createSession',
    method: 'POST',
    path: '/sessions',
    summary: 'Makes a call.',
    description: 'The answer comes at once; how the call goes on is told by events.',
    scopes: ['webrtc-call-handling:sessions:create'],
    urgent: body => typeof body['receiverAddress'] === 'string' && isEmergency(body['receiverAddress'], emergency),
    parameters: [
      {
        name: 'registrationId',
        in: 'header',
        description: 'The registration that calls.',
        schema: id('Id of a registration.'),
        check: value => (value.length >= 1 && value.length <= 256 ? null : 'must have 1 to 256 characters.'),
      },
    ],
    body: {
      required: true,
      schema: mediaSessionCreate,
      check: body => checkCreate(body) ?? checkLocationOf(body, now()),
    },
    success: { status: 201, description: 'The media session.', schema: mediaSessionResponse },
    errors: [
      'out-of-range',
      'sdp-unusable',
      'receiver-anonymous',
      'emergency-mismatch',
      'registration-not-usable',
      'originator-mismatch',
      'receiver-refused',
      'too-many-requests',
      'call-quota',
      'emergency-not-supported',
      'network-unavailable',
      'draining',
    ],
    async run(call) {
      const body = call.body as unknown as MediaSessionCreate;
      const reply = await core.ask({
        type: 'originate',
        ref: ids.ref(),
        who: call.who,
        correlator: call.correlator,
        registrationId: (call.header('registrationId') ?? '') as RegistrationId,
        originator: body.originatorAddress,
        receiver: body.receiverAddress,
        originatorName: body.originatorName ?? null,
        receiverName: body.receiverName ?? null,
        offer: body.offer.sdp,
        callType: body.callType ?? null,
        location: locationOf(body.locationDetails),
      });
      const made = sessionOf(reply);
      if (isRefusal(made)) return made;
      return { ok: true, status: 201, body: sessionBody(made), location: `/sessions/${made.mediaSessionId}` };
    },
  };
}

export function readSession(parts: SessionParts): Operation {
  return {
    id: 'getSessionDetailsById',
    method: 'GET',
    path: '/sessions/{mediaSessionId}',
    summary: 'Shows a media session.',
    description: 'A session that ended, or that the access token may not see, is not found.',
    scopes: ['webrtc-call-handling:sessions:read'],
    success: { status: 200, description: 'The media session.', schema: mediaSessionResponse },
    errors: ['not-found'],
    async run(call) {
      const found = await get(parts, call);
      return isRefusal(found) ? found : shown(found);
    },
  };
}

export function putSession(parts: SessionParts): Operation {
  const { core, ids, now } = parts;
  return {
    id: 'updateSessionStatus',
    method: 'PUT',
    path: '/sessions/{mediaSessionId}/status',
    summary: 'Changes a media session.',
    description: 'Rings, answers, declines, holds and resumes; carries new session descriptions and locations.',
    scopes: ['webrtc-call-handling:sessions:write'],
    body: {
      required: true,
      schema: mediaSessionStatusChange,
      check: body => checkStatusChange(body) ?? checkLocationOf(body, now()),
    },
    success: { status: 200, description: 'The media session after the change.', schema: mediaSessionResponse },
    errors: [
      'out-of-range',
      'status-not-settable',
      'answer-missing',
      'offer-and-answer',
      'not-found',
      'incompatible-state',
    ],
    async lookup(call) {
      const found = await get(parts, call);
      return isRefusal(found) ? found : null;
    },
    async run(call) {
      const body = call.body as unknown as MediaSessionStatusChange;
      const mediaSessionId = idOf(call);
      if (body.mediaSessionId !== undefined && body.mediaSessionId !== mediaSessionId) {
        return invalid('The value of "mediaSessionId" is not the one of the path.');
      }
      const reply = await core.ask({
        type: 'put-status',
        ref: ids.ref(),
        who: call.who,
        correlator: call.correlator,
        mediaSessionId,
        status: body.status as CallStatus,
        offer: body.offer?.sdp ?? null,
        answer: body.answer?.sdp ?? null,
        location: locationOf(body.locationDetails),
      });
      const changed = sessionOf(reply);
      return isRefusal(changed) ? changed : shown(changed);
    },
  };
}

export function endSession({ core, ids }: SessionParts): Operation {
  return {
    id: 'deleteSessionById',
    method: 'DELETE',
    path: '/sessions/{mediaSessionId}',
    summary: 'Ends a call, whatever its state.',
    description: 'The session is gone at once; a last event tells how it ended.',
    scopes: ['webrtc-call-handling:sessions:delete'],
    success: { status: 204, description: 'It ended.' },
    errors: ['not-found'],
    async run(call) {
      const { who, correlator } = call;
      const mediaSessionId = idOf(call);
      if (!isPlainId(mediaSessionId)) return notFound;
      const reply = await core.ask({ type: 'end-session', ref: ids.ref(), who, correlator, mediaSessionId });
      return refusalOf(reply) ?? { ok: true, status: 204 };
    },
  };
}

async function get({ core, ids }: SessionParts, call: Call): Promise<SessionView | Refusal> {
  const mediaSessionId = idOf(call);
  if (!isPlainId(mediaSessionId)) return notFound;
  return sessionOf(await core.ask({ type: 'get-session', ref: ids.ref(), who: call.who, mediaSessionId }));
}

function idOf(call: Call): MediaSessionId {
  return (call.params['mediaSessionId'] ?? '') as MediaSessionId;
}

function checkLocationOf(body: Readonly<Record<string, unknown>>, now: number): Refusal | null {
  const location = body['locationDetails'];
  return location === undefined ? null : checkLocation(location as LocationBody, now);
}

function shown(session: SessionView): Answer {
  return { ok: true, status: 200, body: sessionBody(session) };
}

interface SessionBody {
  mediaSessionId: string;
  originatorAddress: string;
  originatorName?: string;
  receiverAddress: string;
  receiverName?: string;
  status: string;
  /** Empty while the gateway has made no offer yet. */
  offer: { sdp?: string };
  answer?: { sdp: string };
  callType?: string;
  locationDetails?: LocationDetails;
}

/** A session as the API shows it. */
export function sessionBody(session: SessionView): SessionBody {
  const { mediaSessionId, originatorAddress, receiverAddress, status, originatorName, receiverName } = session;
  const { offer, answer, callType, location } = session;
  return {
    mediaSessionId,
    originatorAddress,
    ...(originatorName === null ? {} : { originatorName }),
    receiverAddress,
    ...(receiverName === null ? {} : { receiverName }),
    status,
    offer: offer === null ? {} : { sdp: offer },
    ...(answer === null ? {} : { answer: { sdp: answer } }),
    ...(callType === null ? {} : { callType }),
    ...(location === null ? {} : { locationDetails: location }),
  };
}
