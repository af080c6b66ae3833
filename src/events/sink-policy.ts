/** Which https sinks may be called: guards against requests forged into private networks. CAMARA digest 8.6. */
import { lookup } from 'node:dns/promises';
import ipaddr from 'ipaddr.js';

/** All addresses of a name. Rejects when it has none. */
export type Resolve = (name: string) => Promise<string[]>;

export interface SinkPolicy {
  /** One sentence when the URL itself is forbidden (its form, its port, its host as far as it stands there), else null. */
  checkUrl(sink: string): string | null;
  /** `checkUrl`, and for a name whether it has now only forbidden addresses. A name that cannot be resolved is taken. */
  check(sink: string): Promise<string | null>;
  /** The addresses of a host name that may be called. Rejects when the name has none at all. */
  addressesOf(name: string): Promise<string[]>;
}

type Address = ipaddr.IPv4 | ipaddr.IPv6;

const DEFAULT_PORT = 443;
const RESOLVE_MS = 2000;
/** Printable ASCII without space and backslash: what else a URL parser would repair. */
const PLAIN = /^[\x21-\x5b\x5d-\x7e]+$/;
const PRIVATE_SUFFIX = /\.(localhost|local|internal|intranet|lan|home|corp|home\.arpa|onion)$/;
const GLOBAL_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * Makes the policy. `allow` holds CIDR prefixes, addresses and host names that are good although private; `ports` numbers and ranges.
 * Throws Error with one sentence when one of them cannot be read.
 */
export function createSinkPolicy(
  settings: { allow: readonly string[]; ports: readonly string[] },
  resolve: Resolve = resolveName,
): SinkPolicy {
  const allow = readAllow(settings.allow);
  const ports = settings.ports.map(readPorts);

  const goodAddress = (text: string): boolean => {
    if (!ipaddr.isValid(text)) return false;
    const address = ipaddr.parse(text);
    return isPublic(address) || allow.prefixes.some(prefix => inside(address, prefix));
  };

  function checkUrl(sink: string): string | null {
    if (!sink.startsWith('https://') || !PLAIN.test(sink) || sink.length > 1024)
      return 'The sink must be an https URL.';
    const authority = sink.slice('https://'.length).split(/[/?#]/, 1)[0] ?? '';
    if (authority.includes('@')) return 'The sink must not hold user information.';
    if (sink.includes('#')) return 'The sink must not hold a fragment.';
    if (!URL.canParse(sink)) return 'The sink must be an https URL.';
    const url = new URL(sink);
    const port = url.port === '' ? DEFAULT_PORT : Number(url.port);
    if (!ports.some(([from, to]) => port >= from && port <= to)) return `The port ${port} of the sink is not allowed.`;
    const host = hostOf(url);
    if (allow.hosts.has(host)) return null;
    if (ipaddr.isValid(host)) return goodAddress(host) ? null : 'The address of the sink is not allowed.';
    if (host === 'localhost' || !host.includes('.') || PRIVATE_SUFFIX.test(host)) {
      return 'The host name of the sink is not allowed.';
    }
    return null;
  }

  async function addressesOf(name: string): Promise<string[]> {
    const found = await resolve(name);
    return allow.hosts.has(name.toLowerCase()) ? found : found.filter(goodAddress);
  }

  return {
    checkUrl,
    addressesOf,
    async check(sink) {
      const fault = checkUrl(sink);
      if (fault !== null) return fault;
      const host = hostOf(new URL(sink));
      if (ipaddr.isValid(host) || allow.hosts.has(host)) return null;
      const found = await within(RESOLVE_MS, addressesOf(host));
      return found !== null && found.length === 0 ? 'The host name of the sink has no allowed address.' : null;
    },
  };
}

/** Host of a URL as a name or an address: no brackets, no closing dot. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
}

/** True for addresses anybody may reach; translated and mapped IPv4 counts as private, for it hides its target. */
function isPublic(address: Address): boolean {
  if (address.range() !== 'unicast') return false;
  return address.kind() === 'ipv4' || address.match(GLOBAL_IPV6);
}

/** True when the address, or the IPv4 address mapped into it, is in the prefix. */
function inside(address: Address, [prefix, bits]: [Address, number]): boolean {
  const plain = address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() ? address.toIPv4Address() : address;
  return plain.kind() === prefix.kind() && plain.match(prefix, bits);
}

function readAllow(entries: readonly string[]): { hosts: Set<string>; prefixes: Array<[Address, number]> } {
  const hosts = new Set<string>();
  const prefixes: Array<[Address, number]> = [];
  for (const entry of entries) {
    if (ipaddr.isValidCIDR(entry)) prefixes.push(ipaddr.parseCIDR(entry));
    else if (ipaddr.isValid(entry)) {
      const address = ipaddr.parse(entry);
      prefixes.push([address, address.kind() === 'ipv4' ? 32 : 128]);
    } else if (/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(entry)) hosts.add(entry.toLowerCase());
    else throw new Error(`The allowed sink "${entry}" is neither a host name nor an address prefix.`);
  }
  return { hosts, prefixes };
}

function readPorts(entry: string): [from: number, to: number] {
  const found = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(entry);
  const from = Number(found?.[1]);
  const to = Number(found?.[2] ?? found?.[1]);
  if (!(from >= 1 && from <= to && to <= 65_535))
    throw new Error(`The sink ports "${entry}" are no port and no range.`);
  return [from, to];
}

const lookups = new Map<string, Promise<string[]>>();

/** Look-ups hold one of few threads, so a name that takes long holds one only, however many events wait for it. */
function resolveName(name: string): Promise<string[]> {
  let found = lookups.get(name);
  if (found === undefined) {
    found = lookup(name, { all: true })
      .then(all => all.map(each => each.address))
      .finally(() => lookups.delete(name));
    lookups.set(name, found);
  }
  return found;
}

/** The result, or null when it failed or did not come in time. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>(resolve => {
    timer = setTimeout(() => resolve(null), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}
