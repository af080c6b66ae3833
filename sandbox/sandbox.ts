/** The sandbox as one object: identity provider and small IMS in this process, the gateway as its child. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import nodeTls from 'node:tls';
import { stringify } from 'yaml';
import { type Business, startBusiness } from './business/server.ts';
import { makeDataDir } from './data-dir.ts';
import { makeEntryPoints } from './entry-points.ts';
import { startIdentityProvider } from './identity/provider.ts';
import { startIms } from './ims/ims.ts';
import { DOMAIN, POOL_NUMBERS, SUBSCRIBERS } from './subscribers.ts';

export interface SandboxOptions {
  /** Loopback address everything listens on. Ports are those of the sandbox contract. */
  host: string;
  /** Folder of the gateway's store; null: a temporary one that goes with the sandbox. */
  dataDir: string | null;
  /** A core to attach to in place of the small IMS: its I-CSCF as host:port, and the addresses SIP may come from. */
  core?: { entry: string; addresses: readonly string[] };
  /** PEM files of pages, API, identity provider and business, which are then https; the gateway and this process trust the certificate. */
  tls?: { cert: string; key: string };
  /** More settings of the gateway, merged area by area over the sandbox's own. */
  settings?: Record<string, Record<string, unknown>>;
  /** Where the gateway's log goes; absent: inherited. */
  onLog?: (text: string) => void;
}

export interface Sandbox {
  readonly pages: string;
  readonly issuer: string;
  readonly operations: string;
  /** The demo business's pages, which visitors call from; null with another core. */
  readonly business: string | null;
  /** Process id of the gateway. */
  gatewayPid(): number;
  /** Resolves when the gateway process has ended by itself or by a signal; for the main file and for kill tests. */
  gatewayEnded(): Promise<number | null>;
  /** Starts the gateway again after it ended, with the same data. */
  restartGateway(): Promise<void>;
  close(): Promise<void>;
}

const BUSINESS_PORT = 9094;
/** A bound on a gateway that hangs; one that ends is noticed at once. A busy machine may need half of it. */
const READY_MS = 60_000;
/** Time of the gateway for its last BYEs and events; it takes a fraction of it. */
const END_MS = 5000;

/** Starts everything and resolves when the API listener answers. Rejects with one sentence when a part cannot start. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { host } = options;
  const pages = `${options.tls === undefined ? 'http' : 'https'}://${host}:9091`;
  const operations = `http://${host}:9093`;
  if (options.dataDir !== null) makeDataDir(options.dataDir);
  const folder = mkdtempSync(join(tmpdir(), 'lineside-'));
  const dataDir = options.dataDir ?? folder;
  const closers: Array<() => Promise<void> | void> = [() => rmSync(folder, { recursive: true, force: true })];
  let child: ChildProcess | null = null;

  async function close(): Promise<void> {
    if (child !== null) await endChild(child);
    for (const closer of closers.reverse()) await closer();
  }

  try {
    const identity = await startIdentityProvider({
      host,
      port: 9092,
      pagesUrls: [pages],
      ...(options.tls === undefined ? {} : { tls: options.tls }),
    });
    closers.push(() => identity.close());
    // The client `backend` signs in with this key: private_key_jwt.
    writeFileSync(join(dataDir, 'backend.pem'), identity.backendKey.export({ type: 'pkcs8', format: 'pem' }), {
      mode: 0o600,
    });
    if (options.core === undefined) {
      const trustedNodes = [`${host}:5060`];
      const ims = await startIms({
        host,
        port: 5070,
        domain: DOMAIN,
        subscribers: SUBSCRIBERS,
        poolNumbers: POOL_NUMBERS,
        trustedNodes,
      });
      closers.push(() => ims.close());
    }
    const core = options.core ?? { entry: `${host}:5070`, addresses: [host] };

    const config = join(folder, 'lineside.yaml');
    const own = gatewaySettings(host, dataDir, pages, identity.issuer, identity.webClientSecret, core);
    const secured = options.tls === undefined ? own : { ...own, tls: options.tls };
    writeFileSync(config, stringify(merge(secured, options.settings ?? {})), { mode: 0o600 });
    const startChild = async () => {
      child = startGateway(config, options);
      await ready(child, operations);
    };
    await startChild();
    const business = options.core === undefined ? await openBusiness(options, pages, identity.issuer) : null;
    if (business !== null) closers.push(() => business.close());
    return {
      pages,
      business: business?.url ?? null,
      operations,
      issuer: identity.issuer,
      gatewayPid: () => child?.pid ?? 0,
      gatewayEnded: () => ended(child as unknown as ChildProcess),
      restartGateway: startChild,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** On an origin of its own, as a business has. */
async function openBusiness({ host, tls }: SandboxOptions, gateway: string, issuer: string): Promise<Business> {
  const port = BUSINESS_PORT;
  if (tls === undefined) {
    const entryPoints = await makeEntryPoints(gateway, issuer, [`http://${host}:${port}`]);
    return startBusiness({ host, port, gateway, entryPoints });
  }
  // Its back end asks the provider and the gateway. Not imported by name: Node 22.18 has no such function, and needs none without TLS.
  nodeTls.setDefaultCACertificates([...nodeTls.getCACertificates(), readFileSync(tls.cert, 'utf8')]);
  const entryPoints = await makeEntryPoints(gateway, issuer, [`https://${host}:${port}`]);
  return startBusiness({ host, port, gateway, entryPoints, tls });
}

function gatewaySettings(
  host: string,
  dataDir: string,
  pages: string,
  issuer: string,
  webSecret: string,
  core: NonNullable<SandboxOptions['core']>,
): Record<string, Record<string, unknown>> {
  const numbers = SUBSCRIBERS.map(subscriber => subscriber.number);
  return {
    public: { url: pages },
    api: {
      host,
      clients: {
        'lineside-web': { origins: [pages], numbers: [] },
        demo: { origins: ['http://localhost:5173', 'http://127.0.0.1:5173'], numbers },
        other: { origins: [], numbers: [] },
      },
    },
    w2Sip: { enabled: true },
    auth: { issuers: [issuer] },
    clickToCall: {
      pools: [{ id: 'demo-pool', clients: ['demo'], numbers: [...POOL_NUMBERS] }],
      // All visitors of a demo come from one address.
      numbersPerAddress: POOL_NUMBERS.length,
    },
    // A demo shares its machine with the browsers and phones that call: a moment late is no reason to refuse calls, at `sip` and `media`.
    sip: { host, trustedPeers: [...core.addresses], maxLagMs: 1000 },
    ims: { home: DOMAIN, entry: core.entry },
    media: {
      webHost: host,
      imsHost: host,
      prefixes: ['127.0.0.0/8', ...ownAddresses()],
      imsNatLatch: true,
      shedLagMs: 500,
      workers: 1,
    },
    sink: { allow: ['127.0.0.0/8'], ports: ['443', '8443', '1024-65535'] },
    web: { enabled: true, issuer, clientSecret: webSecret },
    store: { file: join(dataDir, 'lineside.sqlite'), keyFile: join(dataDir, 'lineside.key') },
    ops: { host },
  };
}

/** Softphones on this machine name any of its addresses for their sound, and send it from another. */
function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap(addresses => addresses ?? []);
  return all.filter(({ family, internal }) => family === 'IPv4' && !internal).map(({ address }) => `${address}/32`);
}

function merge(
  base: Record<string, Record<string, unknown>>,
  over: Record<string, Record<string, unknown>>,
): Record<string, Record<string, unknown>> {
  const result = { ...base };
  for (const [area, fields] of Object.entries(over)) result[area] = { ...result[area], ...fields };
  return result;
}

function startGateway(config: string, { onLog, tls }: SandboxOptions): ChildProcess {
  const main = join(import.meta.dirname, '..', 'src', 'main.ts');
  const output = onLog === undefined ? 'inherit' : 'pipe';
  const child = fork(main, ['--config', config], {
    stdio: ['ignore', output, output, 'ipc'],
    execArgv: [],
    env: tls === undefined ? process.env : { ...process.env, NODE_EXTRA_CA_CERTS: tls.cert },
  });
  if (onLog !== undefined) {
    child.stdout?.setEncoding('utf8').on('data', onLog);
    child.stderr?.setEncoding('utf8').on('data', onLog);
  }
  return child;
}

async function ready(child: ChildProcess, operations: string): Promise<void> {
  const until = Date.now() + READY_MS;
  while (Date.now() < until) {
    if (child.exitCode !== null || child.signalCode !== null) throw new GatewayFault('The gateway did not start.');
    const answer = await fetch(`${operations}/readyz`).catch(() => null);
    if (answer?.status === 200) return;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  throw new SandboxError(`The gateway was not ready within ${READY_MS / 1000} s; ${operations}/readyz tells why.`);
}

/** A start that cannot go on; the message is the sentence to show. */
class SandboxError extends Error {}

/** The gateway has ended and said why itself. */
export class GatewayFault extends Error {}

function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
  return new Promise(resolve => child.once('exit', code => resolve(code)));
}

/** The closed channel is the word to end in order: a signal may have come from the terminal already. What has not ended then is killed. */
async function endChild(child: ChildProcess): Promise<void> {
  const gone = ended(child);
  if (child.connected) child.disconnect();
  const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
  await gone;
  clearTimeout(timer);
}
