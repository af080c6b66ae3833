/** The parts of click to call that are neither the core nor the API: entry points, visitor tokens, proof of work. */
import type { Settings } from './config/settings.ts';
import type { Store } from './ep-cscf/ports.ts';
import type { Log } from './runtime/log.ts';
import { createProofOfWork, type ProofOfWork } from './waf/proof-of-work.ts';
import { createSigningKeys } from './waf/signing-keys.ts';
import { createVisitorTokens, LONGEST_CALL_MS, type VisitorTokens } from './waf/visitor-token.ts';
import { createEntryPoints, type EntryPoints } from './wwsf/entry-points.ts';

export function createClickToCall(parts: {
  settings: Pick<Settings, 'clickToCall' | 'emergency'>;
  store: Store;
  log: Log;
  uuid(): string;
  now(): number;
}): { entryPoints: EntryPoints; visitorTokens: VisitorTokens; work: ProofOfWork } {
  const { now } = parts;
  const { startMs, workBits: bits, workBitsMax: bitsMax, solveMs } = parts.settings.clickToCall;
  const keys = createSigningKeys(now, Math.max(solveMs, startMs + LONGEST_CALL_MS));
  return {
    entryPoints: createEntryPoints({ ...parts, log: parts.log.with({ part: 'wwsf' }) }),
    visitorTokens: createVisitorTokens({ keys, now, startMs }),
    work: createProofOfWork({ keys, now, bits, bitsMax, solveMs }),
  };
}
