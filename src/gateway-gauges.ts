/** The gauges of a node, read when the metrics are read. */
import type { EngineHealth } from './eims-agw/engine.ts';
import type { Core } from './ep-cscf/ports.ts';
import type { Metrics } from './runtime/metrics.ts';

export interface Gauged {
  core: Core;
  mw: {
    sizes(): { dialogs: number; subscriptions: number; transactions: number; connections: number };
    peers(): Array<{ peer: string; up: boolean }>;
  };
  media: { health(): Pick<EngineHealth, 'sessions' | 'workers' | 'daemons'> };
  events: { sizes(): { subscriptions: number; channels: number } };
  w2Sip: { sizes(): { connections: number; devices: number } } | null;
  now(): number;
  ready(): boolean;
  draining(): boolean;
}

export function declareGauges(metrics: Metrics, parts: Gauged): void {
  const { core, mw, media, events } = parts;
  metrics.gauge('ready', '1 when the node takes work.', () => Number(parts.ready()));
  metrics.gauge('draining', '1 while the node drains.', () => Number(parts.draining()));
  metrics.gauge('registrations', 'CAMARA registrations.', () => core.sizes().registrations);
  metrics.gauge('ims_bindings', 'Numbers registered with the core, or about to be.', () => core.sizes().bindings);
  metrics.gauge('calls', 'Calls up or being set up.', () => core.sizes().calls);
  metrics.gauge('call_legs', 'Media sessions of those calls, one for each device.', () => core.sizes().legs);
  metrics.gauge(
    'pool_numbers',
    'Numbers of click-to-call pools, by state: free, held, cooling.',
    () => core.leases(parts.now()).map(({ pool, state, count }) => ({ labels: { pool, state }, value: count })),
    ['pool', 'state'],
  );
  metrics.gauge('sip_transactions', 'Live SIP transactions.', () => mw.sizes().transactions);
  metrics.gauge('sip_dialogs', 'Live SIP dialogs.', () => mw.sizes().dialogs);
  metrics.gauge('sip_subscriptions', 'Registration-state subscriptions.', () => mw.sizes().subscriptions);
  metrics.gauge('sip_connections', 'Open SIP connections.', () => mw.sizes().connections);
  metrics.gauge(
    'sip_peer_up',
    'Servers of the first hop: 1 when fit for requests.',
    () => mw.peers().map(({ peer, up }) => ({ labels: { peer }, value: Number(up) })),
    ['peer'],
  );
  metrics.gauge('media_sessions', 'Calls held by the media plane.', () => media.health().sessions);
  metrics.gauge('media_workers', 'Media worker processes or rtpengine daemons alive.', () => media.health().workers);
  const daemons = () => media.health().daemons ?? [];
  metrics.gauge(
    'rtpengine_up',
    'Daemons of the pool: 1 when fit for calls.',
    () => daemons().map(({ name, up }) => ({ labels: { daemon: name }, value: Number(up) })),
    ['daemon'],
  );
  metrics.gauge(
    'rtpengine_sessions',
    'Calls of this gateway on each daemon.',
    () => daemons().map(({ name, sessions }) => ({ labels: { daemon: name }, value: sessions })),
    ['daemon'],
  );
  metrics.gauge(
    'rtpengine_streams',
    'Media streams on each daemon, by who passes their packets on: kernel, userspace, mixed.',
    () =>
      daemons().flatMap(({ name, streams }) =>
        Object.entries(streams).map(([path, value]) => ({ labels: { daemon: name, path }, value })),
      ),
    ['daemon', 'path'],
  );
  metrics.gauge('subscriptions', 'Active event subscriptions.', () => events.sizes().subscriptions);
  metrics.gauge('channels', 'Notification channels.', () => events.sizes().channels);
  const w2Sip = () => parts.w2Sip?.sizes() ?? { connections: 0, devices: 0 };
  metrics.gauge('w2_sip_connections', 'Open connections of SIP over WebSocket.', () => w2Sip().connections);
  metrics.gauge('w2_sip_devices', 'User agents registered by SIP over WebSocket.', () => w2Sip().devices);
}
