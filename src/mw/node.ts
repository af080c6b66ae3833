/** What the parts of one realm share: this node's names, its agent, its way to the core, who its numbers are. */
import type { BackOff } from '../ep-cscf/back-off.ts';
import type { Ids } from '../ep-cscf/ids.ts';
import type { ImsInput } from '../ep-cscf/input.ts';
import type { Log } from '../runtime/log.ts';
import type { Credentials, Listen, SipTimers, UserAgent } from '../sip/index.ts';
import type { HeaderFacts } from './headers.ts';
import type { Identities, ImsIdentity } from './identities.ts';

export type Transport = Listen['transport'];

export interface MwNode {
  facts: HeaderFacts;
  /** Transport of our Contacts and Paths: the one we register over. */
  transport: Transport;
  /** host:port of a transport as peers see it. */
  hostPort(transport: Transport): string;
  earlyMedia: 'open' | 'reliable' | 'closed';
  ids: Ids;
  timers: SipTimers;
  /** ms since the epoch. */
  now(): number;
  emergency: {
    /** Route sets of emergency calls in the order they are tried, and the time each has, in ms; null: the way of any call. */
    ways: { routes: ReadonlyArray<readonly string[]>; attemptMs: number } | null;
    /** Numbers of emergency services, as dialled. */
    numbers: readonly string[];
  };
  log: Log;
  /** Between two tries of a registration or subscription that failed. */
  backOff: BackOff;
  emit(input: ImsInput): void;
  /** A value nobody has used before, for charging. */
  icid(): string;
  agent(): UserAgent;
  identities: Identities;
  /** What answers a challenge for this identity; null: for the node itself. */
  credentialsOf(identity: ImsIdentity | null): Credentials | undefined;
  /** URI of the first hop, for a request that no Route leads. */
  proxy: string;
}
