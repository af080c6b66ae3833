/** Opening hours: whether it is open at a moment, and when it opens next, in the time zone of the business. */
import type { Opening, OpeningHours, Weekday } from '../ep-cscf/visitor-word.ts';

const MINUTE_MS = 60_000;
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
  const local = localTime(format, now);
  const today = Math.floor(local / DAY_MS);
  let opensAt: number | null = null;
  for (let day = today; day <= today + DAYS_AHEAD; day += 1) {
    for (const { from, to } of windowsOn(hours, day)) {
      if (from <= local && local < to) return { open: true };
      const at = from > local ? instantOf(format, from) : null;
      if (at !== null && (opensAt === null || at < opensAt)) opensAt = at;
    }
    if (opensAt !== null) break;
  }
  return { open: false, opensAt };
}

/** Windows of a day, in ms of local time. `day` counts from 1970-01-01, a Thursday. */
function windowsOn({ open }: OpeningHours, day: number): Array<{ from: number; to: number }> {
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

/** The instant at which the clock shows `local`; when it is skipped, the one after the jump. */
function instantOf(format: Intl.DateTimeFormat, local: number): number {
  const guess = local - (localTime(format, local) - local);
  const second = local - (localTime(format, guess) - guess);
  return localTime(format, second) === local ? second : Math.max(guess, second);
}
