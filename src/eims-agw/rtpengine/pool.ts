/** Which daemon gets a new call. Pure. */

export interface Member {
  /** `doubtful`: it owes a reply. */
  state: 'up' | 'doubtful' | 'down';
  /** Calls on it, those of other gateways too as far as known. */
  sessions: number;
  /** Calls of ours it may have at most. */
  limit: number;
  ours: number;
  /** Its share of the calls next to the others'. */
  weight: number;
}

/** Index of the daemon with the least load for its weight; or why there is none. Those of `tried` are left out. */
export function choose(members: readonly Member[], tried: ReadonlySet<number>): number | 'driver' | 'overload' {
  const alive = [...members.keys()].filter(i => !tried.has(i) && members[i]?.state !== 'down');
  const sure = alive.filter(i => members[i]?.state === 'up');
  const able = sure.length > 0 ? sure : alive;
  let best: number | null = null;
  for (const i of able) {
    const member = members[i];
    if (member === undefined || member.ours >= member.limit) continue;
    if (best === null || loadOf(member) < loadOf(members[best])) best = i;
  }
  return best ?? (able.length === 0 ? 'driver' : 'overload');
}

/** With the call in question on it. */
function loadOf(member: Member | undefined): number {
  return member === undefined ? Number.POSITIVE_INFINITY : (member.sessions + 1) / member.weight;
}
