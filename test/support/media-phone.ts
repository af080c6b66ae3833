/** The IMS side of media tests: plain RTP and RTCP sockets and the SDP of a G.711 phone. */
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { parseSdp } from '../../src/sdp/index.ts';

export interface Phone {
  /** SDP of this phone with the given formats, as offer or answer. */
  sdp(options?: {
    laws?: Array<0 | 8>;
    event?: number | null;
    direction?: string;
    version?: number;
    port?: number;
  }): string;
  /** Reads where the gateway wants its packets: those of the sound, or of the picture. */
  learn(sdp: string, kind?: 'audio' | 'video'): void;
  /** The RTP port. */
  port: number;
  send(packet: { pt: number; seq: number; ts: number; marker?: boolean; payload: Uint8Array; ssrc?: number }): void;
  sendRtcp(packet: Uint8Array): void;
  rtp: Buffer[];
  rtcp: Buffer[];
  close(): void;
}

export async function phone(host: string): Promise<Phone> {
  const [rtp, rtcp, port] = await bindPair(host);
  const heard = { rtp: [] as Buffer[], rtcp: [] as Buffer[] };
  let toPort = 0;
  let toAddress = host;
  const family = isIPv6(host) ? 'IP6' : 'IP4';
  rtp.on('message', packet => heard.rtp.push(packet));
  rtcp.on('message', packet => heard.rtcp.push(packet));
  return {
    ...heard,
    port,
    sdp({ laws = [8, 0], event = 101, direction = 'sendrecv', version = 1, port: other = port } = {}) {
      const formats = event === null ? laws : [...laws, event];
      return [
        'v=0',
        `o=phone 77 ${version} IN ${family} ${host}`,
        's=-',
        `c=IN ${family} ${host}`,
        't=0 0',
        `m=audio ${other} RTP/AVP ${formats.join(' ')}`,
        ...(event === null ? [] : [`a=rtpmap:${event} telephone-event/8000`]),
        'a=ptime:20',
        `a=${direction}`,
        '',
      ].join('\r\n');
    },
    learn(sdp, kind = 'audio') {
      const parsed = parseSdp(sdp);
      const media = parsed.ok ? parsed.value.media.find(m => m.kind === kind) : undefined;
      toPort = media?.port ?? 0;
      toAddress = media?.address ?? host;
    },
    send({ pt, seq, ts, marker = false, payload, ssrc = 7777 }) {
      const packet = Buffer.alloc(12 + payload.length);
      packet[0] = 0x80;
      packet[1] = pt | (marker ? 0x80 : 0);
      packet.writeUInt16BE(seq & 0xffff, 2);
      packet.writeUInt32BE(ts >>> 0, 4);
      packet.writeUInt32BE(ssrc, 8);
      packet.set(payload, 12);
      rtp.send(packet, toPort, toAddress);
    },
    sendRtcp: packet => rtcp.send(packet, toPort + 1, toAddress),
    close() {
      rtp.close();
      rtcp.close();
    },
  };
}

async function bindPair(host: string): Promise<[Socket, Socket, number]> {
  for (let tries = 0; tries < 20; tries += 1) {
    const rtp = open(host);
    await new Promise<void>(resolve => rtp.bind(0, host, resolve));
    const { port } = rtp.address();
    if (port % 2 === 0) {
      const rtcp = open(host);
      const ok = await new Promise<boolean>(resolve => {
        rtcp.once('error', () => resolve(false));
        rtcp.bind(port + 1, host, () => resolve(true));
      });
      if (ok) return [rtp, rtcp, port];
      rtcp.close();
    }
    rtp.close();
  }
  throw new Error('no pair of ports for a phone');
}

/** Numeric addresses need no resolver, whose answers would come in any order. */
function open(host: string): Socket {
  const six = isIPv6(host);
  return createSocket({
    type: six ? 'udp6' : 'udp4',
    lookup: (name, _options, callback) => callback(null, name, six ? 6 : 4),
  });
}
