/** Writes every SDP a browser gets. Knows nothing of the IMS side: what is not an argument cannot leak. RFC 8829, RFC 8839, RFC 8842. */
import type { Direction } from '../sdp/index.ts';
import type { Codecs } from './codec.ts';
import { codecLines, formatList } from './codec-lines.ts';
import { videoSsrc, type WebTransport } from './engine.ts';
import type { Slots } from './slot.ts';
import { type VideoText, videoLines } from './video-line.ts';

export interface WebView {
  sessionId: number;
  version: number;
  slots: Slots;
  codecs: Codecs;
  direction: Direction;
  transport: WebTransport;
  setup: 'active' | 'passive' | 'actpass';
  ssrc: number;
  cname: string;
  /** Whether the audio m-line is (or was offered) in a BUNDLE group. */
  bundle: boolean;
  /** Null: refused, or there is none. */
  video: VideoText | null;
}

/** SDP text for the browser: one audio m-line with a complete candidate, video if there is any, bundled with it unless it has a transport of its own, all other m-lines refused. */
export function writeWeb(view: WebView): string {
  const { slots, transport } = view;
  const family = transport.address.includes(':') ? 'IP6' : 'IP4';
  const live = slots.list[slots.audio];
  const lines = ['v=0', `o=- ${view.sessionId} ${view.version} IN ${family} ${transport.address}`, 's=-', 't=0 0'];
  const shown = view.video === null ? undefined : slots.list[slots.video];
  // A bundle of the sound alone takes in the picture at the browser's next offer, and cannot be left again. RFC 9143 7.3.
  if (live !== undefined && view.bundle && transport.video === undefined)
    lines.push(`a=group:BUNDLE ${live.mid}${shown === undefined ? '' : ` ${shown.mid}`}`);
  lines.push('a=msid-semantic:WMS *');
  if (transport.iceLite) lines.push('a=ice-lite');
  slots.list.forEach((slot, i) => {
    if (i === slots.audio) audioLines(lines, view, slot.proto, slot.mid);
    else if (slot === shown && view.video !== null) {
      lines.push(
        `m=video 9 ${slot.proto} ${view.video.codecs.map(codec => codec.pt).join(' ')}`,
        'c=IN IP4 0.0.0.0',
        ...videoLines(view.video),
        'a=rtcp:9 IN IP4 0.0.0.0',
        `a=mid:${slot.mid}`,
        'a=rtcp-mux',
        ...transportLines(view, transport.video ?? transport, 'gw-video', videoSsrc(view.ssrc)),
      );
    } else {
      lines.push(`m=${slot.kind} 0 ${slot.proto} ${slot.format}`, 'c=IN IP4 0.0.0.0', `a=mid:${slot.mid}`);
      if (slot.kind !== 'application') lines.push('a=inactive');
    }
  });
  return `${lines.join('\r\n')}\r\n`;
}

function audioLines(lines: string[], view: WebView, proto: string, mid: string): void {
  const { codecs } = view;
  lines.push(
    `m=audio 9 ${proto} ${formatList(codecs)}`,
    'c=IN IP4 0.0.0.0',
    'a=rtcp:9 IN IP4 0.0.0.0',
    `a=mid:${mid}`,
    `a=${view.direction}`,
    'a=rtcp-mux',
    ...codecLines(codecs),
    'a=ptime:20',
    ...transportLines(view, view.transport, 'gw-audio', view.ssrc),
  );
}

function transportLines({ setup, cname }: WebView, transport: WebTransport, track: string, ssrc: number): string[] {
  return [
    `a=ice-ufrag:${transport.ufrag}`,
    `a=ice-pwd:${transport.pwd}`,
    'a=ice-options:trickle',
    `a=fingerprint:sha-256 ${transport.fingerprint}`,
    `a=setup:${setup}`,
    `a=msid:gw ${track}`,
    ...(transport.anySsrc === true ? [] : [`a=ssrc:${ssrc} cname:${cname}`]),
    ...candidates(transport),
    'a=end-of-candidates',
  ];
}

/** A host candidate for each of our addresses, the first preferred: type 126, local preference from 65535 down. RFC 8445 5.1.2. */
function candidates({ address, otherAddress, port }: WebTransport): string[] {
  const all = otherAddress === undefined ? [address] : [address, otherAddress];
  return all.map(
    (ours, i) => `a=candidate:${i + 1} 1 udp ${2 ** 24 * 126 + 2 ** 8 * (65_535 - i) + 255} ${ours} ${port} typ host`,
  );
}
