/** Writes every SDP the IMS side gets. Knows nothing of the browser: what is not an argument cannot leak. TS 24.229 6.1, TS 26.114 6.2. */
import type { Direction } from '../sdp/index.ts';
import type { PtMap } from './codec.ts';
import type { Slots } from './slot.ts';

export interface ImsView {
  sessionId: number;
  version: number;
  /** Our media address and even RTP port; RTCP is on the next one. */
  address: string;
  port: number;
  slots: Slots;
  codecs: PtMap;
  direction: Direction;
  /** ms of speech in one packet. */
  ptime: number;
}

/** SDP text for the IMS side. G.711 and telephone events, plain RTP, no ICE, no multiplexing. */
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
    if (i === view.slots.audio) audioLines(lines, view, slot.proto, family);
    else lines.push(`m=${slot.kind} 0 ${slot.proto} ${slot.format}`);
  });
  return `${lines.join('\r\n')}\r\n`;
}

function audioLines(lines: string[], view: ImsView, proto: string, family: 'IP4' | 'IP6'): void {
  const { laws, event } = view.codecs;
  const formats = laws.map(l => l.pt);
  if (event !== null) formats.push(event);
  lines.push(
    `m=audio ${view.port} ${proto} ${formats.join(' ')}`,
    `b=AS:${bandwidthAs(view.ptime, family)}`,
    'b=RS:0',
    'b=RR:2000',
    ...laws.map(l => `a=rtpmap:${l.pt} ${l.law}/8000`),
  );
  if (event !== null) lines.push(`a=rtpmap:${event} telephone-event/8000`, `a=fmtp:${event} 0-15`);
  lines.push(`a=ptime:${view.ptime}`, 'a=maxptime:40', `a=${view.direction}`);
}

/** kbit/s of G.711 with RTP, UDP and IP headers, rounded up. TS 26.114 6.2.5. */
function bandwidthAs(ptimeMs: number, family: 'IP4' | 'IP6'): number {
  const bytes = ptimeMs * 8 + 12 + 8 + (family === 'IP4' ? 20 : 40);
  return Math.ceil((bytes * 8) / ptimeMs);
}
