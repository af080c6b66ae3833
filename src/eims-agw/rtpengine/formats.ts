/** Payload types of a route as the two m-lines that a daemon is told, and what it has to code. */
import type { PayloadFormat, PtRule, Route } from '../engine.ts';
import { sameFormat } from '../payload-format.ts';
import { isAmr } from '../speech-codec.ts';

/** Formats of one party by their numbers there, the preferred first, speech before events. */
export type Line = ReadonlyArray<{ pt: number; format: PayloadFormat; kind: PtRule['kind'] }>;

export interface Lines {
  web: Line;
  ims: Line;
  /** Codecs to be made for the browser, as the daemon writes them; empty when all pass as they are. */
  transcode: string[];
}

/** Numbers below are fixed, so the daemon gives them to both parties. RFC 3551 6. */
const DYNAMIC_FROM = 96;
/** A codec nobody has. */
const NOBODYS: PayloadFormat = { name: 'x-lineside', clock: 8000, channels: 1, fmtp: null };

/** What the daemon has to be told for these rules. */
export function linesOf({ toIms, toWeb }: Pick<Route, 'toIms' | 'toWeb'>): Lines {
  const web = line([...toWeb.map(sent), ...toIms.map(received)]);
  const ims = line([...toIms.map(sent), ...toWeb.map(received)]);
  const converts = [...toIms, ...toWeb].some(rule => rule.kind === 'speech' && !sameFormat(rule.from, rule.to));
  return converts
    ? { web, ims: withWebEvents(web, ims), transcode: [...new Set(web.map(({ format }) => specOf(format)))] }
    : { web, ims: withPlaceholders(web, ims), transcode: [] };
}

const sent = ({ out, to, kind }: PtRule) => ({ pt: out, format: to, kind });
const received = ({ in: pt, from, kind }: PtRule) => ({ pt, format: from, kind });

/** Each format once: where a party has two numbers for it, the one that it is sent. */
function line(entries: Line): Line {
  const once: Array<Line[number]> = [];
  for (const entry of entries) {
    if (!once.some(({ pt, format }) => pt === entry.pt || sameFormat(format, entry.format))) once.push(entry);
  }
  return [...once.filter(({ kind }) => kind !== 'event'), ...once.filter(({ kind }) => kind === 'event')];
}

/**
 * The daemon reads an answer by numbers as long as one of them was in the offer, and by names only when none was. A browser
 * that has some of the numbers under other names would lose those: they are offered as a codec nobody has.
 */
function withPlaceholders(web: Line, ims: Line): Line {
  const offered = new Set(ims.map(({ pt }) => pt));
  return web.some(({ pt }) => offered.has(pt)) ? reserved(web, ims) : ims;
}

function reserved(web: Line, ims: Line): Line {
  const offered = new Set(ims.map(({ pt }) => pt));
  const missing = web.filter(({ pt }) => !offered.has(pt));
  return [...ims, ...missing.map(({ pt, kind }) => ({ pt, format: NOBODYS, kind }))];
}

/**
 * The same with a transcoder between: it knows the events of the browser only under a number of the offer, unless it also
 * made up the number of the speech; then it shall make up none that the browser has for something else.
 */
function withWebEvents(web: Line, ims: Line): Line {
  if (web.every(({ pt, kind }) => kind === 'event' || pt >= DYNAMIC_FROM)) return reserved(web, ims);
  const offered = new Set(ims.map(({ pt }) => pt));
  return [...ims, ...web.filter(({ pt, kind }) => kind === 'event' && !offered.has(pt))];
}

/** `NAME/clock/channels/bitrate/ptime/parameters`; without parameters the daemon would take its own for AMR, which few networks use. */
export function specOf(format: PayloadFormat): string {
  const { name, clock, channels, fmtp } = format;
  if (isAmr(format)) return `${name}/${clock}/${channels}///${fmtp ?? 'octet-align=0'}`;
  return `${name}/${clock}${channels === 1 ? '' : `/${channels}`}`;
}
