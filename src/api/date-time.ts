/** Reads and writes date-times: RFC 3339 with a zone and real calendar dates only. CAMARA digest 2.3. */

const SHAPE = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * A date-time as ms since the epoch (parts of a ms are cut off), or null when it is not one: no zone, no seconds,
 * an impossible date, hour 24, second 60, longer than 64 characters. RFC 3339 5.6.
 */
export function parseDateTime(text: string): number | null {
  if (text.length > 64) return null;
  const match = SHAPE.exec(text);
  if (match === null) return null;
  const [, year, month, day, hour, minute, second, fraction = '', sign, offsetHour = '0', offsetMinute = '0'] = match;
  const [y, mo, d] = [Number(year), Number(month), Number(day)];
  const [h, mi, s] = [Number(hour), Number(minute), Number(second)];
  if (mo < 1 || mo > 12 || d < 1 || d > daysIn(y, mo)) return null;
  if (h > 23 || mi > 59 || s > 59) return null;
  const [oh, om] = [Number(offsetHour), Number(offsetMinute)];
  if (oh > 23 || om > 59) return null;
  const date = new Date(0);
  // setUTCFullYear, because Date.UTC takes the years 0 to 99 for 1900 to 1999.
  date.setUTCFullYear(y, mo - 1, d);
  date.setUTCHours(h, mi, s, Number(fraction.slice(0, 3).padEnd(3, '0')));
  const offsetMs = (oh * 60 + om) * 60_000;
  return sign === '-' ? date.getTime() + offsetMs : date.getTime() - offsetMs;
}

/** UTC with milliseconds and `Z`. `ms` since the epoch. */
export function formatDateTime(ms: number): string {
  return new Date(ms).toISOString();
}

function daysIn(year: number, month: number): number {
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return month === 2 && leap ? 29 : (DAYS[month - 1] ?? 0);
}
