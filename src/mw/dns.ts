/** The DNS as the SIP side asks it: the system's servers, or those of the core. RFC 3263 4. */
import { lookup, Resolver } from 'node:dns/promises';
import type { Dns } from '../sip/index.ts';

/** The hosts file tells no lifetime. */
const HOSTS_TTL_S = 60;
/** What a name without this record is answered with. */
const NOTHING = new Set(['ENODATA', 'ENOTFOUND', 'ENONAME', 'EAI_NODATA', 'EAI_NONAME']);

/** `servers` are addresses, or address:port; empty: the system's, and behind them its hosts file. `families`: those we can send to. */
export function createDns(servers: readonly string[], families: ReadonlyArray<4 | 6>): Dns {
  const resolver = new Resolver({ timeout: 2000, tries: 2 });
  if (servers.length > 0) resolver.setServers(servers);

  async function byFamily(name: string, family: 4 | 6): Promise<Array<{ address: string; ttl: number }>> {
    const asked = family === 4 ? resolver.resolve4(name, { ttl: true }) : resolver.resolve6(name, { ttl: true });
    return asked.catch(orNothing);
  }

  return {
    naptr: name => resolver.resolveNaptr(name).catch(orNothing),
    srv: name => resolver.resolveSrv(name).catch(orNothing),
    async addresses(name) {
      const answers = await Promise.allSettled(families.map(family => byFamily(name, family)));
      const found = answers.flatMap(answer => (answer.status === 'fulfilled' ? answer.value : []));
      if (found.length > 0) {
        return { addresses: found.map(({ address }) => address), ttlS: Math.min(...found.map(({ ttl }) => ttl)) };
      }
      if (servers.length > 0) {
        for (const answer of answers) if (answer.status === 'rejected') throw answer.reason;
        return { addresses: [], ttlS: 0 };
      }
      const local = await lookup(name, { all: true }).catch(orNothing);
      const fit = local.filter(({ family }) => families.some(ours => ours === family));
      return { addresses: fit.map(({ address }) => address), ttlS: HOSTS_TTL_S };
    },
  };
}

function orNothing(error: unknown): never[] {
  if (error instanceof Error && 'code' in error && NOTHING.has(String(error.code))) return [];
  throw error;
}
