/** Rules of locationDetails beyond its schema. CAMARA digest 5.5, decision A-14. */
import type { LocationDetails } from '../ep-cscf/words.ts';
import { formatDateTime, parseDateTime } from './date-time.ts';
import { invalid } from './operation.ts';
import type { Refusal } from './ports.ts';
import type { LocationBody } from './schemas/call-handling.ts';

const FUTURE_LIMIT_MS = 60_000;
const CIRCLE = ['radius'];
const ELLIPSOID = ['zAxis', 'semiMajorAxis', 'semiMinorAxis', 'verticalAxis', 'orientation'];

/** Null when the details fit together: shape and coordinates come together and match, the time is not ahead of `now` (ms). */
export function checkLocation(location: LocationBody, now: number): Refusal | null {
  const { shape, coordinates, timestamp } = location;
  if ((shape === undefined) !== (coordinates === undefined)) {
    return invalid('"locationDetails.shape" and "locationDetails.coordinates" come together.');
  }
  if (shape !== undefined && coordinates !== undefined) {
    const [needed, strange] = shape === 'Circle' ? [CIRCLE, ELLIPSOID] : [ELLIPSOID, CIRCLE];
    for (const name of needed) {
      if (!(name in coordinates)) return invalid(`The property "locationDetails.coordinates.${name}" is missing.`);
    }
    for (const name of strange) {
      if (name in coordinates)
        return invalid(`The property "locationDetails.coordinates.${name}" does not fit the shape.`);
    }
  }
  const at = timestamp === undefined ? null : parseDateTime(timestamp);
  if (at !== null && at > now + FUTURE_LIMIT_MS) {
    return invalid('The value of "locationDetails.timestamp" lies in the future.');
  }
  return null;
}

/** As the core takes it, its time as we write times. CAMARA digest 2.3. */
export function locationOf(location: LocationBody | undefined): LocationDetails | null {
  if (location === undefined) return null;
  const at = location.timestamp === undefined ? null : parseDateTime(location.timestamp);
  return at === null ? location : { ...location, timestamp: formatDateTime(at) };
}
