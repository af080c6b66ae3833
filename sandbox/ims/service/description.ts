/** SDP of a service number: one G.711 stream with telephone-event, as answer or as offer. RFC 3264, RFC 4733. */
import { type Direction, findCodec, type MediaDesc, parseSdp, reverse } from '../../../src/sdp/index.ts';
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

export interface LocalAudio {
  host: string;
  port: number;
  sessionId: number;
  version: number;
}

/** The answer to an offer, or null when there is no G.711 over RTP/AVP in it (488). Streams but the first such are refused. RFC 3264 6. */
export function answerOffer(offer: string, local: LocalAudio): { sdp: string; remote: RemoteAudio } | null {
  const parsed = parseSdp(offer);
  if (!parsed.ok) return null;
  let remote: RemoteAudio | null = null;
  const lines = sessionLines(local);
  for (const media of parsed.value.media) {
    const audio: RemoteAudio | null = remote === null ? remoteAudio(media) : null;
    if (audio === null) lines.push(`m=${media.kind} 0 ${media.proto} ${media.formats.join(' ')}`);
    else {
      remote = audio;
      lines.push(...audioLines(local.port, audio));
    }
    if (media.mid !== null) lines.push(`a=mid:${media.mid}`);
  }
  return remote === null ? null : { sdp: `${lines.join('\r\n')}\r\n`, remote };
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
