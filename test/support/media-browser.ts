/** The browser side of media tests, on a second WebRTC stack (werift): offers, answers, raw RTP in and out. */
import {
  RTCPeerConnection,
  RTCRtpCodecParameters,
  type RtcpPacket,
  RtcpPacketConverter,
  RtpHeader,
  type RtpPacket,
} from 'werift';

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
const VP8 = new RTCRtpCodecParameters({ mimeType: 'video/VP8', payloadType: 96, clockRate: 90_000 });

/** Of a picture that has a transport of its own. */
export interface Picture extends Pick<BrowserPeer, 'send' | 'rtp' | 'rtcp'> {
  sendRtcp(packet: Buffer): Promise<void>;
}

/** Its DTLS cannot bear datagrams that overtake each other: it repeats a flight under the same record numbers, which are refused as replays. RFC 6347 4.2.4. */
export function browserPeer(): BrowserPeer {
  return peerOn(new RTCPeerConnection({ iceServers: [], codecs: { audio: AUDIO, video: [] } }), ['audio']);
}

/** The same with a picture in VP8, number 96, outside of any bundle. */
export function picturePeer(): BrowserPeer & { picture: Picture } {
  const codecs = { audio: AUDIO, video: [VP8] };
  const pc = new RTCPeerConnection({ iceServers: [], codecs, bundlePolicy: 'disable' });
  const { listen, ...picture } = streamOn(pc, 1);
  const peer = peerOn(pc, ['audio', 'video']);
  return {
    ...peer,
    async accept(answer) {
      await peer.accept(answer);
      listen();
    },
    picture: {
      ...picture,
      async sendRtcp(packet) {
        await pc.dtlsTransports[1]?.sendRtcp(RtcpPacketConverter.deSerialize(packet));
      },
    },
  };
}

function peerOn(pc: RTCPeerConnection, kinds: ReadonlyArray<'audio' | 'video'>): BrowserPeer {
  const { listen, ...sound } = streamOn(pc, 0);
  return {
    ...sound,
    async offer() {
      for (const kind of kinds) pc.addTransceiver(kind, { direction: 'sendrecv' });
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
    connected: () => pc.connectionState === 'connected',
    failed: () => pc.connectionState === 'failed' || pc.connectionState === 'closed',
    close: () => pc.close(),
  };
}

/** What goes over one of its transports. */
function streamOn(pc: RTCPeerConnection, at: number) {
  const rtp: RtpPacket[] = [];
  const rtcp: RtcpPacket[] = [];
  let heard = false;
  return {
    rtp,
    rtcp,
    /** From now on, once there is that transport. */
    listen() {
      const transport = pc.dtlsTransports[at];
      if (heard || transport === undefined) return;
      heard = true;
      transport.onRtp.subscribe(packet => rtp.push(packet));
      transport.onRtcp.subscribe(packet => rtcp.push(packet));
    },
    async send({ pt, seq, ts, marker = false, payload, ssrc = 4242 }: Parameters<BrowserPeer['send']>[0]) {
      const header = new RtpHeader({ payloadType: pt, sequenceNumber: seq, timestamp: ts, ssrc, marker });
      await pc.dtlsTransports[at]?.sendRtp(Buffer.from(payload), header);
    },
  };
}
