/** Ends of calls the service must hear of: told at once, and again until it was reached, for the page is done with them already. */
import type { Environment } from './environment.ts';
import { CallingError } from './errors.ts';
import type { Http, HttpOptions } from './http.ts';

export interface Farewells {
  /** Tells it that the call is over. Resolves after the first attempt, whatever came of it; never rejects. */
  say(callId: string, request: HttpOptions): Promise<void>;
  /** The service can be reached again. */
  again(): void;
  /** Whether the service may still take this call for a living one. */
  owes(callId: string): boolean;
  stop(): void;
}

const AGAIN_MS = 5000;
/** The service has ended the call for want of sound long before. */
const GIVE_UP_MS = 600_000;

export function createFarewells(http: Http, environment: Environment): Farewells {
  const owed = new Map<string, { request: HttpOptions; until: number }>();
  let stopTimer: (() => void) | null = null;

  async function tell(callId: string, request: HttpOptions): Promise<void> {
    try {
      await http.request(request);
    } catch (error) {
      // What the service refuses it refuses again; one it does not know is over.
      if (error instanceof CallingError && error.retryable) return wait();
    }
    owed.delete(callId);
  }

  function wait(): void {
    stopTimer ??= environment.after(AGAIN_MS, again);
  }

  function again(): void {
    stopTimer?.();
    stopTimer = null;
    for (const [callId, { request, until }] of owed) {
      if (environment.now() > until) owed.delete(callId);
      else void tell(callId, request);
    }
  }

  return {
    say(callId, request) {
      owed.set(callId, { request, until: environment.now() + GIVE_UP_MS });
      return tell(callId, request);
    },
    again,
    owes: callId => owed.has(callId),
    stop() {
      stopTimer?.();
      stopTimer = null;
      owed.clear();
    },
  };
}
