/** SDP for the daemon, made of what it has to know and nothing that a browser or a core wrote. */
import type { ImsTarget, SdesKey, WebEnd } from '../engine.ts';
import { type Family, familyOf } from '../realm.ts';
import type { Line } from './formats.ts';

/** Never written to: the browser is where its ICE checks come from. RFC 5737. */
const NOWHERE = '192.0.2.1';
/** Before a far end is known; the daemon takes an address of its family. RFC 3264 8.4. */
const ON_HOLD = { IP4: onHold('0.0.0.0'), IP6: onHold('::') };

export type Kind = 'audio' | 'video';
/** What the m-line of the IMS side says of its packets: AVPF takes feedback, SAVP is protected. RFC 3551, RFC 4585, RFC 3711, RFC 5124. */
export type Profile = `RTP/${'' | 'S'}AVP${'' | 'F'}`;
/** The daemon makes a new key of its own for another tag, and for another suite. */
const TAG = 1;

/** How the IMS side has a stream. */
export interface Transport {
  feedback: boolean;
  /** The key of its packets; null: plain RTP. */
  sdes: SdesKey | null;
}

export function profileOf({ feedback, sdes }: Transport): Profile {
  return `RTP/${sdes === null ? '' : 'S'}AVP${feedback ? 'F' : ''}`;
}

/** The far end on the IMS side as its SDP would say it; null while only its family is known. */
export function describeIms(
  kind: Kind,
  transport: Transport,
  target: ImsTarget | null,
  formats: Line,
  family: Family = 'IP4',
): string {
  const { address, port, rtcpAddress, rtcpPort } = target ?? ON_HOLD[family];
  const { sdes } = transport;
  const rtcp =
    rtcpPort === port + 1 && rtcpAddress === address ? [] : [`a=rtcp:${rtcpPort} ${connection(rtcpAddress)}`];
  return text(kind, address, [
    `m=${kind} ${port} ${profileOf(transport)} ${numbers(formats)}`,
    ...rtcp,
    ...(sdes === null ? [] : [`a=crypto:${TAG} ${sdes.suite} inline:${sdes.key}`]),
    ...maps(formats),
    'a=sendrecv',
  ]);
}

type Identity = Pick<WebEnd, 'ice' | 'fingerprint' | 'setup'>;

/** The browser, or null for one that is not known yet. It gets `passive` for its `actpass`, so it is the one to open DTLS. */
export function describeWeb(kind: Kind, remote: Identity | null, formats: Line): string {
  return text(kind, NOWHERE, [
    `m=${kind} 9 UDP/TLS/RTP/SAVPF ${numbers(formats)}`,
    'a=mid:0',
    'a=rtcp-mux',
    ...(remote === null ? [] : identity(remote)),
    `a=setup:${remote?.setup === 'passive' ? 'passive' : 'active'}`,
    ...maps(formats),
    'a=sendrecv',
  ]);
}

function onHold(address: string): ImsTarget {
  return { address, port: 9, rtcpAddress: address, rtcpPort: 10 };
}

function identity({ ice, fingerprint }: Identity): string[] {
  return [
    `a=ice-ufrag:${ice.ufrag}`,
    `a=ice-pwd:${ice.pwd}`,
    `a=fingerprint:${fingerprint.algorithm} ${fingerprint.value}`,
  ];
}

function text(kind: Kind, address: string, media: readonly string[]): string {
  const where = connection(address);
  const lines = ['v=0', `o=- 1 1 ${where}`, 's=-', `c=${where}`, 't=0 0', ...media];
  if (kind === 'audio') lines.push('a=ptime:20');
  return `${lines.join('\r\n')}\r\n`;
}

function connection(address: string): string {
  return `IN ${familyOf(address)} ${address}`;
}

function numbers(formats: Line): string {
  return formats.map(({ pt }) => pt).join(' ');
}

function maps(formats: Line): string[] {
  return formats.flatMap(({ pt, format: { name, clock, channels, fmtp } }) => [
    `a=rtpmap:${pt} ${name}/${clock}${channels === 1 ? '' : `/${channels}`}`,
    ...(fmtp === null ? [] : [`a=fmtp:${pt} ${fmtp}`]),
  ]);
}
