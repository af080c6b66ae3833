/** One log line for SIP input that was thrown away, at most every ten seconds for each reason: a flood must not fill the disk. */
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';

const QUIET_MS = 10_000;

/** Reasons are the stack's own words, so few; `value` is how many messages or connections. */
export function createDiscardLog(log: Log, clock: Clock): (reason: string, value: number) => void {
  const told = new Map<string, { at: number; since: number }>();
  return (reason, value) => {
    const now = clock.now();
    const last = told.get(reason);
    if (last !== undefined && now - last.at < QUIET_MS) {
      last.since += value;
      return;
    }
    told.set(reason, { at: now, since: 0 });
    log.warn({ reason, count: value + (last?.since ?? 0) }, 'SIP input thrown away');
  };
}
