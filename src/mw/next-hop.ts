/** Next hops: the entry of the core, addresses as they stand, and names looked up ahead of their use. RFC 3263 4. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { locateNumeric, parseUri, type SipUri, type Target, transportOf } from '../sip/index.ts';

export interface NextHops {
  /** Target of a URI, or null. A name not looked up yet is looked up for the next time. */
  locate(uri: SipUri): Target | null;
  /** Looks up the host of a URI (as text) so that it is known when it is used. */
  learn(uri: string): Promise<void>;
}

const MAX_NAMES = 1000;
const KEEP_MS = 300_000;

/** Reads `host:port`; the host an address (IPv6 in brackets) or a name. Throws with one sentence. */
export function parseEntry(text: string): { host: string; port: number } {
  const found = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(?::(\d{1,5}))?$/.exec(text);
  const port = Number(found?.[2] ?? 5060);
  if (found?.[1] === undefined || port < 1 || port > 65_535) {
    throw new Error(`The setting "ims.entry" must be host:port, not "${text}".`);
  }
  return { host: found[1].replace(/^\[|\]$/g, ''), port };
}

/** The entry as a URI. */
export function entryUriOf(entry: string, transport: 'udp' | 'tcp'): string {
  const { host, port } = parseEntry(entry);
  return `sip:${isIP(host) === 6 ? `[${host}]` : host}:${port}${transport === 'tcp' ? ';transport=tcp' : ''}`;
}

/** Next hops around the first hops of realms: a home domain goes to the first hop of its first realm. Rejects when a first hop cannot be found. */
export async function createNextHops(
  realms: ReadonlyArray<{ home: string; proxy: string }>,
  now: () => number,
): Promise<NextHops> {
  const names = new Map<string, { address: string; until: number }>();
  const running = new Map<string, Promise<void>>();
  const proxies = new Map<string, SipUri>();
  for (const { home, proxy } of realms) {
    const uri = parseUri(proxy);
    if (uri === null) throw new Error(`The first hop ${proxy} is no SIP URI.`);
    if (locateNumeric(uri) === null) {
      const { address } = await lookup(uri.host);
      names.set(uri.host, { address, until: now() + KEEP_MS });
    }
    if (!proxies.has(home.toLowerCase())) proxies.set(home.toLowerCase(), uri);
  }

  function resolve(name: string): Promise<void> {
    const known = running.get(name);
    if (known !== undefined) return known;
    const started = lookup(name)
      .then(found => {
        if (names.size >= MAX_NAMES) names.delete(names.keys().next().value ?? '');
        names.set(name, { address: found.address, until: now() + KEEP_MS });
      })
      // A name that cannot be found stays unknown: the request that needs it fails with no route.
      .catch(() => {})
      .finally(() => running.delete(name));
    running.set(name, started);
    return started;
  }

  function locate(uri: SipUri): Target | null {
    const proxy = proxies.get(uri.host);
    if (proxy !== undefined && proxy.host !== uri.host) return locate(proxy);
    const numeric = locateNumeric(uri);
    if (numeric !== null) return numeric;
    const way = uri.scheme === 'sip' ? transportOf(uri) : null;
    if (way === null) return null;
    const known = names.get(uri.host);
    if (known === undefined || known.until < now()) void resolve(uri.host);
    return known === undefined ? null : { transport: way, host: known.address, port: uri.port ?? 5060 };
  }

  return {
    locate,
    async learn(text) {
      const uri = parseUri(text);
      if (uri === null || uri.scheme !== 'sip' || proxies.has(uri.host) || locateNumeric(uri) !== null) return;
      if (isIP(uri.host.replace(/^\[|\]$/g, '')) === 0 && !names.has(uri.host)) await resolve(uri.host);
    },
  };
}
