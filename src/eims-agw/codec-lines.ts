/** The codecs of an m-line as SDP writes them. RFC 8866 6.6, 6.15. */
import type { Codec } from '../sdp/index.ts';
import type { Codecs } from './codec.ts';

/** Payload types of the m-line, in order. */
export function formatList({ speech, events }: Codecs): string {
  return [...speech, ...events].map(codec => codec.pt).join(' ');
}

/** Its rtpmap and fmtp lines. */
export function codecLines({ speech, events }: Codecs): string[] {
  return [...speech, ...events].flatMap(linesOf);
}

function linesOf({ pt, name, clock, channels, fmtp }: Codec): string[] {
  const rtpmap = `a=rtpmap:${pt} ${name}/${clock}${channels > 1 ? `/${channels}` : ''}`;
  return fmtp === null ? [rtpmap] : [rtpmap, `a=fmtp:${pt} ${fmtp}`];
}
