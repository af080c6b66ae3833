/** Next hops of URIs: addresses as they stand, names through a cache that outlives the DNS. RFC 3263 4, RFC 8767. */
import type { SipUri } from '../message/message.ts';
import type { SocketTransport, Target } from '../transaction/types.ts';
import type { Dns } from './dns.ts';
import { defaultPort, type Question, resolveServers } from './resolve-servers.ts';
import { orderServers, type Server } from './server-set.ts';

/** The targets of a URI in the order to try, told at once or later; none: it leads nowhere. */
export type Locate = (uri: SipUri, tell: (targets: readonly Target[]) => void) => void;

export interface LocatorOptions {
  dns: Dns;
  /** Transports this element speaks. */
  speaks: readonly SocketTransport[];
  /** Milliseconds of a clock that never goes back. */
  now: () => number;
  /** [0, 1). */
  random: () => number;
  /** A name could not be looked up; `stale`: what was known of it is used on. */
  onFailure(name: string, stale: boolean): void;
}

interface Entry {
  servers: readonly Server[];
  /** Asked again when used after this. */
  freshUntil: number;
  /** Not used after this. */
  staleUntil: number;
  /** Who waits for the answer that is being fetched; null: none is. */
  waiting: Array<(targets: readonly Target[]) => void> | null;
}

const MAX_NAMES = 1000;
const MIN_TTL_S = 5;
const MAX_TTL_S = 3600;
/** How long a name that has no server is not asked for again, in ms. */
const NEGATIVE_MS = 10_000;
/** How long what is known is used while the DNS does not answer, in ms. RFC 8767 5 allows days; numbers move faster. */
const STALE_MS = 3_600_000;

/** A locator with a cache of 1000 names. */
export function createLocator(options: LocatorOptions): Locate {
  const { dns, speaks, now, random } = options;
  const names = new Map<string, Entry>();

  function locate(uri: SipUri, tell: (targets: readonly Target[]) => void): void {
    const numeric = locateNumeric(uri);
    const question = numeric === null ? questionOf(uri) : null;
    if (question === null) {
      tell(numeric === null ? [] : [numeric]);
      return;
    }
    const key = `${question.secure ? 's' : ''} ${question.transport ?? ''} ${question.port ?? ''} ${question.host}`;
    const entry = names.get(key) ?? remember(key);
    const at = now();
    if (at < entry.freshUntil) {
      tell(orderServers(entry.servers, random));
      return;
    }
    if (entry.waiting === null) {
      entry.waiting = [];
      void ask(key, entry, question);
    }
    if (entry.servers.length > 0 && at < entry.staleUntil) tell(orderServers(entry.servers, random));
    else entry.waiting.push(tell);
  }

  function remember(key: string): Entry {
    if (names.size >= MAX_NAMES) {
      for (const [oldest, { waiting }] of names) {
        if (waiting !== null) continue;
        names.delete(oldest);
        break;
      }
    }
    const entry: Entry = { servers: [], freshUntil: 0, staleUntil: 0, waiting: null };
    names.set(key, entry);
    return entry;
  }

  async function ask(key: string, entry: Entry, question: Question): Promise<void> {
    try {
      const { servers, ttlS } = await resolveServers(question, dns, speaks);
      const found = servers
        .filter(({ addresses }) => addresses.length > 0)
        .map(server => (server.transport === 'tls' ? { ...server, domain: question.host } : server));
      const ttlMs = found.length === 0 ? NEGATIVE_MS : Math.min(Math.max(ttlS, MIN_TTL_S), MAX_TTL_S) * 1000;
      entry.servers = found;
      entry.freshUntil = now() + ttlMs;
      entry.staleUntil = entry.freshUntil + STALE_MS;
      if (found.length === 0) options.onFailure(question.host, false);
    } catch {
      const stale = entry.servers.length > 0 && now() < entry.staleUntil;
      if (!stale) entry.servers = [];
      entry.freshUntil = now() + NEGATIVE_MS;
      options.onFailure(question.host, stale);
    }
    const waiting = entry.waiting ?? [];
    entry.waiting = null;
    if (entry.servers.length === 0 && names.size >= MAX_NAMES) names.delete(key);
    for (const tell of waiting) tell(orderServers(entry.servers, random));
  }

  return locate;
}

/** The one target of a URI whose host is an address; null for names and other schemes. RFC 3263 4. */
export function locateNumeric(uri: SipUri): Target | null {
  const host = numericHost(uri.host);
  const transport = host === null ? null : wayOf(uri);
  if (host === null || transport === null) return null;
  return { transport, host, port: uri.port ?? defaultPort(transport) };
}

/** Transport a URI with an address asks for: its parameter, else UDP, or TLS for `sips`; null for one we do not know. */
function wayOf(uri: SipUri): SocketTransport | null {
  const secure = uri.scheme === 'sips';
  if (uri.scheme !== 'sip' && !secure) return null;
  const asked = uri.params.get('transport')?.toLowerCase() ?? (secure ? 'tls' : 'udp');
  if (secure) return asked === 'tcp' || asked === 'tls' ? 'tls' : null;
  return asked === 'udp' || asked === 'tcp' || asked === 'tls' ? asked : null;
}

function questionOf(uri: SipUri): Question | null {
  const transport = wayOf(uri);
  if (transport === null || uri.host === '') return null;
  const secure = uri.scheme === 'sips';
  return { host: uri.host, port: uri.port, transport: uri.params.has('transport') ? transport : null, secure };
}

function numericHost(host: string): string | null {
  if (host.startsWith('[')) return host.slice(1, -1);
  return /^\d{1,3}(?:\.\d{1,3}){3}$/.test(host) ? host : null;
}
