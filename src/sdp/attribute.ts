/** Reads SDP attributes into what one level (session or m-line) says; what is malformed counts as not said. */
import { isIP } from 'node:net';
import { readConfig, readTransports } from './capability.ts';
import { readCrypto } from './crypto.ts';
import { SDP_LIMITS, type SdpLine } from './lines.ts';
import { whole } from './number.ts';
import type { Level, Section } from './section.ts';
import type { Bandwidth, Fingerprint, MediaDesc } from './session.ts';

const HASH_BYTES: Readonly<Record<string, number>> = { 'sha-256': 32, 'sha-384': 48, 'sha-512': 64 };

export function readLevel(level: Level, line: SdpLine): void {
  if (line.type === 'c') level.address = connectionAddress(line.value);
  else if (line.type === 'b') readBandwidth(level.bandwidth, line.value);
  else if (line.type === 'a') readCommon(level, line.value);
}

function readCommon(level: Level, value: string): void {
  const colon = value.indexOf(':');
  const name = colon < 0 ? value : value.slice(0, colon);
  const rest = colon < 0 ? '' : value.slice(colon + 1).trim();
  switch (name) {
    case 'sendrecv':
    case 'sendonly':
    case 'recvonly':
    case 'inactive':
      level.direction = name;
      break;
    case 'ice-ufrag':
      level.ufrag = rest;
      break;
    case 'ice-pwd':
      level.pwd = rest;
      break;
    case 'ice-lite':
      level.iceLite = true;
      break;
    case 'fingerprint':
      level.fingerprint = betterFingerprint(level.fingerprint, parseFingerprint(rest));
      break;
    case 'setup':
      if (rest === 'active' || rest === 'passive' || rest === 'actpass' || rest === 'holdconn') level.setup = rest;
      break;
    case 'group': {
      const [semantics, ...mids] = rest.split(' ');
      if (semantics !== undefined && level.groups.length < SDP_LIMITS.media) level.groups.push({ semantics, mids });
      break;
    }
    default:
  }
}

export function readAttribute(section: Section, value: string): void {
  const colon = value.indexOf(':');
  const name = colon < 0 ? value : value.slice(0, colon);
  const rest = colon < 0 ? '' : value.slice(colon + 1).trim();
  switch (name) {
    case 'mid':
      section.mid = /^[!-~]{1,64}$/.test(rest) ? rest : null;
      break;
    case 'bundle-only':
      section.bundleOnly = true;
      break;
    case 'rtcp-mux':
      section.rtcpMux = true;
      break;
    case 'rtcp':
      section.rtcp = parseRtcp(rest);
      break;
    case 'ptime':
      section.ptime = whole(rest, 1_000);
      break;
    case 'maxptime':
      section.maxptime = whole(rest, 10_000);
      break;
    case 'crypto':
      readCrypto(section.crypto, rest);
      break;
    case 'rtpmap':
      readRtpmap(section, rest);
      break;
    case 'fmtp':
      readFmtp(section, rest);
      break;
    case 'ssrc':
    case 'ssrc-group':
      readSsrc(section, name, rest);
      break;
    case 'extmap':
      readExtension(section, rest);
      break;
    case 'rtcp-fb': {
      const [, ...what] = rest.split(' ').filter(part => part !== '');
      if (section.feedback.size < SDP_LIMITS.formats) section.feedback.add(what.join(' '));
      break;
    }
    case 'tcap':
      readTransports(section, rest);
      break;
    case 'pcfg':
      readConfig(section, rest);
      break;
    case 'candidate':
      section.candidateCount += 1;
      if (section.candidateCount <= SDP_LIMITS.candidates && isUsableCandidate(rest)) section.candidates.push(rest);
      break;
    default:
  }
}

function readRtpmap(section: Section, rest: string): void {
  const space = rest.indexOf(' ');
  const pt = whole(rest.slice(0, space), 127);
  if (space < 0 || pt === null || section.rtpmaps.size >= 128) return;
  const [name, clock, channels] = rest
    .slice(space + 1)
    .trim()
    .split('/');
  const hertz = whole(clock ?? '', 1_000_000);
  if (name === undefined || name === '' || name.length > 64 || hertz === null || hertz === 0) return;
  section.rtpmaps.set(pt, { name, clock: hertz, channels: whole(channels ?? '', 255) ?? 1 });
}

function readFmtp(section: Section, rest: string): void {
  const space = rest.indexOf(' ');
  const pt = whole(rest.slice(0, space), 127);
  if (space > 0 && pt !== null) section.fmtps.set(pt, rest.slice(space + 1).trim());
}

function readSsrc(section: Section, name: string, rest: string): void {
  if (name === 'ssrc-group') {
    const [semantics, first] = rest.split(' ');
    if (semantics === 'FID' && section.fid === null) section.fid = whole(first ?? '', 0xffff_ffff);
    return;
  }
  const space = rest.indexOf(' ');
  const ssrc = whole(space < 0 ? rest : rest.slice(0, space), 0xffff_ffff);
  if (ssrc !== null && section.ssrcs.size <= SDP_LIMITS.ssrcs) section.ssrcs.add(ssrc);
}

function readExtension(section: Section, rest: string): void {
  const [first, uri] = rest.split(' ');
  // Behind the id may be a direction of its own.
  const id = whole(first?.split('/')[0] ?? '', 255);
  if (id !== null && id > 0 && uri !== undefined && section.extensions.length < SDP_LIMITS.formats)
    section.extensions.push({ id, uri });
}

function connectionAddress(value: string): string | null {
  const [net, , address] = value.split(' ');
  if (net !== 'IN' || address === undefined) return null;
  const slash = address.indexOf('/');
  return slash < 0 ? address : address.slice(0, slash);
}

function readBandwidth(bandwidth: Bandwidth, value: string): void {
  const colon = value.indexOf(':');
  const amount = whole(value.slice(colon + 1), 1_000_000_000);
  if (colon < 0 || amount === null) return;
  const kind = value.slice(0, colon);
  if (kind === 'AS') bandwidth.as = amount;
  else if (kind === 'RS') bandwidth.rs = amount;
  else if (kind === 'RR') bandwidth.rr = amount;
}

function parseRtcp(rest: string): MediaDesc['rtcp'] {
  const [port, , , address] = rest.split(' ');
  const number = whole(port ?? '', 65_535);
  return number === null || number === 0 ? null : { port: number, address: address ?? null };
}

/** SHA-2 only; weaker hashes count as no fingerprint. RFC 8122 5. */
function parseFingerprint(rest: string): Fingerprint | null {
  const space = rest.indexOf(' ');
  const algorithm = rest.slice(0, space).toLowerCase();
  if (space < 0 || (algorithm !== 'sha-256' && algorithm !== 'sha-384' && algorithm !== 'sha-512')) return null;
  const value = rest
    .slice(space + 1)
    .trim()
    .toUpperCase();
  const bytes = HASH_BYTES[algorithm] ?? 0;
  if (value.length !== bytes * 3 - 1 || !/^[0-9A-F]{2}(:[0-9A-F]{2})*$/.test(value)) return null;
  return { algorithm, value };
}

function betterFingerprint(held: Fingerprint | null, next: Fingerprint | null): Fingerprint | null {
  if (next === null || held?.algorithm === 'sha-256') return held;
  return held === null || next.algorithm === 'sha-256' ? next : held;
}

/** UDP and a numeric address: names would cost a resolver each, and mDNS names tell us nothing. */
function isUsableCandidate(value: string): boolean {
  const [foundation, component, transport, priority, address, port, typ, kind] = value.split(' ');
  if (foundation === undefined || !/^[A-Za-z0-9+/]{1,32}$/.test(foundation)) return false;
  if (typ !== 'typ' || kind === undefined || !/^(host|srflx|prflx|relay)$/.test(kind)) return false;
  if (component !== '1' || transport?.toLowerCase() !== 'udp') return false;
  if (whole(priority ?? '', 0xffff_ffff) === null || isIP(address ?? '') === 0) return false;
  const number = whole(port ?? '', 65_535);
  return number !== null && number > 0 && /^[ -~]*$/.test(value);
}
