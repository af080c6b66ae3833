/** What is read out of the daemon's replies. Its SDP is a source of facts and goes no further. */
import { type MediaDesc, parseSdp } from '../../sdp/index.ts';
import { type EngineLegStats, type EngineTotals, NO_TOTALS, type StreamPath, type WebTransport } from '../engine.ts';
import type { Line } from './formats.ts';
import { isRecord, type NgReply, type Tag } from './ng.ts';

type Body = NgReply['body'];

/** A daemon has as much as it shall have, or can: calls, load, ports. Another may have room, and so may this one soon. */
export function isFull({ reason }: NgReply): boolean {
  return /limit|out of ports/i.test(reason);
}

/** Our end of the browser leg, from the reply to an offer; null when something of it is missing. */
export function readTransport(body: Body): WebTransport | null {
  const media = mediaOf(body);
  if (!media?.ice || media.fingerprint?.algorithm !== 'sha-256' || media.address === null) return null;
  const { address, port, ice, fingerprint } = media;
  return {
    address,
    port,
    ...ice,
    fingerprint: fingerprint.value,
    iceLite: true,
    answerSetup: 'passive',
    anySsrc: true,
  };
}

/** The key of what it sends to the party that gets its SDP; null when it is none of one suite alone. */
export function readKey(body: Body): string | null {
  const [only, ...others] = mediaOf(body)?.crypto ?? [];
  return only === undefined || others.length > 0 ? null : only.key;
}

/** Address and port of the daemon's SDP: those it tells the party that gets it. */
export function readEnd(body: Body): { address: string; port: number } | null {
  const media = mediaOf(body);
  return media?.address == null || media.port === 0 ? null : { address: media.address, port: media.port };
}

/** Where a party reaches the daemon, by its own addresses, from a query. */
export function readLocalEnd(body: Body, tag: Tag): { address: string; port: number } | null {
  const [stream] = streamsOf(body, tag);
  const { 'local address': address, 'local port': port } = stream ?? {};
  return typeof address === 'string' && typeof port === 'number' && port > 0 ? { address, port } : null;
}

/** Whether the first codec of a line is in the daemon's SDP: one that it cannot code it leaves out without a word. `numbered`: under the same number. */
export function holdsCodec(body: Body, formats: Line, numbered: boolean): boolean {
  const first = formats[0];
  const codecs = mediaOf(body)?.codecs ?? [];
  return (
    first === undefined ||
    codecs.some(
      ({ pt, name, clock }) =>
        name.toLowerCase() === first.format.name.toLowerCase() &&
        clock === first.format.clock &&
        (!numbered || pt === first.pt),
    )
  );
}

/** The daemon's name for itself, from the s= line of an SDP that it wrote alone. */
export function readSoftware(body: Body): string | null {
  return /^s=(\S+)\r?$/m.exec(sdpOf(body))?.[1] ?? null;
}

/** Names with clocks of the codecs in its SDP, as `opus/48000`, in lower case. */
export function readCodecs(body: Body): Set<string> {
  return new Set((mediaOf(body)?.codecs ?? []).map(({ name, clock }) => `${name.toLowerCase()}/${clock}`));
}

/** What all who use a daemon make it carry, and how long it runs. */
export interface Load {
  sessions: number;
  streams: Record<StreamPath, number>;
  ageMs: number;
}

export const NO_STREAMS: Load['streams'] = { kernel: 0, userspace: 0, mixed: 0 };

/** From the daemon's statistics; null when it does not tell. */
export function readLoad(body: Body): Load | null {
  const statistics = childOf(body, 'statistics');
  const current = childOf(statistics, 'currentstatistics');
  const uptime = Number(childOf(statistics, 'totalstatistics')?.uptime ?? Number.NaN);
  if (typeof current?.sessionstotal !== 'number' || !(uptime >= 0)) return null;
  const streams = {
    kernel: numberOf(current.media_kernel),
    userspace: numberOf(current.media_userspace),
    mixed: numberOf(current.media_mixed),
  };
  return { sessions: current.sessionstotal, streams, ageMs: uptime * 1000 };
}

/** What the reply to a query or to the delete tells of a call. */
export interface Sight {
  /** DTLS is up with the certificate that was announced. */
  verified: boolean;
  totals: EngineTotals;
  /** RTP and RTCP packets heard so far; they stand still when a side is silent. */
  heard: Record<Tag, number>;
}

/** Null when the daemon does not know the call: it says so in a warning of an `ok`, without figures. */
export function readSight(body: Body): Sight | null {
  if (childOf(body, 'tags') === undefined) return null;
  const web = streamsOf(body, 'web');
  const ims = streamsOf(body, 'ims');
  const first = web[0];
  const suite = typeof first?.['crypto suite'] === 'string' ? first['crypto suite'] : null;
  const right = Array.isArray(first?.flags) && first.flags.includes('DTLS fingerprint verified');
  // The certificate is looked at before the keys are there.
  const verified = right && suite !== null;
  const family = childOf(first, 'endpoint')?.family === 'IPv6' ? 'udp6' : 'udp4';
  const path = verified ? `${family} ${suite}` : null;
  return {
    verified,
    totals: { ...NO_TOTALS, fromWeb: legOf(body, web[0]), fromIms: legOf(body, ims[0]), path },
    heard: { web: sum(web), ims: sum(ims) },
  };
}

type Stream = Record<string, unknown> | undefined;

/** What one side sent, and what the reports under its SSRC say of the packets it got. Of what the daemon itself has missed it tells nothing. */
function legOf(body: Body, stream: Stream): EngineLegStats {
  const stats = childOf(stream, 'stats');
  const reports = childOf(childOf(body, 'SSRC'), String(stream?.SSRC));
  const sent = { ...NO_TOTALS.fromWeb, packets: numberOf(stats?.packets), bytes: numberOf(stats?.bytes) };
  if (reports === undefined) return sent;
  const roundTrip = numberOf(childOf(reports, 'average MOS')?.['round-trip time leg']);
  return {
    ...sent,
    farLost: numberOf(reports['cumulative loss']),
    roundTripMs: roundTrip === 0 ? null : roundTrip / 1000,
  };
}

function sum(streams: ReadonlyArray<Record<string, unknown>>): number {
  return streams.reduce((total, stream) => total + numberOf(childOf(stream, 'stats')?.packets), 0);
}

/** RTP first, then RTCP. */
function streamsOf(body: Body, tag: Tag): Array<Record<string, unknown>> {
  const medias = childOf(childOf(body, 'tags'), tag)?.medias;
  const streams: unknown = Array.isArray(medias) && isRecord(medias[0]) ? medias[0].streams : null;
  return Array.isArray(streams) ? streams.filter(isRecord) : [];
}

/** There is one line in each of its calls. */
function mediaOf(body: Body): MediaDesc | null {
  const parsed = parseSdp(sdpOf(body));
  return parsed.ok ? (parsed.value.media[0] ?? null) : null;
}

function sdpOf(body: Body): string {
  return typeof body.sdp === 'string' ? body.sdp : '';
}

function childOf(of: unknown, name: string): Record<string, unknown> | undefined {
  const child = isRecord(of) ? of[name] : undefined;
  return isRecord(child) ? child : undefined;
}

function numberOf(value: unknown): number {
  return typeof value === 'number' && value >= 0 ? value : 0;
}
