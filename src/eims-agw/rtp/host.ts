/** The sessions of one worker: engine commands in, engine events out, whichever library makes the browser legs. */
import { type EngineCommand, type EngineCounts, NO_TOTALS } from '../engine.ts';
import { addLeg, connectLeg, dropLeg, join } from './host-leg.ts';
import { addRelay, addVideo, closeSession, guarded, openSession, supervise } from './host-session.ts';
import { type HostOptions, type HostSession, type HostState, refuse } from './host-state.ts';
import { askForKeyFrame, dropVideo } from './host-video.ts';
import { addCounts } from './named-counts.ts';
import { applyRoute } from './relay.ts';

export interface Host {
  /** Does not throw: a fault of ours ends the session it happened in. */
  handle(command: EngineCommand): void;
  /** Once a second: reports and supervision. Does not throw. */
  tick(): void;
  /** Ends every session without a word. */
  close(): void;
  sessions(): number;
  /** Of all sessions and legs, those that are gone included. */
  counts(): EngineCounts;
}

export function createHost(options: HostOptions): Host {
  const host: HostState = { ...options, sessions: new Map(), gone: {} };
  const { sessions } = host;
  return {
    handle: command => guarded(host, command.session, () => obey(host, command)),
    tick() {
      const at = host.now();
      const wall = host.wall();
      for (const session of sessions.values()) {
        guarded(host, session.number, () => supervise(host, session, at, wall));
      }
    },
    close() {
      for (const session of sessions.values()) closeSession(host, session);
    },
    sessions: () => sessions.size,
    counts() {
      const sum = { ...host.gone };
      for (const session of sessions.values()) {
        addRelay(sum, session.relay);
        for (const { end } of session.legs.values()) addCounts(sum, end.counts?.() ?? {});
      }
      return sum;
    },
  };
}

function obey(host: HostState, command: EngineCommand): void {
  const session = host.sessions.get(command.session);
  if (command.type === 'open') openSession(host, command);
  else if (session !== undefined) obeyIn(host, session, command);
  else if (command.type === 'close') host.send({ type: 'closed', session: command.session, ...NO_TOTALS });
  else if ('op' in command) refuse(host, command, 'driver');
}

function obeyIn(host: HostState, session: HostSession, command: Exclude<EngineCommand, { type: 'open' }>): void {
  const { number } = session;
  switch (command.type) {
    case 'add-leg': {
      const transport = addLeg(host, session, command.leg);
      host.send({ type: 'leg-added', session: number, op: command.op, transport });
      break;
    }
    case 'connect':
      connectLeg(host, session, command);
      break;
    case 'restart': {
      const transport = session.legs.get(command.leg)?.end.restart?.(command.remote) ?? null;
      if (transport === null) refuse(host, command, 'unsupported');
      else host.send({ type: 'restarted', session: number, op: command.op, transport });
      break;
    }
    case 'candidates':
      session.legs.get(command.leg)?.end.addCandidates(command.candidates);
      break;
    case 'drop-leg':
      dropLeg(host, session, command.leg);
      break;
    case 'add-video':
      addVideo(host, session, command);
      break;
    case 'drop-video':
      dropVideo(session, host.gone);
      break;
    case 'key-frame':
      askForKeyFrame(session, host.now());
      break;
    case 'play':
      if (command.what !== null)
        host.send({ type: 'playing', session: number, side: command.side, name: command.what.name, ms: null });
      break;
    case 'route':
      join(session, command.route.leg);
      applyRoute(session.relay, command.route, host.now());
      break;
    case 'close':
      host.send({ type: 'closed', session: number, ...closeSession(host, session) });
      break;
    default:
      command satisfies never;
  }
}
