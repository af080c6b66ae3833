/** One realm at work: its bindings and its calls, under its own settings. IMS digest 1.4. */
import type { RealmSettings } from '../config/realm.ts';
import type { Settings } from '../config/settings.ts';
import type { BackOff } from '../ep-cscf/back-off.ts';
import type { Ids } from '../ep-cscf/ids.ts';
import type { Emit } from '../ep-cscf/ports.ts';
import type { Log } from '../runtime/log.ts';
import type { SipTimers, UserAgent } from '../sip/index.ts';
import { type Bindings, createBindings } from './bindings.ts';
import { type Calls, createCalls } from './calls.ts';
import { createCredentials } from './credentials.ts';
import { emergencyWays } from './emergency.ts';
import { createIdentities } from './identities.ts';
import { entryUriOf } from './next-hop.ts';
import type { MwNode, Transport } from './node.ts';
import { createTrunk } from './trunk.ts';
import { createTrunkRegistration } from './trunk-registration.ts';
import { createWatches } from './watches.ts';

/** What the realms of a node have in common. */
export interface NodeParts {
  emit: Emit;
  ids: Ids;
  timers: SipTimers;
  /** ms since the epoch. */
  now(): number;
  emergency: Settings['emergency'];
  /** Calls may have video. */
  video: boolean;
  backOff: BackOff;
  log: Log;
  /** Host of this node as the core knows it. */
  host: string;
  hostPort(transport: Transport): string;
  icid(): string;
  agent(): UserAgent;
}

export interface Realm {
  name: string;
  prefixes: readonly string[];
  home: string;
  /** URI of the first hop. */
  proxy: string;
  transport: Transport;
  targets: readonly string[];
  bindings: Bindings;
  calls: Calls;
  /** Registers a trunk that registers itself. */
  start(): void;
  /** Takes its registration back; false: there is none. */
  stop(): boolean;
}

/** `timers` null: no registration-state subscriptions. Throws with one sentence when a setting cannot be used. */
export function createRealm(settings: RealmSettings, parts: NodeParts, timers: SipTimers | null): Realm {
  const { name, prefixes, home } = settings;
  const { transport } = settings;
  const log = parts.log.with({ realm: name });
  const node: MwNode = {
    ...parts,
    log,
    facts: { ...settings, resourcePriority: parts.emergency.resourcePriority, host: parts.host, video: parts.video },
    transport,
    earlyMedia: settings.earlyMediaDefault,
    emergency: emergencyWays(parts.emergency, transport),
    identities: createIdentities(settings, reason => log.error({ alarm: 'identity-table' }, reason)),
    credentialsOf: createCredentials(settings),
    proxy: entryUriOf(settings.entry, transport),
  };
  const watches = settings.regEvent && timers !== null ? createWatches(node, timers, settings.regEventExpiresS) : null;
  const own =
    settings.mode === 'trunk' && settings.trunkRegister !== 'none'
      ? createTrunkRegistration(node, settings, parts.timers)
      : null;
  const bindings = settings.mode === 'trunk' ? createTrunk(node, own) : createBindings(node, watches);
  const { proxy } = node;
  return {
    name,
    prefixes,
    home,
    proxy,
    transport,
    targets: settings.targets,
    bindings,
    calls: createCalls(node),
    start: () => own?.start(),
    stop() {
      bindings.stop();
      return own?.stop() ?? false;
    },
  };
}
