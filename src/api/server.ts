/** The listener for the CAMARA APIs, the pages and the channels' WebSockets. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Settings } from '../config/settings.ts';
import type { Ids } from '../ep-cscf/ids.ts';
import { type ClientAddress, createClientAddress } from '../runtime/client-address.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { CallerRates } from '../runtime/rate-limit.ts';
import { callHandlingApi } from './call-handling.ts';
import { clickToCallApi } from './click-to-call.ts';
import { createCors } from './cors.ts';
import { withDocument } from './document-route.ts';
import { eventsSubscriptionsApi } from './events-subscriptions.ts';
import { answer, createHttpServer, renewCertificate, urlOf } from './http-server.ts';
import { iceServersApi } from './ice-servers.ts';
import { iceServersSecret } from './ice-servers-secret.ts';
import { notificationChannelsApi } from './notification-channels.ts';
import type { Api } from './operation.ts';
import type { AccessTokens, Channels, ClickToCall, CorePort, Subscriptions } from './ports.ts';
import { callHandlingV03 } from './r2-2/call-handling.ts';
import { eventsV02 } from './r2-2/events.ts';
import { registrationV03 } from './r2-2/registration.ts';
import { referenceRoutes } from './reference/routes.ts';
import { registrationApi } from './registration.ts';
import { isWellAddressed } from './request-target.ts';
import { createRoutes } from './route.ts';
import { createService, type Service } from './service.ts';
import { createUpgrades, type UpgradeHandler } from './upgrade.ts';

export interface ApiParts {
  settings: Pick<Settings, 'api' | 'emergency' | 'tls' | 'public' | 'turn' | 'clickToCall'>;
  tokens: AccessTokens;
  rates: CallerRates;
  core: CorePort;
  subscriptions: Subscriptions;
  channels: Channels;
  /** Absent: no click to call. */
  clickToCall?: ClickToCall;
  ids: Pick<Ids, 'uuid' | 'ref'>;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  /** Adds pages and sign-in routes; called once, before listening. */
  pages?: (app: FastifyInstance) => void | Promise<void>;
}

type ApisParts = Pick<
  ApiParts,
  'settings' | 'core' | 'subscriptions' | 'channels' | 'clickToCall' | 'ids' | 'clock' | 'metrics'
> & {
  publicUrl(): string;
  turnSecret(): string;
};

export interface ApiServer {
  /** Listens. `url` is where, as the listener knows it. Rejects when the address cannot be bound. */
  start(): Promise<{ url: string }>;
  /** Reads the certificate and the secret of the TURN servers again; open connections keep theirs. */
  reload(): void;
  /** Takes no more requests, lets those under way end, closes idle connections. */
  close(): Promise<void>;
  /** WebSocket upgrades of a path go to `handler`; see Upgrades. */
  onUpgrade(path: string, handler: UpgradeHandler): void;
  /** Hands in a request without a socket, for tests. */
  inject: FastifyInstance['inject'];
}

/** Builds the listener. Nothing is bound before `start`. Throws when the certificate or the secret of the TURN servers cannot be read. */
export function createApi(given: ApiParts): ApiServer {
  const { settings } = given;
  let listening = `http://${settings.api.host}:${settings.api.port}`;
  const publicUrl = () => (settings.public.url === '' ? listening : settings.public.url.replace(/\/+$/, ''));
  const streams = new Set<ServerResponse>();
  const turnSecret = iceServersSecret(settings.turn, given.log);
  const apis = apisOf({ ...given, publicUrl, turnSecret: turnSecret.current });
  const addressOf = createClientAddress(settings.api.trustProxy);
  const service = serviceOf(given, apis, streams, publicUrl, addressOf);
  /** The APIs are served before the router and before any body is read: their pipeline has its own order. */
  const isServed = (request: FastifyRequest, reply: FastifyReply): boolean => {
    if (!isWellAddressed(request.raw)) answer(reply, 'invalid-argument');
    else if (service.owns(request.raw.url ?? '')) service.serve(request, reply);
    else return false;
    return true;
  };
  const app = createHttpServer(settings, given.log, (request, reply) => {
    if (!isServed(request, reply)) answer(reply, 'unknown-route');
  });
  app.addHook('onRequest', (request, reply, done) => {
    if (isServed(request, reply)) return;
    if (isLocalhostPage(request.raw, publicUrl())) reply.redirect(publicUrl() + request.raw.url, 307);
    else done();
  });
  const upgrades = createUpgrades(request => given.rates.ofAddress(addressOf(request), given.clock.now()));
  upgrades.attach(app.server);
  if (settings.api.docs) referenceRoutes(app, apis, publicUrl);
  const { pages } = given;
  if (pages !== undefined) {
    app.register(async scope => {
      await pages(scope);
    });
  }
  return {
    async start() {
      await app.listen({ host: settings.api.host, port: settings.api.port });
      listening = urlOf(app.server, settings);
      return { url: listening };
    },
    reload() {
      renewCertificate(app.server, settings.tls, given.log);
      turnSecret.reload();
    },
    async close() {
      upgrades.end();
      // They would go on for ever, and the listener waits for them.
      for (const response of streams) response.end();
      await app.close();
    },
    onUpgrade: upgrades.on,
    inject: app.inject.bind(app) as FastifyInstance['inject'],
  };
}

function serviceOf(
  given: ApiParts,
  apis: readonly Api[],
  streams: Set<ServerResponse>,
  publicUrl: () => string,
  addressOf: ClientAddress,
): Service {
  const { api } = given.settings;
  return createService({
    parts: {
      routes: createRoutes(apis.map(described => withDocument(described, publicUrl))),
      cors: createCors(api.clients, given.clickToCall?.entryPoints),
      tokens: given.tokens,
      ids: given.ids,
      rates: given.rates,
      addressOf,
      bodyLimitBytes: api.bodyLimitBytes,
      publicUrl,
      streams,
    },
    clock: given.clock,
    log: given.log,
    metrics: given.metrics,
  });
}

/** Every API this listener serves. */
function apisOf({
  settings,
  core,
  subscriptions,
  channels,
  clickToCall,
  ids,
  clock,
  metrics,
  publicUrl,
  turnSecret,
}: ApisParts): Api[] {
  const now = () => clock.now();
  const { emergency } = settings;
  const { iceServersPaths, clickToCallPaths, registrationV03Paths, callHandlingV03Paths, eventsV02Paths } =
    settings.api;
  return [
    registrationApi({ core, ids, settings: settings.api }),
    callHandlingApi({ core, ids, now, settings: settings.api, emergency }),
    eventsSubscriptionsApi({ subscriptions, now, settings: settings.api }),
    notificationChannelsApi({ channels, now, settings: settings.api }),
    ...(iceServersPaths.length === 0 ? [] : [iceServersApi({ core, channels, ids, settings, secret: turnSecret })]),
    ...(clickToCall === undefined || clickToCallPaths.length === 0
      ? []
      : [
          clickToCallApi({
            ...clickToCall,
            core,
            channels,
            ids,
            now,
            settings,
            publicUrl,
            secret: turnSecret,
            count: metrics.count,
          }),
        ]),
    ...(registrationV03Paths.length === 0
      ? []
      : [registrationV03({ core, ids, settings: settings.api, basePaths: registrationV03Paths })]),
    ...(callHandlingV03Paths.length === 0
      ? []
      : [callHandlingV03({ core, ids, now, settings: settings.api, emergency, basePaths: callHandlingV03Paths })]),
    ...(eventsV02Paths.length === 0 ? [] : [eventsV02({ core, ids, subscriptions, now, basePaths: eventsV02Paths })]),
  ];
}

/** A page asked for by the name `localhost` moves to 127.0.0.1: cookies and CORS know one origin only. */
function isLocalhostPage(request: IncomingMessage, publicUrl: string): boolean {
  if (request.method !== 'GET' && request.method !== 'HEAD') return false;
  return /^localhost(:\d+)?$/i.test(request.headers.host ?? '') && /^https?:\/\/127\.0\.0\.1(:|\/|$)/.test(publicUrl);
}
