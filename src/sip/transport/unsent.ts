/** Tells the sender of a packet that it will not leave. */
import type { Sent } from '../transaction/port.ts';

/** Calls `sent` with an error after the current turn, never from inside the call that sent. */
export function unsent(sent: Sent | null, reason: string): void {
  if (sent) queueMicrotask(() => sent(new Error(reason)));
}
