/**
 * One call with a daemon: its sound, and beside it its picture. The daemon does not bundle, so each is a call of its own
 * there, with ports, ICE and gates of its own, and whatever becomes of the picture the sound goes on. Pure.
 */
import type { EngineCommand, EngineEvent, VideoRoute, WebTransport } from '../engine.ts';
import { type CallOptions, type CallState, callState } from './call-state.ts';
import type { StreamRoute } from './pair.ts';
import { handle as handleStream, type StreamCommand, type StreamEffect, type StreamInput } from './stream.ts';

export interface CallSession {
  readonly sound: CallState;
  picture: CallState | null;
  /** A picture that a browser has refused, and whose transport it has kept: the next one in its place. */
  parked: CallState | null;
  /** Pictures so far: each is a new call for the daemon. */
  pictures: number;
  /** The far end asks for key frames and lost packets by itself, and takes such questions. */
  feedback: boolean;
  /** The far end has asked for a key frame by signalling. */
  keyFrameAsked: boolean;
  /** Operations that wait for the picture, with the answer of the sound once it has one. */
  waiting: Map<number, EngineEvent | null>;
}

export type SessionInput =
  | { type: 'command'; command: EngineCommand }
  /** A stream that is no more is passed over. */
  | (Exclude<StreamInput, { type: 'command' }> & { of: CallState });

export type SessionEffect =
  | (Extract<StreamEffect, { type: 'ask' | 'look-in' }> & { of: CallState })
  | Exclude<StreamEffect, { type: 'ask' | 'look-in' }>
  | { type: 'picture-begins' }
  /** Of itself the daemon asks nobody for a picture. `first`: it is the first one in this call. */
  | { type: 'key-frame-unasked'; first: boolean }
  /** `leftover` when the daemon may still have something of it. */
  | { type: 'picture-over'; of: CallState; leftover: boolean };

type Out = SessionEffect[];

export function callSession(options: CallOptions): CallSession {
  const sound = callState(options);
  return { sound, picture: null, parked: null, pictures: 0, feedback: false, keyFrameAsked: false, waiting: new Map() };
}

/** Takes one input at `now` (ms); its effects are appended to `out`. */
export function handle(call: CallSession, input: SessionInput, now: number, out: Out): void {
  if (input.type === 'command') take(call, input.command, now, out);
  else if (streamsOf(call).includes(input.of)) give(call, input.of, input, now, out);
}

/** All that a daemon has of a call: its sound, and its pictures. */
export function streamsOf({ sound, picture, parked }: CallSession): [CallState, ...CallState[]] {
  return [sound, ...[picture, parked].filter(stream => stream !== null)];
}

function take(call: CallSession, command: EngineCommand, now: number, out: Out): void {
  const { sound, picture } = call;
  const tell = (stream: CallState, what: StreamCommand) =>
    give(call, stream, { type: 'command', command: what }, now, out);
  switch (command.type) {
    case 'add-video':
      begin(call, command, now, out);
      break;
    case 'drop-video':
      if (picture === null) break;
      if (command.kept !== true || !isUnanswered(picture)) end(call, picture, true, out);
      else {
        call.parked = picture;
        call.picture = null;
      }
      break;
    case 'connect':
    case 'restart': {
      const { video } = command.remote;
      if (picture !== null && video !== undefined) call.waiting.set(command.op, null);
      tell(sound, command);
      if (picture !== null && video !== undefined) tell(picture, { ...command, remote: video });
      break;
    }
    case 'route': {
      const { video } = command.route;
      call.feedback = video?.feedback ?? false;
      tell(sound, { type: 'route', route: { ...command.route, feedback: false } });
      if (picture !== null && video !== null) tell(picture, { type: 'route', route: pictureRoute(video) });
      break;
    }
    case 'add-leg':
    case 'drop-leg':
      tell(sound, command);
      if (picture !== null) tell(picture, command);
      break;
    case 'open':
    case 'play':
    case 'close':
      tell(sound, command);
      break;
    case 'key-frame':
      out.push({ type: 'key-frame-unasked', first: !call.keyFrameAsked });
      call.keyFrameAsked = true;
      break;
    case 'candidates':
      // Our ICE is lite: it waits for the browser's checks.
      break;
    default:
      command satisfies never;
  }
}

/** Silence of a picture is no fault of a call. */
function pictureRoute({ target, toIms, toWeb, toImsOpen, toWebOpen, feedback }: VideoRoute): StreamRoute {
  return { target, toIms, toWeb, toImsOpen, toWebOpen, supervise: false, feedback };
}

function begin(call: CallSession, asked: Extract<EngineCommand, { type: 'add-video' }>, now: number, out: Out): void {
  const { sound, picture, parked } = call;
  const again = asked.kept === true ? parked : null;
  for (const old of [picture, parked]) if (old !== null && old !== again) end(call, old, true, out);
  const begun = again ?? newPicture(call, out);
  call.picture = begun;
  call.parked = null;
  const { session } = sound.options;
  const legs = [...sound.legs.keys()].map(leg => ({ leg, ssrc: 0, cname: '' }));
  const { family } = sound.options.habits;
  const { op, sdes, keyLater } = asked;
  const place = { realm: null, family };
  const command = {
    type: 'open',
    session,
    op,
    place,
    legs,
    ...(sdes && { sdes }),
    ...(keyLater && { keyLater }),
  } as const;
  // One that was parked is asked for its ports and transport again: its daemon may have lost it.
  give(call, begun, { type: 'command', command }, now, out);
}

function newPicture(call: CallSession, out: Out): CallState {
  call.pictures += 1;
  const { options } = call.sound;
  out.push({ type: 'picture-begins' });
  return callState({ ...options, callId: `${options.callId}v${call.pictures}`, kind: 'video' });
}

/** No browser has, and nobody in its place. */
function isUnanswered({ opening, held, legs }: CallState): boolean {
  return opening === null && held.pair === null && [...legs.values()].every(({ remote }) => remote === null);
}

function give(call: CallSession, stream: CallState, input: StreamInput, now: number, out: Out): void {
  const made: StreamEffect[] = [];
  handleStream(stream, input, now, made);
  for (const effect of made) {
    if (effect.type === 'ask' || effect.type === 'look-in') out.push({ ...effect, of: stream });
    else if (stream !== call.sound) fromPicture(call, stream, effect, out);
    else if (effect.type === 'event') fromSound(call, effect.event, out);
    else out.push(effect);
  }
}

function fromSound(call: CallSession, event: EngineEvent, out: Out): void {
  if ('op' in event && call.waiting.has(event.op)) call.waiting.set(event.op, event);
  else out.push({ type: 'event', event: complete(call, event) });
}

type Passed = Exclude<StreamEffect, { type: 'ask' | 'look-in' }>;

function fromPicture(call: CallSession, stream: CallState, effect: Passed, out: Out): void {
  const { session } = stream.options;
  switch (effect.type) {
    case 'event':
      eventOfPicture(call, effect.event, out);
      break;
    case 'not-opened': {
      const op = stream.opening?.op;
      if (op !== undefined)
        out.push({ type: 'event', event: { type: 'refused', session, op, failure: effect.failure } });
      break;
    }
    case 'over':
      end(call, stream, effect.leftover, out);
      break;
    case 'trouble':
      out.push(effect);
      break;
    default:
      effect satisfies never;
  }
}

/** Of the links of a call its sound tells. */
function eventOfPicture(call: CallSession, event: EngineEvent, out: Out): void {
  const { session } = event;
  const transport = call.picture?.held.transport;
  if (event.type === 'opened' && transport != null) {
    const { op, ims } = event;
    out.push({ type: 'event', event: { type: 'video-added', session, op, ims, transport } });
  } else if (event.type === 'leg-up' && !call.feedback) {
    // What came before the keys is lost, and with it the picture that all later ones build on.
    out.push({ type: 'event', event: { type: 'key-frame-wanted', session } });
  } else if (event.type === 'connecting' || event.type === 'restarted' || event.type === 'refused') {
    done(call, event.op, out);
  }
}

/** The picture has done its part of an operation, or never will. */
function done(call: CallSession, op: number, out: Out): void {
  const event = call.waiting.get(op);
  call.waiting.delete(op);
  if (event != null) out.push({ type: 'event', event: complete(call, event) });
}

function end(call: CallSession, picture: CallState, leftover: boolean, out: Out): void {
  if (call.picture === picture) call.picture = null;
  if (call.parked === picture) call.parked = null;
  out.push({ type: 'picture-over', of: picture, leftover });
  for (const op of [...call.waiting.keys()]) done(call, op, out);
}

/** Transports with that of the picture, and keys with its key. */
function complete({ picture }: CallSession, event: EngineEvent): EngineEvent {
  const videoKey = picture?.held.key ?? null;
  if (event.type === 'connecting' && videoKey !== null) return { ...event, videoKey };
  const video = picture?.held.transport;
  if ((event.type !== 'leg-added' && event.type !== 'restarted') || video == null) return event;
  return { ...event, transport: { ...event.transport, video } satisfies WebTransport };
}
