/**
 * The second front door of W2: user agents that speak SIP over WebSocket. What `api/` is to applications, this is to them; the core
 * hears the same requests and publishes the same events, so such a user agent is one more device of its number. RFC 7118, IMS digest 8.
 */
import type { IncomingMessage } from 'node:http';
import type { WebSocket } from 'ws';
import { realmFinder, realmsOf } from '../config/realm.ts';
import type { Settings } from '../config/settings.ts';
import type { EventEffect } from '../ep-cscf/effect.ts';
import { maySee } from '../ep-cscf/identity.ts';
import type { Ids } from '../ep-cscf/ids.ts';
import type { EventsPort } from '../ep-cscf/ports.ts';
import { createClientAddress } from '../runtime/client-address.ts';
import type { Log } from '../runtime/log.ts';
import type { CallerRates } from '../runtime/rate-limit.ts';
import {
  type ParseResult,
  parseMessage,
  type Refusal,
  type SipCount,
  type SipRequest,
  type SipTimers,
} from '../sip/index.ts';
import { countedLayer, stackCounts } from './counting.ts';
import type { Device } from './device.ts';
import { createDevices } from './devices.ts';
import { withDevices } from './event-port.ts';
import { createFlow, type Flow } from './flow.ts';
import { createFront } from './front.ts';
import { type Checked, createGate, isFree } from './gate.ts';
import { createHandshake, type Handshake } from './handshake.ts';
import type { DoorNode } from './node.ts';
import { createOrigins } from './origin.ts';
import type { AccessTokens, CorePort } from './ports.ts';
import { refusal } from './refusal.ts';
import { createRegistrar } from './registrar.ts';
import { createTurns, type Turns } from './turns.ts';

export interface W2SipOptions {
  settings: Pick<Settings, 'w2Sip' | 'api' | 'auth' | 'emergency' | 'events' | 'ims' | 'registration'>;
  core: CorePort;
  tokens: AccessTokens;
  /** Those of the API listener, so that a caller has no more of them for coming by two doors. */
  rates: CallerRates;
  ids: Pick<Ids, 'ref' | 'uuid'>;
  timers: SipTimers;
  now(): number;
  randomHex(bytes: number): string;
  /** Public base URL; may be known only once the listener is up. */
  publicUrl(): string;
  log: Log;
  /** Declared counters only: w2_sip_requests_total, sip_discarded_total. */
  count: SipCount;
}

export interface W2Sip {
  /** For the API listener's upgrades of `w2Sip.path`. */
  handleUpgrade: Handshake['handle'];
  /** Puts the front door before the event side. */
  events(inner: EventsPort): EventsPort;
  /** Ends every call and every connection. */
  close(): void;
  sizes(): { connections: number; devices: number; calls: number; transactions: number };
}

/** Time of a connection to register, in ms. */
const REGISTER_MS = 15_000;
/** Requests of one connection that wait for another's token to be looked at. */
const MAX_WAITING = 64;

interface Guest {
  flow: Flow;
  turns: Turns;
}

export function createW2Sip(options: W2SipOptions): W2Sip {
  const { settings, timers, now, log, randomHex } = options;
  const { w2Sip, auth, api } = settings;
  const realmOf = realmFinder(realmsOf(settings.ims));
  const guests = new Map<string, Guest>();
  const prefix = `w2${randomHex(6)}`;
  let made = 0;

  const node: DoorNode = {
    core: options.core,
    ids: options.ids,
    timers,
    now,
    randomHex,
    log,
    graceMs: w2Sip.graceMs,
    sentBy() {
      const { hostname, port, protocol } = new URL(options.publicUrl());
      return { host: hostname, port: Number(port) || (protocol === 'https:' ? 443 : 80) };
    },
    layerParts: () => ({
      timers,
      now,
      random: () => randomHex(12),
      singleVia: true,
      count: stackCounts(options.count),
    }),
    counted: layer => countedLayer(layer, options.count),
  };
  const devices = createDevices(node);
  const addressOf = createClientAddress(api.trustProxy);
  const origins = createOrigins(settings, options.publicUrl);
  const gate = createGate({
    tokens: options.tokens,
    rates: options.rates,
    emergencyNumbers: settings.emergency.numbers,
    now,
    facts: {
      realm: settings.ims.home,
      authzServer: w2Sip.authzServer || (auth.issuers.find(issuer => issuer.startsWith('https:')) ?? null),
    },
  });
  const register = createRegistrar({
    node,
    devices,
    homeOf: number => realmOf(number)?.home ?? null,
    allotted: (clientId, number) =>
      Object.hasOwn(api.clients, clientId) && api.clients[clientId]?.numbers.includes(number) === true,
    ttlMinMs: settings.registration.ttlMinMs,
  });

  const front = createFront(options.count);

  function onSocket(socket: WebSocket, request: IncomingMessage): void {
    made += 1;
    const { remotePort = 0 } = request.socket;
    const id = `${prefix}.${made}`;
    const secure = options.publicUrl().startsWith('https:');
    const flow = createFlow({
      id,
      socket,
      source: { transport: secure ? 'wss' : 'ws', host: addressOf(request), port: remotePort },
      origin: request.headers.origin ?? null,
      timers,
      messagesPerS: w2Sip.messagesPerS,
      now,
      onMessage: bytes => route(guest, parseMessage(bytes)),
      onGone(cause) {
        guests.delete(id);
        timers.stop(`${id}.register`);
        log.info({ connection: id, cause: cause ?? 'closed by the client' }, 'SIP connection closed');
        devices.lost(flow);
      },
    });
    const guest: Guest = {
      flow,
      turns: createTurns(MAX_WAITING, error =>
        log.error({ fault: (error as Error).stack ?? String(error) }, 'a SIP message over WebSocket was not handled'),
      ),
    };
    guests.set(id, guest);
    awaitRegister(flow);
  }

  function awaitRegister(flow: Flow): void {
    timers.start(`${flow.id}.register`, REGISTER_MS, () => {
      if (devices.of(flow) === null) flow.close('unregistered');
    });
  }

  /** Responses go straight to who waits for them; requests in the order they came. */
  function route({ flow, turns }: Guest, result: ParseResult): void {
    const inTurn = (run: () => void | Promise<void>) => turns.take(run) || flow.close('flood');
    if (!result.ok) {
      inTurn(() => front.refuse(flow, result));
      return;
    }
    const { message } = result;
    if (message.type === 'response') devices.of(flow)?.receive(result, null);
    else inTurn(() => take(flow, result, message));
  }

  async function take(flow: Flow, result: ParseResult, request: SipRequest): Promise<void> {
    const speaker = devices.of(flow);
    if (isFree(request)) {
      request.headers.remove('Authorization');
      if (speaker !== null) speaker.receive(result, null);
      // An ACK or a CANCEL of a stranger is about nothing. RFC 3261 8.2.7.
      else if (request.method === 'BYE') front.answer(flow, request, refusal(481));
      return;
    }
    const stranger = speaker === null ? flow.source.host : null;
    const checked = await gate.check(request, speaker?.access ?? null, stranger);
    const device = request.method === 'REGISTER' ? null : devices.of(flow);
    if (device !== null) device.receive(result, refusedOf(device, checked));
    else await greet(flow, request, checked);
  }

  /** A request of who is not registered, or a REGISTER. */
  async function greet(flow: Flow, request: SipRequest, checked: Checked): Promise<void> {
    const respond = (answer: Refusal) => front.answer(flow, request, answer);
    if (!checked.ok) {
      respond(checked.refusal);
      // RFC 8898 has the challenge, TS 33.203 X.3.2.3 the end of the connection.
      if (checked.unusable && request.method === 'REGISTER') flow.close('token');
      return;
    }
    const { access } = checked;
    const { clientId } = access.principal;
    if (request.method !== 'REGISTER') respond(refusal(403));
    else if (flow.origin !== null && !origins.ofClient(flow.origin, clientId)) {
      respond(refusal(403));
      flow.close('origin');
    } else {
      const before = devices.of(flow);
      const answer = await register(flow, request, access);
      if (before !== null && devices.of(flow) === null) awaitRegister(flow);
      log.info({ client: clientId, status: answer.status, connection: flow.id }, 'REGISTER of a SIP user agent');
      respond(answer);
      // It went while the network was asked.
      if (!guests.has(flow.id)) devices.lost(flow);
    }
  }

  /** How the device's request is refused because of its token; a good one is what it has shown last. */
  function refusedOf(device: Device, checked: Checked): Refusal | null {
    if (!checked.ok) return checked.refusal;
    if (!maySee(checked.access.principal, device.who)) return refusal(403);
    device.access = checked.access;
    return null;
  }

  function hear(device: Device, effect: EventEffect): void {
    const { event } = effect;
    if (event.kind !== 'registration-ends') device.hear(effect, event);
    else devices.end(device, 'ended');
  }

  const handshake = createHandshake({
    maxConnections: w2Sip.maxConnections,
    maxMessageBytes: w2Sip.maxMessageBytes,
    allowsOrigin: origins.known,
    onSocket,
  });

  return {
    handleUpgrade: handshake.handle,
    events: inner => withDevices(inner, devices, hear),
    close() {
      for (const device of [...devices.all()]) devices.end(device, 'restart');
      for (const { flow } of guests.values()) flow.close('restart');
    },
    sizes() {
      let calls = 0;
      let transactions = 0;
      for (const device of devices.all()) {
        const sizes = device.sizes();
        calls += sizes.calls;
        transactions += sizes.transactions;
      }
      return { connections: handshake.size(), devices: devices.size, calls, transactions };
    },
  };
}
