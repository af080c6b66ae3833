/** One call of the bench's load: a browser and a phone, packets both ways that carry when they were sent. */
import { createSocket } from 'node:dgram';
import type { SrtpProfile } from '../../src/eims-agw/relay/dtls/types.ts';
import { parseSdp } from '../../src/sdp/index.ts';
import { lightBrowser } from '../../test/support/media-light.ts';
import { pause } from '../process.ts';
import type { MediaRelay } from './media-relay.ts';
import type { Wire } from './wire.ts';

const PCMA = 8;
const HEADER_BYTES = 12;
const PAYLOAD_BYTES = 160;
const PHONE_SSRC = 0x7000;
const CONNECT_MS = 10_000;

export interface Caller {
  /** Sends one packet each way. */
  tick(): void;
  close(): Promise<void>;
}

/** Sets up a call and waits for its media path; `heard` gets the time each packet that arrives was sent, ms. */
export async function openCaller(
  relay: MediaRelay,
  wire: Wire,
  call: number,
  profile: SrtpProfile,
  heard: (sentAt: number) => void,
): Promise<Caller> {
  const host = wire.outside;
  const take = (packet: Buffer) => {
    if (packet.length >= HEADER_BYTES + PAYLOAD_BYTES) heard(packet.readDoubleBE(HEADER_BYTES));
  };
  const browser = await lightBrowser({ host, profiles: [profile], heard: take });
  const phone = createSocket({ type: 'udp4', lookup: (name, _options, callback) => callback(null, name, 4) });
  phone.on('message', take);
  await new Promise<void>(resolve => phone.bind(0, host, resolve));
  const offer = browser.offer();
  const told = await relay.connect(call, offer, phoneSdp(host, phone.address().port));
  const to = audioAddress(told.toPhone);
  browser.accept(told.toBrowser);
  const end = performance.now() + CONNECT_MS;
  while (!browser.connected()) {
    if (performance.now() > end) throw new Error('the media path of a call did not come up');
    await pause(1);
  }
  // A browser sends under the SSRC it has announced.
  const up = rtpPacket(Number(/a=ssrc:(\d+)/.exec(offer)?.[1]));
  const down = rtpPacket(PHONE_SSRC + call);
  let seq = 0;
  return {
    tick() {
      seq += 1;
      const now = performance.now();
      for (const packet of [up, down]) {
        packet.writeUInt16BE(seq & 0xffff, 2);
        packet.writeUInt32BE((seq * PAYLOAD_BYTES) >>> 0, 4);
        packet.writeDoubleBE(now, HEADER_BYTES);
      }
      browser.send(up);
      phone.send(Buffer.from(down), to.port, to.address);
    },
    async close() {
      browser.close();
      phone.close();
      await relay.release(call);
    },
  };
}

function audioAddress(sdp: string): { address: string; port: number } {
  const parsed = parseSdp(sdp);
  const media = parsed.ok ? parsed.value.media.find(m => m.kind === 'audio') : undefined;
  if (!media?.address) throw new Error('an offer to the phone without an address');
  return { address: media.address, port: media.port };
}

function phoneSdp(host: string, port: number): string {
  return [
    'v=0',
    `o=phone 1 1 IN IP4 ${host}`,
    's=-',
    `c=IN IP4 ${host}`,
    't=0 0',
    `m=audio ${port} RTP/AVP ${PCMA}`,
    `a=rtpmap:${PCMA} PCMA/8000`,
    'a=ptime:20',
    'a=sendrecv',
    '',
  ].join('\r\n');
}

function rtpPacket(ssrc: number): Buffer {
  const packet = Buffer.alloc(HEADER_BYTES + PAYLOAD_BYTES, 0xd5);
  packet[0] = 0x80;
  packet[1] = PCMA;
  packet.writeUInt32BE(ssrc, 8);
  return packet;
}
