/** SDP text to the session view. Never throws; every loop is bounded by the limits of `lines.ts`. */
import { readAttribute, readLevel } from './attribute.ts';
import { avpfConfig } from './capability.ts';
import { type Parsed, parseLines, SDP_LIMITS, type SdpLine } from './lines.ts';
import { whole } from './number.ts';
import { emptyLevel, emptySection, type Level, type Section } from './section.ts';
import type { Codec, IceCredentials, MediaDesc, Origin, SessionDesc } from './session.ts';

/** Payload types that need no rtpmap. RFC 3551 6. */
const STATIC: Readonly<Record<number, { name: string; clock: number }>> = {
  0: { name: 'PCMU', clock: 8000 },
  8: { name: 'PCMA', clock: 8000 },
  9: { name: 'G722', clock: 8000 },
  13: { name: 'CN', clock: 8000 },
};

/** Parses SDP text; the reason tells which limit or rule it broke. Unknown attributes are passed over. */
export function parseSdp(text: string): Parsed<SessionDesc> {
  const lines = parseLines(text);
  if (!lines.ok) return lines;
  const top = emptyLevel();
  let origin: Origin | null = null;
  for (const line of lines.value.session) {
    if (line.type === 'o') origin = parseOrigin(line.value);
    else readLevel(top, line);
  }
  const media: MediaDesc[] = [];
  for (const section of lines.value.media) {
    const parsed = parseSection(section, top);
    if (!parsed.ok) return parsed;
    media.push(parsed.value);
  }
  return { ok: true, value: { origin, iceLite: top.iceLite, groups: top.groups, media } };
}

/** Whether the text can be taken as an offer at all: it parses and has an audio m-line. */
export function checkOffer(text: string): { ok: true } | { ok: false; reason: string } {
  const parsed = parseSdp(text);
  if (!parsed.ok) return parsed;
  return parsed.value.media.some(media => media.kind === 'audio')
    ? { ok: true }
    : { ok: false, reason: 'SDP has no audio m-line' };
}

function parseSection(lines: readonly SdpLine[], top: Level): Parsed<MediaDesc> {
  const head = parseMediaLine(lines[0]?.value ?? '');
  if (!head.ok) return head;
  const section = emptySection();
  for (let i = 1; i < lines.length; i += 1) {
    const line = lines[i];
    if (line === undefined) break;
    readLevel(section, line);
    if (line.type === 'a') readAttribute(section, line.value);
  }
  if (section.candidateCount > SDP_LIMITS.candidates)
    return { ok: false, reason: 'an m-line has more than 30 candidates' };
  if (section.ssrcs.size > SDP_LIMITS.ssrcs) return { ok: false, reason: 'an m-line has more than 4 SSRCs' };
  const { kind, port, proto, formats } = head.value;
  return {
    ok: true,
    value: {
      kind,
      port,
      proto,
      formats,
      mid: section.mid,
      live: port !== 0 || section.bundleOnly,
      direction: section.direction ?? top.direction ?? 'sendrecv',
      address: section.address ?? top.address,
      rtcp: section.rtcp,
      rtcpMux: section.rtcpMux,
      bandwidth: {
        as: section.bandwidth.as ?? top.bandwidth.as,
        rs: section.bandwidth.rs ?? top.bandwidth.rs,
        rr: section.bandwidth.rr ?? top.bandwidth.rr,
      },
      ptime: section.ptime,
      maxptime: section.maxptime,
      codecs: kind === 'audio' || kind === 'video' ? codecsOf(formats, section) : [],
      extensions: section.extensions,
      feedback: [...section.feedback],
      avpfConfig: avpfConfig(section),
      ice: credentials(section.ufrag ?? top.ufrag, section.pwd ?? top.pwd),
      fingerprint: section.fingerprint ?? top.fingerprint,
      setup: section.setup ?? top.setup,
      crypto: section.crypto,
      ssrc: section.fid ?? section.ssrcs.values().next().value ?? null,
      candidates: section.candidates,
    },
  };
}

function parseMediaLine(value: string): Parsed<{ kind: string; port: number; proto: string; formats: string[] }> {
  const parts = value.split(' ').filter(part => part !== '');
  const [kind, ports, proto, ...formats] = parts;
  if (kind === undefined || ports === undefined || proto === undefined || formats.length === 0) {
    return { ok: false, reason: 'an m-line lacks fields' };
  }
  if (formats.length > SDP_LIMITS.formats) return { ok: false, reason: 'an m-line has more than 64 formats' };
  const slash = ports.indexOf('/');
  const port = whole(slash < 0 ? ports : ports.slice(0, slash), 65_535);
  if (port === null) return { ok: false, reason: 'an m-line has a bad port' };
  return { ok: true, value: { kind, port, proto, formats } };
}

function codecsOf(formats: readonly string[], section: Section): Codec[] {
  const codecs: Codec[] = [];
  const seen = new Set<number>();
  for (const format of formats) {
    const pt = whole(format, 127);
    if (pt === null || seen.has(pt)) continue;
    seen.add(pt);
    const map = section.rtpmaps.get(pt);
    const known = map ?? STATIC[pt];
    if (known === undefined) continue;
    codecs.push({
      pt,
      name: known.name,
      clock: known.clock,
      channels: map?.channels ?? 1,
      fmtp: section.fmtps.get(pt) ?? null,
    });
  }
  return codecs;
}

function parseOrigin(value: string): Origin | null {
  const [username, sessionId, version, , , address] = value.split(' ');
  if (username === undefined || sessionId === undefined || version === undefined || address === undefined) return null;
  return { username, sessionId, version, address };
}

/** Credentials of legal length and letters, else null. RFC 8839 5.4. */
function credentials(ufrag: string | null, pwd: string | null): IceCredentials | null {
  if (ufrag === null || pwd === null) return null;
  if (!/^[A-Za-z0-9+/]{4,256}$/.test(ufrag) || !/^[A-Za-z0-9+/]{22,256}$/.test(pwd)) return null;
  return { ufrag, pwd };
}
