/** Test help: user agents and scripted peers on the fake network, with everything they hear written down. */
import { createRequest, createResponse } from '../../src/sip/message/build.ts';
import type { SipRequest, SipResponse } from '../../src/sip/message/message.ts';
import { serialize } from '../../src/sip/message/serialize.ts';
import { createTransactionLayer, type DrivenTransactionLayer } from '../../src/sip/transaction/layer.ts';
import type { Target } from '../../src/sip/transaction/types.ts';
import { createUserAgent } from '../../src/sip/user-agent.ts';
import type {
  Call,
  CallUser,
  OutgoingCall,
  Reoffer,
  UserAgent,
  UserAgentOptions,
} from '../../src/sip/user-agent-types.ts';
import { createFakeClock, createFakeNetwork, FINE, seeded, type Weather } from './sip-world.ts';

export const OFFER = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n';
export const ANSWER = 'v=0\r\no=- 2 1 IN IP4 192.0.2.2\r\ns=-\r\n';
export const sdp = (content: string) => ({ contentType: 'application/sdp', content });

export interface Party {
  agent: UserAgent;
  layer: DrivenTransactionLayer;
  /** Start lines of what left this node. */
  sent: string[];
  /** What its calls heard, one word a line, such as `answered v=0...`. */
  heard: string[];
  /** Early dialogs its calls out were told of, the last one last. */
  forks: string[];
  /** Calls in. */
  calls: Call[];
  reoffers: Reoffer[];
  /** Runs for every call in. */
  onInvite: (call: Call, request: SipRequest) => void;
}

export interface World {
  clock: ReturnType<typeof createFakeClock>;
  network: ReturnType<typeof createFakeNetwork>;
  party(host: string, options?: Partial<UserAgentOptions>): Party;
  peer(host: string): Peer;
  place(from: Party, toHost: string, change?: Partial<OutgoingCall>): Call;
}

/** A node without any stack: a test writes every message of it. */
export interface Peer {
  requests: SipRequest[];
  responses: SipResponse[];
  onRequest: (request: SipRequest) => void;
  respond(request: SipRequest, status: number, tag: string, headers?: Array<[string, string]>, body?: string): void;
  send(method: string, uri: string, headers: Array<[string, string]>, body?: string): void;
}

export function createWorld(seed = 1, weather: Weather = FINE): World {
  const random = seeded(seed);
  const clock = createFakeClock();
  const network = createFakeNetwork(clock, random, weather);
  const hex = (bytes: number) =>
    Array.from({ length: bytes }, () =>
      Math.floor(random() * 256)
        .toString(16)
        .padStart(2, '0'),
    ).join('');

  function party(host: string, options: Partial<UserAgentOptions> = {}): Party {
    const node = network.node(host);
    const made: { layer?: DrivenTransactionLayer } = {};
    const result: Omit<Party, 'agent' | 'layer'> = {
      sent: node.sent,
      heard: [],
      forks: [],
      calls: [],
      reoffers: [],
      onInvite() {},
    };
    const agent = createUserAgent({
      user: {
        onInvite(call, request, offer) {
          result.heard.push(`invited ${offer === null ? '-' : 'sdp'}`);
          result.calls.push(call);
          result.onInvite(call, request);
          return listener(result);
        },
      },
      layer(user) {
        made.layer = createTransactionLayer({
          wire: node.wire,
          timers: clock.timers,
          now: clock.now,
          random: () => hex(10),
          user,
          singleVia: true,
        });
        node.receive = (message, source) => made.layer?.receive(message, source);
        return made.layer;
      },
      timers: clock.timers,
      now: clock.now,
      contact: () => `<sip:in@${host}>`,
      randomHex: hex,
      ...options,
    });
    if (made.layer === undefined) throw new Error('no layer was built');
    return Object.assign(result, { agent, layer: made.layer });
  }

  function peer(host: string): Peer {
    const node = network.node(host);
    const result: Peer = {
      requests: [],
      responses: [],
      onRequest() {},
      respond(request, status, tag, headers = [], body = '') {
        const response = createResponse(request, status, undefined, { toTag: tag, headers, body });
        const via = request.headers.via();
        node.wire.send(serialize(response), { transport: 'udp', host: via?.host ?? '', port: via?.port ?? 5060 }, null);
      },
      send(method, uri, headers, body = '') {
        const host2 = /@([^;>]+)/.exec(uri)?.[1] ?? '';
        const via: [string, string] = ['Via', `SIP/2.0/UDP ${host}:5060;branch=z9hG4bK${hex(8)}`];
        node.wire.send(
          serialize(createRequest(method, uri, [via, ['Max-Forwards', '70'], ...headers], body)),
          { transport: 'udp', host: host2, port: 5060 },
          null,
        );
      },
    };
    node.receive = (message, _source: Target) => {
      if (!message.ok) return;
      if (message.message.type === 'response') result.responses.push(message.message);
      else {
        result.requests.push(message.message);
        result.onRequest(message.message);
      }
    };
    return result;
  }

  function place(from: Party, toHost: string, change: Partial<OutgoingCall> = {}): Call {
    const request: OutgoingCall = {
      uri: `sip:bob@${toHost}`,
      from: '<sip:alice@example.com>',
      to: `<sip:bob@${toHost}>`,
      contact: `<sip:alice@${from.sent === undefined ? '' : hostOf(from)}>`,
      route: [],
      headers: [],
      body: sdp(OFFER),
      ...change,
    };
    return from.agent.call(request, listener(from));
  }

  const hosts = new Map<Party, string>();
  const hostOf = (of: Party) => hosts.get(of) ?? '';
  return {
    clock,
    network,
    party(host, options) {
      const made = party(host, options);
      hosts.set(made, host);
      return made;
    },
    peer,
    place,
  };
}

function listener({ heard, forks, reoffers }: Pick<Party, 'heard' | 'forks' | 'reoffers'>): CallUser {
  const mark = (text: string | null) => (text === null ? '-' : 'sdp');
  const failure = (of: { response: SipResponse | null; cause: string | null }) => of.response?.status ?? of.cause;
  return {
    onProgress(e) {
      heard.push(`progress ${e.response.status} ${mark(e.sdp)}${e.reliable ? ' reliable' : ''}`);
      forks.push(e.fork);
    },
    onAnswered: e => heard.push(`answered ${mark(e.sdp)}`),
    onRejected: e => heard.push(`rejected ${failure(e)}`),
    onCancelled: e => heard.push(`cancelled ${e.headers.get('Reason') ?? '-'}`),
    onAcked: text => heard.push(`acked ${mark(text)}`),
    onEnded: e => heard.push(`ended ${e.cause}`),
    onReoffer(e) {
      heard.push(`reoffer ${e.request.method} ${mark(e.sdp)}`);
      reoffers.push(e);
    },
    onInfo: () => heard.push('info'),
    onUpdated: e => heard.push(`updated ${mark(e.sdp)}`),
    onUpdateFailed: e => heard.push(`update-failed ${failure(e)}`),
  };
}

/** A scripted caller at `from` in a call with a party at `at`, which has answered it. */
export function calledBy(
  world: World,
  headers: Array<[string, string]> = [],
  from = '192.0.2.1',
  at = '192.0.2.2',
): { peer: Peer; bob: Party; to: string } {
  const bob = world.party(at);
  const peer = world.peer(from);
  bob.onInvite = call => call.answer(sdp(ANSWER));
  const first: Array<[string, string]> = [
    ...dialogHeaders(`<sip:bob@${at}>`),
    ['CSeq', '1 INVITE'],
    ['Contact', `<sip:a@${from}>`],
    ['Content-Type', 'application/sdp'],
  ];
  peer.send('INVITE', `sip:bob@${at}`, [...first, ...headers], OFFER);
  world.clock.advance(20);
  const to = peer.responses.find(response => response.status === 200)?.headers.get('To') ?? '';
  peer.send('ACK', `sip:in@${at}`, [...dialogHeaders(to), ['CSeq', '1 ACK']]);
  world.clock.advance(20);
  return { peer, bob, to };
}

/** What the requests of that caller have in common. */
export function dialogHeaders(to: string): Array<[string, string]> {
  return [
    ['From', '<sip:alice@192.0.2.1>;tag=a'],
    ['To', to],
    ['Call-ID', 'by-hand'],
  ];
}
