/** A small IMS in one process: registrar, forking proxy, service numbers. For demos and tests; nothing is kept outside the object. */
import { randomBytes } from 'node:crypto';
import {
  createResponse,
  createSystemTimers,
  parseUri,
  type ServerTransactionUser,
  type SipRequest,
  type Target,
  type TransactionKey,
} from '../../src/sip/index.ts';
import { createAccess, type ImsSubscriber } from './access.ts';
import { type Binding, createLocation } from './location.ts';
import { isHome, numberOfText } from './number.ts';
import { createProxy } from './proxy.ts';
import { createRegEvents, type RemovalEvent } from './reg-event.ts';
import { register } from './registrar.ts';
import { createRoutes } from './route.ts';
import { startServices } from './service/service.ts';
import { openStack } from './stack.ts';

export interface ImsOptions {
  /** Numeric address to listen on, by UDP and TCP; service numbers and their media use it too. */
  host: string;
  /** 0: the system chooses. Default 5070. */
  port?: number;
  domain: string;
  subscribers: readonly ImsSubscriber[];
  /** Numbers without a phone: a trusted node alone registers them. */
  poolNumbers?: readonly string[];
  /** Gateways whose REGISTER and P-Asserted-Identity are taken at their word: an address, or address:port of their Via. Default none. */
  trustedNodes?: readonly string[];
  log?: (message: string, fields: Readonly<Record<string, string | number | null>>) => void;
  /** Smallest and longest lifetime of a binding, in seconds. Default 60 and 7200. */
  minExpiresS?: number;
  maxExpiresS?: number;
  /** Timer C of the proxy (default 181 s), early media of 9002 (3 s), talk time of 9006 (5 s), in ms. */
  timerCMs?: number;
  earlyMs?: number;
  hangUpMs?: number;
}

export interface Ims {
  readonly host: string;
  readonly port: number;
  /** What is alive, for leak tests. */
  sizes(): { forks: number; transactions: number; serviceCalls: number; watchers: number };
  /** Addresses a number is registered at. */
  contactsOf(number: string): string[];
  /** Takes every contact of a number away, as an operator does, and tells its watchers why. */
  remove(number: string, event: RemovalEvent): void;
  /** Ends service calls, closes every socket, stops every timer. */
  close(): Promise<void>;
}

/** Starts the IMS; it answers when the promise resolves. Rejects when a port cannot be had. */
export async function startIms(options: ImsOptions): Promise<Ims> {
  const { host, domain, subscribers } = options;
  const log = options.log ?? (() => {});
  const timers = createSystemTimers();
  const stack = await openStack({ host, port: options.port ?? 5070, timers, singleVia: false });
  const servicesOptions = { host, timers, earlyMs: options.earlyMs ?? 3000, hangUpMs: options.hangUpMs ?? 5000 };
  const services = await startServices(servicesOptions).catch(async error => {
    await stack.close();
    throw error;
  });
  const home = { domain: domain.toLowerCase(), host: host.includes(':') ? `[${host}]` : host, port: stack.port };
  const key = randomBytes(32);
  const tag = (): string => randomBytes(6).toString('hex');
  const now = (): number => Date.now();
  const location = createLocation(now);
  const trustedNodes = options.trustedNodes ?? [];
  const access = createAccess({ domain: home.domain, subscribers, trustedNodes, now, key, random: tag });
  const numbers = new Map([
    ...subscribers.map(({ number, name }) => [number, name ?? null] as const),
    ...(options.poolNumbers ?? []).map(number => [number, null] as const),
  ]);
  const registrar = {
    home,
    access,
    location,
    numbers,
    now,
    tag,
    minExpiresS: options.minExpiresS ?? 60,
    maxExpiresS: options.maxExpiresS ?? 7200,
  };

  function onRequest(request: SipRequest, id: TransactionKey, source: Target): void {
    const uri = parseUri(request.uri);
    const isOurs = uri !== null && uri.user === null && isHome(uri, home);
    const inDialog = request.headers.to()?.params.has('tag') === true;
    if (request.method === 'REGISTER' && (isOurs || (uri !== null && isHome(uri, home)))) {
      const number = numberOfText(request.headers.to()?.uri ?? '', home);
      const before = number === null ? [] : location.of(number);
      const response = register(registrar, request, source);
      log('registration answered', { status: response.status });
      layer.respond(id, response);
      if (number !== null) {
        tellWatchers(number, before);
        watchExpiry(number);
      }
    } else if (access.isTrusted(request, source) && regEvents.onRequest(request, id)) {
      log('registration state asked for', {});
    } else if (isOurs && !inDialog) {
      const status = request.method === 'OPTIONS' ? 200 : 404;
      layer.respond(id, createResponse(request, status, undefined, { toTag: tag() }));
    } else proxy.onRequest(request, id, source);
  }

  /** Refreshes are no news. */
  function tellWatchers(number: string, before: readonly Binding[]): void {
    const after = location.of(number);
    const known = (list: readonly Binding[], one: Binding) =>
      list.some(({ contact }) => contact.uri === one.contact.uri);
    const removed = before.filter(one => !known(after, one));
    if (removed.length > 0 || after.some(one => !known(before, one)))
      regEvents.changed(number, removed, 'unregistered');
  }

  /** A contact that is not refreshed is news when its time is over. */
  function watchExpiry(number: string): void {
    const timer = `expiry ${number}`;
    timers.stop(timer);
    const live = location.of(number);
    if (live.length === 0) return;
    const next = Math.min(...live.map(({ expiresAtMs }) => expiresAtMs));
    timers.start(timer, Math.max(1, next - now()), () => {
      const left = location.of(number);
      const gone = live.filter(one => !left.includes(one));
      if (gone.length > 0) regEvents.changed(number, gone, 'expired');
      watchExpiry(number);
    });
  }

  const user: ServerTransactionUser = {
    onRequest,
    onAck: (request, source) => proxy.onAck(request, source),
    onCancel: (inviteKey, cancel) => proxy.onCancel(inviteKey, cancel),
    onServerFailure: id => proxy.onServerFailure(id),
  };
  const layer = stack.layer(user);
  const routes = createRoutes(home, key, location);
  const regEvents = createRegEvents({ home, location, routes, layer, now, tag });
  const proxy = createProxy({
    home,
    access,
    location,
    routes,
    layer,
    timers,
    numbers,
    service: services.find,
    timerCMs: options.timerCMs ?? 181_000,
    tag,
    log,
  });

  return {
    host,
    port: stack.port,
    sizes: () => ({
      forks: proxy.size,
      transactions: layer.size,
      serviceCalls: services.calls,
      watchers: regEvents.size,
    }),
    contactsOf: number => location.of(number).map(binding => binding.contact.uri),
    remove(number, event) {
      const removed = location.of(number);
      for (const binding of removed) location.remove(binding);
      regEvents.changed(number, removed, event);
      watchExpiry(number);
    },
    async close() {
      await services.close();
      await stack.close();
      timers.close();
    },
  };
}
