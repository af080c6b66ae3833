/** An ICE-lite agent of one browser leg, pure: which sources have proved themselves, which one is used, and when the browser has gone. RFC 8445 2.5, 7.3; RFC 7675. */

const MAX_SOURCES = 5;
/** A source this silent may be left for another one whatever its priority, ms. */
const SILENT_SOURCE_MS = 2_500;
/** No check for so long is the end of consent. RFC 7675 5.1. */
const CONSENT_MS = 30_000;
const QUIET_CHECKS_MS = 10_000;
const QUIET_MEDIA_MS = 5_000;
/** After an ICE restart the old credentials are good for so long. */
const OLD_CREDENTIALS_MS = 30_000;
/** For the sources that have proved themselves, and as many for all others: who overheard a user name cannot spend the browser's own. */
const CHECKS_PER_S = 50;
/** A source that checked so lately is not given to another leg: browsers check at least every 6 s. RFC 7675 5.1. */
const HOLD_MS = 7_000;
/** Transactions remembered: minutes of a browser's checks. */
const MAX_TRANSACTIONS = 64;

/** A transport address that has shown our password. */
export interface Source {
  address: string;
  port: number;
  priority: number;
  /** Last valid check, ms. */
  checkedAt: number;
}

/** Checks that may still be looked at, and since when. */
interface Budget {
  left: number;
  at: number;
}

export interface IceAgent {
  /** Ours; the first is the newest, a second is that before a restart. */
  ufrags: string[];
  /** Set once the browser's SDP is known. */
  peerUfrag: string | null;
  sources: Source[];
  /** Where we send; null until the first nomination. */
  selected: Source | null;
  /** When the browser's SDP came or the last valid check, the later; ms. */
  aliveAt: number;
  /** Null until the browser's SDP is known. */
  startedAt: number | null;
  /** Last authenticated media packet, ms. */
  mediaAt: number;
  oldUntil: number;
  known: Budget;
  strangers: Budget;
  /** Transaction ids of the last valid checks, each with its source; oldest first. */
  transactions: Map<string, string>;
}

export function iceAgent(now: number): IceAgent {
  return {
    ufrags: [],
    peerUfrag: null,
    sources: [],
    selected: null,
    aliveAt: now,
    startedAt: null,
    mediaAt: now,
    oldUntil: 0,
    known: { left: CHECKS_PER_S, at: now },
    strangers: { left: CHECKS_PER_S, at: now },
    transactions: new Map(),
  };
}

/** The browser's SDP is known: from now on silence counts. */
export function startIce(agent: IceAgent, peerUfrag: string, now: number): void {
  agent.peerUfrag = peerUfrag;
  agent.startedAt = now;
  agent.aliveAt = now;
}

/** New credentials after a re-offer with new ones; the old stay good until the new ones are nominated. RFC 8445 9. */
export function restartIce(agent: IceAgent, ufrag: string, peerUfrag: string, now: number): string[] {
  const dropped = agent.ufrags.slice(1);
  agent.ufrags = [ufrag, agent.ufrags[0] ?? ufrag];
  agent.peerUfrag = peerUfrag;
  agent.oldUntil = now + OLD_CREDENTIALS_MS;
  agent.aliveAt = now;
  return dropped;
}

/** Whether the names in a check are those of this leg, and there is budget left for its signature. */
export function expects(agent: IceAgent, check: Names, now: number): boolean {
  const { ufrag, peerUfrag, address, port } = check;
  // Before a restart is over the browser's former name may still be used with our former one.
  if (agent.peerUfrag !== null && ufrag === agent.ufrags[0] && peerUfrag !== agent.peerUfrag) return false;
  const known = agent.sources.some(s => s.port === port && s.address === address);
  const budget = known ? agent.known : agent.strangers;
  const left = Math.min(CHECKS_PER_S, budget.left + ((now - budget.at) * CHECKS_PER_S) / 1000);
  budget.at = now;
  budget.left = left < 1 ? left : left - 1;
  return left >= 1;
}

/**
 * Whether a check whose integrity was right is the first of its transaction, sent again by its source because our
 * answer was lost, or played back from elsewhere by somebody who overheard it: the signature does not cover the source.
 */
export function freshness(agent: IceAgent, check: Check): 'new' | 'again' | 'replay' {
  const source = agent.transactions.get(check.transaction);
  if (source === undefined) return 'new';
  return source === `${check.address} ${check.port}` ? 'again' : 'replay';
}

/** Whether a source of this leg checked lately: it is not free for another leg. */
export function holdsSource(agent: IceAgent, address: string, port: number, now: number): boolean {
  return agent.sources.some(s => s.port === port && s.address === address && now - s.checkedAt < HOLD_MS);
}

/** Who sends a check to whom. */
export interface Names {
  ufrag: string;
  peerUfrag: string;
  address: string;
  port: number;
}

export interface Check {
  ufrag: string;
  /** Transaction id. */
  transaction: string;
  address: string;
  port: number;
  priority: number;
  useCandidate: boolean;
}

export interface CheckResult {
  /** A source that is new to the leg. */
  added: Source | null;
  /** A source that had to make room. */
  removed: Source | null;
  /** The leg's first nomination. */
  nominated: boolean;
  /** Ufrags that are no longer good. */
  dropped: string[];
}

/** A check whose integrity was right and whose transaction is new. */
export function onCheck(agent: IceAgent, check: Check, now: number): CheckResult {
  const result: CheckResult = { added: null, removed: null, nominated: false, dropped: [] };
  agent.aliveAt = now;
  remember(agent, check);
  let source = agent.sources.find(s => s.port === check.port && s.address === check.address);
  if (source === undefined) {
    source = { address: check.address, port: check.port, priority: check.priority, checkedAt: now };
    if (agent.sources.length >= MAX_SOURCES) result.removed = leastUsed(agent);
    agent.sources.push(source);
    result.added = source;
  }
  if (check.useCandidate && mayTake(agent, source, check.priority, now)) {
    result.nominated = agent.selected === null;
    agent.selected = source;
  }
  source.priority = check.priority;
  source.checkedAt = now;
  if (check.useCandidate && check.ufrag === agent.ufrags[0]) {
    result.dropped = agent.ufrags.slice(1);
    agent.ufrags.length = 1;
  }
  return result;
}

/** Another leg has proved itself from this source; the browser behind it is no longer ours. */
export function loseSource(agent: IceAgent, address: string, port: number): void {
  agent.sources = agent.sources.filter(s => s.port !== port || s.address !== address);
  const { selected } = agent;
  if (selected !== null && selected.port === port && selected.address === address) agent.selected = null;
}

/** Asked once a second. `quiet` is a browser that may be gone, `failed` one whose consent is over; ms. */
export function consent(agent: IceAgent, now: number): 'fresh' | 'quiet' | 'failed' {
  if (agent.startedAt === null) return 'fresh';
  if (now - agent.aliveAt >= CONSENT_MS) return 'failed';
  return now - agent.aliveAt >= QUIET_CHECKS_MS && now - agent.mediaAt >= QUIET_MEDIA_MS ? 'quiet' : 'fresh';
}

/** Ufrags whose time after a restart is over. */
export function expireOld(agent: IceAgent, now: number): string[] {
  if (agent.ufrags.length < 2 || now < agent.oldUntil) return [];
  return agent.ufrags.splice(1);
}

function remember(agent: IceAgent, { transaction, address, port }: Check): void {
  const { transactions } = agent;
  transactions.set(transaction, `${address} ${port}`);
  if (transactions.size <= MAX_TRANSACTIONS) return;
  const [oldest = ''] = transactions.keys();
  transactions.delete(oldest);
}

/** Aggressive peers nominate with every check: only a better source, or one instead of a silent one, is taken. RFC 8445 7.3.1.5. */
function mayTake(agent: IceAgent, source: Source, priority: number, now: number): boolean {
  const { selected } = agent;
  if (selected === null || selected === source) return true;
  return priority >= selected.priority || now - selected.checkedAt >= SILENT_SOURCE_MS;
}

function leastUsed(agent: IceAgent): Source | null {
  let oldest = -1;
  agent.sources.forEach((s, i) => {
    if (s !== agent.selected && (oldest < 0 || s.checkedAt < (agent.sources[oldest]?.checkedAt ?? 0))) oldest = i;
  });
  return agent.sources.splice(oldest, 1)[0] ?? null;
}
