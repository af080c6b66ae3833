/** Opening hours: whether it is open at a moment, and when it opens next, in the time zone of the business. */
import type { Opening, OpeningHours, Weekday } from '../ep-cscf/visitor-word.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const DAY_MINUTES = 1440;
const DAY_MS = DAY_MINUTES * MINUTE_MS;
/** A window that a clock change swallows one week is there the next. */
const DAYS_AHEAD = 15;

const WEEKDAYS: readonly Weekday[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** A sentence that says what is wrong with the hours, or null. */
export function hoursFault({ timeZone, open }: OpeningHours): string | null {
  if (formatterOf(timeZone) === null) return 'The value of "hours.timeZone" is no time zone.';
  const early = open.findIndex(({ from, to }) => minutesOf(from) >= minutesOf(to));
  return early === -1 ? null : `"hours.open.${early}.to" is not later than its "from".`;
}

/** `now` in ms since the epoch; null hours are always. */
export function openingAt(hours: OpeningHours | null, now: number): Opening {
  const format = hours === null ? null : formatterOf(hours.timeZone);
  if (hours === null || format === null) return { open: true };
  if (isOpen(hours, format, now)) return { open: true };
  const today = dayOf(format, now);
  for (let day = today; day <= today + DAYS_AHEAD; day += 1) {
    const opensAt = beginnings(format, day, windowsOn(hours, day))
      .filter(instant => instant > now && dayOf(format, instant) === day && isOpen(hours, format, instant))
      .reduce((first, instant) => Math.min(first, instant), Number.POSITIVE_INFINITY);
    if (Number.isFinite(opensAt)) return { open: false, opensAt };
  }
  return { open: false, opensAt: null };
}

/** Whether the clock on the wall shows a time within a window. */
function isOpen(hours: OpeningHours, format: Intl.DateTimeFormat, instant: number): boolean {
  const local = localTime(format, instant);
  return windowsOn(hours, Math.floor(local / DAY_MS)).some(({ from, to }) => from <= local && local < to);
}

/**
 * Instants at which it may open on a day, and some of the days beside it: where the clock shows the beginning of a window, by the offset before and after a
 * change of that day, and the change itself, which jumps into a window, or back into one that had ended.
 */
function beginnings(format: Intl.DateTimeFormat, day: number, windows: readonly Window[]): number[] {
  if (windows.length === 0) return [];
  // No offset is as large as a day: these lie before the first and after the last moment of this one.
  const before = (day - 1) * DAY_MS;
  const after = (day + 2) * DAY_MS;
  const offsets = [offsetAt(format, before), offsetAt(format, after)];
  const shown = windows.flatMap(({ from }) => offsets.map(offset => from - offset));
  return offsets[0] === offsets[1] ? shown : [...shown, changeBetween(format, before, after)];
}

/** The instant of the one change of offset between two, to the second. */
function changeBetween(format: Intl.DateTimeFormat, from: number, to: number): number {
  const old = offsetAt(format, from);
  let [before, after] = [from, to];
  while (after - before > SECOND_MS) {
    const middle = before + Math.floor((after - before) / (2 * SECOND_MS)) * SECOND_MS;
    if (offsetAt(format, middle) === old) before = middle;
    else after = middle;
  }
  return after;
}

/** In ms of local time: of what the clock shows, read as if it were UTC. */
interface Window {
  from: number;
  to: number;
}

/** Windows of a day. `day` counts from 1970-01-01, a Thursday. */
function windowsOn({ open }: OpeningHours, day: number): Window[] {
  const weekday = WEEKDAYS[(day + 4) % 7] as Weekday;
  return open
    .filter(({ days }) => days.includes(weekday))
    .map(({ from, to }) => ({
      from: day * DAY_MS + minutesOf(from) * MINUTE_MS,
      to: day * DAY_MS + minutesOf(to) * MINUTE_MS,
    }));
}

function minutesOf(text: string): number {
  return Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
}

const formatters = new Map<string, Intl.DateTimeFormat>();
/** The database has some six hundred names; an unknown one is kept by nobody. */
function formatterOf(timeZone: string): Intl.DateTimeFormat | null {
  const known = formatters.get(timeZone);
  if (known !== undefined) return known;
  try {
    const made = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formatters.set(timeZone, made);
    return made;
  } catch {
    return null;
  }
}

/** What the clock on the wall shows at an instant, as if it were UTC, ms. */
function localTime(format: Intl.DateTimeFormat, instant: number): number {
  const part = Object.fromEntries(format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** Days since 1970-01-01 on the calendar of the zone. */
const dayOf = (format: Intl.DateTimeFormat, instant: number): number => Math.floor(localTime(format, instant) / DAY_MS);

/** What the clock is ahead of UTC, ms. `instant` is a whole second. */
const offsetAt = (format: Intl.DateTimeFormat, instant: number): number => localTime(format, instant) - instant;
