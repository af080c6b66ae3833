/** The device's registration: made or found again, kept alive, ended. webrtc-registration v0.4 */
import type { Environment } from './environment.ts';
import { CallingError } from './errors.ts';
import type { Http } from './http.ts';

export interface Registration {
  registrationId: string;
  number: string;
  /** ms since the epoch. */
  expiresAt: number;
}

export interface RegistrationKeeperOptions {
  http: Http;
  environment: Environment;
  /** Base path of webrtc-registration below the API root. */
  path: string;
  deviceId: string;
  onChanged(registration: Registration): void;
  /** It is gone, and being made again. */
  onGone(): void;
  /** It is gone and could not be made again. */
  onLost(error: CallingError): void;
}

export interface RegistrationKeeper {
  /** Makes or finds the registration and keeps it alive. Rejects with CallingError, `not-registered` when it was stopped meanwhile. */
  start(): Promise<Registration>;
  /** The service ended it: make it again. */
  renew(): void;
  /** A request that needs the registration, once more with a new one when the service does not know it any more. Rejects with CallingError. */
  use<T>(request: (registration: Registration) => Promise<T>): Promise<T>;
  /** Ends it at the service. */
  stop(): Promise<void>;
  readonly current: Registration | null;
}

const LEAD_MS = 120_000;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30_000;
const FIND_TRIES = 4;
const FIND_AGAIN_MS = 1000;

export function createRegistrationKeeper(options: RegistrationKeeperOptions): RegistrationKeeper {
  const { http, environment, deviceId } = options;
  const key = `lineside.registration.${deviceId}`;
  let current: Registration | null = null;
  let running = false;
  /** Grows with all that an answer still under way knows nothing of. */
  let round = 0;
  let failures = 0;
  let stopTimer: () => void = () => {};

  async function make(tries = FIND_TRIES): Promise<Registration> {
    try {
      return read(await http.request({ method: 'POST', path: `${options.path}/sessions`, body: { deviceId } }));
    } catch (error) {
      if (!(error instanceof CallingError)) throw error;
      if (error.camaraCode === 'ALREADY_EXISTS') {
        const found = await findAgain();
        if (found !== null) return found;
        if (tries === 1) throw new CallingError('device-taken');
        // Another tab makes or ends it at this moment: soon it can be found, or made.
        await new Promise<void>(resolve => environment.after(FIND_AGAIN_MS, resolve));
        return make(tries - 1);
      }
      if (error.camaraCode === 'PERMISSION_DENIED') throw new CallingError('registration-refused', { cause: error });
      throw error;
    }
  }

  /** After a reload the registration is still there. Null: it is not, or belongs to somebody who signed in before. */
  async function keptOne(): Promise<Registration | null> {
    const registrationId = environment.profile.getItem(key);
    if (registrationId === null) return null;
    try {
      return await extend({ registrationId });
    } catch (error) {
      if (!(error instanceof CallingError) || error.retryable || error.code < 20000) throw error;
      return null;
    }
  }

  function keepId({ registrationId }: Registration): void {
    try {
      environment.profile.setItem(key, registrationId);
    } catch {
      // Without storage a reload finds it by the device's id.
    }
  }

  /** The service knows the device already; its id finds the registration. Null: it shows none. */
  async function findAgain(): Promise<Registration | null> {
    const path = `${options.path}/sessions?deviceId=${encodeURIComponent(deviceId)}`;
    const found = await http.request({ method: 'GET', path });
    const [first] = Array.isArray(found) ? found : [];
    return first === undefined ? null : extend(read(first));
  }

  async function extend({ registrationId }: Pick<Registration, 'registrationId'>): Promise<Registration> {
    const path = `${options.path}/sessions/${encodeURIComponent(registrationId)}`;
    return read(await http.request({ method: 'PUT', path, body: {} }));
  }

  async function remove({ registrationId }: Registration): Promise<void> {
    const path = `${options.path}/sessions/${encodeURIComponent(registrationId)}`;
    try {
      await http.request({ method: 'DELETE', path });
    } catch (error) {
      if (!(error instanceof CallingError) || error.httpStatus !== 404) throw error;
    }
  }

  /** Nobody wants it any more. */
  async function tooLate(made: Registration): Promise<void> {
    await remove(made).catch(() => {
      // It expires by itself.
    });
  }

  function take(next: Registration): void {
    round += 1;
    current = next;
    keepId(next);
    schedule();
  }

  function schedule(): void {
    stopTimer();
    if (current === null || !running) return;
    const left = current.expiresAt - environment.now();
    stopTimer = environment.after(Math.max(left - LEAD_MS, left / 2, 1000), () => void keep());
  }

  function forget(): void {
    round += 1;
    current = null;
    options.onGone();
  }

  /** Extends it, or makes it again when it is gone; waits longer and longer while the service cannot be reached. */
  async function keep(): Promise<void> {
    const mine = round;
    try {
      const next = await (current === null ? make() : extend(current));
      if (!running) return tooLate(next);
      if (mine !== round) return;
      failures = 0;
      take(next);
      options.onChanged(next);
    } catch (error) {
      if (!running || mine !== round) return;
      const known = error instanceof CallingError ? error : new CallingError('service', { cause: error });
      if (known.httpStatus === 404 && current !== null) {
        forget();
        return keep();
      }
      if (!known.retryable) {
        running = false;
        current = null;
        options.onLost(known);
        return;
      }
      const longest = Math.min(FIRST_WAIT_MS * 2 ** failures, LONGEST_WAIT_MS);
      failures = Math.min(failures + 1, 10);
      const waitMs = Math.max(longest * (0.5 + environment.random() / 2), (known.retryAfterS ?? 0) * 1000);
      stopTimer();
      stopTimer = environment.after(waitMs, () => void keep());
    }
  }

  return {
    async start() {
      running = true;
      const next = (await keptOne()) ?? (await make());
      if (!running) {
        await tooLate(next);
        throw new CallingError('not-registered');
      }
      take(next);
      return next;
    },
    renew() {
      if (!running) return;
      forget();
      stopTimer();
      void keep();
    },
    async use(request) {
      const before = current;
      if (before === null) throw new CallingError('not-registered');
      try {
        return await request(before);
      } catch (error) {
        if (!(error instanceof CallingError) || error.camaraCode !== 'INVALID_TOKEN_CONTEXT') throw error;
        const next = await make();
        if (!running) await tooLate(next);
        if (!running || next.registrationId === before.registrationId) throw error;
        take(next);
        options.onChanged(next);
        return request(next);
      }
    },
    async stop() {
      running = false;
      round += 1;
      stopTimer();
      const last = current;
      current = null;
      environment.profile.removeItem(key);
      if (last !== null) await remove(last);
    },
    get current() {
      return current;
    },
  };
}

function read(value: unknown): Registration {
  const { registrationId, regInfo, expiresAt } = (value ?? {}) as Record<string, unknown>;
  const number = (regInfo as Record<string, unknown> | undefined)?.['phoneNumber'];
  const until = new Date(String(expiresAt)).getTime();
  if (typeof registrationId !== 'string' || typeof number !== 'string' || Number.isNaN(until)) {
    throw new CallingError('service', { message: 'The service answered something that is not a registration.' });
  }
  return { registrationId, number, expiresAt: until };
}
