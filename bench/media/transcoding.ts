/** What a call costs an rtpengine that codes its speech: Lineside's media plane over one daemon, browsers and phones that talk. */
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CodecName, MEDIA_DEFAULTS } from '../../src/eims-agw/settings.ts';
import { parseSdp } from '../../src/sdp/index.ts';
import { callId, legId, nextRef } from '../../test/support/media-inbox.ts';
import { lightBrowser } from '../../test/support/media-light.ts';
import { phone } from '../../test/support/media-phone.ts';
import { phoneSdp } from '../../test/support/media-sdp.ts';
import { type RtpengineMedia, rtpengineMedia } from '../../test/support/rtpengine.ts';
import { wavOf } from '../../test/support/tone.ts';
import { type BenchResult, numbersOf, rowOf } from '../bench.ts';
import { installed, machineShares, machineTime, pause, stopped, treeCpuMs } from '../process.ts';
import { openNg } from './ng.ts';
import { openWire, type Wire } from './wire.ts';

const [CALLS = 0] = numbersOf('LINESIDE_BENCH_CODED_CALLS', [8]);
const [SECONDS = 0] = numbersOf('LINESIDE_BENCH_SECONDS', [5]);
const [REPEATS = 0] = numbersOf('LINESIDE_BENCH_REPEATS', [3]);
/** As the media plane of tests has it. */
const NG_PORT = 2223;
const PACKET_MS = 20;
const TICK_MS = 1;
const WARM_MS = 1_000;
const SPEECH_SECONDS = 2;
const FRAMES = (SPEECH_SECONDS * 1000) / PACKET_MS - 10;
const HEADER_BYTES = 12;
const LEG = legId('leg');

interface Subject {
  name: string;
  web: CodecName;
  ims: CodecName;
}

const SUBJECTS: readonly Subject[] = [
  { name: 'G.711 passed on', web: 'PCMA', ims: 'PCMA' },
  { name: 'Opus and G.711', web: 'opus', ims: 'PCMA' },
  { name: 'Opus and AMR-WB', web: 'opus', ims: 'AMR-WB' },
  { name: 'Opus and AMR', web: 'opus', ims: 'AMR' },
  { name: 'G.711 and AMR', web: 'PCMA', ims: 'AMR' },
];
/** Units of a packet of 20 ms. */
const UNITS: Readonly<Record<CodecName, number>> = {
  PCMA: 160,
  PCMU: 160,
  G722: 160,
  AMR: 160,
  'AMR-WB': 320,
  opus: 960,
};

type Figures = Record<string, number>;
/** Payloads of one side, as the daemon coded them. */
interface Spoken {
  pt: number;
  frames: Uint8Array[];
}

/** Measures every pair of codecs in turn; nothing where there is no rtpengine. */
export async function transcodingBench(): Promise<BenchResult[]> {
  if (!installed('rtpengine')) {
    console.error('rtpengine is missing: apt-get install rtpengine-daemon libavcodec-extra59; its rows are left out.');
    return [];
  }
  const wire = openWire();
  const folder = mkdtempSync(join(tmpdir(), 'lineside-bench-'));
  const file = join(folder, 'speech.wav');
  writeFileSync(file, wavOf(SPEECH_SECONDS, 16_000, voice));
  const runs = new Map<string, Figures[]>();
  try {
    for (let n = 0; n < REPEATS; n += 1) {
      for (const subject of SUBJECTS) {
        const figures = await measure(wire, subject, file);
        runs.set(subject.name, [...(runs.get(subject.name) ?? []), figures]);
      }
    }
  } finally {
    wire.close();
    rmSync(folder, { recursive: true, force: true });
  }
  const rows = [...runs].map(([subject, list]) => rowOf(subject, list));
  const method = `${CALLS} calls of 20 ms packets both ways over one rtpengine in userspace for ${SECONDS} s, ${REPEATS} times in turn${wire.loopback ? '' : ', over a veth pair'}; median (lowest-highest).`;
  return [{ name: 'transcoding', method, rows }];
}

/** Harmonics of a voice that rises and falls four times a second, and some breath: a tone alone is too easy to code. */
function voice(n: number): number {
  const t = n / 16_000;
  const pitch = 2 * Math.PI * (120 * t + 4 * Math.sin(2 * Math.PI * t));
  let sum = 0;
  for (let harmonic = 1; harmonic <= 24; harmonic += 1) sum += Math.sin(harmonic * pitch) / harmonic;
  const breath = ((n * 1_103_515_245 + 12_345) % 2_147_483_648) / 1_073_741_824 - 1;
  return (0.55 + 0.45 * Math.sin(2 * Math.PI * 4 * t)) * (6_000 * sum + 600 * breath);
}

async function measure(wire: Wire, subject: Subject, file: string): Promise<Figures> {
  const child = startDaemon(wire);
  try {
    const ng = openNg(wire.inside, NG_PORT);
    try {
      await ng.ask({ command: 'ping' });
    } finally {
      ng.close();
    }
    return await measureOver(child.pid ?? 0, wire, subject, file);
  } finally {
    await stopped(child);
  }
}

async function measureOver(pid: number, wire: Wire, { web, ims }: Subject, file: string): Promise<Figures> {
  const host = wire.inside;
  const media = await rtpengineMedia([{ host }], {
    webCodecs: [web],
    imsCodecs: [ims],
    sessionsPerWorker: CALLS + 1,
    imsSilentMs: 600_000,
    ims: { ...MEDIA_DEFAULTS.ims, bind: host, advertise: host, mediaPrefixes: [wire.outside] },
    announcements: { speech: file },
  });
  try {
    const sample = await openCall(media, wire, 0, ims);
    const spoken = await sample.record();
    await sample.close();
    const calls: Call[] = [];
    for (let i = 1; i <= CALLS; i += 1) calls.push(await openCall(media, wire, i, ims));
    const figures = await observe(pid, calls, spoken, { web: UNITS[web], ims: UNITS[ims] });
    for (const call of calls) await call.close();
    return figures;
  } finally {
    await media.close();
  }
}

function startDaemon(wire: Wire): ChildProcess {
  const host = wire.inside;
  const ports = ['--listen-ng', `${host}:${NG_PORT}`, '--port-min=30000', '--port-max=36000'];
  const quiet = [
    '--config-file=none',
    '--foreground',
    '--log-stderr',
    '--log-level=2',
    '--table=-1',
    '--num-threads=2',
  ];
  return wire.spawn('rtpengine', [...quiet, `--interface=${host}`, ...ports], { stdio: 'ignore' });
}

interface Call {
  /** What each side is played, coded. */
  record(): Promise<{ web: Spoken; ims: Spoken }>;
  /** Sends the n-th packet of each side. */
  tick(n: number, spoken: { web: Spoken; ims: Spoken }, units: { web: number; ims: number }): void;
  /** Packets that arrived at both sides. */
  got(): number;
  close(): Promise<void>;
}

async function openCall(media: RtpengineMedia, wire: Wire, n: number, ims: CodecName): Promise<Call> {
  const { run } = media.plane.port;
  const { box } = media;
  const owner = callId(`bench-${n}`);
  const heard: Buffer[] = [];
  let count = 0;
  let keeps = false;
  const browser = await lightBrowser({
    host: wire.outside,
    consent: true,
    heard(packet) {
      count += 1;
      if (keeps) heard.push(Buffer.from(packet));
    },
  });
  const far = await phone(wire.outside);
  run({ type: 'media.offer', from: 'web', owner, ref: nextRef(), leg: LEG, sdp: browser.offer() });
  const offer = (await box.wait('media-ready')).sdp;
  far.learn(offer);
  const sdp = answerOf(offer, ims, wire.outside, Number(/m=audio (\d+)/.exec(far.sdp())?.[1]));
  run({ type: 'media.answer', from: 'ims', owner, ref: nextRef(), fork: 'f', sdp });
  browser.accept((await box.wait('media-ready')).sdp);
  await box.wait('media-connected');
  return {
    async record() {
      keeps = true;
      for (const side of ['web', 'ims'] as const)
        run({ type: 'media.play', owner, side, name: 'speech', repeat: true });
      const end = performance.now() + 3 * SPEECH_SECONDS * 1000;
      while (heard.length < FRAMES || far.rtp.length < FRAMES) {
        if (performance.now() > end) throw new Error('rtpengine played nothing that could be recorded');
        await pause(PACKET_MS);
      }
      return { web: spokenOf(heard), ims: spokenOf(far.rtp) };
    },
    tick(seq, spoken, units) {
      if (seq === 0) run({ type: 'media.gate', owner, fromIms: true, fromWeb: true });
      const [up, down] = [spoken.web, spoken.ims].map(({ frames }) => frames[seq % frames.length] ?? frames[0]);
      if (up === undefined || down === undefined) return;
      browser.send(packetOf(spoken.web.pt, seq, seq * units.web, up));
      far.send({ pt: spoken.ims.pt, seq, ts: seq * units.ims, payload: down });
    },
    got: () => count + far.rtp.length,
    async close() {
      run({ type: 'media.release', owner });
      await box.wait('media-stats');
      browser.close();
      far.close();
    },
  };
}

function answerOf(offer: string, codec: CodecName, address: string, port: number): string {
  const parsed = parseSdp(offer);
  const found = parsed.ok ? parsed.value.media[0]?.codecs.find(({ name }) => name === codec) : undefined;
  if (found === undefined) throw new Error(`this rtpengine cannot code ${codec}`);
  const maps = [`a=rtpmap:${found.pt} ${found.name}/${found.clock}`];
  return phoneSdp({ address, port, formats: [found.pt], event: null, maps });
}

function spokenOf(packets: readonly Buffer[]): Spoken {
  return {
    pt: (packets[0]?.[1] ?? 0) & 0x7f,
    frames: packets.slice(0, FRAMES).map(packet => Uint8Array.from(packet.subarray(HEADER_BYTES))),
  };
}

/** A browser sends under the SSRC it has announced. */
const BROWSER_SSRC = 3_377_001;

function packetOf(pt: number, seq: number, ts: number, payload: Uint8Array): Buffer {
  const packet = Buffer.alloc(HEADER_BYTES + payload.length);
  packet[0] = 0x80;
  packet[1] = pt;
  packet.writeUInt16BE(seq & 0xffff, 2);
  packet.writeUInt32BE(ts >>> 0, 4);
  packet.writeUInt32BE(BROWSER_SSRC, 8);
  packet.set(payload, HEADER_BYTES);
  return packet;
}

/** Packets of all calls, spread evenly over time; what the daemon spends on those of the measured seconds. */
async function observe(
  pid: number,
  calls: readonly Call[],
  spoken: { web: Spoken; ims: Spoken },
  units: { web: number; ims: number },
): Promise<Figures> {
  const started = performance.now();
  let ticks = 0;
  const pacer = setInterval(() => {
    const due = Math.floor(((performance.now() - started) / PACKET_MS) * calls.length);
    for (; ticks < due; ticks += 1) calls[ticks % calls.length]?.tick(Math.floor(ticks / calls.length), spoken, units);
  }, TICK_MS);
  const got = () => calls.reduce((sum, call) => sum + call.got(), 0);
  await pause(WARM_MS);
  const before = { at: performance.now(), cpu: treeCpuMs(pid), machine: machineTime(), ticks, got: got() };
  await pause(SECONDS * 1000);
  const [ms, cpu, sent] = [performance.now() - before.at, treeCpuMs(pid) - before.cpu, 2 * (ticks - before.ticks)];
  // As many are on their way now as were at the beginning.
  const arrived = got() - before.got;
  const { idle, stolen } = machineShares(before.machine);
  clearInterval(pacer);
  return {
    'CPU % of a core/call': (cpu / ms / calls.length) * 100,
    'calls/core': (ms * calls.length) / cpu,
    'lost %': (1 - arrived / sent) * 100,
    'idle %': idle,
    'stolen %': stolen,
  };
}
