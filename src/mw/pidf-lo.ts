/** Writes where a caller is as PIDF-LO. RFC 4119, RFC 5491, RFC 7459, IMS digest 6.3. */
import type { LocationDetails } from '../ep-cscf/words.ts';

/** Whom and what the document speaks of. */
export interface Located {
  /** `pres:` URI of the person. */
  entity: string;
  /** `urn:uuid:` of the device. */
  device: string;
  /** Recipients may pass it on: an emergency call. RFC 4119 2.2.2. */
  mayPassOn: boolean;
}

export const GML = 'http://www.opengis.net/gml';
export const SHAPES = 'http://www.opengis.net/pidflo/1.0';
export const GEOPRIV = 'urn:ietf:params:xml:ns:pidf:geopriv10';
export const RULES = `${GEOPRIV}:basicPolicy`;
export const CONFIDENCE = 'urn:ietf:params:xml:ns:geopriv:conf';
export const DATA_MODEL = 'urn:ietf:params:xml:ns:pidf:data-model';
export const PIDF = 'urn:ietf:params:xml:ns:pidf';

/** Coordinates on the ground, and with height. */
export const FLAT = 'urn:ogc:def:crs:EPSG::4326';
export const SOLID = 'urn:ogc:def:crs:EPSG::4979';
export const METRES = 'urn:ogc:def:uom:EPSG::9001';
export const DEGREES = 'urn:ogc:def:uom:EPSG::9102';

const DAY_MS = 86_400_000;

/** The document, or null when the details name no place. `now` in ms since the epoch, taken when they name no time. */
export function writePidfLo(details: LocationDetails, located: Located, now: number): string | null {
  const shape = shapeOf(details);
  if (shape === null) return null;
  const said = typeof details['timestamp'] === 'string' ? Date.parse(details['timestamp']) : Number.NaN;
  // A device's clock may run ahead; a time to come would make the document worthless. RFC 4479 3.1.
  const at = Number.isNaN(said) ? now : Math.min(said, now);
  const method = details['method'];
  const passOn = located.mayPassOn ? '<gbp:retransmission-allowed>true</gbp:retransmission-allowed>' : '';
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\r\n<presence xmlns="${PIDF}" xmlns:dm="${DATA_MODEL}" xmlns:gp="${GEOPRIV}"` +
    ` xmlns:gbp="${RULES}" xmlns:gml="${GML}" xmlns:gs="${SHAPES}" xmlns:con="${CONFIDENCE}"` +
    ` entity="${escaped(located.entity)}"><dm:device id="d1"><gp:geopriv><gp:location-info>${shape}` +
    `${confidenceOf(details)}</gp:location-info><gp:usage-rules>${passOn}` +
    `<gbp:retention-expiry>${utc(at + DAY_MS)}</gbp:retention-expiry></gp:usage-rules>` +
    (typeof method === 'string' && method !== 'Other' ? `<gp:method>${escaped(method)}</gp:method>` : '') +
    `</gp:geopriv><dm:deviceID>${escaped(located.device)}</dm:deviceID>` +
    `<dm:timestamp>${utc(at)}</dm:timestamp></dm:device></presence>\r\n`
  );
}

function shapeOf(details: LocationDetails): string | null {
  const { shape, coordinates } = details as { shape?: unknown; coordinates?: unknown };
  if (typeof coordinates !== 'object' || coordinates === null) return null;
  const numbers = coordinates as Readonly<Record<string, unknown>>;
  const place = [numbers['latitude'], numbers['longitude']];
  if (shape === 'Circle') return element('Circle', FLAT, place, [['radius', METRES, numbers['radius']]]);
  if (shape !== 'Ellipsoid') return null;
  return element(
    'Ellipsoid',
    SOLID,
    [...place, numbers['zAxis']],
    [
      ['semiMajorAxis', METRES, numbers['semiMajorAxis']],
      ['semiMinorAxis', METRES, numbers['semiMinorAxis']],
      ['verticalAxis', METRES, numbers['verticalAxis']],
      ['orientation', DEGREES, numbers['orientation']],
    ],
  );
}

function element(
  name: string,
  crs: string,
  place: readonly unknown[],
  measures: ReadonlyArray<readonly [string, string, unknown]>,
): string | null {
  if (![...place, ...measures.map(([, , value]) => value)].every(value => Number.isFinite(value))) return null;
  const sizes = measures.map(([kind, unit, value]) => `<gs:${kind} uom="${unit}">${value}</gs:${kind}>`);
  return `<gs:${name} srsName="${crs}"><gml:pos>${place.join(' ')}</gml:pos>${sizes.join('')}</gs:${name}>`;
}

/** Readers take 95 % when nothing is said. RFC 7459 5. */
function confidenceOf(details: LocationDetails): string {
  const { pdf, value } = (details['confidence'] ?? {}) as { pdf?: unknown; value?: unknown };
  if (typeof value !== 'number' || !Number.isFinite(value)) return '';
  const curve = pdf === 'normal' ? ' pdf="normal"' : pdf === 'uniform' ? ' pdf="rectangular"' : '';
  return `<con:confidence${curve}>${value}</con:confidence>`;
}

function utc(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`).replace(/\p{Cc}/gu, '');
}
