/** Header field names: canonical spelling, compact forms, which are lists and which may stand only once. RFC 3261 7.3.3, 20. */

export interface FieldInfo {
  /** Canonical long name; for an unknown field its name in lower case. Fields are compared by it. */
  readonly key: string;
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
  const put = (info: FieldInfo): void => {
    table.set(info.key, info);
    table.set(info.key.toLowerCase(), info);
  };
  for (const [index, key] of SINGLE.split(' ').entries()) put({ key, list: false, single: 1 << index });
  for (const key of LIST.split(' ')) put({ key, list: true, single: 0 });
  for (const key of OTHER.split(' ')) put({ key, list: false, single: 0 });
  for (const pair of COMPACT.split(' ')) {
    const info = table.get(pair.slice(2));
    if (info === undefined) throw new Error(`compact form of an unknown field: ${pair}`);
    table.set(pair.slice(0, 1), info);
    table.set(pair.slice(0, 1).toUpperCase(), info);
  }
  return table;
}

/** Fields by length, first and last character of their canonical name; where two meet, the first stays. */
const GUESSES: Array<FieldInfo | undefined> = new Array(1024).fill(undefined);
for (const info of KNOWN.values()) {
  const { key } = info;
  GUESSES[guessOf(key.length, key.charCodeAt(0), key.charCodeAt(key.length - 1))] ??= info;
}

function guessOf(length: number, first: number, last: number): number {
  return (length * 73 + first * 31 + last) & 1023;
}

/** The field whose canonical name stands in the text from `from` to `to`, found without making a string of it; undefined: look it up by name. */
export function canonicalField(text: string, from: number, to: number): FieldInfo | undefined {
  const guess = GUESSES[guessOf(to - from, text.charCodeAt(from), text.charCodeAt(to - 1))];
  return guess !== undefined && guess.key.length === to - from && text.startsWith(guess.key, from) ? guess : undefined;
}

/** The field of this name in the table, in any case or in compact form; undefined for a field the table does not know. */
export function knownField(name: string): FieldInfo | undefined {
  return KNOWN.get(name) ?? KNOWN.get(name.toLowerCase());
}

/** The field of this name; a field outside the table is neither a list nor single. */
export function fieldOf(name: string): FieldInfo {
  return knownField(name) ?? { key: name.toLowerCase(), list: false, single: 0 };
}
