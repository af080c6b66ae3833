/** Where a dry run plays: a realm over a wire that goes nowhere, and a core that says what it is told to say. */
import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import type { RealmSettings } from '../config/realm.ts';
import type { Settings } from '../config/settings.ts';
import { BACK_OFF } from '../ep-cscf/back-off.ts';
import type { BindingId, E164, Ids } from '../ep-cscf/ids.ts';
import type { Log } from '../runtime/log.ts';
import {
  createTransactionLayer,
  createUserAgent,
  type DrivenTransactionLayer,
  parseMessage,
  type SipTimers,
  type Target,
  type UserAgent,
} from '../sip/index.ts';
import { createDns } from './dns.ts';
import { createNextHops } from './next-hop.ts';
import { createRealm, type Realm } from './realm.ts';

export interface StageOptions {
  settings: Pick<Settings, 'sip' | 'ims' | 'emergency' | 'media'>;
  ids: Ids;
  log: Log;
}

export interface DryMessage {
  target: Target;
  /** The answer to a challenge is left out: whoever reads it could try passwords. */
  text: string;
  /** What the core has said for it to be sent; null: nothing. */
  when: string | null;
}

export interface Stage {
  realm: Realm;
  messages: DryMessage[];
  /** Registers a number; what went wrong, or null once its REGISTER is out, or needs none. */
  register(owner: BindingId, number: E164): Promise<string | null>;
  /** The core answers the last message; `when` stands at what is sent for it. */
  hear(answer: (text: string) => Uint8Array, when?: string): void;
  /** Stands at what is sent from now on. */
  say(when: string | null): void;
}

/** A realm whose messages go nowhere but into a list. Rejects when its first hop cannot be found. */
export async function createStage({ settings, ids, log }: StageOptions, found: RealmSettings): Promise<Stage> {
  const messages: DryMessage[] = [];
  let when: string | null = null;
  let settled = (_failure: string | null) => {};
  const made: { agent?: UserAgent; layer?: DrivenTransactionLayer } = {};
  const soon = createSoon();
  const host = settings.sip.advertisedHost || settings.sip.host;
  const portOf = (transport: Target['transport']) => (transport === 'tls' ? settings.sip.tlsPort : settings.sip.port);
  const shown = isIP(host) === 6 ? `[${host}]` : host;
  const realm = createRealm(
    found,
    {
      ids,
      timers: IDLE,
      now: () => 0,
      backOff: BACK_OFF,
      emergency: settings.emergency,
      video: settings.media.video,
      log,
      host,
      hostPort: transport => `${shown}:${portOf(transport)}`,
      icid: () => hex(16),
      agent: () => made.agent as UserAgent,
      emit(input) {
        if (input.type === 'ims-registered') settled(null);
        if (input.type === 'ims-register-failed') settled(`${input.outcome.code} ${input.outcome.phrase}`);
      },
    },
    soon.timers,
  );
  const first = await firstHop(realm, settings.sip.dnsServers);
  if (first === undefined) throw new Error(`The first hop of the realm ${found.name} has no address.`);
  made.agent = wireless({ host: shown, port: portOf(first.transport) }, first, made, soon.timers, (target, text) => {
    if (!text.startsWith('ACK ')) messages.push({ target, text, when });
    if (text.startsWith('REGISTER ')) settled(null);
  });
  return {
    realm,
    messages,
    register(owner, number) {
      const { registerExpiresS: expiresS } = settings.ims;
      const correlator = ids.uuid();
      return new Promise(resolve => {
        settled = resolve;
        realm.bindings.register({
          type: 'ims.register',
          owner,
          ref: ids.ref(),
          number,
          expiresS,
          correlator,
          initial: true,
          behind: null,
        });
      });
    },
    hear(answer, saying) {
      const last = messages.at(-1);
      if (last === undefined) return;
      when = saying ?? null;
      made.layer?.receive(parseMessage(answer(last.text)), last.target);
      soon.run();
      when = null;
    },
    say(next) {
      when = next;
    },
  };
}

/** Nothing happens later. */
const IDLE: SipTimers = { start: () => {}, stop: () => {} };

/** Nothing happens later but what the agent does as soon as a call into it is over. */
function createSoon(): { timers: SipTimers; run(): void } {
  const due: Array<() => void> = [];
  return {
    timers: { ...IDLE, start: (_key, ms, fire) => void (ms === 0 && due.push(fire)) },
    run() {
      for (const fire of due.splice(0)) fire();
    },
  };
}

/** The server a first request would go to. */
function firstHop(realm: Realm, dnsServers: readonly string[]): Promise<Target | undefined> {
  const { firsts } = createNextHops({
    realms: [realm],
    dns: createDns(dnsServers, [4, 6]),
    speaks: ['udp', 'tcp', 'tls'],
    now: () => 0,
    random: () => 0,
    onFailure: () => {},
  });
  return new Promise(resolve => firsts(([target]) => resolve(target)));
}

const hex = (bytes: number) => randomBytes(bytes).toString('hex');

/** An agent whose messages are heard instead of sent. */
function wireless(
  sentBy: { host: string; port: number },
  first: Target,
  made: { layer?: DrivenTransactionLayer },
  timers: SipTimers,
  heard: (target: Target, text: string) => void,
): UserAgent {
  return createUserAgent({
    user: { onInvite: () => ({ status: 480, reason: 'Temporarily Unavailable' }) },
    layer(user) {
      made.layer = createTransactionLayer({
        wire: {
          send: (packet, target) => heard(target, masked(Buffer.from(packet).toString('utf8'))),
          sentBy: () => sentBy,
        },
        timers: IDLE,
        now: () => 0,
        random: () => hex(12),
        user,
      });
      return made.layer;
    },
    timers,
    now: () => 0,
    locate: (_uri, tell) => tell([first]),
    contact: () => `<sip:${sentBy.host}>`,
    randomHex: hex,
  });
}

const masked = (text: string) => text.replace(/(, response=")[0-9a-f]+"/, '$1..."');
