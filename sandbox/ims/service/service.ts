/** The service numbers: a SIP user agent of its own behind the proxy, with real media. */
import { createUserAgent, parseUri, type Refusal, type SipTimers, type Target } from '../../../src/sip/index.ts';
import { openStack } from '../stack.ts';
import { type Service, serveCall } from './service-call.ts';

export interface ServicesOptions {
  host: string;
  timers: SipTimers;
  /** Early media of 9002 before the answer, and talk time of 9006, in ms. */
  earlyMs: number;
  hangUpMs: number;
}

export interface Services {
  /** Where a service number, or `sos`, is served; null when it is none. */
  find(number: string): { uri: string; target: Target } | null;
  /** Calls in progress. */
  readonly calls: number;
  close(): Promise<void>;
}

const PREFIX = '+1555010';
const MAX_CALLS = 500;
const BUSY: Refusal = { status: 486, reason: 'Busy Here' };

function servicesOf({ earlyMs, hangUpMs }: ServicesOptions): ReadonlyMap<string, Service> {
  const table: Array<[string, Service]> = [
    ['9000', { type: 'media', audio: 'echo', hangUpMs: null }],
    ['9001', { type: 'media', audio: 'tone', hangUpMs: null }],
    ['9002', { type: 'early', audio: 'tone', answerMs: earlyMs }],
    ['9003', { type: 'refuse', refusal: BUSY }],
    ['9004', { type: 'refuse', refusal: { status: 603, reason: 'Decline' } }],
    ['9005', { type: 'ring' }],
    ['9006', { type: 'media', audio: 'tone', hangUpMs }],
  ];
  const numbers = table.map(([number, service]): [string, Service] => [PREFIX + number, service]);
  // The emergency centre: no number leads to it.
  return new Map([...numbers, ['sos', { type: 'media', audio: 'echo', hangUpMs: null }]]);
}

/** Opens the user agent on a port of its own. */
export async function startServices(options: ServicesOptions): Promise<Services> {
  const { host, timers } = options;
  const services = servicesOf(options);
  const stack = await openStack({ host, port: 0, timers, singleVia: true });
  let calls = 0;
  let served = 0;
  const agent = createUserAgent({
    timers,
    now: () => performance.now(),
    contact: invite => `<sip:${parseUri(invite.uri)?.user ?? 'service'}@${host}:${stack.port}>`,
    layer: user => stack.layer(user),
    user: {
      onInvite(call, request, sdp) {
        const service = services.get(parseUri(request.uri)?.user ?? '');
        if (service === undefined) return { status: 404, reason: 'Not Found' };
        if (calls >= MAX_CALLS) return BUSY;
        served += 1;
        const onGone = (): void => {
          calls -= 1;
        };
        const listener = serveCall(call, { id: `service${served}`, service, sdp, host, timers, onGone });
        if (!('status' in listener)) calls += 1;
        return listener;
      },
    },
  });
  return {
    find(number) {
      if (!services.has(number)) return null;
      return { uri: `sip:${number}@${host}:${stack.port}`, target: { transport: 'udp', host, port: stack.port } };
    },
    get calls() {
      return calls;
    },
    async close() {
      agent.endAll();
      await stack.close();
    },
  };
}
