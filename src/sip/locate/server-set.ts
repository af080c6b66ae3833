/** The servers of one name, and the order to try them in: priorities ascending, weights at random within one. RFC 2782, RFC 3263 4.2. */
import type { Endpoint, Target } from '../transaction/types.ts';

/** One server: a transport, a port and its addresses. */
export interface Server {
  /** Lower is tried first, whatever the priority: the place of its NAPTR record. */
  rank: number;
  priority: number;
  weight: number;
  transport: Endpoint['transport'];
  port: number;
  addresses: readonly string[];
  /** TLS: the name that was asked for. */
  domain?: string;
}

/** Targets kept of one name; what the DNS has beyond them is not tried. */
const MAX_TARGETS = 32;

/** The targets of these servers in the order to try. `random` gives [0, 1). */
export function orderServers(servers: readonly Server[], random: () => number): Target[] {
  const left = [...servers].sort((a, b) => a.rank - b.rank || a.priority - b.priority);
  const targets: Target[] = [];
  for (let first = left[0]; first !== undefined; first = left[0]) {
    const { rank, priority } = first;
    let size = 1;
    while (left[size]?.rank === rank && left[size]?.priority === priority) size += 1;
    draw(left.splice(0, size), random, targets);
  }
  return targets.slice(0, MAX_TARGETS);
}

/** Draws the servers of one priority in turn, each with the chance of its weight; those of weight 0 have a very small one. RFC 2782. */
function draw(group: Server[], random: () => number, targets: Target[]): void {
  group.sort((a, b) => (a.weight === 0 ? 0 : 1) - (b.weight === 0 ? 0 : 1));
  while (group.length > 0) {
    const total = group.reduce((sum, server) => sum + server.weight, 0);
    const drawn = Math.floor(random() * (total + 1));
    let sum = 0;
    const at = group.findIndex(server => {
      sum += server.weight;
      return sum >= drawn;
    });
    const [server] = group.splice(Math.max(at, 0), 1);
    for (const host of server?.addresses ?? []) {
      if (server === undefined) continue;
      const { transport, port, domain } = server;
      targets.push(domain === undefined ? { transport, host, port } : { transport, host, port, domain });
    }
  }
}
