/** The one call of a visitor token: made here, and then a call as any other. CAMARA digest 11b. */
import type { DeviceId } from '../ep-cscf/ids.ts';
import type { EntryPoint, Visitor } from '../ep-cscf/visitor-word.ts';
import { addressKey } from '../runtime/rate-limit.ts';
import { endSession, putSession, readSession } from './call-handling.ts';
import { type ClickToCallParts, originOf } from './click-to-call-parts.ts';
import { isRefusal, sessionOf } from './core-reply.ts';
import { formatDateTime } from './date-time.ts';
import { iceServersUntil } from './ice-servers.ts';
import { type Answer, type Call, notFound, type Operation } from './operation.ts';
import type { Refusal } from './ports.ts';
import { visitorCall, visitorCallRequest, visitorTicket } from './schemas/click-to-call.ts';
import { compile } from './validator.ts';

/** What every visitor token may do, and nothing else may. */
const SCOPES = ['webrtc-click-to-call:calls:own'];
/** The page reads the end of its call. */
const LAST_WORDS_MS = 60_000;

const checkRequest = compile(visitorCallRequest);

export function visitorCallOperations(parts: ClickToCallParts): Operation[] {
  const own = (operation: Operation, id: string, path: string): Operation => ({
    ...operation,
    ...forVisitors(parts),
    id,
    path,
    errors: [...operation.errors, 'origin-refused'],
    lookup: call => wrongOrigin(parts, call) ?? operation.lookup?.(call) ?? null,
  });
  return [
    create(parts),
    own(readSession(parts), 'getVisitorCall', '/calls/{mediaSessionId}'),
    own(putSession(parts), 'updateVisitorCallStatus', '/calls/{mediaSessionId}/status'),
    own(endSession(parts), 'endVisitorCall', '/calls/{mediaSessionId}'),
    own(ticket(parts), 'createVisitorCallTicket', '/calls/{mediaSessionId}/tickets'),
  ];
}

function forVisitors({
  visitorTokens,
  entryPoints,
}: ClickToCallParts): Pick<Operation, 'scopes' | 'tokens' | 'origins'> {
  return {
    scopes: SCOPES,
    tokens: visitorTokens,
    origins(_params, access) {
      const visitor = access?.visitor;
      if (visitor === undefined) return null;
      const call = visitorTokens.callOf(visitor);
      return call === null ? (entryPoints.find(visitor.entryPointId)?.allowedOrigins ?? null) : [call.origin];
    },
  };
}

/** A started call belongs to the origin it was started from. */
function wrongOrigin(parts: ClickToCallParts, call: Call): Refusal | null {
  const made = call.visitor === null ? null : parts.visitorTokens.callOf(call.visitor);
  return made === null || made.origin === originOf(parts, call) ? null : { ok: false, error: 'origin-refused' };
}

function create(parts: ClickToCallParts): Operation {
  return {
    ...forVisitors(parts),
    id: 'createVisitorCall',
    method: 'POST',
    path: '/calls',
    summary: 'Calls the business.',
    description:
      'Whom and from which number is the entry point’s to say. The answer comes when a number is registered; how the call goes on is told by events of its channel.',
    body: { required: true, schema: visitorCallRequest, check: checkRequest },
    success: { status: 201, description: 'The call, its channel, and servers for the browser.', schema: visitorCall },
    errors: [
      'sdp-unusable',
      'origin-refused',
      'visitor-token-used',
      'pool-foreign',
      'emergency-refused',
      'registration-refused',
      'originator-mismatch',
      'not-found',
      'too-many-requests',
      'pool-empty',
      'source-busy',
      'entry-point-busy',
      'call-quota',
      'network-unavailable',
      'draining',
      'not-kept',
      'network-timeout',
    ],
    async run(call) {
      const { visitor } = call;
      const entryPoint = visitor === null ? null : parts.entryPoints.find(visitor.entryPointId);
      if (visitor === null || entryPoint === null) return notFound;
      const origin = originOf(parts, call);
      const allowed = visitor.origin === null ? entryPoint.allowedOrigins : [visitor.origin];
      if (origin === null || !allowed.includes(origin) || !entryPoint.allowedOrigins.includes(origin))
        return { ok: false, error: 'origin-refused' };
      if (!parts.visitorTokens.start(visitor, origin)) return { ok: false, error: 'visitor-token-used' };
      const answer = await dial(parts, call, visitor, entryPoint);
      if (!answer.ok) parts.visitorTokens.giveUp(visitor);
      return answer;
    },
  };
}

/** The channel comes first, since events may leave before the answer. */
async function dial(
  parts: ClickToCallParts,
  call: Call,
  visitor: Visitor,
  entryPoint: EntryPoint,
): Promise<Answer | Refusal> {
  const { who, correlator, now } = call;
  const endsAt = now + (entryPoint.maxDurationS ?? parts.settings.clickToCall.maxDurationS) * 1000;
  const deviceId = visitor.id;
  const opened = await parts.channels.create(
    who,
    { deviceId, types: ['session-status'], expiresAt: endsAt + LAST_WORDS_MS },
    correlator,
  );
  if (isRefusal(opened)) return opened;
  const { channelId, websocketUrl, sseUrl, ticket, ticketExpiresAt } = opened.channel;
  const made = sessionOf(await ask(parts, call, visitor, entryPoint, endsAt));
  if (isRefusal(made)) {
    await parts.channels.remove(who, channelId);
    return made;
  }
  parts.visitorTokens.bind(visitor, channelId);
  const { mediaSessionId, status } = made;
  return {
    ok: true,
    status: 201,
    location: `/calls/${mediaSessionId}`,
    body: {
      mediaSessionId,
      status,
      channel: { websocketUrl, sseUrl, ticket, ticketExpiresAt: formatDateTime(ticketExpiresAt) },
      iceServers: iceServersUntil(parts, endsAt),
      endsAt: formatDateTime(endsAt),
    },
  };
}

function ask({ core, ids }: ClickToCallParts, call: Call, visitor: Visitor, entryPoint: EntryPoint, endsAt: number) {
  const { poolId, entryPointId, destination, displayName, maxConcurrent } = entryPoint;
  return core.ask({
    type: 'visit',
    ref: ids.ref(),
    who: call.who,
    correlator: call.correlator,
    deviceId: visitor.id as DeviceId,
    receiver: destination,
    originatorName: displayName,
    offer: (call.body as unknown as { offer: { sdp: string } }).offer.sdp,
    visit: {
      pool: poolId,
      entryPoint: entryPointId,
      reference: visitor.reference,
      address: call.address,
      endsAt,
    },
    source: addressKey(call.address),
    maxConcurrent: maxConcurrent ?? null,
  });
}

function ticket(parts: ClickToCallParts): Operation {
  return {
    ...readSession(parts),
    method: 'POST',
    summary: 'Gives a new ticket for the channel of the call.',
    description: 'Good for one connection, for a short time.',
    success: { status: 201, description: 'The ticket.', schema: visitorTicket },
    async run(call) {
      const found = await readSession(parts).run(call);
      if (!found.ok) return found;
      const channelId = call.visitor === null ? null : (parts.visitorTokens.callOf(call.visitor)?.channelId ?? null);
      const given = channelId === null ? null : parts.channels.ticket(call.who, channelId);
      if (given === null) return notFound;
      const body = { ticket: given.ticket, ticketExpiresAt: formatDateTime(given.ticketExpiresAt) };
      return { ok: true, status: 201, body, location: `/calls/${call.params['mediaSessionId']}` };
    },
  };
}
