/** Schemas of webrtc-click-to-call v0.1, our extension: entry points of a business, visitor tokens, and the one call of each. CAMARA digest 11b. */
import { type Static, Type } from 'typebox';
import { address, displayName, mediaSessionId, sessionStatus } from './call-handling.ts';
import { dateTime, id, sdpDescriptor, strictObject, words } from './common.ts';
import { iceServer } from './ice-servers.ts';

const time = (description: string) =>
  Type.String({ pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$', maxLength: 5, description });

const openingHours = strictObject('OpeningHours', 'When visitors may call; always, when it is left out.', {
  timeZone: Type.String({
    minLength: 1,
    maxLength: 64,
    description: 'Name in the IANA time zone database, such as Europe/Berlin.',
  }),
  open: Type.Array(
    strictObject('OpeningWindow', 'A time of day on some days of the week.', {
      days: Type.Array(words('Weekday', 'A day of the week.', ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']), {
        minItems: 1,
        maxItems: 7,
        uniqueItems: true,
        description: 'The days.',
      }),
      from: time('HH:MM, local time.'),
      to: time('HH:MM, local time, later than `from`; 24:00 is the end of the day.'),
    }),
    { minItems: 1, maxItems: 28, description: 'The windows; they may overlap.' },
  ),
});

const proofKind = words('ProofKind', 'What a page has to show for a token: nothing, or work done.', ['work', 'none']);

const entryPointFields = {
  destination: address,
  poolId: Type.String({ minLength: 1, maxLength: 64, description: 'The pool of numbers the calls are made from.' }),
  allowedOrigins: Type.Array(
    Type.String({ minLength: 1, maxLength: 256, description: 'A web origin as a browser writes it.' }),
    { minItems: 1, maxItems: 20, uniqueItems: true, description: 'The origins whose pages may call.' },
  ),
  displayName,
  maxConcurrent: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 10_000, description: 'Calls at once; as many as the pool has, by default.' }),
  ),
  maxDurationS: Type.Optional(
    Type.Integer({
      minimum: 30,
      maximum: 3600,
      description: 'Longest call, counted from its start. Seconds.',
    }),
  ),
  hours: Type.Optional(openingHours),
  proof: Type.Optional(proofKind),
  publicTokens: Type.Optional(
    Type.Boolean({
      description: 'Whether a page may get tokens by itself (true by default), or from the business alone.',
    }),
  ),
};

export const entryPointBody = strictObject(
  'EntryPointBody',
  'A way by which visitors of web pages call a business.',
  entryPointFields,
);

export const entryPoint = strictObject('EntryPoint', 'An entry point.', {
  entryPointId: id('Names the entry point; not a secret.'),
  ...entryPointFields,
  createdAt: dateTime('When it was made.'),
});

export const entryPointList = Type.Array(entryPoint, {
  maxItems: 1000,
  description: 'The entry points of the client.',
});

export const visitorTokenRequest = strictObject('VisitorTokenRequest', 'Asks for a token on behalf of a visitor.', {
  entryPointId: id('The entry point the visitor will call.'),
  visitorRef: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 128,
      pattern: '^[\\x21-\\x7e]+$',
      description: 'The business’s own name for this visit; it stands in the call record.',
    }),
  ),
});

export const publicTokenRequest = strictObject('PublicTokenRequest', 'Asks for a token from a page.', {
  proof: Type.Optional(
    strictObject('ProofOfWork', 'The work that the challenge asked for.', {
      challenge: Type.String({ minLength: 1, maxLength: 1024, description: 'As it was given.' }),
      solution: Type.String({
        minLength: 1,
        maxLength: 64,
        pattern: '^[\\x21-\\x7e]+$',
        description: 'SHA-256 of the challenge followed by this text begins with the wanted number of zero bits.',
      }),
    }),
  ),
});

export const visitorToken = strictObject('VisitorToken', 'A token for one call.', {
  visitorToken: Type.String({ maxLength: 4096, description: 'Bearer token of the calls operations.' }),
  expiresAt: dateTime('The call has to be started before; a started call may use the token until its end.'),
});

export const publicEntryPoint = strictObject('PublicEntryPoint', 'What a page needs to know of an entry point.', {
  displayName,
  open: Type.Boolean({ description: 'Whether visitors may call now.' }),
  opensAt: Type.Optional(dateTime('When it opens next, if it is closed.')),
  proof: Type.Union(
    [
      strictObject('NoProof', 'Nothing has to be shown.', {
        type: Type.Enum(['none'], { type: 'string', description: 'No proof.' }),
      }),
      strictObject('WorkWanted', 'Find a text such that SHA-256(challenge + text) begins with enough zero bits.', {
        type: Type.Enum(['work'], { type: 'string', description: 'Proof of work.' }),
        challenge: Type.String({ maxLength: 1024, description: 'Good once, for this origin and entry point.' }),
        difficulty: Type.Integer({ minimum: 1, maximum: 64, description: 'Leading zero bits.' }),
        algorithm: Type.Enum(['SHA-256'], { type: 'string', description: 'Over the UTF-8 text.' }),
        expiresAt: dateTime('The challenge is good until then.'),
      }),
    ],
    { description: 'What a token costs.' },
  ),
});

export const visitorCallRequest = strictObject('VisitorCallRequest', 'A call to the entry point’s destination.', {
  offer: sdpDescriptor,
});

const ticketFields = {
  ticket: Type.String({ maxLength: 128, description: 'Opens the channel once.' }),
  ticketExpiresAt: dateTime('The ticket is good until then.'),
};

export const visitorTicket = strictObject('VisitorTicket', 'A ticket for the channel of a call.', ticketFields);

export const visitorCall = strictObject('VisitorCall', 'A call that has begun.', {
  mediaSessionId,
  status: sessionStatus,
  channel: strictObject('VisitorChannel', 'Where the events of the call are read. webrtc-notification-channels.', {
    websocketUrl: Type.String({ maxLength: 2048, description: 'WebSocket, subprotocol webrtc-gateway.v1.' }),
    sseUrl: Type.String({ maxLength: 2048, description: 'Server-sent events, with the ticket as query parameter.' }),
    ...ticketFields,
  }),
  iceServers: Type.Array(iceServer, { description: 'For RTCPeerConnection; empty when the service has none.' }),
  endsAt: dateTime('The call is ended then at the latest.'),
});

export type EntryPointBody = Static<typeof entryPointBody>;
export type OpeningHours = Static<typeof openingHours>;
export type VisitorTokenRequest = Static<typeof visitorTokenRequest>;
export type PublicTokenRequest = Static<typeof publicTokenRequest>;
