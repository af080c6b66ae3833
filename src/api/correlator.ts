/** The x-correlator of a request: checked, never trusted, on every response. CAMARA digest 2.2. */
import type { IncomingMessage } from 'node:http';
import { headerLines } from './exchange.ts';

export interface Correlator {
  /** To be sent back: the client's when it is usable, else a new one. */
  value: string;
  /** False when the client sent one that may not be used, or several. */
  valid: boolean;
}

const LIMIT = 256;

/** True for the 0 to 256 characters a correlator may have: letters, digits, `-_:;./<>{}`. Own matcher: `$` of a pattern may let a line end pass. */
export function isCorrelator(text: string): boolean {
  if (text.length > LIMIT) return false;
  for (let i = 0; i < text.length; i += 1) {
    if (!isCorrelatorCode(text.charCodeAt(i))) return false;
  }
  return true;
}

function isCorrelatorCode(c: number): boolean {
  // 0-9 : ; <  are neighbours, as are - . /
  if (c >= 0x2d && c <= 0x3c) return true;
  if (c >= 0x41 && c <= 0x5a) return true;
  if (c >= 0x61 && c <= 0x7b) return true;
  return c === 0x3e || c === 0x5f || c === 0x7d;
}

/** Takes the correlator of a request; `fresh` makes one (a UUID) when none was sent or it may not be echoed. */
export function correlatorOf(request: IncomingMessage, fresh: () => string): Correlator {
  const { value, several } = headerLines(request, 'x-correlator');
  if (several) return { value: fresh(), valid: false };
  if (value === null || value === '') return { value: fresh(), valid: true };
  return isCorrelator(value) ? { value, valid: true } : { value: fresh(), valid: false };
}
