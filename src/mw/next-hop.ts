/** Next hops: the first hops of the realms, by name or by a list, and names wherever else they stand. RFC 3263 4. */
import { isIP } from 'node:net';
import { parseHostPort } from '../config/host-port.ts';
import {
  createLocator,
  type Dns,
  type Locate,
  locateNumeric,
  orderServers,
  parseUri,
  type Server,
  type SipUri,
  type Target,
} from '../sip/index.ts';
import type { Transport } from './node.ts';

/** What of a realm says where its requests go. */
export interface RealmHops {
  home: string;
  /** URI of the first hop. */
  proxy: string;
  transport: Transport;
  /** Servers of the first hop in place of looking it up. */
  targets: readonly string[];
}

export interface NextHops {
  /** A home domain, and the first hop itself, lead to the servers of the first hop. */
  locate: Locate;
  /** The servers of every realm's first hop, each once. */
  firsts(tell: (targets: readonly Target[]) => void): void;
}

export interface NextHopOptions {
  realms: readonly RealmHops[];
  dns: Dns;
  /** Transports we speak. */
  speaks: readonly Transport[];
  now: () => number;
  /** [0, 1). */
  random: () => number;
  /** A name could not be looked up; `stale`: what was known of it is used on. */
  onFailure(name: string, stale: boolean): void;
}

/** One of `ims.targets`. */
interface Listed {
  uri: SipUri;
  priority: number;
  weight: number;
}

/** A host or host:port as a URI. A name without a port is looked up by the SRV records of its transport, so that is said. Throws for what the settings do not let pass. */
export function entryUriOf(entry: string, transport: Transport): string {
  const read = parseHostPort(entry);
  if (read === null) throw new Error(`The first hop "${entry}" is no host:port.`);
  const { host, port } = read;
  const says = transport === 'udp' && port !== null ? '' : `;transport=${transport}`;
  return `sip:${isIP(host) === 6 ? `[${host}]` : host}${port === null ? '' : `:${port}`}${says}`;
}

/** Reads `host:port;transport=tcp;priority=1;weight=10`, all but the host optional. Throws with one sentence. */
export function parseTarget(text: string, transport: Transport, place: number): Listed {
  const [address = '', ...params] = text.split(';');
  const uri = parseUri(`sip:${address.trim()}`);
  const fault = new Error(
    `The setting "ims.targets" must hold host:port, with transport, priority or weight behind ";", not "${text}".`,
  );
  if (uri === null || uri.user !== null) throw fault;
  const listed = { uri, priority: place, weight: 1 };
  let way: string = transport;
  for (const param of params) {
    const [name = '', value = ''] = param.split('=').map(part => part.trim());
    if (name === 'transport' && ['udp', 'tcp', 'tls'].includes(value)) way = value;
    else if ((name === 'priority' || name === 'weight') && /^\d{1,5}$/.test(value)) listed[name] = Number(value);
    else throw fault;
  }
  uri.params.set('transport', way);
  return listed;
}

/** Next hops around the first hops of realms: a home domain goes to that of its first realm. Throws with one sentence for a setting that cannot be read; a name that cannot be found is asked for again. */
export function createNextHops(options: NextHopOptions): NextHops {
  const locateName = createLocator(options);
  const lists = options.realms.map(realm => firstOf(realm, locateName, options.random));
  /** By home domain, and by host and port of the first hop. */
  const known = new Map<string, Locate>();
  for (const [i, { home, proxy }] of options.realms.entries()) {
    const uri = parseUri(proxy);
    const first = lists[i];
    if (uri === null || first === undefined) throw new Error(`The first hop ${proxy} is no SIP URI.`);
    for (const key of [home.toLowerCase(), keyOf(uri)]) if (!known.has(key)) known.set(key, first);
  }

  function locate(uri: SipUri, tell: (targets: readonly Target[]) => void): void {
    const first = known.get(uri.host) ?? known.get(keyOf(uri)) ?? locateName;
    first(uri, tell);
  }

  return {
    locate,
    firsts(tell) {
      const all = new Map<string, Target>();
      let open = options.realms.length;
      for (const { proxy } of options.realms) {
        const uri = parseUri(proxy);
        const add = (targets: readonly Target[]) => {
          for (const target of targets) all.set(shownTarget(target), target);
          open -= 1;
          if (open === 0) tell([...all.values()]);
        };
        if (uri === null) add([]);
        else locate(uri, add);
      }
    },
  };
}

/** The way to the first hop of a realm, whatever URI led there. */
function firstOf({ proxy, targets, transport }: RealmHops, locateName: Locate, random: () => number): Locate {
  const entry = parseUri(proxy);
  if (targets.length === 0) return (uri, tell) => locateName(entry ?? uri, tell);
  const listed = targets.map((text, place) => parseTarget(text, transport, place));
  const domain = entry === null || locateNumeric(entry) !== null ? {} : { domain: entry.host };
  return (_uri, tell) => {
    const servers: Server[] = [];
    let open = listed.length;
    for (const { uri, priority, weight } of listed) {
      locateName(uri, found => {
        for (const target of found) {
          // An address is believed by the name of the first hop, as the same address out of the DNS would be.
          const named = target.transport === 'tls' ? { ...domain, ...target } : target;
          servers.push({ rank: 0, priority, weight, ...named, addresses: [target.host] });
        }
        open -= 1;
        if (open === 0) tell(orderServers(servers, random));
      });
    }
  };
}

function keyOf(uri: SipUri): string {
  return `${uri.host}:${uri.port ?? ''}`;
}

/** Host, port and transport of a target, as operators and URIs write it. */
export function shownTarget({ transport, host, port }: Omit<Target, 'connection'>): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port};transport=${transport}`;
}
