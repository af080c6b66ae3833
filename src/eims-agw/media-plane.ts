/** The media plane as the composition root sees it. */
import type { Emit, MediaPlanePort } from '../ep-cscf/ports.ts';
import { createControl } from './control.ts';
import type { Engine, EngineCheck, EngineEvent, EngineHealth } from './engine.ts';
import { createRtpengine } from './rtpengine/engine.ts';
import type { Clock, Count, Log, MediaSettings } from './settings.ts';
import { createWorkerEngine } from './worker-engine.ts';

export interface MediaPlaneOptions {
  settings: MediaSettings;
  emit: Emit;
  log: Log;
  count: Count;
  clock: Clock;
  /** Another engine than the one in the settings; tests give theirs. */
  engine?: (onEvent: (event: EngineEvent) => void) => Engine;
  /** 32 random bits. */
  random: () => number;
}

export interface MediaPlane {
  port: MediaPlanePort;
  /** Looks at what media needs outside, within 2 s, and starts nothing. */
  check(): Promise<EngineCheck>;
  /** Rejects with one clear sentence when there can be no media here. */
  start(): Promise<void>;
  close(): Promise<void>;
  health(): EngineHealth;
  sizes(): { sessions: number; waiting: number };
}

/** Builds the media plane; throws when a media prefix is not CIDR. */
export function createMediaPlane(options: MediaPlaneOptions): MediaPlane {
  const { settings, emit, log, count, clock, random } = options;
  const onEvent = (event: EngineEvent) => control.onEvent(event);
  const create = settings.engine === 'rtpengine' ? createRtpengine : createWorkerEngine;
  const engine = options.engine?.(onEvent) ?? create({ settings, onEvent, clock, log, count });
  const control = createControl({ settings, engine, emit, log, count, clock, random });
  return {
    port: control.port,
    check: async () => (await engine.check?.()) ?? { faults: [], notes: [] },
    start: () => engine.start(),
    close: () => engine.close(),
    health: () => engine.health(),
    sizes: () => control.sizes(),
  };
}
