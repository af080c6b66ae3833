/** Reads PIDF-LO documents of the network: the first place in them, as the API says it. RFC 5491, RFC 7459, IMS digest 6.3. */
import type { SaxesTagNS } from 'saxes';
import type { LocationDetails } from '../ep-cscf/words.ts';
import { CONFIDENCE, DATA_MODEL, DEGREES, FLAT, GEOPRIV, GML, METRES, PIDF, RULES, SHAPES, SOLID } from './pidf-lo.ts';
import { attribute, readXml } from './strict-xml.ts';

const MAX_BYTES = 16 * 1024;
const MAX_ELEMENTS = 500;
/** A location-info may hold several shapes; the first is the most exact. RFC 5491 3. */
const KNOWN = new Set(['Point', 'Circle', 'Sphere', 'Ellipse', 'Ellipsoid']);

interface Found {
  shape: string | null;
  crs: string;
  /** Texts by element name, with their unit. */
  texts: Map<string, { text: string; unit: string }>;
  pdf: string;
}

/** The place in a document, or null: none, one we cannot say, past its retention, not well-formed, a document type, more than 16 KiB. `now` in ms. */
export function readPidfLo(text: string, now: number): LocationDetails | null {
  if (text.length > MAX_BYTES) return null;
  const { found, ...reader } = createReader();
  if (!readXml(text, MAX_ELEMENTS, reader)) return null;
  const expiry = Date.parse(textOf(found, 'retention-expiry'));
  return expiry < now ? null : detailsOf(found, now);
}

function createReader() {
  const found: Found = { shape: null, crs: '', texts: new Map(), pdf: '' };
  /** Local name of the shape we are in. */
  let inside: string | null = null;
  let inPlace = false;
  let current: { name: string; text: string; unit: string } | null = null;

  function open(tag: SaxesTagNS): void {
    const { uri, local } = tag;
    current = null;
    if (uri === GEOPRIV && local === 'location-info') inPlace = true;
    else if (inPlace && found.shape === null && KNOWN.has(local) && (uri === SHAPES || uri === GML)) {
      found.shape = local;
      found.crs = attribute(tag, 'srsName');
      inside = local;
    } else if (isWanted(uri, local, inside !== null, inPlace) && !found.texts.has(local)) {
      current = { name: local, text: '', unit: attribute(tag, 'uom') };
      if (local === 'confidence') found.pdf = attribute(tag, 'pdf');
    }
  }

  function close(tag: SaxesTagNS): void {
    if (current !== null) found.texts.set(current.name, { text: current.text.trim(), unit: current.unit });
    current = null;
    if (tag.local === inside) inside = null;
    else if (tag.uri === GEOPRIV && tag.local === 'location-info') inPlace = false;
  }

  const text = (part: string) => {
    if (current !== null) current.text += part;
  };
  return { open, close, text, found };
}

function isWanted(uri: string, local: string, inShape: boolean, inPlace: boolean): boolean {
  if (inShape) return uri === SHAPES || (uri === GML && local === 'pos');
  if (uri === CONFIDENCE) return inPlace && local === 'confidence';
  if (uri === GEOPRIV) return local === 'method';
  if (uri === RULES) return local === 'retention-expiry';
  return (uri === DATA_MODEL || uri === PIDF) && local === 'timestamp';
}

function textOf(found: Found, name: string): string {
  return found.texts.get(name)?.text ?? '';
}

function detailsOf(found: Found, now: number): LocationDetails | null {
  const place = placeOf(found);
  if (place === null) return null;
  const value = numberOf(textOf(found, 'confidence'));
  const pdf = found.pdf === 'rectangular' ? 'uniform' : found.pdf === 'normal' ? 'normal' : null;
  const method = textOf(found, 'method');
  const at = Date.parse(textOf(found, 'timestamp'));
  return {
    ...place,
    ...(method === '' ? {} : { method: ['GPS', 'DBH', 'DBH_HELO'].includes(method) ? method : 'Other' }),
    ...(within(value, 0, 100) ? { confidence: { ...(pdf === null ? {} : { pdf }), value } } : {}),
    ...(at <= now ? { timestamp: new Date(at).toISOString() } : {}),
  };
}

/** A point is a circle without extent; a sphere and an ellipse are said by the circle around them. */
function placeOf(found: Found): { shape: string; coordinates: Record<string, number> } | null {
  const { crs } = found;
  const position = textOf(found, 'pos').split(/\s+/, 4).map(numberOf);
  const [latitude, longitude, zAxis] = position;
  const length = crs === FLAT ? 2 : crs === SOLID ? 3 : 0;
  if (length === 0 || position.length !== length || !within(latitude, -90, 90) || !within(longitude, -180, 180)) {
    return null;
  }
  const metres = (name: string) => measure(found, name, METRES);
  if (found.shape === 'Ellipsoid') {
    const [semiMajorAxis, semiMinorAxis, verticalAxis] = ['semiMajorAxis', 'semiMinorAxis', 'verticalAxis'].map(metres);
    const orientation = measure(found, 'orientation', DEGREES);
    const coordinates = { latitude, longitude, zAxis, semiMajorAxis, semiMinorAxis, verticalAxis, orientation };
    const whole = Object.values(coordinates).every(value => Number.isFinite(value)) && within(orientation, 0, 360);
    return whole ? { shape: 'Ellipsoid', coordinates: coordinates as Record<string, number> } : null;
  }
  const radius = found.shape === 'Point' ? 0 : metres(found.shape === 'Ellipse' ? 'semiMajorAxis' : 'radius');
  return Number.isFinite(radius) ? { shape: 'Circle', coordinates: { latitude, longitude, radius } } : null;
}

/** A measure in the one unit RFC 5491 5.2 allows for it, not negative; NaN when it is none. */
function measure(found: Found, name: string, unit: string): number {
  const said = found.texts.get(name);
  const value = said?.unit === unit ? numberOf(said.text) : Number.NaN;
  return value >= 0 ? value : Number.NaN;
}

function numberOf(text: string): number {
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
}

function within(value: number | undefined, least: number, most: number): value is number {
  return value !== undefined && value >= least && value <= most;
}
