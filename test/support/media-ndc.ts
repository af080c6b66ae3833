/** The browser side of media tests on libdatachannel: a native stack with its own ICE, OpenSSL and libsrtp. */
import { randomUUID } from 'node:crypto';
import { Audio, cleanup, initLogger, PeerConnection as Peer, type PeerConnection, type Track } from 'node-datachannel';
import { RtcpPacketConverter, RtpHeader, RtpPacket } from 'werift';
import type { BrowserPeer } from './media-browser.ts';

initLogger('Fatal', () => undefined);

/** Ends the library's threads, which keep the process alive; no peer works afterwards. */
export function endNative(): void {
  cleanup();
}

/** `opus`: it prefers Opus to G.711. */
export function nativePeer({ opus = false } = {}): BrowserPeer {
  const rtp: BrowserPeer['rtp'] = [];
  const rtcp: BrowserPeer['rtcp'] = [];
  const pc: PeerConnection = new Peer(`peer-${randomUUID()}`, {
    iceServers: [],
    bindAddress: '127.0.0.1',
    disableAutoNegotiation: true,
  });
  // The library closes the track of a wrapper that was collected.
  const kept: Track[] = [];
  let state = 'new';
  pc.onStateChange(next => {
    state = next;
  });
  const listen = (track: Track) => {
    kept.push(track);
    track.onMessage(packet => {
      const type = packet[1] ?? 0;
      if (type >= 192 && type <= 223) rtcp.push(...RtcpPacketConverter.deSerialize(packet));
      else rtp.push(RtpPacket.deSerialize(packet));
    });
  };
  pc.onTrack(listen);
  const local = async (kind: 'offer' | 'answer'): Promise<string> => {
    pc.setLocalDescription(kind);
    while (pc.gatheringState() !== 'complete') await new Promise(resolve => setTimeout(resolve, 5));
    return pc.localDescription()?.sdp ?? '';
  };
  return {
    rtp,
    rtcp,
    async offer() {
      const audio = new Audio('0', 'SendRecv');
      if (opus) {
        audio.addOpusCodec(111);
        audio.addAudioCodec(110, 'telephone-event/48000');
      }
      audio.addAudioCodec(8, 'PCMA/8000');
      audio.addAudioCodec(0, 'PCMU/8000');
      audio.addAudioCodec(126, 'telephone-event/8000');
      audio.addSSRC(4242, 'peer');
      listen(pc.addTrack(audio));
      return local('offer');
    },
    async accept(answer) {
      pc.setRemoteDescription(answer, 'answer');
    },
    async answer(offer) {
      pc.setRemoteDescription(offer, 'offer');
      return local('answer');
    },
    async send({ pt, seq, ts, marker = false, payload, ssrc = 4242 }) {
      const header = new RtpHeader({ payloadType: pt, sequenceNumber: seq, timestamp: ts, ssrc, marker });
      const [track] = kept;
      if (track?.isOpen() === true) track.sendMessageBinary(new RtpPacket(header, Buffer.from(payload)).serialize());
    },
    connected: () => state === 'connected',
    failed: () => state === 'failed' || state === 'closed',
    async close() {
      pc.close();
    },
  };
}
