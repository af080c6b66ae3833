/** Opening hours: windows, the next opening, clock changes, and what is no time zone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/property.ts';
import type { OpeningHours, Weekday } from '../ep-cscf/visitor-word.ts';
import { hoursFault, openingAt } from './opening-hours.ts';

const WEEK: Weekday[] = ['mon', 'tue', 'wed', 'thu', 'fri'];
const office: OpeningHours = { timeZone: 'Europe/Berlin', open: [{ days: WEEK, from: '08:00', to: '18:00' }] };

/** Minutes of a day as HH:MM. */
const clock = (minutes: number) => new Date(minutes * 60_000).toISOString().slice(11, 16);

/** When it opens, as text; `open`, or `never`. */
function at(hours: OpeningHours, instant: string): string {
  const opening = openingAt(hours, Date.parse(instant));
  if (opening.open) return 'open';
  return opening.opensAt === null ? 'never' : new Date(opening.opensAt).toISOString();
}

test('CTC-06 it opens and closes to the second, in the time of the business', () => {
  // Berlin is one hour ahead of UTC in winter, two in summer.
  assert.equal(at(office, '2026-01-12T06:59:59Z'), '2026-01-12T07:00:00.000Z');
  assert.equal(at(office, '2026-01-12T07:00:00Z'), 'open');
  assert.equal(at(office, '2026-01-12T16:59:59.999Z'), 'open');
  assert.equal(at(office, '2026-01-12T17:00:00Z'), '2026-01-13T07:00:00.000Z');
  assert.equal(at(office, '2026-07-13T06:00:00Z'), 'open');
  assert.equal(at(office, '2026-01-16T17:00:00Z'), '2026-01-19T07:00:00.000Z', 'over the weekend');
});

test('CTC-06 over a clock change the next opening is the one the wall clock shows', () => {
  assert.equal(at(office, '2026-03-27T17:00:00Z'), '2026-03-30T06:00:00.000Z');
  assert.equal(at(office, '2026-10-23T16:00:00Z'), '2026-10-26T07:00:00.000Z');
  // 02:30 does not exist on that day: the clock goes from 02:00 to 03:00, which is within the window.
  const night: OpeningHours = { timeZone: 'Europe/Berlin', open: [{ days: ['sun'], from: '02:30', to: '24:00' }] };
  assert.equal(at(night, '2026-03-28T12:00:00Z'), '2026-03-29T01:00:00.000Z');
  assert.equal(at(night, '2026-03-29T01:00:00Z'), 'open');
});

test('CTC-06 a window that a clock change swallows is passed over, and one that comes twice is open twice', () => {
  const hours = (from: string, to: string): OpeningHours => ({
    timeZone: 'America/New_York',
    open: [{ days: ['sun'], from, to }],
  });
  assert.equal(at(hours('02:00', '02:30'), '2026-03-07T12:00:00Z'), '2026-03-15T06:00:00.000Z');
  assert.equal(at(hours('02:00', '03:30'), '2026-03-07T12:00:00Z'), '2026-03-08T07:00:00.000Z');
  // At 06:00 UTC of 1 November the clock goes from 02:00 back to 01:00.
  assert.equal(at(hours('01:15', '01:30'), '2026-11-01T05:40:00Z'), '2026-11-01T06:15:00.000Z');
  assert.equal(at(hours('00:30', '01:30'), '2026-11-01T05:40:00Z'), '2026-11-01T06:00:00.000Z');
});

test('CTC-06 around every clock change the next opening is the first open quarter of an hour', () => {
  const QUARTER = 15 * 60_000;
  const changes = { 'Europe/Berlin': ['03-29', '10-25'], 'Australia/Lord_Howe': ['04-04', '10-03'] };
  for (const [timeZone, dates] of Object.entries(changes)) {
    for (const date of dates) {
      const start = Date.parse(`2026-${date}T00:00:00Z`) - 12 * 3600_000;
      for (let from = 0; from < 240; from += 30) {
        const open: OpeningHours['open'] = [{ days: ['sun'], from: clock(from), to: clock(from + 30) }];
        let next: number | null = null;
        for (let now = start + 30 * 3600_000; now >= start; now -= QUARTER) {
          const opening = openingAt({ timeZone, open }, now);
          if (opening.open) next = now;
          else if (next !== null) assert.equal(opening.opensAt, next, `${timeZone} ${clock(from)} ${new Date(now)}`);
        }
      }
    }
  }
});

test('CTC-06 two windows of a day, a day to its end, and always', () => {
  const shop: OpeningHours = {
    timeZone: 'Asia/Kolkata',
    open: [
      { days: ['sat'], from: '09:00', to: '12:00' },
      { days: ['sat'], from: '14:00', to: '24:00' },
    ],
  };
  assert.equal(at(shop, '2026-01-10T07:00:00Z'), '2026-01-10T08:30:00.000Z');
  assert.equal(at(shop, '2026-01-10T18:29:59Z'), 'open');
  assert.equal(at(shop, '2026-01-10T18:30:00Z'), '2026-01-17T03:30:00.000Z');
  assert.deepEqual(openingAt(null, 0), { open: true });
});

test('CTC-06 what is no time zone, and a window that ends before it begins, are told', () => {
  assert.equal(hoursFault(office), null);
  assert.match(hoursFault({ ...office, timeZone: 'Mars/Olympus' }) ?? '', /timeZone/);
  const wrong = { days: WEEK, from: '10:00', to: '10:00' };
  assert.match(hoursFault({ ...office, open: [...office.open, wrong] }) ?? '', /open\.1\.to/);
});

test('CTC-06 whenever it is closed, it is closed until it opens, and open then', () => {
  const zone = fc.constantFrom('Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'UTC', 'Asia/Kathmandu');
  const window = fc
    .tuple(fc.constantFrom<Weekday>('sun', ...WEEK, 'sat'), fc.integer({ min: 0, max: 1300 }), fc.nat(130))
    .map(([day, from, more]) => ({ days: [day], from: clock(from), to: clock(from + 1 + more) }));
  const instant = fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2027, 0, 1) });
  fc.assert(
    fc.property(zone, fc.array(window, { minLength: 1, maxLength: 3 }), instant, (timeZone, open, now) => {
      const hours = { timeZone, open };
      const opening = openingAt(hours, now);
      if (opening.open) return;
      assert.ok(opening.opensAt !== null && opening.opensAt > now);
      for (const part of [0, 0.3, 0.7]) {
        const between: number = now + Math.floor((opening.opensAt - 1 - now) * part);
        assert.equal(openingAt(hours, between).open, false);
      }
      assert.equal(openingAt(hours, opening.opensAt).open, true);
    }),
    { numRuns: 300 },
  );
});
