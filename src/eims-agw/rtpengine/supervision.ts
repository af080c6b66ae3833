/** Whether both sides of a call are heard, from the daemon's counts of packets. Pure. */
import { type EngineTotals, NO_TOTALS, type Route, type SilentSide } from '../engine.ts';
import type { Tag } from './ng.ts';
import type { Sight } from './reply.ts';

/** Nothing of a browser for so long: it is gone. It sends speech all the time, and reports every 5 s at most. */
const WEB_SILENT_MS = 20_000;
/** After this long without a packet from one side a connected call is one-way. */
const ONE_WAY_MS = 20_000;
/** A browser connects within a second, so first it is looked often. */
const FIRST_LOOKS_MS = [50, 100, 150, 200, 300, 500];
const CONNECTING_MS = 1_000;
const CONNECTED_MS = 10_000;

export interface Supervision {
  web: { state: 'new' | 'up' | 'down'; since: number; heard: number };
  ims: { since: number; heard: number; told: boolean };
  /** Since when silence of the IMS side counts, or null. */
  supervisedAt: number | null;
  looks: number;
  totals: EngineTotals;
  oneWay: SilentSide | null;
}

export type Finding = 'up' | 'down' | 'ims-silent' | SilentSide;

export function supervision(): Supervision {
  return {
    web: { state: 'new', since: 0, heard: 0 },
    ims: { since: 0, heard: 0, told: false },
    supervisedAt: null,
    looks: 0,
    totals: NO_TOTALS,
    oneWay: null,
  };
}

/** A new route says whether silence counts from now on. */
export function supervise(watch: Supervision, { supervise }: Pick<Route, 'supervise'>, now: number): void {
  if (!supervise) watch.supervisedAt = null;
  else if (watch.supervisedAt === null) {
    watch.supervisedAt = now;
    watch.ims.since = now;
    watch.ims.told = false;
  }
}

/** What is new since the last look. Times are of our clock: the daemon's may be another. */
export function findings(watch: Supervision, sight: Sight, now: number, imsSilentMs: number): Finding[] {
  const found: Finding[] = [];
  watch.totals = sight.totals;
  const { web, ims } = watch;
  if (heardMore(web, sight.heard.web)) web.since = now;
  if (heardMore(ims, sight.heard.ims)) ims.since = now;
  if (web.state !== 'up' && sight.verified && (web.state === 'new' || web.since === now)) {
    watch.web = { state: 'up', since: now, heard: web.heard };
    found.push('up');
  } else if (web.state === 'up' && now - web.since >= WEB_SILENT_MS) {
    web.state = 'down';
    found.push('down');
  }
  if (watch.supervisedAt === null) return found;
  if (!ims.told && now - ims.since >= imsSilentMs) {
    ims.told = true;
    found.push('ims-silent');
  }
  const side = oneWaySide(sight.heard);
  if (watch.web.state === 'up' && watch.oneWay === null && side !== null && now - watch.supervisedAt >= ONE_WAY_MS) {
    watch.oneWay = side;
    found.push(side);
  }
  return found;
}

/** All that the looks have found of a call. */
export function carried({ totals, oneWay }: Supervision): EngineTotals {
  return { ...totals, oneWay };
}

/** ms until the next look: often while a browser connects, then seldom. */
export function whenToLook(watch: Supervision, imsSilentMs: number): number {
  if (watch.web.state === 'up') return Math.min(CONNECTED_MS, imsSilentMs / 4);
  const ms = FIRST_LOOKS_MS[watch.looks] ?? CONNECTING_MS;
  watch.looks += 1;
  return ms;
}

function heardMore(side: { heard: number }, heard: number): boolean {
  const more = heard > side.heard;
  side.heard = heard;
  return more;
}

function oneWaySide(heard: Record<Tag, number>): SilentSide | null {
  if (heard.web > 0) return heard.ims > 0 ? null : 'ims';
  return heard.ims > 0 ? 'web' : 'both';
}
