/** Test help: the Mw side on loopback sockets against a scripted core. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { checkSettings } from '../../src/config/settings.ts';
import type { ImsEffect } from '../../src/ep-cscf/effect.ts';
import type { BindingId, CallId, E164, Ref } from '../../src/ep-cscf/ids.ts';
import type { ImsInput } from '../../src/ep-cscf/input.ts';
import { createMw, type Mw, type MwOptions } from '../../src/mw/ims.ts';
import { createIds } from '../../src/runtime/ids.ts';
import { type Log, silentLog } from '../../src/runtime/log.ts';
import { createSystemTimers, type SipRequest } from '../../src/sip/index.ts';
import { type CorePeer, createCorePeer, eventually } from './core-peer.ts';

export const HOST = '127.0.0.1';
export const HOME = 'ims.mnc001.mcc001.3gppnetwork.org';
export const NUMBER = '+99910020001' as E164;
export const BINDING = 'baaaaaaaaaaaaaaaaaaaaaaaaaa' as BindingId;
export const CALL = 'caaaaaaaaaaaaaaaaaaaaaaaaaa' as CallId;
export const IDENTITY = {
  number: NUMBER,
  impu: `sip:${NUMBER}@${HOME}`,
  impi: `web-99910020001@${HOME}`,
  home: HOME,
  secret: {},
};
export const OFFER = 'v=0\r\no=- 7001 1 IN IP4 192.0.2.20\r\ns=-\r\nt=0 0\r\n';
/** A call of our number, as the core asks for it. */
export const INVITE: Extract<ImsEffect, { type: 'ims.invite' }> = {
  type: 'ims.invite',
  owner: CALL,
  binding: BINDING,
  from: NUMBER,
  anonymous: false,
  displayName: null,
  to: 'tel:+99910020002',
  sdp: OFFER,
  correlator: 'c-1',
  location: null,
};
export const SDP: [string, string] = ['Content-Type', 'application/sdp'];

export interface Bench {
  mw: Mw;
  peer: CorePeer;
  inputs: ImsInput[];
  counted: string[];
  /** Alarms of the log. */
  alarms: unknown[];
  port: number;
  /** The next input of this type. */
  input<T extends ImsInput['type']>(type: T): Promise<Extract<ImsInput, { type: T }>>;
  /** The next request of this method the core has got. */
  request(method: string): Promise<SipRequest>;
}

export async function bench(
  t: TestContext,
  ims: Record<string, unknown> = {},
  sip: Record<string, unknown> = {},
  areas: Record<string, Record<string, unknown>> = {},
  more: Partial<MwOptions> = {},
): Promise<Bench> {
  const peer = await createCorePeer(HOST);
  const inputs: ImsInput[] = [];
  const counted: string[] = [];
  const alarms: unknown[] = [];
  const hear = (fields: Readonly<Record<string, unknown>>) => {
    if ('alarm' in fields) alarms.push(fields['alarm']);
  };
  const log: Log = { ...silentLog, warn: hear, error: hear, with: () => log };
  const requests: SipRequest[] = [];
  const timers = createSystemTimers();
  const settings = checkSettings({
    sip: { host: HOST, port: 0, optionsMs: 0, ...sip },
    ims: { home: HOME, entry: `${HOST}:${peer.port}`, transport: 'udp', ...ims },
    ...areas,
  });
  const mw = createMw({
    settings,
    lagMs: () => 0,
    emit: input => inputs.push(input as ImsInput),
    ids: createIds(size => new Uint8Array(size).fill(7)),
    shardOfBinding: id => (id === BINDING ? 5 : null),
    timers,
    clock: { now: () => performance.now() },
    log,
    count: (name, labels) => counted.push(`${name} ${Object.values(labels).join(' ')}`),
    ...more,
  });
  // Before the start: what a start that fails leaves open keeps the test runner waiting.
  t.after(async () => {
    peer.onMessage = (message, reply) => {
      if (message.type === 'request' && message.method !== 'ACK') peer.respond(message, reply, 200);
    };
    await mw.close();
    await peer.close();
    timers.close();
  });
  await mw.start();
  peer.onMessage = message => {
    if (message.type === 'request') requests.push(message);
  };
  const input = async <T extends ImsInput['type']>(type: T) => {
    const at = await eventually(type, () => {
      const index = inputs.findIndex(item => item.type === type);
      return index < 0 ? null : { index };
    });
    return inputs.splice(at.index, 1)[0] as Extract<ImsInput, { type: T }>;
  };
  const request = async (method: string) => {
    const at = await eventually(method, () => {
      const index = requests.findIndex(item => item.method === method);
      return index < 0 ? null : { index };
    });
    const [found] = requests.splice(at.index, 1);
    assert.ok(found);
    return found;
  };
  return { mw, peer, inputs, counted, alarms, port: mw.listening()?.port ?? 0, input, request };
}

/** `behind`: the REGISTER that may still be answered. */
export function register(b: Bench, ref: number, initial = true, behind: number | null = null): void {
  const correlator = 'c-1';
  b.mw.port.run({
    type: 'ims.register',
    owner: BINDING,
    ref: ref as Ref,
    number: NUMBER,
    expiresS: 3600,
    correlator,
    initial,
    behind: behind as Ref | null,
  });
}

/** Answers every REGISTER with 200, this Service-Route and the granted time. */
export function registrar(b: Bench, expires = 600, onOther: CorePeer['onMessage'] = () => {}): void {
  b.peer.onMessage = (message, reply) => {
    if (message.type !== 'request' || message.method !== 'REGISTER') {
      onOther(message, reply);
      return;
    }
    const contact = (message.headers.get('Contact') ?? '').replace(/expires=\d+/, `expires=${expires}`);
    b.peer.respond(message, reply, 200, [
      ['Contact', `<sip:sim@192.0.2.9>;expires=77, ${contact}`],
      ['Path', message.headers.get('Path') ?? ''],
      ['Service-Route', `<sip:orig-5a@${HOST}:${b.peer.port};lr>`],
      ['P-Associated-URI', `<${IDENTITY.impu}>, <tel:${NUMBER}>`],
    ]);
  };
}

/** Header lines of a message by name; the values of lists as one text. */
export function fields(text: string): Map<string, string> {
  const lines = (text.split('\r\n\r\n')[0] ?? '').split('\r\n').slice(1);
  return new Map(lines.map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]));
}
