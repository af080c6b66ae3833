/** The STUN and TURN servers of the service, asked for before there is a call and again before they end, so that no call waits for them. */
import type { Environment } from './environment.ts';
import { CallingError } from './errors.ts';
import type { Http } from './http.ts';

export interface IceServers {
  /** What is known now. */
  readonly current: RTCIceServer[];
  /** Resolves at once, or within 2 s while what there was has ended or nothing was heard yet. Never rejects. */
  ready(): Promise<void>;
  /** From now on they are kept fresh. */
  start(): void;
  /** Asks again if that is due: timers stand still while a computer sleeps. */
  wake(): void;
  stop(): void;
}

export interface IceServersParts {
  http: Http;
  environment: Environment;
  /** Base path of webrtc-ice-servers below the API root. */
  path: string;
}

const WAIT_MS = 2000;
const AGAIN_MS = 30_000;
/** A service that does not know of ICE servers, or an access token that may not ask, is asked again after this. */
const WITHOUT_MS = 3_600_000;
/** The share of their life after which they are asked for anew. */
const RENEW_AT = 0.75;

export function createIceServers({ http, environment, path }: IceServersParts): IceServers {
  let current: RTCIceServer[] = [];
  /** Null: nothing was heard yet. */
  let endsAt: number | null = null;
  let dueAt = 0;
  let asking: Promise<void> | null = null;
  let stopTimer: () => void = () => {};
  let running = false;

  function keep(servers: RTCIceServer[], lifeMs: number, askAgainMs: number): void {
    current = servers;
    endsAt = environment.now() + lifeMs;
    dueAt = environment.now() + askAgainMs;
  }

  async function request(): Promise<void> {
    try {
      const { servers, ttlMs } = read(await http.request({ method: 'POST', path: `${path}/retrieve` }));
      keep(servers, ttlMs, ttlMs * RENEW_AT);
    } catch (error) {
      const refused = error instanceof CallingError && (error.httpStatus === 403 || error.httpStatus === 404);
      if (refused) keep([], WITHOUT_MS, WITHOUT_MS);
      else dueAt = environment.now() + AGAIN_MS;
    }
  }

  function ask(): void {
    if (!running || asking !== null) return;
    stopTimer();
    asking = request().finally(() => {
      asking = null;
      if (running) stopTimer = environment.after(dueAt - environment.now(), ask);
    });
  }

  function wake(): void {
    if (environment.now() >= dueAt) ask();
  }

  return {
    get current() {
      return current;
    },
    ready() {
      wake();
      // Servers that were none yesterday are not worth waiting for.
      const usable = endsAt !== null && (current.length === 0 || environment.now() < endsAt);
      if (usable || asking === null) return Promise.resolve();
      return within(asking, environment);
    },
    start() {
      running = true;
      wake();
    },
    wake,
    stop() {
      running = false;
      stopTimer();
    },
  };
}

/** The servers an application names itself. */
export function fixedIceServers(current: RTCIceServer[]): IceServers {
  return { current, ready: () => Promise.resolve(), start() {}, wake() {}, stop() {} };
}

/** The life is taken from `ttl`: the clock of this computer may be wrong. Throws when there is no answer in it. */
function read(answer: unknown): { servers: RTCIceServer[]; ttlMs: number } {
  const { iceServers, ttl } = (answer ?? {}) as { iceServers?: unknown; ttl?: unknown };
  if (!Array.isArray(iceServers) || typeof ttl !== 'number' || !(ttl > 0)) throw new CallingError('service');
  return { servers: iceServers, ttlMs: ttl * 1000 };
}

function within(work: Promise<void>, environment: Environment): Promise<void> {
  return new Promise(resolve => {
    const stop = environment.after(WAIT_MS, resolve);
    void work.then(() => {
      stop();
      resolve();
    });
  });
}
