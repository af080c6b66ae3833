/** SDP text as lines: split and joined without loss, with the limits every text from outside must keep. RFC 8866 5. */

export interface SdpLine {
  /** One letter. */
  type: string;
  /** All after the `=`. */
  value: string;
}

export interface SdpLines {
  session: SdpLine[];
  /** One list for each m-line; its first line is the m-line. */
  media: SdpLine[][];
}

export type Parsed<T> = { ok: true; value: T } | { ok: false; reason: string };

/** What we take at most; sizes in characters. */
export const SDP_LIMITS = {
  text: 65_536,
  line: 2_048,
  lines: 4_096,
  media: 16,
  formats: 64,
  candidates: 30,
  ssrcs: 4,
} as const;

/** Splits SDP text. Takes LF and CRLF and a missing last line end; gives a reason when a limit or the grammar is broken. */
export function parseLines(text: string): Parsed<SdpLines> {
  if (text.length > SDP_LIMITS.text) return fail('SDP is longer than 65536 characters');
  const session: SdpLine[] = [];
  const media: SdpLine[][] = [];
  let into = session;
  let start = 0;
  let count = 0;
  while (start < text.length) {
    const feed = text.indexOf('\n', start);
    const next = feed < 0 ? text.length : feed + 1;
    let end = feed < 0 ? text.length : feed;
    if (end > start && text.charCodeAt(end - 1) === 13) end -= 1;
    if (end > start) {
      if (end - start > SDP_LIMITS.line) return fail('an SDP line is longer than 2048 characters');
      if (++count > SDP_LIMITS.lines) return fail('SDP has more than 4096 lines');
      if (text.charCodeAt(start + 1) !== 61 || !isLetter(text.charCodeAt(start)))
        return fail('an SDP line is not of the form x=');
      const line = { type: text.charAt(start), value: text.slice(start + 2, end) };
      if (count === 1 && (line.type !== 'v' || line.value !== '0')) return fail('SDP does not begin with v=0');
      if (line.type === 'm') {
        if (media.length === SDP_LIMITS.media) return fail('SDP has more than 16 m-lines');
        into = [];
        media.push(into);
      }
      into.push(line);
    }
    start = next;
  }
  return count === 0 ? fail('SDP is empty') : { ok: true, value: { session, media } };
}

/** Joins lines to SDP text with CRLF line ends; `parseLines` of the result gives the same lines. */
export function writeLines(lines: SdpLines): string {
  let text = '';
  for (const line of lines.session) text += `${line.type}=${line.value}\r\n`;
  for (const section of lines.media) for (const line of section) text += `${line.type}=${line.value}\r\n`;
  return text;
}

function isLetter(code: number): boolean {
  return code >= 97 && code <= 122;
}

function fail(reason: string): { ok: false; reason: string } {
  return { ok: false, reason };
}
