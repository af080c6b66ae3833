/** One stream of a call on a daemon: the engine's commands say what shall be, and one request after the other makes it so. Pure. */
import type { MediaFailure } from '../../ep-cscf/input.ts';
import type { EngineCommand, EngineEvent, WebEnd } from '../engine.ts';
import type { CallState, Step } from './call-state.ts';
import type { NgReply, NgRequest } from './ng.ts';
import type { StreamRoute } from './pair.ts';
import { played } from './play.ts';
import { holdsCodec, isFull, readKey, readLocalEnd, readSight, readTransport } from './reply.ts';
import { nextStep, requestOf } from './step.ts';
import { carried, type Finding, findings, supervise, whenToLook } from './supervision.ts';

/** What may be asked for one stream. */
export type StreamCommand =
  | Extract<EngineCommand, { type: 'open' | 'add-leg' | 'drop-leg' | 'play' | 'close' }>
  | { type: 'connect' | 'restart'; op: number; leg: number; remote: WebEnd }
  | { type: 'route'; route: StreamRoute };

export type StreamInput =
  | { type: 'command'; command: StreamCommand }
  | { type: 'reply'; reply: NgReply }
  /** No reply came. */
  | { type: 'unanswered' }
  /** It is time to look how the call goes. */
  | { type: 'look' };

export type StreamEffect =
  | { type: 'ask'; request: NgRequest }
  | { type: 'event'; event: EngineEvent }
  /** It could not begin on this daemon; another may take it. */
  | { type: 'not-opened'; failure: MediaFailure }
  /** `look` after so many ms; replaces the one before. */
  | { type: 'look-in'; ms: number }
  /** Something went wrong that an operator may want to know. */
  | { type: 'trouble'; what: string; reason: string }
  /** Nothing more is done for it; `leftover` when the daemon may still have something of it. */
  | { type: 'over'; leftover: boolean };

type Out = StreamEffect[];
type PairStep = Extract<Step, { type: 'offer' | 'answer' }>;

/** Takes one input at `now` (ms); its effects are appended to `out`. At most one `ask` waits for its reply. */
export function handle(call: CallState, input: StreamInput, now: number, out: Out): void {
  if (input.type === 'command') take(call, input.command, now, out);
  else if (input.type === 'look') call.lookDue = true;
  else {
    const step = call.waiting;
    call.waiting = null;
    if (step !== null) settle(call, step, input.type === 'reply' ? input.reply : null, now, out);
  }
  if (call.waiting !== null || out.some(effect => effect.type === 'over')) return;
  const step = nextStep(call);
  if (step !== null) ask(call, step, out);
}

function ask(call: CallState, step: Step, out: Out): void {
  call.waiting = step;
  out.push({ type: 'ask', request: requestOf(call, step) });
}

function take(call: CallState, command: StreamCommand, now: number, out: Out): void {
  const { session } = call.options;
  switch (command.type) {
    case 'open':
      call.opening = command;
      call.nobodys = command.sdes === undefined ? null : { suite: command.sdes, key: call.options.nobodysKey };
      for (const { leg } of command.legs) call.legs.set(leg, { remote: null, op: null });
      break;
    case 'add-leg':
      addLeg(call, command, out);
      break;
    case 'connect':
    case 'restart': {
      const leg = call.legs.get(command.leg);
      if (leg === undefined) {
        out.push({ type: 'event', event: { type: 'refused', session, op: command.op, failure: 'driver' } });
        break;
      }
      leg.remote = command.remote;
      if (command.type === 'restart') call.restart = { op: command.op, leg: command.leg };
      // A browser that connected before the daemon has its fingerprint would be refused.
      else if (!isKnown(call, command)) leg.op = command.op;
      else out.push({ type: 'event', event: connecting(call, command.op) });
      break;
    }
    case 'drop-leg':
      call.legs.delete(command.leg);
      break;
    case 'route':
      call.route = command.route;
      supervise(call.watch, command.route, now);
      break;
    case 'play':
      call.plays.set(command.side, command);
      break;
    case 'close':
      call.closing = true;
      break;
    default:
      command satisfies never;
  }
}

/** The same transport as the leg before: a browser's new connection knows nothing of the old one. */
function addLeg(call: CallState, command: Extract<EngineCommand, { type: 'add-leg' }>, out: Out): void {
  const { session } = call.options;
  const { op, leg } = command;
  const { transport } = call.held;
  if (transport === null) out.push({ type: 'event', event: { type: 'refused', session, op, failure: 'driver' } });
  else {
    call.legs.set(leg.leg, { remote: null, op: null });
    out.push({ type: 'event', event: { type: 'leg-added', session, op, transport } });
  }
}

/** The reply to a request; null when none came. */
function settle(call: CallState, step: Step, reply: NgReply | null, now: number, out: Out): void {
  if (step.type === 'delete') closed(call, reply, out);
  else if (call.closing) return;
  else if (step.type === 'play') played(call, step, reply, out);
  // A look that nobody answered tells nothing: the daemon's health is watched elsewhere.
  else if (step.type === 'query' && reply === null) lookLater(call, out);
  else if (reply === null || !reply.ok) fail(call, step, reply, out);
  else if (step.type === 'offer') offered(call, step, reply, out);
  else if (step.type === 'ports') opened(call, reply, out);
  else if (step.type === 'answer') answered(call, step, reply, now, out);
  else if (step.type === 'gate') call.held.open[step.tag] = step.open;
  else seen(call, reply, now, out);
}

function offered(call: CallState, step: PairStep, reply: NgReply, out: Out): void {
  const transport = readTransport(reply.body);
  if (transport === null || !holdsCodec(reply.body, step.pair.lines.web, false)) fail(call, step, reply, out);
  else {
    call.held.transport = transport;
    // It tells its key towards the core in an answer alone. A browser that has been offered it must not find it answered by nobody.
    const answered = call.opening === null || (step.pair.secure && call.opening.keyLater !== true);
    ask(call, answered ? { ...step, type: 'answer' } : { type: 'ports' }, out);
  }
}

/** A device may open DTLS before its answer is here: the daemon lets it, as long as no answer has named another certificate. */
function opened(call: CallState, reply: NgReply, out: Out): void {
  const { opening, held, options } = call;
  const local = readLocalEnd(reply.body, 'ims');
  const { transport } = held;
  if (opening === null || transport === null || local === null) {
    fail(call, { type: 'ports' }, reply, out);
    return;
  }
  call.opening = null;
  const address = options.habits.advertised.get(local.address) ?? local.address;
  const ims = { ...local, address, ...(held.key === null ? {} : { key: held.key }) };
  const legs = opening.legs.map(() => transport);
  out.push({ type: 'event', event: { type: 'opened', session: options.session, op: opening.op, ims, legs } });
}

function answered(call: CallState, step: PairStep, reply: NgReply, now: number, out: Out): void {
  const { held, options } = call;
  const { session } = options;
  const { transport } = held;
  const key = step.pair.secure ? readKey(reply.body) : null;
  // The far end was told the first.
  const keyed = !step.pair.secure || (key !== null && (held.key === null || held.key === key));
  if (transport === null || !keyed || !holdsCodec(reply.body, step.pair.lines.ims, true)) {
    fail(call, step, reply, out);
    return;
  }
  held.key ??= key;
  const before = held.pair;
  held.pair = step.pair;
  if (call.opening !== null) {
    ask(call, { type: 'ports' }, out);
    return;
  }
  if (step.restart !== null) {
    if (call.restart === step.restart) call.restart = null;
    out.push({ type: 'event', event: { type: 'restarted', session, op: step.restart.op, transport } });
  }
  if (step.pair.fingerprint !== null) known(call, out);
  if (step.pair.leg === (before?.leg ?? null)) return;
  call.watch.web = { state: 'new', since: now, heard: call.watch.web.heard };
  call.watch.looks = 0;
  lookLater(call, out);
}

function isKnown({ held: { pair } }: CallState, { leg, remote }: { leg: number; remote: WebEnd }): boolean {
  return pair !== null && pair.leg === leg && pair.fingerprint === remote.fingerprint.value;
}

function connecting({ options: { session }, held: { key } }: CallState, op: number): EngineEvent {
  return { type: 'connecting', session, op, ...(key === null ? {} : { key }) };
}

/** The daemon knows the newest browser; those before it are of no account. */
function known(call: CallState, out: Out): void {
  for (const leg of call.legs.values()) {
    if (leg.op !== null) out.push({ type: 'event', event: connecting(call, leg.op) });
    leg.op = null;
  }
}

function seen(call: CallState, reply: NgReply, now: number, out: Out): void {
  const { session, imsSilentMs } = call.options;
  const leg = call.held.pair?.leg ?? null;
  const sight = readSight(reply.body);
  for (const found of sight === null ? [] : findings(call.watch, sight, now, imsSilentMs)) {
    const event = eventOf(session, leg, found);
    if (event !== null) out.push({ type: 'event', event });
  }
  lookLater(call, out);
}

function eventOf(session: number, leg: number | null, found: Finding): EngineEvent | null {
  if (found === 'ims-silent') return { type: 'ims-silent', session };
  if (found !== 'up' && found !== 'down') return { type: 'one-way', session, side: found };
  if (leg === null) return null;
  return found === 'up' ? { type: 'leg-up', session, leg } : { type: 'leg-down', session, leg, cause: 'web' };
}

function lookLater(call: CallState, out: Out): void {
  call.lookDue = false;
  out.push({ type: 'look-in', ms: whenToLook(call.watch, call.options.imsSilentMs) });
}

function fail(call: CallState, step: Step, reply: NgReply | null, out: Out): void {
  const { session } = call.options;
  if (call.opening !== null) out.push({ type: 'not-opened', failure: failureOf(reply) });
  else {
    const reason =
      reply === null ? 'no reply' : reply.ok ? 'the reply lacks a codec, an address or the key' : reply.reason;
    const event = { ...carried(call.watch), type: 'lost', session } as const;
    out.push({ type: 'trouble', what: step.type, reason }, { type: 'event', event });
  }
  out.push({ type: 'over', leftover: true });
}

function failureOf(reply: NgReply | null): MediaFailure {
  if (reply === null) return 'timeout';
  if (!isFull(reply)) return 'driver';
  return /ports/i.test(reply.reason) ? 'no-port' : 'overload';
}

function closed(call: CallState, reply: NgReply | null, out: Out): void {
  const { session } = call.options;
  // A daemon that ended the call by itself, or says nothing, leaves what the last look found.
  const before = carried(call.watch);
  const last = reply?.ok === true ? (readSight(reply.body)?.totals ?? before) : before;
  const event = { ...last, path: last.path ?? before.path, type: 'closed', session, oneWay: before.oneWay } as const;
  out.push({ type: 'event', event }, { type: 'over', leftover: reply === null });
}
