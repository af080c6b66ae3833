/** Capability negotiation, as far as it offers RTP/AVPF. RFC 5939. */
import { SDP_LIMITS } from './lines.ts';
import { whole } from './number.ts';
import type { Section } from './section.ts';

const AVPF = 'RTP/AVPF';

/** Transports of one line are numbered from its first number on. RFC 5939 3.4.1. */
export function readTransports(section: Section, rest: string): void {
  const [first, ...protos] = rest.split(' ');
  const number = whole(first ?? '', 1_000_000);
  const at = protos.indexOf(AVPF);
  if (number !== null && at >= 0) section.avpfCapability ??= number + at;
}

/** A potential configuration. RFC 5939 3.5.1. */
export function readConfig(section: Section, rest: string): void {
  const [first, ...parts] = rest.split(' ');
  const number = whole(first ?? '', 1_000_000);
  const [only] = parts;
  if (number === null || parts.length !== 1 || only === undefined || !only.startsWith('t=')) return;
  const transports = only
    .slice(2)
    .split('|')
    .map(text => whole(text, 1_000_000) ?? -1);
  if (section.configs.length < SDP_LIMITS.formats) section.configs.push({ number, transports });
}

/** The configuration that makes the line RTP/AVPF. */
export function avpfConfig({ avpfCapability, configs }: Section): number | null {
  if (avpfCapability === null) return null;
  return configs.find(config => config.transports.includes(avpfCapability))?.number ?? null;
}
