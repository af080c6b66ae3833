/** From a name to its servers: NAPTR, SRV, addresses. RFC 3263 4. */
import type { SocketTransport as Transport } from '../transaction/types.ts';
import type { Dns, NaptrRecord } from './dns.ts';
import type { Server } from './server-set.ts';

/** What a URI says of its servers. */
export interface Question {
  /** A name, lower case. */
  host: string;
  port: number | null;
  /** Asked for by the URI, or null. */
  transport: Transport | null;
  /** A `sips` URI: TLS alone will do. */
  secure: boolean;
}

export interface Found {
  servers: Server[];
  /** How long it may be kept, in seconds. */
  ttlS: number;
}

/** The runtime tells no lifetime of NAPTR and SRV records. */
const RECORD_TTL_S = 60;
const MAX_RECORDS = 16;
const MAX_ADDRESSES = 8;

const SERVICES: Readonly<Record<string, Transport>> = { 'SIP+D2U': 'udp', 'SIP+D2T': 'tcp', 'SIPS+D2T': 'tls' };
const SRV_PREFIX: Readonly<Record<Transport, string>> = { udp: '_sip._udp.', tcp: '_sip._tcp.', tls: '_sips._tcp.' };

export function defaultPort(transport: Transport): number {
  return transport === 'tls' ? 5061 : 5060;
}

/** The servers of a name, with no address when it has none. `speaks` are the transports of this element. Rejects when the DNS could not be asked. */
export async function resolveServers(question: Question, dns: Dns, speaks: readonly Transport[]): Promise<Found> {
  const { host, port, secure } = question;
  const usable = secure ? speaks.filter(transport => transport === 'tls') : speaks;
  const transport = question.transport ?? (secure ? 'tls' : null);
  if (port !== null) return byAddress(host, transport ?? 'udp', port, dns);
  if (transport !== null) {
    const found = await bySrv([{ name: SRV_PREFIX[transport] + host, transport }], dns);
    return found ?? byAddress(host, transport, defaultPort(transport), dns);
  }
  const naptr = services(await dns.naptr(host), usable);
  const names = naptr.length > 0 ? naptr : usable.map(way => ({ name: SRV_PREFIX[way] + host, transport: way }));
  return (await bySrv(names, dns)) ?? byAddress(host, 'udp', defaultPort('udp'), dns);
}

/** The SRV names of the NAPTR records we can follow, best first. RFC 3263 4.1. */
function services(
  records: readonly NaptrRecord[],
  usable: readonly Transport[],
): Array<{ name: string; transport: Transport }> {
  const result: Array<{ name: string; transport: Transport }> = [];
  const sorted = [...records].sort((a, b) => a.order - b.order || a.preference - b.preference);
  for (const { flags, service, replacement } of sorted) {
    const transport = SERVICES[service.toUpperCase()];
    if (flags.toLowerCase() !== 's' || replacement === '' || transport === undefined) continue;
    if (usable.includes(transport)) result.push({ name: replacement.toLowerCase(), transport });
  }
  return result.slice(0, MAX_RECORDS);
}

/** The servers of these SRV names, or null when none of them has a record. One name that fails leaves the others. RFC 3263 4.2. */
async function bySrv(names: ReadonlyArray<{ name: string; transport: Transport }>, dns: Dns): Promise<Found | null> {
  const answers = await Promise.allSettled(names.map(({ name }) => dns.srv(name)));
  const failed = answers.find(answer => answer.status === 'rejected');
  const records = answers.flatMap((answer, rank) => {
    const transport = names[rank]?.transport;
    if (answer.status === 'rejected' || transport === undefined) return [];
    return answer.value.slice(0, MAX_RECORDS).map(record => ({ ...record, rank, transport }));
  });
  if (records.length === 0) {
    if (failed?.status === 'rejected') throw failed.reason;
    return null;
  }
  const offered = records.filter(({ name }) => name !== '' && name !== '.').slice(0, MAX_RECORDS);
  const hosts = [...new Set(offered.map(({ name }) => name.toLowerCase()))];
  const looked = await Promise.allSettled(hosts.map(name => dns.addresses(name)));
  let ttlS = RECORD_TTL_S;
  const known = new Map<string, readonly string[]>();
  looked.forEach((answer, at) => {
    if (answer.status === 'rejected') return;
    ttlS = Math.min(ttlS, answer.value.ttlS);
    known.set(hosts[at] ?? '', answer.value.addresses.slice(0, MAX_ADDRESSES));
  });
  const lost = looked.find(answer => answer.status === 'rejected');
  if (known.size === 0 && lost?.status === 'rejected') throw lost.reason;
  const servers = offered.map(({ rank, priority, weight, transport, port, name }) => {
    return { rank, priority, weight, transport, port, addresses: known.get(name.toLowerCase()) ?? [] };
  });
  return { servers, ttlS };
}

async function byAddress(host: string, transport: Transport, port: number, dns: Dns): Promise<Found> {
  const { addresses, ttlS } = await dns.addresses(host);
  const server = { rank: 0, priority: 0, weight: 0, transport, port, addresses: addresses.slice(0, MAX_ADDRESSES) };
  return { servers: [server], ttlS };
}
