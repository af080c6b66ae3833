/** coturn as a relay for one media gateway and for nothing else: its configuration, and the process. docs/turn.md explains both. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface CoturnOptions {
  /** Where it listens, and from where it relays. */
  address: string;
  /** An IPv6 address where it listens too; relays keep to `address`, so that browsers with IPv6 alone reach a gateway with IPv4 alone. */
  address6?: string;
  /** Media address of the gateway: the one peer that relays may reach. */
  peer: string;
  /** Shared with the gateway. A second one counts too while the first is being replaced. */
  secrets: readonly string[];
  /** PEM files; without them there is no TLS. */
  tls?: { cert: string; key: string };
  /** UDP and TCP, and TLS over TCP. */
  ports?: { plain: number; tls: number };
}

export interface Coturn {
  stop(): Promise<void>;
}

const COMMAND = '/usr/bin/turnserver';
const PORTS = { plain: 3478, tls: 443 };
const START_MS = 10_000;
const LOOK_MS = 50;
const LOG_LENGTH = 2000;

/** turnserver.conf. */
function coturnConfig({ address, address6, peer, secrets, tls, ports = PORTS }: CoturnOptions): string {
  const lines = [
    `listening-ip=${address}`,
    ...(address6 === undefined ? [] : [`listening-ip=${address6}`]),
    `relay-ip=${address}`,
    `listening-port=${ports.plain}`,
    ...(tls === undefined
      ? ['no-tls']
      : [`tls-listening-port=${ports.tls}`, `cert=${tls.cert}`, `pkey=${tls.key}`, 'no-tlsv1', 'no-tlsv1_1']),
    'no-dtls',
    'min-port=49152',
    'max-port=65535',
    'realm=lineside',
    'fingerprint',
    'use-auth-secret',
    ...secrets.map(secret => `static-auth-secret=${secret}`),
    'stale-nonce=600',
    `allowed-peer-ip=${peer}`,
    'denied-peer-ip=0.0.0.0-255.255.255.255',
    'denied-peer-ip=::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    // Loopback addresses are refused before the lists are looked at.
    ...(isLoopback(peer) ? ['allow-loopback-peers'] : []),
    'no-multicast-peers',
    'no-tcp-relay',
    'user-quota=30',
    'no-cli',
    'no-rfc5780',
    'no-stun-backward-compatibility',
    'no-software-attribute',
    'log-file=stdout',
    'simple-log',
  ];
  return `${lines.join('\n')}\n`;
}

/** Starts it and resolves when it listens. Rejects with one sentence when it does not come up. `onLog` gets what it says. */
export async function startCoturn(options: CoturnOptions, onLog: (text: string) => void = () => {}): Promise<Coturn> {
  const folder = mkdtempSync(join(tmpdir(), 'lineside-coturn-'));
  const file = join(folder, 'turnserver.conf');
  // Secrets on a command line are everybody's to read.
  const own = `pidfile=${join(folder, 'pid')}\nuserdb=${join(folder, 'turndb')}\n`;
  writeFileSync(file, coturnConfig(options) + own, { mode: 0o600 });
  const child = spawn(COMMAND, ['-c', file], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-LOG_LENGTH);
      onLog(text);
    });
  }
  const ended = new Promise<void>(resolve => {
    child.once('exit', () => resolve());
    child.once('error', error => {
      said = error.message;
      resolve();
    });
  });
  const stop = async () => {
    child.kill();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  const { address, ports = PORTS, tls } = options;
  if (await listens(child, address, tls === undefined ? ports.plain : ports.tls)) return { stop };
  await stop();
  throw new Error(`coturn (Debian package coturn) did not start on ${address}: ${said.trim()}`);
}

async function listens(child: ChildProcess, host: string, port: number): Promise<boolean> {
  const until = Date.now() + START_MS;
  while (Date.now() < until && child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    if (await answers(host, port)) return true;
    await sleep(LOOK_MS);
  }
  return false;
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host, port });
    const done = (up: boolean) => {
      socket.destroy();
      resolve(up);
    };
    socket.once('connect', () => done(true)).once('error', () => done(false));
  });
}

const isLoopback = (address: string) => address.startsWith('127.') || address === '::1';
