/** What one worker keeps of its sessions. */
import type { MediaFailure } from '../../ep-cscf/input.ts';
import type { EngineEvent, LegRequest } from '../engine.ts';
import type { MediaRealms } from '../realm.ts';
import type { MediaHost, MediaSettings } from '../settings.ts';
import type { PortPool } from './port-pool.ts';
import type { Relay } from './relay.ts';
import type { Numbers } from './stream.ts';
import type { MakeWebEnd, WebEnd } from './web-end.ts';

export interface Leg {
  request: LegRequest;
  end: WebEnd;
  up: boolean;
  /** When it began to connect, ms, and whether it was told that it takes too long; null before, and once it was up. */
  connecting: { since: number; told: boolean } | null;
  /** Of what we send it, while it is not joined: its SRTP keys have seen them, and take none twice. */
  numbers: Numbers;
  videoNumbers: Numbers;
}

export interface HostSession {
  number: number;
  /** Ours, towards the core. */
  at: MediaHost;
  relay: Relay;
  legs: Map<number, Leg>;
  joined: number | null;
  /** The `add-video` in hand, by its number. */
  addingVideo: number | null;
  closed: boolean;
}

export interface HostOptions {
  settings: MediaSettings;
  realms: MediaRealms;
  pool: PortPool;
  makeWebEnd: MakeWebEnd;
  send: (event: EngineEvent) => void;
  /** A fault of ours with a packet or in the supervision of one session: the others go on. */
  onFault: (error: unknown) => void;
  /** ms, monotonic. */
  now: () => number;
  /** ms since the epoch. */
  wall: () => number;
  /** 32 random bits. */
  random: () => number;
}

/** What the sessions of one worker share. */
export interface HostState extends HostOptions {
  sessions: Map<number, HostSession>;
  /** Counted by sessions and legs that are gone, and by none. */
  gone: Record<string, number>;
}

export function refuse(host: HostState, command: { session: number; op: number }, failure: MediaFailure): void {
  host.send({ type: 'refused', session: command.session, op: command.op, failure });
}
