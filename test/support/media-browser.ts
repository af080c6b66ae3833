/** The browser side of media tests, on a second WebRTC stack (werift): offers, answers, raw RTP in and out. */
import { RTCPeerConnection, RTCRtpCodecParameters, type RtcpPacket, RtpHeader, type RtpPacket } from 'werift';

export interface BrowserPeer {
  offer(): Promise<string>;
  accept(answer: string): Promise<void>;
  answer(offer: string): Promise<string>;
  /** Sends one RTP packet; the SSRC is the peer's own. */
  send(packet: {
    pt: number;
    seq: number;
    ts: number;
    marker?: boolean;
    payload: Uint8Array;
    ssrc?: number;
  }): Promise<void>;
  rtp: RtpPacket[];
  rtcp: RtcpPacket[];
  connected(): boolean;
  failed(): boolean;
  close(): Promise<void>;
}

const AUDIO = [
  { mimeType: 'audio/PCMU', payloadType: 0 },
  { mimeType: 'audio/PCMA', payloadType: 8 },
  { mimeType: 'audio/telephone-event', payloadType: 126 },
].map(codec => new RTCRtpCodecParameters({ ...codec, clockRate: 8000, channels: 1 }));

/** Its DTLS cannot bear datagrams that overtake each other: it repeats a flight under the same record numbers, which are refused as replays. RFC 6347 4.2.4. */
export function browserPeer(): BrowserPeer {
  const pc = new RTCPeerConnection({ iceServers: [], codecs: { audio: AUDIO, video: [] } });
  const rtp: RtpPacket[] = [];
  const rtcp: RtcpPacket[] = [];
  let heard = false;
  const listen = () => {
    const transport = pc.dtlsTransports[0];
    if (heard || transport === undefined) return;
    heard = true;
    transport.onRtp.subscribe(packet => rtp.push(packet));
    transport.onRtcp.subscribe(packet => rtcp.push(packet));
  };
  return {
    rtp,
    rtcp,
    async offer() {
      pc.addTransceiver('audio', { direction: 'sendrecv' });
      await pc.setLocalDescription(await pc.createOffer());
      listen();
      return pc.localDescription?.sdp ?? '';
    },
    async accept(answer) {
      await pc.setRemoteDescription({ type: 'answer', sdp: answer });
      listen();
    },
    async answer(offer) {
      await pc.setRemoteDescription({ type: 'offer', sdp: offer });
      listen();
      const [transceiver] = pc.getTransceivers();
      transceiver?.setDirection('sendrecv');
      await pc.setLocalDescription(await pc.createAnswer());
      return pc.localDescription?.sdp ?? '';
    },
    async send({ pt, seq, ts, marker = false, payload, ssrc = 4242 }) {
      const header = new RtpHeader({ payloadType: pt, sequenceNumber: seq, timestamp: ts, ssrc, marker });
      await pc.dtlsTransports[0]?.sendRtp(Buffer.from(payload), header);
    },
    connected: () => pc.connectionState === 'connected',
    failed: () => pc.connectionState === 'failed' || pc.connectionState === 'closed',
    close: () => pc.close(),
  };
}
