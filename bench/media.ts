/** CPU of one media worker per relayed packet, engine by engine: calls with real ICE, DTLS and SRTP on one side, plain RTP on the other. */
import { createSocket } from 'node:dgram';
import type { SrtpName } from '../src/eims-agw/settings.ts';
import { callId, legId, nextRef } from '../test/support/media-inbox.ts';
import { type LightBrowser, lightBrowser } from '../test/support/media-light.ts';
import { type EngineName, type RealMedia, realMedia } from '../test/support/media-real.ts';
import { type BenchResult, spread } from './bench.ts';
import { cpuMs, pause, rssKb } from './process.ts';

const CALLS = Number(process.env.LINESIDE_BENCH_CALLS ?? 50);
const SECONDS = Number(process.env.LINESIDE_BENCH_SECONDS ?? 6);
const REPEATS = Number(process.env.LINESIDE_BENCH_REPEATS ?? 3);
const WARM_MS = 2_000;
const PACKET_MS = 20;
const TICK_MS = 2;
const HOST = '127.0.61.1';

interface Subject {
  name: string;
  engine: EngineName;
  profile: SrtpName;
}

const SUBJECTS: readonly Subject[] = [
  { name: 'libdatachannel, CM', engine: 'libdatachannel', profile: 'AES_CM_128_HMAC_SHA1_80' },
  { name: 'relay, CM', engine: 'relay', profile: 'AES_CM_128_HMAC_SHA1_80' },
  { name: 'libdatachannel, GCM', engine: 'libdatachannel', profile: 'AEAD_AES_128_GCM' },
  { name: 'relay, GCM', engine: 'relay', profile: 'AEAD_AES_128_GCM' },
];

export async function mediaBench(): Promise<BenchResult[]> {
  const runs = new Map<string, Run[]>();
  for (let n = 0; n < REPEATS; n += 1) {
    for (const subject of SUBJECTS) {
      const list = runs.get(subject.name) ?? [];
      list.push(await measure(subject));
      runs.set(subject.name, list);
    }
  }
  return [
    {
      name: 'media',
      method: `${CALLS} G.711 calls of 20 ms packets both ways on one worker for ${SECONDS} s, ${REPEATS} times in turn; median (lowest-highest).`,
      rows: [...runs].map(([subject, list]) => ({
        subject,
        figures: {
          'CPU us/packet': spread(list.map(r => r.cpuUs)),
          'set-up CPU ms/call': spread(list.map(r => r.setUpMs)),
          'RSS MB': spread(list.map(r => r.rssMb)),
          'lost %': spread(list.map(r => r.lostPercent)),
          'packets/s': spread(list.map(r => r.packetsPerS)),
        },
      })),
    },
  ];
}

interface Run {
  cpuUs: number;
  setUpMs: number;
  rssMb: number;
  lostPercent: number;
  packetsPerS: number;
}

interface Call {
  browser: LightBrowser;
  /** Plain RTP received. */
  heard(): number;
  /** Sends one packet each way. */
  tick(): void;
  close(): void;
}

async function measure({ engine, profile }: Subject): Promise<Run> {
  const media = await realMedia(HOST, { sessionsPerWorker: CALLS }, engine);
  const pid = media.engine.pid(0) ?? 0;
  const before = cpuMs(pid);
  const calls: Call[] = [];
  for (let i = 0; i < CALLS; i += 1) calls.push(await callOf(media, i, profile));
  const setUpMs = (cpuMs(pid) - before) / CALLS;
  let ticks = 0;
  const started = performance.now();
  const pacer = setInterval(() => {
    const due = Math.floor(((performance.now() - started) / PACKET_MS) * CALLS);
    for (; ticks < due; ticks += 1) calls[ticks % CALLS]?.tick();
  }, TICK_MS);
  await pause(WARM_MS);
  const count = () => calls.reduce((sum, call) => sum + call.browser.received() + call.heard(), 0);
  const [cpu0, got0, sent0, at0] = [cpuMs(pid), count(), 2 * ticks, performance.now()];
  await pause(SECONDS * 1_000);
  const [cpu, got, sent, ms] = [cpuMs(pid) - cpu0, count() - got0, 2 * ticks - sent0, performance.now() - at0];
  const rssMb = rssKb(pid) / 1024;
  clearInterval(pacer);
  for (const call of calls) call.close();
  await media.close();
  return {
    cpuUs: (cpu * 1_000) / got,
    setUpMs,
    rssMb,
    lostPercent: Math.max(0, (1 - got / sent) * 100),
    packetsPerS: (got * 1_000) / ms,
  };
}

async function callOf(media: RealMedia, i: number, profile: SrtpName): Promise<Call> {
  const owner = callId(`bench-${i}`);
  const leg = legId('leg');
  const { run } = media.plane.port;
  const browser = await lightBrowser({
    host: HOST,
    profiles: [profile === 'AEAD_AES_128_GCM' ? 'SRTP_AEAD_AES_128_GCM' : 'SRTP_AES128_CM_HMAC_SHA1_80'],
  });
  const phone = createSocket({ type: 'udp4', lookup: (name, _options, callback) => callback(null, name, 4) });
  let heard = 0;
  phone.on('message', () => {
    heard += 1;
  });
  await new Promise<void>(resolve => phone.bind(0, HOST, resolve));
  run({ type: 'media.offer', from: 'web', owner, ref: nextRef(), leg, sdp: browser.offer() });
  const offer = (await media.box.wait('media-ready')).sdp;
  const port = Number(/m=audio (\d+)/.exec(offer)?.[1]);
  const sdp = `v=0\r\no=p 1 1 IN IP4 ${HOST}\r\ns=-\r\nc=IN IP4 ${HOST}\r\nt=0 0\r\nm=audio ${phone.address().port} RTP/AVP 8\r\n`;
  run({ type: 'media.answer', from: 'ims', owner, ref: nextRef(), fork: 'f', sdp });
  browser.accept((await media.box.wait('media-ready')).sdp);
  await media.box.wait('media-connected');
  run({ type: 'media.gate', owner, fromIms: true, fromWeb: true });
  const [up, downward] = [rtpPacket(0x1000 + i), rtpPacket(0x2000 + i)];
  let seq = 0;
  return {
    browser,
    heard: () => heard,
    tick() {
      seq += 1;
      for (const packet of [up, downward]) {
        packet.writeUInt16BE(seq & 0xffff, 2);
        packet.writeUInt32BE((seq * 160) >>> 0, 4);
      }
      browser.send(up);
      phone.send(Buffer.from(downward), port, HOST);
    },
    close() {
      run({ type: 'media.release', owner });
      browser.close();
      phone.close();
    },
  };
}

function rtpPacket(ssrc: number): Buffer {
  const packet = Buffer.alloc(172, 0xd5);
  packet[0] = 0x80;
  packet[1] = 8;
  packet.writeUInt32BE(ssrc, 8);
  return packet;
}
