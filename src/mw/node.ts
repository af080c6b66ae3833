/** What the parts of the Mw side share: this node's names, its agent, its way to the core. */
import type { Ids } from '../ep-cscf/ids.ts';
import type { ImsInput } from '../ep-cscf/ports.ts';
import type { Log } from '../runtime/log.ts';
import type { Credentials, UserAgent } from '../sip/index.ts';
import type { HeaderFacts } from './headers.ts';

export interface MwNode {
  facts: HeaderFacts;
  /** Transport of our Contacts and Paths: the one we register over. */
  transport: 'udp' | 'tcp';
  /** host:port of a transport as peers see it. */
  hostPort(transport: 'udp' | 'tcp'): string;
  earlyMedia: 'open' | 'reliable' | 'closed';
  ids: Ids;
  log: Log;
  emit(input: ImsInput): void;
  /** A value nobody has used before, for charging. */
  icid(): string;
  agent(): UserAgent;
  /** What answers a challenge for this private identity. */
  credentialsOf(impi: string): Credentials | undefined;
  /** Route value of the first hop, for a client behind a P-CSCF. */
  entryRoute(): string;
  /** Makes the host of a Route value or URI known before it is used. */
  learn(uri: string): Promise<void>;
}
