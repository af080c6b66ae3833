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
import { createLocation } from './location.ts';
import { isHome } from './number.ts';
import { createProxy } from './proxy.ts';
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
  sizes(): { forks: number; transactions: number; serviceCalls: number };
  /** Addresses a number is registered at. */
  contactsOf(number: string): string[];
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
  const numbers = new Map(subscribers.map(({ number, name }) => [number, name ?? null]));
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
      const response = register(registrar, request, source);
      log('registration answered', { status: response.status });
      layer.respond(id, response);
    } else if (isOurs && !inDialog) {
      const status = request.method === 'OPTIONS' ? 200 : 404;
      layer.respond(id, createResponse(request, status, undefined, { toTag: tag() }));
    } else proxy.onRequest(request, id, source);
  }

  const user: ServerTransactionUser = {
    onRequest,
    onAck: (request, source) => proxy.onAck(request, source),
    onCancel: (inviteKey, cancel) => proxy.onCancel(inviteKey, cancel),
    onServerFailure: id => proxy.onServerFailure(id),
  };
  const layer = stack.layer(user);
  const proxy = createProxy({
    home,
    access,
    location,
    routes: createRoutes(home, key, location),
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
    sizes: () => ({ forks: proxy.size, transactions: layer.size, serviceCalls: services.calls }),
    contactsOf: number => location.of(number).map(binding => binding.contact.uri),
    async close() {
      await services.close();
      await stack.close();
      timers.close();
    },
  };
}
