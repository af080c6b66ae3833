/** Header field names: canonical spelling, compact forms, which are lists and which may stand only once. RFC 3261 7.3.3, 20. */
import { wordAt, wordTable } from './words.ts';

export interface FieldInfo {
  /** Above 0 and its own for a field of the table, 0 for any other. */
  readonly id: number;
  /** Canonical long name; for a field outside the table its name in lower case. */
  readonly key: string;
  /** As it is written: the key, or the spelling that a field outside the table came with. */
  readonly name: string;
  /** Elements are separated by commas. */
  readonly list: boolean;
  /** One bit per field that may stand only once, 0 for the others. */
  readonly single: number;
}

/** Fields that may stand once; a second one makes the message ambiguous and is refused. */
const SINGLE =
  'From To Call-ID CSeq Max-Forwards Content-Length Content-Type Expires Min-Expires Session-Expires Min-SE RSeq RAck Event ' +
  'Refer-To Subscription-State Replaces Referred-By Content-Disposition MIME-Version';

const LIST =
  'Via Contact Route Record-Route Path Service-Route Supported Require Proxy-Require Unsupported Allow Allow-Events Accept ' +
  'Accept-Encoding Accept-Language Alert-Info Call-Info Content-Encoding Content-Language Error-Info In-Reply-To Warning ' +
  'P-Asserted-Identity P-Preferred-Identity P-Associated-URI P-Access-Network-Info P-Visited-Network-ID Reason History-Info ' +
  'Diversion Security-Client Security-Server Security-Verify P-Early-Media Feature-Caps Accept-Contact Reject-Contact ' +
  'Request-Disposition Geolocation Resource-Priority Accept-Resource-Priority Recv-Info P-Charging-Function-Addresses';

const OTHER =
  'Authorization WWW-Authenticate Proxy-Authenticate Proxy-Authorization Authentication-Info Proxy-Authentication-Info User-Agent Server ' +
  'Subject Organization Date Timestamp Priority Retry-After Reply-To Privacy Identity Identity-Info P-Charging-Vector ' +
  'P-Called-Party-ID P-Preferred-Service P-Asserted-Service P-Served-User Flow-Timer SIP-ETag SIP-If-Match Geolocation-Routing ' +
  'Geolocation-Error Info-Package Answer-Mode Target-Dialog Join User-to-User Session-ID Cellular-Network-Info';

const COMPACT =
  'a:Accept-Contact b:Referred-By c:Content-Type d:Request-Disposition e:Content-Encoding f:From i:Call-ID j:Reject-Contact ' +
  'k:Supported l:Content-Length m:Contact n:Identity-Info o:Event r:Refer-To s:Subject t:To u:Allow-Events v:Via ' +
  'x:Session-Expires y:Identity';

const KNOWN = buildTable();

function buildTable(): Map<string, FieldInfo> {
  const table = new Map<string, FieldInfo>();
  const put = (key: string, list: boolean, single: number): void => {
    const info = { id: table.size + 1, key, name: key, list, single };
    table.set(key, info);
    table.set(key.toLowerCase(), info);
  };
  for (const [index, key] of SINGLE.split(' ').entries()) put(key, false, 1 << index);
  for (const key of LIST.split(' ')) put(key, true, 0);
  for (const key of OTHER.split(' ')) put(key, false, 0);
  for (const pair of COMPACT.split(' ')) {
    const info = table.get(pair.slice(2));
    if (info === undefined) throw new Error(`compact form of an unknown field: ${pair}`);
    table.set(pair.slice(0, 1), info);
    table.set(pair.slice(0, 1).toUpperCase(), info);
  }
  return table;
}

/** As they stand on the wire; the canonical names come first. */
const WORDS = wordTable([...[...KNOWN.values()].map(info => [info.key, info] as const), ...KNOWN]);

/** The field of the name that stands there. */
export function readField(text: string, from: number, to: number): FieldInfo {
  return wordAt(WORDS, from, to) ?? fieldOf(text.slice(from, to));
}

/** The field of this name, in any case or in compact form; one outside the table is neither a list nor single. */
export function fieldOf(name: string): FieldInfo {
  const known = KNOWN.get(name);
  if (known !== undefined) return known;
  const key = name.toLowerCase();
  return KNOWN.get(key) ?? { id: 0, key, name, list: false, single: 0 };
}

/** True when both name the same field. */
export function sameField(a: FieldInfo, b: FieldInfo): boolean {
  return a === b || (a.id === 0 && b.id === 0 && a.key === b.key);
}
