/** Writes every SDP the IMS side gets. Knows nothing of the browser: what is not an argument cannot leak. TS 24.229 6.1, TS 26.114 6.2. */
import type { Direction } from '../sdp/index.ts';
import { type AddressFamily, bandwidthAs, maxptimeMs } from './bandwidth.ts';
import type { Codecs } from './codec.ts';
import { codecLines, formatList } from './codec-lines.ts';
import { profileOf, type SdesText, sdesLines } from './sdes.ts';
import type { Slots } from './slot.ts';
import { type VideoText, videoLines } from './video-line.ts';

export interface ImsView {
  sessionId: number;
  version: number;
  /** Our media address and even RTP port; RTCP is on the next one. */
  address: string;
  port: number;
  slots: Slots;
  codecs: Codecs;
  direction: Direction;
  /** ms of speech in one packet. */
  ptime: number;
  /** Of the sound; null: plain RTP. */
  sdes: SdesText | null;
  /** Null: refused, or there is none. */
  video: (VideoText & { port: number; sdes: SdesText | null }) | null;
}

/** SDP text for the IMS side: RTP or SRTP with keys in SDP, no ICE, no multiplexing. */
export function writeIms(view: ImsView): string {
  const family = view.address.includes(':') ? 'IP6' : 'IP4';
  const lines = [
    'v=0',
    `o=- ${view.sessionId} ${view.version} IN ${family} ${view.address}`,
    's=-',
    `c=IN ${family} ${view.address}`,
    't=0 0',
  ];
  view.slots.list.forEach((slot, i) => {
    if (i === view.slots.audio) audioLines(lines, view, slot.proto.endsWith('F'), family);
    else if (i === view.slots.video && view.video !== null) {
      const { port, codecs, feedback, sdes } = view.video;
      // AVPF once it is agreed; before, it is only a capability of a line that is not. RFC 5939.
      const agreed = feedback === 'agreed' || typeof feedback === 'number';
      const proto = profileOf(sdes, agreed);
      lines.push(
        `m=video ${port} ${proto} ${codecs.map(c => c.pt).join(' ')}`,
        ...videoLines(view.video),
        ...sdesLines(sdes, feedback === 'offer' ? 'offered' : agreed ? 'agreed' : null),
      );
    } else lines.push(`m=${slot.kind} 0 ${slot.proto} ${slot.format}`);
  });
  return `${lines.join('\r\n')}\r\n`;
}

function audioLines(lines: string[], view: ImsView, feedback: boolean, family: AddressFamily): void {
  const { codecs, port, ptime, direction, sdes } = view;
  lines.push(
    `m=audio ${port} ${profileOf(sdes, feedback)} ${formatList(codecs)}`,
    `b=AS:${bandwidthAs(codecs.speech, ptime, family)}`,
    'b=RS:0',
    'b=RR:2000',
    ...codecLines(codecs),
    `a=ptime:${ptime}`,
    `a=maxptime:${maxptimeMs(codecs.speech)}`,
    ...sdesLines(sdes, feedback ? 'agreed' : null),
    `a=${direction}`,
  );
}
