/** Location in SIP messages: a document in the body that the Geolocation field names, both ways. RFC 6442, IMS digest 6.3. */
import type { DeviceLocation, LocationDetails } from '../ep-cscf/words.ts';
import {
  type Body,
  type ExtraHeaders,
  joinParts,
  mediaType,
  type Part,
  partsOf,
  type SipRequest,
} from '../sip/index.ts';
import { type Located, writePidfLo } from './pidf-lo.ts';
import { readPidfLo } from './pidf-lo-reader.ts';

const PIDF_LO = 'application/pidf+xml';
/** Location values looked at in one message. */
const MAX_VALUES = 4;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A document ready to be sent: for an INVITE, and for a later UPDATE. */
export interface SentLocation {
  pidf: string;
  /** Names the document in its message: `x@host`. */
  cid: string;
  routing: 'yes' | 'no';
}

/** Whom a document speaks of. Of an anonymous caller it names nobody: every name in it is made up for it. */
export function locatedOf(
  { deviceId }: DeviceLocation,
  caller: { number: string; home: string; anonymous: boolean; emergency: boolean },
  uuid: () => string,
): Located {
  const { number, home, anonymous, emergency } = caller;
  const device = anonymous || !UUID.test(deviceId) ? uuid() : deviceId.toLowerCase();
  const entity = anonymous ? `pres:${uuid()}@anonymous.invalid` : `pres:${number}@${home}`;
  return { entity, device: `urn:uuid:${device}`, mayPassOn: emergency };
}

/** Makes the document of a message; null when the details name no place. `unique` is random text, `host` ours, `now` in ms. */
export function locationOut(
  details: LocationDetails,
  located: Located,
  unique: string,
  host: string,
  now: number,
): SentLocation | null {
  const pidf = writePidfLo(details, located, now);
  // An IPv6 address has characters that a Content-ID has not.
  const cid = `${unique}@${host.replace(/[^A-Za-z0-9.-]/g, '-')}`;
  // Only an emergency call may be routed by it.
  return pidf === null ? null : { pidf, cid, routing: located.mayPassOn ? 'yes' : 'no' };
}

/** The fields that name the document. */
export function locationFields({ cid, routing }: SentLocation): ExtraHeaders {
  return [
    ['Geolocation', `<cid:${cid}>`],
    ['Geolocation-Routing', routing],
  ];
}

/** The description and the document behind it. A receiver that knows no Geolocation leaves the second part alone. RFC 5621 9.4. */
export function withLocation(sdp: string | null, location: SentLocation): Body {
  const document: Part = {
    contentType: PIDF_LO,
    headers: new Map([
      ['Content-ID', `<${location.cid}>`],
      ['Content-Disposition', 'by-reference;handling=optional'],
    ]),
    content: location.pidf,
  };
  const description: Part[] =
    sdp === null ? [] : [{ contentType: 'application/sdp', headers: new Map(), content: sdp }];
  // Text outside the control of either part: nothing in them can end it.
  return joinParts([...description, document], `b${location.cid.split('@', 1)[0]}`);
}

/**
 * Where the caller is, as the network says it: the first location value that leads into the body. URIs that lead elsewhere
 * are never followed. Null when there is none. `now` in ms.
 */
export function locationIn(request: SipRequest, now: number): LocationDetails | null {
  const values = request.headers.nameAddrs('Geolocation').slice(0, MAX_VALUES);
  if (values.length === 0) return null;
  const parts = partsOf(request).filter(part => mediaType(part.contentType) === PIDF_LO);
  for (const { uri } of values) {
    const id = /^cid:(.{1,255})$/i.exec(uri)?.[1];
    const part = id === undefined ? undefined : parts.find(one => one.headers.get('content-id') === `<${plain(id)}>`);
    const details = part === undefined ? null : readPidfLo(part.content, now);
    if (details !== null) return details;
  }
  return null;
}

/** RFC 2392 2: a cid URL is the Content-ID with its odd characters escaped. */
function plain(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}
