/** SDP of a service number: one G.711 stream with telephone-event, as answer or as offer, and video to be echoed. RFC 3264, RFC 4733. */
import { type Codec, type Direction, findCodec, type MediaDesc, parseSdp, reverse } from '../../../src/sdp/index.ts';
import type { G711 } from './g711.ts';

/** Where and how the peer wants its audio. */
export interface RemoteAudio {
  address: string;
  port: number;
  rtcpPort: number;
  codec: G711;
  payloadType: number;
  /** Payload type of telephone-event, or null. */
  eventType: number | null;
  /** Seen from here. */
  direction: Direction;
}

/** Where and how the peer wants its video. */
export interface RemoteVideo {
  address: string;
  port: number;
  rtcpPort: number;
  payloadType: number;
  /** It takes feedback packets. */
  feedback: boolean;
}

export interface LocalAudio {
  host: string;
  port: number;
  /** Port of video, or null: it is refused. */
  videoPort: number | null;
  sessionId: number;
  version: number;
}

/** Whether an offer has video that could be echoed. */
export function hasVideo(offer: string): boolean {
  const parsed = parseSdp(offer);
  return parsed.ok && parsed.value.media.some(media => videoCodec(media) !== undefined);
}

/** The answer to an offer, or null when there is no G.711 over RTP/AVP in it (488). Of each kind but the first stream that can be had is refused. RFC 3264 6. */
export function answerOffer(
  offer: string,
  local: LocalAudio,
): { sdp: string; remote: RemoteAudio; video: RemoteVideo | null } | null {
  const parsed = parseSdp(offer);
  if (!parsed.ok) return null;
  let remote: RemoteAudio | null = null;
  let video: RemoteVideo | null = null;
  const lines = sessionLines(local);
  for (const media of parsed.value.media) {
    const audio: RemoteAudio | null = remote === null ? remoteAudio(media) : null;
    const codec = local.videoPort === null || video !== null ? undefined : videoCodec(media);
    if (codec !== undefined && local.videoPort !== null) {
      video = remoteVideo(media, codec.pt);
      lines.push(...videoLines(local.videoPort, media, codec, video.feedback));
    } else if (audio === null) lines.push(`m=${media.kind} 0 ${media.proto} ${media.formats.join(' ')}`);
    else {
      remote = audio;
      lines.push(...audioLines(local.port, audio));
    }
    if (media.mid !== null) lines.push(`a=mid:${media.mid}`);
  }
  return remote === null ? null : { sdp: `${lines.join('\r\n')}\r\n`, remote, video };
}

/** An offer of our own, for an INVITE without one. */
export function makeOffer(local: LocalAudio): string {
  const lines = sessionLines(local);
  lines.push(`m=audio ${local.port} RTP/AVP 8 0 101`, 'a=rtpmap:8 PCMA/8000', 'a=rtpmap:0 PCMU/8000');
  lines.push('a=rtpmap:101 telephone-event/8000', 'a=fmtp:101 0-15', 'a=ptime:20', 'a=sendrecv');
  return `${lines.join('\r\n')}\r\n`;
}

/** What the answer to our offer says, or null when it refuses the stream. */
export function readAnswer(answer: string): RemoteAudio | null {
  const parsed = parseSdp(answer);
  const [media] = parsed.ok ? parsed.value.media : [];
  return media === undefined ? null : remoteAudio(media);
}

function sessionLines({ host, sessionId, version }: LocalAudio): string[] {
  const family = host.includes(':') ? 'IP6' : 'IP4';
  return ['v=0', `o=- ${sessionId} ${version} IN ${family} ${host}`, 's=-', `c=IN ${family} ${host}`, 't=0 0'];
}

function audioLines(port: number, audio: RemoteAudio): string[] {
  const { payloadType, codec, eventType, direction } = audio;
  const formats = eventType === null ? `${payloadType}` : `${payloadType} ${eventType}`;
  const lines = [`m=audio ${port} RTP/AVP ${formats}`, `a=rtpmap:${payloadType} ${codec}/8000`];
  if (eventType !== null) lines.push(`a=rtpmap:${eventType} telephone-event/8000`, `a=fmtp:${eventType} 0-15`);
  lines.push('a=ptime:20', `a=${direction}`);
  return lines;
}

/** The first codec of a line that can be echoed: whatever the peer can send it can take. */
function videoCodec(media: MediaDesc): Codec | undefined {
  if (media.kind !== 'video' || !media.live || media.address === null || !media.proto.startsWith('RTP/AVP')) return;
  return media.codecs.find(codec => ['H264', 'VP8'].includes(codec.name.toUpperCase()));
}

function remoteVideo(media: MediaDesc, payloadType: number): RemoteVideo {
  const feedback = media.proto === 'RTP/AVPF' || media.avpfConfig !== null;
  const { address, port, rtcp } = media;
  return { address: address ?? '', port, rtcpPort: rtcp?.port ?? port + 1, payloadType, feedback };
}

/** AVPF is taken as offered, also as a capability. RFC 5939 3.6. */
function videoLines(port: number, media: MediaDesc, codec: Codec, feedback: boolean): string[] {
  const lines = [`m=video ${port} ${feedback ? 'RTP/AVPF' : 'RTP/AVP'} ${codec.pt}`];
  lines.push(`a=rtpmap:${codec.pt} ${codec.name}/${codec.clock}`);
  if (codec.fmtp !== null) lines.push(`a=fmtp:${codec.pt} ${codec.fmtp}`);
  if (media.avpfConfig !== null) lines.push(`a=acfg:${media.avpfConfig} t=1`);
  if (feedback) lines.push(`a=rtcp-fb:${codec.pt} nack pli`, `a=rtcp-fb:${codec.pt} ccm fir`);
  lines.push(`a=${reverse(media.direction)}`);
  return lines;
}

function remoteAudio(media: MediaDesc): RemoteAudio | null {
  if (media.kind !== 'audio' || !media.live || media.address === null) return null;
  if (media.proto !== 'RTP/AVP' && media.proto !== 'RTP/AVPF') return null;
  const codec = media.codecs.find(c => c.clock === 8000 && ['PCMA', 'PCMU'].includes(c.name.toUpperCase()));
  if (codec === undefined) return null;
  return {
    address: media.address,
    port: media.port,
    rtcpPort: media.rtcp?.port ?? media.port + 1,
    codec: codec.name.toUpperCase() === 'PCMA' ? 'PCMA' : 'PCMU',
    payloadType: codec.pt,
    eventType: findCodec(media, 'telephone-event', 8000)?.pt ?? null,
    direction: reverse(media.direction),
  };
}
