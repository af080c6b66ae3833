/** CPU, memory, loss and delay of media relays, ours and others: calls with real ICE, DTLS and SRTP on one side, plain RTP on the other. */
import { createHistogram } from 'node:perf_hooks';
import type { SrtpProfile } from '../../src/eims-agw/relay/dtls/types.ts';
import { type BenchResult, numbersOf, rowOf } from '../bench.ts';
import { machineShares, machineTime, pause, treeCpuMs, treeRssKb } from '../process.ts';
import { type Caller, openCaller } from './caller.ts';
import { startNosipJanus } from './janus.ts';
import { type MediaRelay, NotHere, type StartRelay } from './media-relay.ts';
import { startOurs } from './ours.ts';
import { startRtpengine } from './rtpengine.ts';
import { openWire, type Wire } from './wire.ts';

const CALLS = numbersOf('LINESIDE_BENCH_CALLS', [100]);
const [SECONDS = 0] = numbersOf('LINESIDE_BENCH_SECONDS', [6]);
const [REPEATS = 0] = numbersOf('LINESIDE_BENCH_REPEATS', [3]);
/** Calls made and ended before the measured ones, so that memory and set-up are those of a relay that has worked before. */
const WARM_CALLS = 10;
const WARM_MS = 1_500;
/** For packets that are still on their way at the end. */
const DRAIN_MS = 500;
const PACKET_MS = 20;
const TICK_MS = 1;
const CM: SrtpProfile = 'SRTP_AES128_CM_HMAC_SHA1_80';
const GCM: SrtpProfile = 'SRTP_AEAD_AES_128_GCM';

interface Subject {
  name: string;
  profile: SrtpProfile;
  start: StartRelay;
}

/** Folder of a libsrtp that has its ciphers from OpenSSL. */
const LIBSRTP = process.env.LINESIDE_BENCH_LIBSRTP ?? null;

const SUBJECTS: readonly Subject[] = [
  { name: 'relay (ours), CM', profile: CM, start: (wire, calls) => startOurs(wire, 'relay', calls) },
  { name: 'rtpengine, CM', profile: CM, start: startRtpengine },
  { name: 'Janus NoSIP, CM', profile: CM, start: startNosipJanus() },
  { name: 'Janus NoSIP on OpenSSL, CM', profile: CM, start: startNosipJanus(LIBSRTP) },
  { name: 'libdatachannel, CM', profile: CM, start: (wire, calls) => startOurs(wire, 'libdatachannel', calls) },
  { name: 'relay (ours), GCM', profile: GCM, start: (wire, calls) => startOurs(wire, 'relay', calls) },
];
const ONLY = process.env.LINESIDE_BENCH_ONLY ?? '';

type Figures = Record<string, number>;

/** Measures every relay that is here, in turn; names those that are not. */
export async function mediaBench(): Promise<BenchResult[]> {
  const wire = openWire();
  try {
    return await measureAll(wire);
  } finally {
    wire.close();
  }
}

async function measureAll(wire: Wire): Promise<BenchResult[]> {
  const subjects = SUBJECTS.filter(({ name }) => name.includes(ONLY));
  const missing = new Map<string, string>();
  const results: BenchResult[] = [];
  for (const calls of CALLS) {
    const runs = new Map<string, Figures[]>();
    for (let n = 0; n < REPEATS; n += 1) {
      for (const { name, start, profile } of subjects) {
        if (missing.has(name)) continue;
        try {
          const figures = await measure(wire, start, calls, profile);
          runs.set(name, [...(runs.get(name) ?? []), figures]);
        } catch (error) {
          if (!(error instanceof NotHere)) throw error;
          missing.set(name, error.message);
        }
      }
    }
    results.push({
      name: `media-${calls}`,
      method: `${calls} G.711 calls of 20 ms packets both ways for ${SECONDS} s, ${REPEATS} times in turn${wire.loopback ? '' : ', over a veth pair'}; median (lowest-highest).`,
      rows: [...runs].map(([subject, list]) => rowOf(subject, list)),
      partial: ONLY !== '',
    });
  }
  for (const sentence of new Set(missing.values())) console.error(`${sentence}; its row is left out.`);
  return results;
}

async function measure(wire: Wire, start: StartRelay, calls: number, profile: SrtpProfile): Promise<Figures> {
  const relay = await start(wire, calls + WARM_CALLS);
  try {
    const warm = await openLoad(relay, wire, 0, WARM_CALLS, profile);
    await pause(WARM_MS);
    await warm.close();
    const before = { cpu: treeCpuMs(relay.pid), rss: treeRssKb(relay.pid) };
    const load = await openLoad(relay, wire, WARM_CALLS, calls, profile);
    const setUpMs = (load.setUpCpuMs - before.cpu) / calls;
    await pause(WARM_MS);
    const figures = await observe(relay, load);
    const rssKb = (treeRssKb(relay.pid) - before.rss) / calls;
    await load.close();
    return { ...figures, 'set-up CPU ms/call': setUpMs, 'RSS kB/call': rssKb };
  } finally {
    await relay.close();
  }
}

/** What happens to the packets sent within the next seconds. */
async function observe(relay: MediaRelay, load: Load): Promise<Figures> {
  const [cpu0, machine] = [treeCpuMs(relay.pid), machineTime()];
  load.begin();
  await pause(SECONDS * 1_000);
  const ms = load.end();
  const cpu = treeCpuMs(relay.pid) - cpu0;
  const { idle, stolen } = machineShares(machine);
  const sent = load.sent();
  await pause(DRAIN_MS);
  const got = load.got();
  return {
    'CPU us/packet': (cpu * 1_000) / got,
    'lost %': (1 - got / sent) * 100,
    'delay p50 ms': load.delayMs(50),
    'delay p99 ms': load.delayMs(99),
    'packets/s': (sent * 1_000) / ms,
    'idle %': idle,
    'stolen %': stolen,
  };
}

interface Load {
  /** Of the relay, when the last call was up and before any packet; ms. */
  readonly setUpCpuMs: number;
  /** From now on packets count. */
  begin(): void;
  /** The last packet has been sent; how long packets counted, ms. */
  end(): number;
  sent(): number;
  got(): number;
  delayMs(percentile: number): number;
  close(): Promise<void>;
}

/** Sets up calls one after another; then packets run, spread evenly over time. */
async function openLoad(
  relay: MediaRelay,
  wire: Wire,
  first: number,
  count: number,
  profile: SrtpProfile,
): Promise<Load> {
  const delays = createHistogram({ lowest: 1, highest: 10_000_000, figures: 3 });
  let from = Number.POSITIVE_INFINITY;
  let [got, sent] = [0, 0];
  const heard = (sentAt: number) => {
    if (sentAt < from) return;
    got += 1;
    delays.record(Math.max(1, Math.round((performance.now() - sentAt) * 1_000)));
  };
  const callers: Caller[] = [];
  for (let i = 0; i < count; i += 1) callers.push(await openCaller(relay, wire, first + i, profile, heard));
  const setUpCpuMs = treeCpuMs(relay.pid);
  const started = performance.now();
  let ticks = 0;
  const pacer = setInterval(() => {
    const due = Math.floor(((performance.now() - started) / PACKET_MS) * count);
    for (; ticks < due; ticks += 1) {
      callers[ticks % count]?.tick();
      sent += 2;
    }
  }, TICK_MS);
  return {
    setUpCpuMs,
    begin() {
      from = performance.now();
      sent = 0;
    },
    end() {
      clearInterval(pacer);
      return performance.now() - from;
    },
    sent: () => sent,
    got: () => got,
    delayMs: percentile => delays.percentile(percentile) / 1_000,
    async close() {
      clearInterval(pacer);
      for (const caller of callers) await caller.close();
    },
  };
}
