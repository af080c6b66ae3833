/** The registration of a trunk itself: its pilot number as any phone would, or all its numbers at once. RFC 3261 10, RFC 6140. */
import type { RealmSettings } from '../config/realm.ts';
import { retryDelay } from '../ep-cscf/back-off.ts';
import { type Failure, parseUri, type Registered, type Registration, type SipTimers } from '../sip/index.ts';
import { ownUri } from './headers.ts';
import type { MwNode } from './node.ts';
import { outcomeOfFailure, retryAfterOf } from './outcome.ts';

export interface TrunkRegistration {
  /** Registers, and keeps registered. */
  start(): void;
  /** Takes the registration back and tries no more; false: there is none. */
  stop(): boolean;
  /** Whether the peer has us. */
  up(): boolean;
  /** Service-Route of the peer. */
  route(): readonly string[];
  /** Whether a user part is the pilot's: which number is called then stands in To. */
  isPilot(user: string): boolean;
}

type Settings = Pick<RealmSettings, 'name' | 'home' | 'trunkRegister' | 'trunkAor' | 'registerExpiresS'>;

/** `random` is in [0, 1). */
export function createTrunkRegistration(
  node: MwNode,
  settings: Settings,
  timers: SipTimers,
  random = Math.random,
): TrunkRegistration {
  const { name, home, trunkAor, registerExpiresS } = settings;
  const bulk = settings.trunkRegister === 'bulk';
  const pilot = parseUri(trunkAor)?.user ?? '';
  const timer = `trunk.${name}`;
  let registration: Registration | null = null;
  let route: readonly string[] = [];
  let up = false;
  let failures = 0;

  function contact(): string {
    const { transport } = node;
    if (!bulk) return `<${ownUri(pilot, node.hostPort(transport), transport)}>`;
    // No user part: the peer puts the number called there. RFC 6140 5.2.
    return `<sip:${node.hostPort(transport)}${transport === 'udp' ? '' : `;transport=${transport}`};bnc>`;
  }

  function create(): Registration {
    const credentials = node.credentialsOf(null);
    return node.agent().register(
      {
        registrar: `sip:${home}`,
        aor: `<${trunkAor}>`,
        contact: contact(),
        route: [],
        proxy: node.proxy,
        expiresS: registerExpiresS,
        ...(credentials === undefined ? {} : { credentials }),
      },
      { onRegistered: registered, onUnregistered: () => {}, onRegisterFailed: failed },
    );
  }

  function headers(): ReadonlyArray<readonly [string, string]> {
    return bulk
      ? [
          ['Require', 'gin'],
          ['Proxy-Require', 'gin'],
          ['Supported', 'path'],
        ]
      : [];
  }

  function send(): void {
    registration ??= create();
    registration.refresh(registerExpiresS, headers());
  }

  function registered({ expiresS, serviceRoute }: Registered): void {
    if (registration === null) return;
    if (!up) node.log.info({ trunk: name, expires: expiresS }, 'trunk registered');
    up = true;
    failures = 0;
    route = serviceRoute;
    timers.start(timer, expiresS * 500 * (1 - 0.1 * random()), send);
  }

  function failed(failure: Failure): void {
    if (registration === null) return;
    const { code, local } = outcomeOfFailure(failure);
    node.log.error({ trunk: name, outcome: local ?? code, alarm: 'trunk-refused' }, 'the trunk is not registered');
    // The next try is an initial one; what the peer still has of us it keeps until then.
    registration = null;
    up = false;
    failures += 1;
    timers.start(timer, retryDelay(failures, retryAfterOf(failure), random(), node.backOff), send);
  }

  return {
    start: send,
    stop() {
      timers.stop(timer);
      const was = up;
      if (was) registration?.remove(headers());
      registration = null;
      up = false;
      return was;
    },
    up: () => up,
    route: () => route,
    isPilot: user => !bulk && user === pilot,
  };
}
