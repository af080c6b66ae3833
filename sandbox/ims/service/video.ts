/** The video of the echo number: every packet goes back, and so does the wish for a key frame. RFC 3550, RFC 4585. */
import { randomInt } from 'node:crypto';
import { isIP } from 'node:net';
import { openPair } from './audio.ts';
import type { RemoteVideo } from './description.ts';
import { parseRtp, writeRtp } from './rtp.ts';

export interface Video {
  /** Port of RTP; RTCP has the next one. */
  readonly port: number;
  /** Takes the peer's description; null: no video for now. */
  connect(remote: RemoteVideo | null): void;
  close(): void;
}

const PAYLOAD_FEEDBACK = 206;

/** Opens an even port and its odd neighbour on the host. Rejects when there is none. */
export async function openVideo(host: string): Promise<Video> {
  const [rtp, rtcp] = await openPair(host);
  const ssrc = randomInt(1, 2 ** 32 - 1);
  let remote: RemoteVideo | null = null;
  let theirs = 0;

  rtp.on('message', (bytes, from) => {
    if (remote === null || from.address !== remote.address) return;
    const packet = parseRtp(bytes);
    if (packet === null || packet.payloadType !== remote.payloadType) return;
    theirs = packet.ssrc;
    rtp.send(writeRtp({ ...packet, ssrc }), remote.port, remote.address);
  });
  rtcp.on('message', (bytes, from) => {
    if (remote === null || from.address !== remote.address || !remote.feedback || !asksForPicture(bytes)) return;
    rtcp.send(pictureRequest(ssrc, theirs), remote.rtcpPort, remote.address);
  });

  return {
    port: rtp.address().port,
    connect(description) {
      remote = description === null || isIP(description.address) === 0 ? null : description;
    },
    close() {
      rtp.close();
      rtcp.close();
    },
  };
}

/** PLI or FIR somewhere in a compound packet. */
function asksForPicture(bytes: Buffer): boolean {
  for (let at = 0; at + 4 <= bytes.length; at += 4 * (bytes.readUInt16BE(at + 2) + 1))
    if (bytes.readUInt8(at + 1) === PAYLOAD_FEEDBACK && [1, 4].includes(bytes.readUInt8(at) & 31)) return true;
  return false;
}

/** PLI behind an empty receiver report. RFC 4585 6.3.1. */
function pictureRequest(ssrc: number, media: number): Buffer {
  const bytes = Buffer.from('80c900010000000081ce00020000000000000000', 'hex');
  bytes.writeUInt32BE(ssrc, 4);
  bytes.writeUInt32BE(ssrc, 12);
  bytes.writeUInt32BE(media, 16);
  return bytes;
}
