/** Figures of one browser leg. */
import type { SrtpDrop } from './srtp/receiver.ts';

/** Drops by reason and what else is worth counting; they only grow. */
export type LegCounts = Record<
  | SrtpDrop
  | 'checkRefused'
  | 'checkReplayed'
  | 'roleConflict'
  | 'sourceMoved'
  | 'early'
  | 'rate'
  | 'muted'
  | 'dtlsRate'
  | 'handshakeRefused'
  | 'handshakeFailed'
  | 'profileCm'
  | 'profileGcm'
  | 'quiet'
  /** Of ours: it ended the leg. */
  | 'fault',
  number
>;

export function noLegCounts(): LegCounts {
  return {
    malformed: 0,
    replay: 0,
    tag: 0,
    ssrc: 0,
    usedUp: 0,
    checkRefused: 0,
    checkReplayed: 0,
    roleConflict: 0,
    sourceMoved: 0,
    early: 0,
    rate: 0,
    muted: 0,
    dtlsRate: 0,
    handshakeRefused: 0,
    handshakeFailed: 0,
    profileCm: 0,
    profileGcm: 0,
    quiet: 0,
    fault: 0,
  };
}
