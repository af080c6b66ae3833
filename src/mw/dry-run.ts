/** The REGISTER and the INVITE a number would send, made by the same code over a wire that goes nowhere. */
import { randomBytes } from 'node:crypto';
import type { Settings } from '../config/settings.ts';
import type { BindingId, CallId, E164, Ids } from '../ep-cscf/ids.ts';
import type { ImsIdentity } from '../ep-cscf/ports.ts';
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
import { createBindings } from './bindings.ts';
import { createCalls } from './calls.ts';
import { credentialsOf } from './credentials.ts';
import { createNextHops, entryRouteOf } from './next-hop.ts';
import type { MwNode } from './node.ts';
import { createTrunk } from './trunk.ts';

export interface DryRunOptions {
  settings: Pick<Settings, 'sip' | 'ims'>;
  ids: Ids;
  log: Log;
  number: E164;
  identity: ImsIdentity;
  /** Number called. */
  to: E164;
}

export interface DryMessage {
  target: Target;
  text: string;
}

const SDP = 'v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n';

/** What would be sent, in order, nothing of it sent. Rejects when the entry of the core cannot be found. */
export async function dryRun(options: DryRunOptions): Promise<DryMessage[]> {
  const { settings, ids, log, number, identity, to } = options;
  const { sip, ims } = settings;
  const transport = ims.transport === 'udp' ? 'udp' : 'tcp';
  const hops = await createNextHops(ims.entry, transport, ims.home, () => 0);
  const host = sip.advertisedHost || sip.host;
  const messages: DryMessage[] = [];
  const made: { agent?: UserAgent; layer?: DrivenTransactionLayer } = {};
  const hex = (bytes: number) => randomBytes(bytes).toString('hex');
  const timers = { start: () => {}, stop: () => {} };
  made.agent = createUserAgent({
    user: { onInvite: () => ({ status: 480, reason: 'Temporarily Unavailable' }) },
    layer(user) {
      made.layer = createTransactionLayer({
        wire: {
          send(packet, target) {
            messages.push({ target, text: Buffer.from(packet).toString('utf8') });
          },
          sentBy: () => ({ host, port: sip.port }),
        },
        timers,
        now: () => 0,
        random: () => hex(12),
        user,
      });
      return made.layer;
    },
    timers,
    now: () => 0,
    locate: hops.locate,
    contact: () => `<sip:${host}>`,
    randomHex: hex,
  });
  const node: MwNode = {
    facts: { ...ims, ruriForm: ims.ruriForm === 'tel' ? 'tel' : 'sip', host },
    transport,
    hostPort: () => `${host}:${sip.port}`,
    earlyMedia: 'reliable',
    ids,
    log,
    emit: () => {},
    icid: () => hex(16),
    agent: () => made.agent as UserAgent,
    credentialsOf: impi => credentialsOf(ims, impi),
    entryRoute: () => entryRouteOf(ims.entry, transport),
    learn: async () => {},
  };
  const bindings = ims.mode === 'trunk' ? createTrunk(node) : createBindings(node, null);
  const owner = ids.binding(0) as BindingId;
  const correlator = ids.uuid();
  const expiresS = ims.registerExpiresS;
  bindings.register({
    type: 'ims.register',
    owner,
    ref: ids.ref(),
    number,
    identity,
    expiresS,
    correlator,
    initial: true,
  });
  const [register] = messages;
  if (register !== undefined) made.layer?.receive(parseMessage(accepted(register.text, ims.home)), register.target);
  createCalls(node).invite(
    {
      type: 'ims.invite',
      owner: ids.call(0) as CallId,
      binding: owner,
      from: number,
      anonymous: false,
      displayName: null,
      to: `tel:${to}`,
      sdp: SDP,
      correlator,
      location: null,
    },
    bindings.routeOf(owner),
    bindings.credentialsOf(owner),
  );
  return messages;
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
