/** Lineside as a SIP trunk with one registered device, and SIPp on both ends of its calls. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkSettings } from '../../src/config/settings.ts';
import { createGateway, type Gateway } from '../../src/gateway.ts';
import { Device, fetchToken } from './camara.ts';
import { browserAnswer } from './media-sdp.ts';
import { type Sipp, type SippOptions, startSipp } from './sipp.ts';
import { until } from './talk.ts';

const CORE = 5090;

export interface TrunkOptions {
  /** Address of the API, and of all else when `sip` is not given. */
  host: string;
  /** Port of the API; the next but one is that of the operations. Default 9091. */
  port?: number;
  /** Address of SIP and of the media towards SIPp. */
  sip?: string;
  issuer: { issuer: string };
  number: string;
}

type Calling = Omit<SippOptions, 'host' | 'port' | 'target'> & { port?: number };

export interface Trunk {
  gateway: Gateway;
  device: Device;
  /** SIPp where the gateway sends its calls. */
  callee(options: Omit<SippOptions, 'host' | 'port'>): Promise<Sipp>;
  /** SIPp that calls a number at the gateway, to its end. Two at one time need two ports. */
  called(options: Calling): Promise<void>;
  /** The same, answered by the device. */
  answered(options: Omit<Calling, 'service'>): Promise<void>;
  /** Nothing of any call is left in any table; what a transaction needs after its end ends too. */
  assertNothingLeft(): Promise<void>;
  close(): Promise<void>;
}

export async function startTrunk(options: TrunkOptions): Promise<Trunk> {
  const { host, port = 9091, sip = host, issuer, number } = options;
  const folder = mkdtempSync(join(tmpdir(), 'lineside-sipp-'));
  const base = `http://${host}:${port}`;
  const numeric = sip.includes(':') ? `[${sip}]` : sip;
  const gateway = await createGateway(
    checkSettings({
      public: { url: base },
      api: { host, port, ratePerClient: 10_000, ratePerUser: 10_000, ratePerAddress: 10_000, clients: { demo: {} } },
      auth: { issuers: [issuer.issuer] },
      // The machine of a test may be late; here that is no reason to refuse a call.
      sip: { host: sip, trustedPeers: [sip], optionsMs: 0, maxLagMs: 5000 },
      ims: { mode: 'trunk', entry: `${numeric}:${CORE}`, transport: 'udp', home: host },
      // Nobody plays the browser's media: it is waited for.
      media: {
        webHost: host,
        imsHost: sip,
        prefixes: ['127.0.0.0/8', '::1/128'],
        shedLagMs: 5000,
        webGraceMs: 120_000,
      },
      call: { mediaSetupMs: 120_000, perRegistration: 60, perNumber: 60 },
      store: { file: join(folder, 'lineside.sqlite'), keyFile: join(folder, 'lineside.key') },
      ops: { host, port: port + 2 },
      log: { level: 'error' },
    }),
  );
  await gateway.start();
  const device = new Device(base, await fetchToken(issuer.issuer, number));
  await device.register();

  async function called(call: Calling): Promise<void> {
    const peer = await startSipp({ host: sip, port: CORE, target: `${numeric}:5060`, ...call });
    await peer.done;
  }

  return {
    gateway,
    device,
    callee: call => startSipp({ host: sip, port: CORE, ...call }),
    called,
    answered(call) {
      const stop = answering(device);
      return called({ service: number, ...call }).finally(stop);
    },
    assertNothingLeft: () =>
      until(
        () => {
          const { calls, legs, 'mw.calls': mwCalls = 0, 'media.sessions': sessions = 0 } = gateway.sizes();
          return [calls, legs, mwCalls, sessions].every(size => size === 0);
        },
        `empty tables: ${JSON.stringify(gateway.sizes())}`,
      ),
    async close() {
      await device.leave();
      await gateway.close({ drain: false });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Answers every call that comes in on the device until told to stop: it rings first. */
function answering(device: Device): () => void {
  let on = true;
  let seen = device.events.length;
  const look = async () => {
    while (on) {
      for (; seen < device.events.length; seen += 1) {
        const event = device.events[seen];
        if (event?.type.endsWith('session-invitation') !== true) continue;
        const { mediaSessionId } = event.data;
        await device.putStatus(mediaSessionId, { status: 'Ringing' });
        await device.putStatus(mediaSessionId, { status: 'Connected', answer: { sdp: browserAnswer() } });
      }
      await new Promise(resolve => setTimeout(resolve, 5));
    }
  };
  void look();
  return () => {
    on = false;
  };
}
