/** webrtc-registration v0.4: devices registered for a number. CAMARA digest 4. */

import type { Settings } from '../config/settings.ts';
import type { RegistrationView } from '../ep-cscf/api-request.ts';
import type { DeviceId, E164, Ids, RegistrationId } from '../ep-cscf/ids.ts';
import { isRefusal, refusalOf, registrationOf, registrationsOf } from './core-reply.ts';
import { formatDateTime, parseDateTime } from './date-time.ts';
import { isPlainId, isUuid } from './field.ts';
import { type Answer, type Api, type Call, notFound, type Operation } from './operation.ts';
import type { CorePort, Refusal } from './ports.ts';
import { deviceId } from './schemas/common.ts';
import {
  type RegSessionRequest,
  type RegSessionResponse,
  type RegSessionUpdate,
  regSessionList,
  regSessionRequest,
  regSessionResponse,
  regSessionUpdate,
} from './schemas/registration.ts';
import { compile } from './validator.ts';

export interface RegistrationParts {
  core: CorePort;
  ids: Pick<Ids, 'ref'>;
  settings: Pick<Settings['api'], 'registrationPaths' | 'clients'>;
}

const checkRequest = compile(regSessionRequest);
const checkUpdate = compile(regSessionUpdate);

export function registrationApi(parts: RegistrationParts): Api {
  return {
    name: 'webrtc-registration',
    title: 'WebRTC registration',
    description: 'Registers devices for a telephone number, so that they can make and take calls.',
    version: '0.4.0-rc.1',
    basePaths: parts.settings.registrationPaths,
    pathParameters: { registrationId: 'Id of a registration.' },
    operations: [list(parts), create(parts), read(parts), update(parts), remove(parts)],
  };
}

function list({ core, ids }: RegistrationParts): Operation {
  return {
    id: 'getRegistrationsByDeviceId',
    method: 'GET',
    path: '/sessions',
    summary: 'Lists the registrations of a device.',
    description: 'Only those the access token may see; an empty list when there is none.',
    scopes: ['webrtc-registration:sessions:read'],
    parameters: [
      {
        name: 'deviceId',
        in: 'query',
        description: 'The device.',
        schema: deviceId,
        check: value => (isUuid(value) ? null : 'must be a UUID.'),
      },
    ],
    success: { status: 200, description: 'The registrations.', schema: regSessionList },
    errors: [],
    async run({ who, query }) {
      const device = (query.get('deviceId') ?? '').toLowerCase() as DeviceId;
      const found = registrationsOf(
        await core.ask({ type: 'list-registrations', ref: ids.ref(), who, deviceId: device }),
      );
      return isRefusal(found) ? found : { ok: true, status: 200, body: found.slice(0, 10).map(registrationBody) };
    },
  };
}

function create({ core, ids, settings }: RegistrationParts): Operation {
  return {
    id: 'createRegistration',
    method: 'POST',
    path: '/sessions',
    summary: 'Registers a device.',
    description:
      'The number is the one of a three-legged access token; with a two-legged one it is `phoneNumber`, which must be allotted to the client.',
    scopes: ['webrtc-registration:sessions:create'],
    body: { required: true, schema: regSessionRequest, check: checkRequest },
    success: { status: 201, description: 'The registration.', schema: regSessionResponse },
    errors: [
      'expiry-out-of-range',
      'emergency-address-missing',
      'number-not-allotted',
      'max-devices-per-user',
      'max-registrations-per-number',
      'max-registrations-per-user',
      'registration-refused',
      'registration-exists',
      'registration-pending',
      'identifier-missing',
      'identifier-unnecessary',
      'network-unavailable',
      'network-timeout',
    ],
    agree: call => {
      const number = numberFor(call, settings.clients);
      if (typeof number !== 'string') return number;
      return call.emergencyAddress ? null : { ok: false, error: 'emergency-address-missing' };
    },
    async run(call) {
      const body = call.body as unknown as RegSessionRequest;
      const number = numberFor(call, settings.clients);
      if (typeof number !== 'string') return number;
      const reply = await core.ask({
        type: 'register',
        ref: ids.ref(),
        who: call.who,
        correlator: call.correlator,
        number,
        deviceId: body.deviceId.toLowerCase() as DeviceId,
        expiresAt: timeOf(body.registrationExpireTime),
      });
      const made = registrationOf(reply);
      if (isRefusal(made)) return made;
      return { ok: true, status: 201, body: registrationBody(made), location: `/sessions/${made.registrationId}` };
    },
  };
}

function read(parts: RegistrationParts): Operation {
  return {
    id: 'getRegistrationById',
    method: 'GET',
    path: '/sessions/{registrationId}',
    summary: 'Shows a registration.',
    description: 'A registration that ended, or that the access token may not see, is not found.',
    scopes: ['webrtc-registration:sessions:read'],
    success: { status: 200, description: 'The registration.', schema: regSessionResponse },
    errors: ['not-found'],
    async run(call) {
      const found = await get(parts, call);
      return isRefusal(found) ? found : shown(found);
    },
  };
}

function update(parts: RegistrationParts): Operation {
  const { core, ids } = parts;
  return {
    id: 'updateRegistrationById',
    method: 'PUT',
    path: '/sessions/{registrationId}',
    summary: 'Gives a registration a new end.',
    description: 'Without a body, or without a time in it, the default life begins anew.',
    scopes: ['webrtc-registration:sessions:write'],
    body: { required: false, schema: regSessionUpdate, check: checkUpdate },
    success: { status: 200, description: 'The registration with its new end.', schema: regSessionResponse },
    errors: ['expiry-out-of-range', 'not-found'],
    async lookup(call) {
      const found = await get(parts, call);
      return isRefusal(found) ? found : null;
    },
    async run(call) {
      const body = call.body as RegSessionUpdate | null;
      const reply = await core.ask({
        type: 'extend-registration',
        ref: ids.ref(),
        who: call.who,
        correlator: call.correlator,
        registrationId: idOf(call),
        expiresAt: timeOf(body?.registrationExpireTime),
      });
      const changed = registrationOf(reply);
      return isRefusal(changed) ? changed : shown(changed);
    },
  };
}

function remove({ core, ids }: RegistrationParts): Operation {
  return {
    id: 'deleteRegistrationById',
    method: 'DELETE',
    path: '/sessions/{registrationId}',
    summary: 'Ends a registration.',
    description: 'Its calls are released first.',
    scopes: ['webrtc-registration:sessions:delete'],
    success: { status: 204, description: 'It ended.' },
    errors: ['not-found'],
    async run(call) {
      const { who, correlator } = call;
      const registrationId = idOf(call);
      if (!isPlainId(registrationId)) return notFound;
      const reply = await core.ask({ type: 'unregister', ref: ids.ref(), who, correlator, registrationId });
      return refusalOf(reply) ?? { ok: true, status: 204 };
    },
  };
}

async function get({ core, ids }: RegistrationParts, call: Call): Promise<RegistrationView | Refusal> {
  const registrationId = idOf(call);
  if (!isPlainId(registrationId)) return notFound;
  return registrationOf(await core.ask({ type: 'get-registration', ref: ids.ref(), who: call.who, registrationId }));
}

function idOf(call: Call): RegistrationId {
  return (call.params['registrationId'] ?? '') as RegistrationId;
}

/** The number to register: the token's, or an allotted one. CAMARA digest 4.2. */
function numberFor(call: Call, clients: Settings['api']['clients']): E164 | Refusal {
  const asked = call.body?.['phoneNumber'];
  if (call.who.legs === 3) {
    if (asked !== undefined) return { ok: false, error: 'identifier-unnecessary' };
    return call.who.number ?? { ok: false, error: 'token-context' };
  }
  if (typeof asked !== 'string') return { ok: false, error: 'identifier-missing' };
  const allotted = Object.hasOwn(clients, call.who.clientId) ? clients[call.who.clientId]?.numbers : undefined;
  return allotted?.includes(asked) ? (asked as E164) : { ok: false, error: 'number-not-allotted' };
}

/** The schema has checked the form. */
function timeOf(text: string | undefined): number | null {
  return text === undefined ? null : parseDateTime(text);
}

function shown(registration: RegistrationView): Answer {
  return { ok: true, status: 200, body: registrationBody(registration) };
}

/** A registration as the API shows it. */
export function registrationBody({ registrationId, phoneNumber, expiresAt }: RegistrationView): RegSessionResponse {
  return {
    registrationId,
    regInfo: { phoneNumber, regStatus: 'Registered' },
    expiresAt: formatDateTime(expiresAt),
  };
}
