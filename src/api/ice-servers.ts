/** webrtc-ice-servers v0.1, our extension: STUN and TURN servers for a browser, with a credential that soon ends. CAMARA digest 11c. */
import type { Settings } from '../config/settings.ts';
import { isRelay } from '../config/turn-sense.ts';
import type { Ids, RegistrationId } from '../ep-cscf/ids.ts';
import type { Principal } from '../ep-cscf/words.ts';
import { createRateLimit } from '../runtime/rate-limit.ts';
import { refusalOf } from './core-reply.ts';
import { formatDateTime } from './date-time.ts';
import { isPlainId } from './field.ts';
import { turnCredential } from './ice-servers-credential.ts';
import { type Api, invalid, notFound, type Operation } from './operation.ts';
import type { Channels, CorePort, Refusal } from './ports.ts';
import { type IceServer, type IceServersRequest, iceServersAnswer, iceServersRequest } from './schemas/ice-servers.ts';
import { compile } from './validator.ts';

export interface IceServersParts {
  core: CorePort;
  channels: Pick<Channels, 'get'>;
  ids: Pick<Ids, 'ref' | 'uuid'>;
  settings: Pick<Settings, 'turn'> & { api: Pick<Settings['api'], 'iceServersPaths'> };
  /** Shared with the TURN servers. */
  secret(): string;
}

const checkRequest = compile(iceServersRequest);

export function iceServersApi(parts: IceServersParts): Api {
  return {
    name: 'webrtc-ice-servers',
    title: 'WebRTC ICE servers (extension)',
    description: 'Not a CAMARA API. Gives a browser the STUN and TURN servers by which it reaches the media gateway.',
    version: '0.1.0',
    basePaths: parts.settings.api.iceServersPaths,
    pathParameters: {},
    operations: [retrieve(parts)],
  };
}

function retrieve(parts: IceServersParts): Operation {
  const { turn } = parts.settings;
  const perUser = createRateLimit(turn.ratePerUser / 60, turn.ratePerUser);
  return {
    id: 'retrieveIceServers',
    method: 'POST',
    path: '/retrieve',
    summary: 'Gives the servers for the calls of the next time.',
    description:
      'With `registrationId` or `channelId`, not both, it is refused when there is no such thing of the caller. ' +
      'The TURN servers relay to the media gateway and to nothing else.',
    scopes: ['webrtc-ice-servers:servers:retrieve'],
    body: {
      required: false,
      schema: iceServersRequest,
      check: body =>
        checkRequest(body) ??
        ('registrationId' in body && 'channelId' in body
          ? invalid('Only one of registrationId and channelId may be given.')
          : null),
    },
    success: { status: 200, description: 'The servers.', schema: iceServersAnswer },
    errors: ['not-found', 'too-many-requests'],
    async run({ who, now, body }) {
      // A business has one client for all its visitors: the rate of the client holds for those.
      const wait = who.subject === null ? 0 : perUser.take(JSON.stringify([who.clientId, who.subject]), now);
      if (wait > 0) return { ok: false, error: 'too-many-requests', retryAfterS: Math.ceil(wait / 1000) };
      const refused = await missing(parts, who, body ?? {});
      if (refused !== null) return refused;
      const endsAt = now + turn.ttlS * 1000;
      return {
        ok: true,
        status: 200,
        body: { iceServers: iceServersUntil(parts, endsAt), ttl: turn.ttlS, expiresAt: formatDateTime(endsAt) },
      };
    },
  };
}

/** What the request names has to be the caller's. Null: it is, or nothing is named. CAMARA digest 2.5. */
async function missing(parts: IceServersParts, who: Principal, named: IceServersRequest): Promise<Refusal | null> {
  const { registrationId, channelId } = named;
  if (channelId !== undefined) {
    return isPlainId(channelId) && parts.channels.get(who, channelId) !== null ? null : notFound;
  }
  if (registrationId === undefined) return null;
  if (!isPlainId(registrationId)) return notFound;
  const ref = parts.ids.ref();
  const id = registrationId as RegistrationId;
  return refusalOf(await parts.core.ask({ type: 'get-registration', ref, who, registrationId: id }));
}

/** The servers for a browser, with a credential that ends at `endsAt`, ms. */
export function iceServersUntil(
  { settings, secret, ids }: Pick<IceServersParts, 'secret' | 'ids'> & { settings: Pick<Settings, 'turn'> },
  endsAt: number,
): IceServer[] {
  const { urls } = settings.turn;
  const open = urls.filter(url => !isRelay(url));
  const relays = urls.filter(isRelay);
  return [
    ...(open.length === 0 ? [] : [{ urls: open }]),
    ...(relays.length === 0 ? [] : [{ urls: relays, ...turnCredential(secret(), ids.uuid(), endsAt) }]),
  ];
}
