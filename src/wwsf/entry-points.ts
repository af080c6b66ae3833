/** Entry points of click to call: rows of the businesses, in memory and in the store. CAMARA digest 11b. */

import { isOrigin } from '../config/api-sense.ts';
import { numbersIn } from '../config/number-range.ts';
import type { Settings } from '../config/settings.ts';
import { numberOf, parseAddress } from '../ep-cscf/address.ts';
import type { Write } from '../ep-cscf/effect.ts';
import { isEmergency } from '../ep-cscf/identity.ts';
import type { Store } from '../ep-cscf/ports.ts';
import type { EntryPoint, EntryPointDraft, Opening } from '../ep-cscf/visitor-word.ts';
import type { ErrorCode } from '../errors.ts';
import type { Log } from '../runtime/log.ts';
import { LONGEST_CALL_MS } from '../waf/visitor-token.ts';
import { hoursFault, openingAt } from './opening-hours.ts';

type Refusal = { ok: false; error: ErrorCode; message?: string };
type Kept = { ok: true; entryPoint: EntryPoint } | Refusal;

/** Fits the port of the API side. */
export interface EntryPoints {
  create(clientId: string, draft: EntryPointDraft): Promise<Kept>;
  /** In the order they were made. */
  list(clientId: string): EntryPoint[];
  /** Whosever it is. */
  find(entryPointId: string): EntryPoint | null;
  replace(entryPoint: EntryPoint, draft: EntryPointDraft): Promise<Kept>;
  /** False when the store could not keep it. */
  remove(entryPoint: EntryPoint): Promise<boolean>;
  opening(entryPoint: EntryPoint, now: number): Opening;
  /** Whether pages of this origin belong to an entry point of the client; null: of any. */
  allows(origin: string, clientId: string | null): boolean;
  /** Takes up what the store holds. */
  start(): void;
}

export interface EntryPointParts {
  settings: Pick<Settings, 'clickToCall' | 'emergency'>;
  store: Store;
  log: Log;
  uuid(): string;
  now(): number;
}

export function createEntryPoints({ settings, store, log, uuid, now }: EntryPointParts): EntryPoints {
  const { clickToCall, emergency } = settings;
  const all = new Map<string, EntryPoint>();
  const leased = new Set(clickToCall.pools.flatMap(({ numbers }) => numbers.flatMap(text => numbersIn(text) ?? [])));
  /** How many entry points of a client have an origin, and until when the pages of one that none has any more may see their calls through. */
  const origins = new Map<string, Map<string, { count: number; until: number }>>();

  function count({ clientId, allowedOrigins }: EntryPoint, by: 1 | -1): void {
    const mine = origins.get(clientId) ?? new Map<string, { count: number; until: number }>();
    origins.set(clientId, mine);
    for (const [origin, { until }] of mine) if (until <= now()) mine.delete(origin);
    for (const origin of allowedOrigins) {
      const left = (mine.get(origin)?.count ?? 0) + by;
      mine.set(origin, { count: left, until: left > 0 ? Number.POSITIVE_INFINITY : now() + LONGEST_CALL_MS });
    }
  }

  function put(entryPoint: EntryPoint): void {
    const before = all.get(entryPoint.entryPointId);
    if (before !== undefined) count(before, -1);
    all.set(entryPoint.entryPointId, entryPoint);
    count(entryPoint, 1);
  }

  async function kept(write: Write): Promise<boolean> {
    try {
      await store.commit([write]);
      return true;
    } catch (error) {
      log.warn({ reason: (error as Error).message }, 'The store refused an entry point.');
      return false;
    }
  }

  async function keep(entryPoint: EntryPoint, known: boolean): Promise<Kept> {
    const { entryPointId: key } = entryPoint;
    if (!(await kept({ op: 'put', kind: 'entry-point', key, value: entryPoint })))
      return { ok: false, error: 'not-kept' };
    // Taken away in the meantime, in the store too.
    if (known && !all.has(key)) return { ok: false, error: 'not-found' };
    put(entryPoint);
    return { ok: true, entryPoint };
  }

  /** Whether it is a number of a pool: visitors would call visitors. */
  function isLeased(destination: string): boolean {
    const parsed = parseAddress(destination);
    const number = parsed === null ? null : numberOf(parsed);
    return number !== null && leased.has(number);
  }

  /** What is wrong with a draft of a client, or null. */
  function faultOf(clientId: string, draft: EntryPointDraft): Refusal | null {
    const { destination, poolId, allowedOrigins, hours } = draft;
    if (parseAddress(destination)?.type === 'anonymous') return invalid('"destination" must name somebody.');
    if (isLeased(destination)) return invalid('"destination" must be no number that visitors call from.');
    if (isEmergency(destination, emergency)) return { ok: false, error: 'emergency-refused' };
    if (!allowedOrigins.every(isOrigin))
      return invalid('"allowedOrigins" must hold web origins such as https://shop.example.');
    const hourFault = hours === undefined ? null : hoursFault(hours);
    if (hourFault !== null) return invalid(hourFault);
    const pool = clickToCall.pools.find(({ id }) => id === poolId);
    // A pool of somebody else and none at all are the same.
    return pool?.clients.includes(clientId) === true ? null : { ok: false, error: 'pool-foreign' };
  }

  const list = (clientId: string) => [...all.values()].filter(entryPoint => entryPoint.clientId === clientId);

  return {
    async create(clientId, draft) {
      const fault = faultOf(clientId, draft);
      if (fault !== null) return fault;
      if (list(clientId).length >= clickToCall.entryPointsPerClient) return { ok: false, error: 'entry-point-quota' };
      return keep({ ...draft, entryPointId: uuid(), clientId, createdAt: now() }, false);
    },
    list,
    find: entryPointId => all.get(entryPointId) ?? null,
    async replace({ entryPointId, clientId, createdAt }, draft) {
      return faultOf(clientId, draft) ?? keep({ ...draft, entryPointId, clientId, createdAt }, true);
    },
    async remove(entryPoint) {
      const { entryPointId: key } = entryPoint;
      // At once, so that no change that is under way can bring it back.
      all.delete(key);
      count(entryPoint, -1);
      if (await kept({ op: 'delete', kind: 'entry-point', key })) return true;
      put(entryPoint);
      return false;
    },
    opening: ({ hours }, at) => openingAt(hours ?? null, at),
    allows(origin, clientId) {
      const some = clientId === null ? [...origins.values()] : [origins.get(clientId)];
      return some.some(mine => (mine?.get(origin)?.until ?? 0) > now());
    },
    start() {
      for (const { value } of store.load('entry-point')) {
        const entryPoint = value as EntryPoint;
        const { entryPointId, clientId, destination } = entryPoint;
        put(entryPoint);
        // The settings have changed since it was made.
        if (isLeased(destination))
          log.error(
            { entryPointId, clientId },
            'The destination of an entry point is a number that visitors call from.',
          );
      }
    },
  };
}

function invalid(message: string): Refusal {
  return { ok: false, error: 'invalid-argument', message };
}
