/** webrtc-notification-channels v0.1, our extension: events to a browser that has no https sink of its own. CAMARA digest 11a. */
import type { Settings } from '../config/settings.ts';
import type { ChannelOpened, ChannelView } from '../ep-cscf/event-word.ts';
import { isRefusal } from './core-reply.ts';
import { formatDateTime, parseDateTime } from './date-time.ts';
import { checkFuture, todaysEvents } from './event-field.ts';
import { isPlainId } from './field.ts';
import { type Api, type Call, invalid, notFound, type Operation } from './operation.ts';
import type { Channels } from './ports.ts';
import {
  type ChannelRequestBody,
  channelOpened,
  channelRequest,
  channelTicket,
  channelView,
} from './schemas/notification-channels.ts';
import { compile } from './validator.ts';

export interface NotificationChannelsParts {
  channels: Channels;
  now(): number;
  settings: Pick<Settings['api'], 'channelsPaths'>;
}

const checkRequest = compile(channelRequest);

export function notificationChannelsApi(parts: NotificationChannelsParts): Api {
  return {
    name: 'webrtc-notification-channels',
    title: 'WebRTC notification channels (extension)',
    description:
      'Not a CAMARA API. Gives a browser a sink inside the gateway, and a WebSocket or server-sent events to read it.',
    version: '0.1.0',
    basePaths: parts.settings.channelsPaths,
    pathParameters: { channelId: 'Id of a channel.' },
    operations: [create(parts), ticket(parts), read(parts), stream(parts), remove(parts)],
  };
}

function create({ channels, now }: NotificationChannelsParts): Operation {
  return {
    id: 'createChannel',
    method: 'POST',
    path: '/channels',
    summary: 'Opens a channel.',
    description: 'With `types` it also subscribes; the access token then needs the create scope of each.',
    scopes: ['webrtc-notification-channels:channels:create'],
    body: {
      required: true,
      schema: channelRequest,
      check: body => checkRequest(body) ?? checkFuture('expireTime', body['expireTime'], now()),
    },
    success: { status: 201, description: 'The channel.', schema: channelOpened },
    errors: ['subscription-exists', 'too-many-requests', 'channel-quota', 'subscription-quota'],
    agree: ({ body, scopes }) =>
      todaysEvents.mayCreate(todaysEvents.names((body as unknown as ChannelRequestBody).types ?? []), scopes),
    async run(call) {
      const body = call.body as unknown as ChannelRequestBody;
      const opened = await channels.create(
        call.who,
        {
          deviceId: body.deviceId.toLowerCase(),
          types: todaysEvents.names(body.types ?? []),
          expiresAt: body.expireTime === undefined ? null : parseDateTime(body.expireTime),
        },
        call.correlator,
      );
      if (isRefusal(opened)) return opened;
      const { channel } = opened;
      return { ok: true, status: 201, body: openedBody(channel), location: `/channels/${channel.channelId}` };
    },
  };
}

function ticket(parts: NotificationChannelsParts): Operation {
  return {
    id: 'createChannelTicket',
    method: 'POST',
    path: '/channels/{channelId}/tickets',
    summary: 'Gives a new ticket.',
    description: 'Good for one connection, for a short time.',
    scopes: ['webrtc-notification-channels:channels:create'],
    success: { status: 201, description: 'The ticket.', schema: channelTicket },
    errors: ['not-found'],
    run(call) {
      const id = idOf(call);
      const given = isPlainId(id) ? parts.channels.ticket(call.who, id) : null;
      if (given === null) return notFound;
      const body = { ticket: given.ticket, ticketExpiresAt: formatDateTime(given.ticketExpiresAt) };
      return { ok: true, status: 201, body, location: `/channels/${id}` };
    },
  };
}

function read(parts: NotificationChannelsParts): Operation {
  return {
    id: 'getChannel',
    method: 'GET',
    path: '/channels/{channelId}',
    summary: 'Shows a channel.',
    description: 'One that ended, or that the access token may not see, is not found.',
    scopes: ['webrtc-notification-channels:channels:read'],
    success: { status: 200, description: 'The channel.', schema: channelView },
    errors: ['not-found'],
    run(call) {
      const id = idOf(call);
      const found = isPlainId(id) ? parts.channels.get(call.who, id) : null;
      return found === null ? notFound : { ok: true, status: 200, body: viewBody(found) };
    },
  };
}

function stream(parts: NotificationChannelsParts): Operation {
  return {
    id: 'readChannel',
    method: 'GET',
    path: '/channels/{channelId}/events',
    summary: 'The events of a channel, as they come.',
    description:
      'Server-sent events, for networks that block WebSockets: `ready` with what the device holds, then each event with its number as `id`; ' +
      '`reset` when some were lost. `Last-Event-ID` goes on after that one. In place of an access token a ticket may be given, once, as the query parameter `ticket`. ' +
      'The latest connection of a channel wins.',
    scopes: ['webrtc-notification-channels:channels:read'],
    produces: 'text/event-stream',
    ticket: (given, { channelId = '' }) => (isPlainId(channelId) ? parts.channels.redeem(channelId, given) : null),
    success: { status: 200, description: 'The events.' },
    errors: ['not-found'],
    run(call) {
      const id = idOf(call);
      const last = call.header('last-event-id');
      if (last !== null && !/^\d{1,15}$/.test(last)) {
        return invalid('The header Last-Event-ID is not the number of an event.');
      }
      const writer = isPlainId(id) ? parts.channels.stream(call.who, id, last === null ? null : Number(last)) : null;
      return writer === null ? notFound : { ok: true, status: 200, stream: writer };
    },
  };
}

function remove(parts: NotificationChannelsParts): Operation {
  return {
    id: 'deleteChannel',
    method: 'DELETE',
    path: '/channels/{channelId}',
    summary: 'Closes a channel.',
    description: 'Its subscriptions end with it.',
    scopes: ['webrtc-notification-channels:channels:delete'],
    success: { status: 204, description: 'It is closed.' },
    errors: ['not-found'],
    async run(call) {
      const id = idOf(call);
      return isPlainId(id) && (await parts.channels.remove(call.who, id)) ? { ok: true, status: 204 } : notFound;
    },
  };
}

function idOf(call: Call): string {
  return call.params['channelId'] ?? '';
}

function viewBody({ channelId, deviceId, state, transport, lastSeq, expiresAt }: ChannelView) {
  return {
    channelId,
    deviceId,
    state,
    ...(transport === null ? {} : { transport }),
    lastSeq,
    expiresAt: formatDateTime(expiresAt),
  };
}

function openedBody(channel: ChannelOpened) {
  const { channelId, deviceId, state, lastSeq, sink, sinkCredential, websocketUrl, sseUrl, resumeToken } = channel;
  const { subscriptionId } = channel;
  return {
    channelId,
    deviceId,
    state,
    lastSeq,
    expiresAt: formatDateTime(channel.expiresAt),
    sink,
    sinkCredential: {
      credentialType: sinkCredential.credentialType,
      accessToken: sinkCredential.accessToken,
      accessTokenExpiresUtc: formatDateTime(sinkCredential.accessTokenExpires),
      accessTokenType: sinkCredential.accessTokenType,
    },
    websocketUrl,
    sseUrl,
    resumeToken,
    ticket: channel.ticket,
    ticketExpiresAt: formatDateTime(channel.ticketExpiresAt),
    ...(subscriptionId === null ? {} : { subscriptionId }),
  };
}
