/** Schemas of webrtc-notification-channels v0.1, our extension: events to a browser. CAMARA digest 11a. */
import { type Static, Type } from 'typebox';
import { EVENTS_API } from '../../ep-cscf/event-word.ts';
import { dateTime, deviceId, eventTypeOf, id, sinkCredential, strictObject } from './common.ts';

export const channelRequest = strictObject('ChannelRequest', 'A channel for the events of a device.', {
  deviceId,
  types: Type.Optional(
    Type.Array(eventTypeOf(EVENTS_API), {
      minItems: 1,
      maxItems: 3,
      description: 'With them the subscription is made in the same step.',
    }),
  ),
  expireTime: Type.Optional(dateTime('Asked end of the channel, in the future.')),
});

const ticketFields = {
  ticket: Type.String({ description: 'Opens the connection, once.' }),
  ticketExpiresAt: dateTime('When the ticket ends.'),
};

export const channelTicket = strictObject('ChannelTicket', 'A new ticket.', ticketFields);

const state = Type.Enum(['CONNECTED', 'DISCONNECTED'], {
  type: 'string',
  description: 'Whether a connection is open now.',
});

export const channelOpened = strictObject('ChannelOpened', 'A new channel.', {
  channelId: id('Names the channel in later requests.'),
  deviceId,
  state,
  lastSeq: Type.Integer({ minimum: 0, description: 'Number of the last message sent.' }),
  expiresAt: dateTime('When the channel ends.'),
  sink: Type.String({ format: 'uri', maxLength: 1024, description: 'For `sink` of a subscription.' }),
  sinkCredential,
  websocketUrl: Type.String({ format: 'uri', description: 'Where a WebSocket is opened.' }),
  sseUrl: Type.String({ format: 'uri', description: 'Where server-sent events are read.' }),
  resumeToken: Type.String({
    description: 'Opens the WebSocket again in place of a ticket, as long as the channel lives; to be kept secret.',
  }),
  ...ticketFields,
  subscriptionId: Type.Optional(id('The subscription made with the channel.')),
});

export const channelView = strictObject('Channel', 'A channel.', {
  channelId: id('Names the channel.'),
  deviceId,
  state,
  transport: Type.Optional(Type.Enum(['WEBSOCKET', 'SSE'], { type: 'string', description: 'Of the open connection.' })),
  lastSeq: Type.Integer({ minimum: 0, description: 'Number of the last message sent.' }),
  expiresAt: dateTime('When the channel ends.'),
});

export type ChannelRequestBody = Static<typeof channelRequest>;
