/** The REGISTER and the INVITE a number would send, made by the same code over a wire that goes nowhere. */
import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { realmFinder, realmsOf } from '../config/realm.ts';
import type { Settings } from '../config/settings.ts';
import { BACK_OFF } from '../ep-cscf/back-off.ts';
import type { BindingId, CallId, E164, Ids } from '../ep-cscf/ids.ts';
import type { Log } from '../runtime/log.ts';
import {
  createResponse,
  createTransactionLayer,
  createUserAgent,
  type DrivenTransactionLayer,
  parseMessage,
  type SipRequest,
  serialize,
  type Target,
  type UserAgent,
} from '../sip/index.ts';
import { createDns } from './dns.ts';
import { createNextHops } from './next-hop.ts';
import { createRealm, type Realm } from './realm.ts';

export interface DryRunOptions {
  settings: Pick<Settings, 'sip' | 'ims' | 'emergency' | 'media'>;
  ids: Ids;
  log: Log;
  number: E164;
  /** Number called. */
  to: E164;
}

export interface DryMessage {
  target: Target;
  text: string;
}

const SDP = 'v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n';

/** What would be sent, in order, nothing of it sent. Rejects with one sentence when the number has no realm or identity, or the first hop cannot be found. */
export async function dryRun(options: DryRunOptions): Promise<{ realm: string; messages: DryMessage[] }> {
  const { settings, ids, number, to } = options;
  const found = realmFinder(realmsOf(settings.ims))(number);
  if (found === null) throw new Error(`No realm of the settings has the number ${number}.`);
  const messages: DryMessage[] = [];
  const made: { agent?: UserAgent; layer?: DrivenTransactionLayer } = {};
  let settled = (_failure: string | null) => {};
  const registered = new Promise<string | null>(resolve => {
    settled = resolve;
  });
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
      log: options.log,
      host,
      hostPort: transport => `${shown}:${portOf(transport)}`,
      icid: () => hex(16),
      agent: () => made.agent as UserAgent,
      emit(input) {
        if (input.type === 'ims-registered') settled(null);
        if (input.type === 'ims-register-failed') settled(`${input.outcome.code} ${input.outcome.phrase}`);
      },
    },
    null,
  );
  const first = await firstHop(realm, settings.sip.dnsServers);
  if (first === undefined) throw new Error(`The first hop of the realm ${found.name} has no address.`);
  made.agent = wireless({ host: shown, port: portOf(first.transport) }, first, made, message => {
    messages.push(message);
    if (!message.text.startsWith('REGISTER ')) return;
    settled(null);
  });
  const owner = ids.binding(0) as BindingId;
  const expiresS = settings.ims.registerExpiresS;
  const correlator = ids.uuid();
  realm.start();
  const [own] = messages;
  if (own !== undefined) made.layer?.receive(parseMessage(accepted(own.text, found.home)), own.target);
  realm.bindings.register({ type: 'ims.register', owner, ref: ids.ref(), number, expiresS, correlator, initial: true });
  const failure = await registered;
  if (failure !== null) throw new Error(`The number ${number} cannot register in the realm ${found.name}: ${failure}.`);
  const register = own === undefined ? messages[0] : undefined;
  if (register !== undefined) made.layer?.receive(parseMessage(accepted(register.text, found.home)), register.target);
  callOut(realm, owner, ids, number, to);
  return { realm: found.name, messages };
}

/** Nothing happens later. */
const IDLE = { start: () => {}, stop: () => {} };

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
  heard: (message: DryMessage) => void,
): UserAgent {
  return createUserAgent({
    user: { onInvite: () => ({ status: 480, reason: 'Temporarily Unavailable' }) },
    layer(user) {
      made.layer = createTransactionLayer({
        wire: {
          send: (packet, target) => heard({ target, text: Buffer.from(packet).toString('utf8') }),
          sentBy: () => sentBy,
        },
        timers: IDLE,
        now: () => 0,
        random: () => hex(12),
        user,
      });
      return made.layer;
    },
    timers: IDLE,
    now: () => 0,
    locate: (_uri, tell) => tell([first]),
    contact: () => `<sip:${sentBy.host}>`,
    randomHex: hex,
  });
}

function callOut(realm: Realm, binding: BindingId, ids: Ids, from: E164, to: E164): void {
  realm.calls.invite(
    {
      type: 'ims.invite',
      owner: ids.call(0) as CallId,
      binding,
      from,
      anonymous: false,
      displayName: null,
      to: `tel:${to}`,
      sdp: SDP,
      correlator: ids.uuid(),
      location: null,
    },
    realm.bindings.routeOf(binding),
    realm.bindings.credentialsOf(binding),
  );
}

/** The 200 a core would give, so that the INVITE has a Service-Route to follow. */
function accepted(text: string, home: string): Uint8Array {
  const parsed = parseMessage(Buffer.from(text, 'utf8'));
  if (!parsed.ok || parsed.message.type !== 'request') throw new Error('our own REGISTER cannot be read');
  const request: SipRequest = parsed.message;
  const headers: Array<[string, string]> = [
    ['Contact', request.headers.get('Contact') ?? ''],
    ['Service-Route', `<sip:service-route-of-the-core@${home};lr>`],
  ];
  return serialize(createResponse(request, 200, 'OK', { toTag: 'core', headers }));
}
