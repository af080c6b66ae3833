/** A phone for tests: the real user agent on real sockets, with what it hears in a queue to wait on. */
import { randomBytes } from 'node:crypto';
import {
  type Body,
  type Call,
  type CallUser,
  createSystemTimers,
  createUserAgent,
  type ExtraHeaders,
  type OutgoingCall,
  type Registered,
  type SipRequest,
  type SipResponse,
} from '../../src/sip/index.ts';
import type { Ims } from './ims.ts';
import { openStack } from './stack.ts';

export const DOMAIN = 'ims.test';

export type PhoneEvent =
  | { type: 'invite'; call: Call; request: SipRequest; sdp: string | null }
  | { type: 'progress'; response: SipResponse; sdp: string | null }
  | { type: 'answered'; response: SipResponse; sdp: string | null }
  | { type: 'rejected'; status: number; response: SipResponse | null }
  | { type: 'cancelled'; request: SipRequest }
  | { type: 'acked'; request: SipRequest }
  | { type: 'ended'; cause: string }
  | { type: 'registered'; result: Registered }
  | { type: 'register-failed'; status: number; response: SipResponse | null };

type Of<T extends PhoneEvent['type']> = Extract<PhoneEvent, { type: T }>;

export interface Phone {
  readonly contact: string;
  readonly events: PhoneEvent[];
  /** The next event, which must be of this type. Rejects after 4 s. */
  next<T extends PhoneEvent['type']>(type: T): Promise<Of<T>>;
  /** The next event of any type. Rejects after 4 s. */
  any(): Promise<PhoneEvent>;
  register(options?: RegisterOptions): void;
  call(to: string, change?: Partial<OutgoingCall>): Call;
  /** Sends a request of any method outside a dialog; its final response. */
  send(
    method: string,
    uri: string,
    headers: ExtraHeaders,
    change?: { to?: string; contact?: string },
  ): Promise<SipResponse>;
  close(): Promise<void>;
}

export interface RegisterOptions {
  password?: string;
  expiresS?: number;
  headers?: ExtraHeaders;
  aor?: string;
  contact?: string;
  /** False sends no digest answer. */
  digest?: boolean;
}

export interface PhoneOptions {
  ims: Pick<Ims, 'host' | 'port'>;
  /** Default `DOMAIN`. */
  domain?: string;
  host: string;
  number: string;
}

export const SDP = (host: string, port: number): Body => ({
  contentType: 'application/sdp',
  content:
    `v=0\r\no=- 1 1 IN IP4 ${host}\r\ns=-\r\nc=IN IP4 ${host}\r\nt=0 0\r\nm=audio ${port} RTP/AVP 0 8 101\r\n` +
    'a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n',
});

export async function openPhone({ ims, host, number, domain = DOMAIN }: PhoneOptions): Promise<Phone> {
  const timers = createSystemTimers();
  const stack = await openStack({ host, port: 0, timers, singleVia: true });
  const contact = `<sip:${randomBytes(4).toString('hex')}@${host}:${stack.port}>`;
  const home = `<sip:${number}@${domain}>`;
  const password = `pw-phone-${number.slice(1)}`;
  const events: PhoneEvent[] = [];
  let wake = (): void => {};
  const push = (event: PhoneEvent): void => {
    events.push(event);
    wake();
  };

  const listener = (): CallUser => ({
    onProgress: ({ response, sdp }) => push({ type: 'progress', response, sdp }),
    onAnswered: ({ response, sdp }) => push({ type: 'answered', response, sdp }),
    onRejected: ({ response }) => push({ type: 'rejected', status: response?.status ?? 0, response }),
    onCancelled: request => push({ type: 'cancelled', request }),
    onAcked: (_sdp, request) => push({ type: 'acked', request }),
    onEnded: ({ cause }) => push({ type: 'ended', cause }),
    onReoffer: reoffer => reoffer.reject({ status: 488, reason: 'Not Acceptable Here' }),
    onUpdated() {},
    onUpdateFailed() {},
  });

  const agent = createUserAgent({
    timers,
    now: () => performance.now(),
    contact: () => contact,
    layer: user => stack.layer(user),
    user: {
      onInvite(call, request, sdp) {
        push({ type: 'invite', call, request, sdp });
        return listener();
      },
    },
  });

  async function any(): Promise<PhoneEvent> {
    if (events.length === 0) {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error('nothing happened for 4 s')), 4000);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const event = events.shift();
    if (event === undefined) throw new Error('two waited for one event');
    return event;
  }

  async function next<T extends PhoneEvent['type']>(type: T): Promise<Of<T>> {
    const event = await any();
    if (event.type !== type) throw new Error(`${event.type} came instead of ${type}`);
    return event as Of<T>;
  }

  return {
    contact,
    events,
    any,
    next,
    register(options = {}) {
      const registration = agent.register(
        {
          registrar: `sip:${domain}`,
          aor: options.aor ?? home,
          contact: options.contact ?? contact,
          route: [`<sip:${ims.host}:${ims.port};lr>`],
          expiresS: options.expiresS ?? 600,
          ...(options.digest === false
            ? {}
            : { credentials: { username: `${number}@${domain}`, password: options.password ?? password } }),
        },
        {
          onRegistered: result => push({ type: 'registered', result }),
          onUnregistered: () =>
            push({
              type: 'registered',
              result: { expiresS: 0, serviceRoute: [], associated: [], response: {} as SipResponse },
            }),
          onRegisterFailed: ({ response }) =>
            push({ type: 'register-failed', status: response?.status ?? 0, response }),
        },
      );
      registration.refresh(options.expiresS ?? 600, options.headers ?? []);
    },
    call(to, change = {}) {
      const request: OutgoingCall = {
        uri: `sip:${to}@${domain};user=phone`,
        from: home,
        to: `<sip:${to}@${domain};user=phone>`,
        contact,
        route: [`<sip:orig@${ims.host}:${ims.port};lr>`],
        headers: [],
        body: SDP(host, 40_000),
        credentials: { username: number, password },
        ...change,
      };
      return agent.call(request, listener());
    },
    send(method, uri, headers, change = {}) {
      const route = [`<sip:${ims.host}:${ims.port};lr>`];
      const request = {
        method,
        uri,
        from: home,
        to: change.to ?? `<${uri}>`,
        contact: change.contact ?? contact,
        route,
        headers,
      };
      return new Promise((resolve, reject) => {
        agent.request(request, { onFinal: resolve, onFailure: cause => reject(new Error(cause)) });
      });
    },
    async close() {
      await stack.close();
      timers.close();
    },
  };
}
