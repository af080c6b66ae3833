/** The media of one service call: an RTP and an RTCP socket, an echo or a tone, reports every 5 s. RFC 3550, RFC 4733. */
import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { isIP } from 'node:net';
import { isZeroAddress, receives, sends } from '../../../src/sdp/index.ts';
import type { RemoteAudio } from './description.ts';
import { FRAME, type G711, toneFrames } from './g711.ts';
import {
  countReceived,
  parseRtp,
  type Reception,
  type RtpPacket,
  senderReportTime,
  startReception,
  writeReport,
  writeRtp,
} from './rtp.ts';

export type AudioKind = 'echo' | 'tone';

export interface Audio {
  /** Port of RTP; RTCP has the next one. */
  readonly port: number;
  /** Takes the peer's description; also for a new one in the middle of a call. */
  connect(remote: RemoteAudio): void;
  /** Starts to send what the kind says. */
  start(kind: AudioKind): void;
  /** Says goodbye and frees the ports. */
  close(): void;
}

const FRAME_MS = 20;
const REPORT_MS = 5000;
/** Packets sent at once after the event loop was late; more are skipped. */
const CATCH_UP = 5;

const TONES: Readonly<Record<G711, readonly Uint8Array[]>> = { PCMA: toneFrames('PCMA'), PCMU: toneFrames('PCMU') };

/** Opens an even port and its odd neighbour on the host. Rejects when there is none. */
export async function openAudio(host: string): Promise<Audio> {
  const [rtp, rtcp] = await openPair(host);
  return createAudio(rtp, rtcp, host);
}

/** An even port and its odd neighbour. Rejects when there is none. */
export async function openPair(host: string): Promise<[Socket, Socket]> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const rtp = await bind(host, 0);
    const { port } = rtp.address();
    if (port % 2 === 0) {
      const rtcp = await bind(host, port + 1).catch(() => null);
      if (rtcp !== null) return [rtp, rtcp];
    }
    rtp.close();
  }
  throw new Error('no free pair of ports');
}

function bind(host: string, port: number): Promise<Socket> {
  const socket = createSocket(isIP(host) === 6 ? 'udp6' : 'udp4');
  return new Promise((resolve, reject) => {
    socket.once('error', error => {
      socket.close();
      reject(error);
    });
    socket.bind(port, host, () => {
      socket.removeAllListeners('error');
      // A port that nobody listens on answers with ICMP: the peer's matter, told by SIP.
      socket.on('error', () => {});
      socket.unref();
      resolve(socket);
    });
  });
}

function createAudio(rtp: Socket, rtcp: Socket, host: string): Audio {
  const ssrc = randomInt(2 ** 32 - 1);
  const cname = `service@${host}`;
  let sequence = randomInt(0x10000);
  /** Timestamp of our first moment; time runs on from it at 8000 Hz. */
  const base = randomInt(2 ** 32 - 1);
  const startedMs = performance.now();
  let remote: RemoteAudio | null = null;
  let kind: AudioKind | null = null;
  let packets = 0;
  let octets = 0;
  let reception: Reception | null = null;
  let peerReport: { middle: number; atMs: number } | null = null;
  /** What turns the peer's timestamps into ours. */
  let shift = 0;
  let tick: NodeJS.Timeout | undefined;
  const reports = setInterval(() => report(false), REPORT_MS).unref();
  const nowTimestamp = (): number => (base + Math.floor((performance.now() - startedMs) * 8)) >>> 0;

  rtp.on('message', (bytes, from) => {
    if (remote === null || from.address !== remote.address) return;
    const packet = parseRtp(bytes);
    if (packet === null || (packet.payloadType !== remote.payloadType && packet.payloadType !== remote.eventType))
      return;
    onPacket(packet);
  });
  rtcp.on('message', bytes => {
    const middle = senderReportTime(bytes);
    if (middle !== null) peerReport = { middle, atMs: performance.now() };
  });

  function onPacket(packet: RtpPacket): void {
    if (reception === null || reception.ssrc !== packet.ssrc) {
      reception = startReception(packet);
      shift = (nowTimestamp() - packet.timestamp) >>> 0;
    }
    countReceived(reception, packet, performance.now());
    if (kind === 'echo' && remote !== null && receives(remote.direction)) {
      send(packet.payloadType, packet.payload, (packet.timestamp + shift) >>> 0, packet.marker);
    }
  }

  function send(payloadType: number, payload: Uint8Array, timestamp: number, marker: boolean): void {
    if (remote === null || !sends(remote.direction) || isZeroAddress(remote.address)) return;
    rtp.send(writeRtp({ marker, payloadType, sequence, timestamp, ssrc, payload }), remote.port, remote.address);
    sequence = (sequence + 1) & 0xffff;
    packets++;
    octets += payload.length;
  }

  function playTone(): void {
    const firstMs = performance.now();
    const firstTimestamp = nowTimestamp();
    let sent = 0;
    tick = setInterval(() => {
      const due = Math.floor((performance.now() - firstMs) / FRAME_MS) + 1;
      if (due - sent > CATCH_UP) sent = due - CATCH_UP;
      for (; sent < due; sent++) {
        const frames = TONES[remote?.codec ?? 'PCMA'];
        const frame = frames[sent % frames.length];
        if (frame !== undefined && remote !== null) {
          send(remote.payloadType, frame, (firstTimestamp + sent * FRAME) >>> 0, sent === 0);
        }
      }
    }, FRAME_MS).unref();
  }

  function report(last: boolean): void {
    if (remote === null || isZeroAddress(remote.address)) return;
    const ago = peerReport === null ? null : { middle: peerReport.middle, agoMs: performance.now() - peerReport.atMs };
    const facts = {
      ssrc,
      cname,
      packets,
      octets,
      timestamp: nowTimestamp(),
      wallMs: Date.now(),
      reception,
      peerReport: ago,
    };
    rtcp.send(writeReport(facts, last), remote.rtcpPort, remote.address);
  }

  return {
    port: rtp.address().port,
    connect(description) {
      remote = isIP(description.address) === 0 ? null : description;
    },
    start(what) {
      if (kind !== null) return;
      kind = what;
      if (what === 'tone') playTone();
    },
    close() {
      clearInterval(tick);
      clearInterval(reports);
      report(true);
      rtp.close();
      // After its last report has left.
      setImmediate(() => rtcp.close());
    },
  };
}
