/** The registrar: REGISTER of SIM phones and of trusted nodes. RFC 3261 10.3, RFC 3327, RFC 3608, TS 24.229 5.4.1. */
import {
  createResponse,
  formatNameAddr,
  type NameAddr,
  type ResponseOptions,
  type SipRequest,
  type SipResponse,
  type Target,
} from '../../src/sip/index.ts';
import type { Access } from './access.ts';
import { type Binding, instanceOf, type Location, reachable } from './location.ts';
import { type Home, isHome, numberOfText } from './number.ts';

export interface RegistrarOptions {
  home: Home;
  access: Access;
  location: Location;
  /** Numbers that may register. */
  numbers: { has(number: string): boolean };
  now: () => number;
  /** Lifetimes in seconds. */
  minExpiresS: number;
  maxExpiresS: number;
  /** To tag. */
  tag: () => string;
}

const DEFAULT_EXPIRES_S = 3600;
const MAX_CONTACTS = 20;

/** Who registers what; found before any binding is touched. */
interface Registrant {
  number: string;
  impi: string;
  trusted: boolean;
}

/** A change of one binding, checked and not yet made. */
type Change = { type: 'put'; binding: Binding; old: Binding | undefined } | { type: 'remove'; old: Binding };

/** Answers one REGISTER; all its contacts are taken or none. */
export function register(options: RegistrarOptions, request: SipRequest, source: Target): SipResponse {
  const answer = (status: number, headers: ResponseOptions['headers'] = [], reason?: string): SipResponse =>
    createResponse(request, status, reason, { toTag: options.tag(), headers });
  const { headers } = request;
  const unknown = headers.all('Require').filter(token => token.toLowerCase() !== 'path');
  if (unknown.length > 0) return answer(420, [['Unsupported', unknown.join(', ')]]);
  const who = registrantOf(options, request, source);
  if ('status' in who) return answer(who.status, who.headers, who.reason);

  const contacts = headers.contacts();
  const changes = contacts.length === 0 ? [] : changesOf(options, request, source, who);
  if (!Array.isArray(changes)) return answer(changes.status, changes.headers, changes.reason);
  for (const change of changes) {
    if (change.type === 'put') options.location.put(change.binding, change.old);
    else options.location.remove(change.old);
  }
  return answer(200, successFields(options, request, who));
}

interface Refused {
  status: number;
  reason?: string;
  headers?: ReadonlyArray<readonly [string, string]>;
}

function registrantOf(options: RegistrarOptions, request: SipRequest, source: Target): Registrant | Refused {
  const { access, home, numbers } = options;
  const number = numberOfText(request.headers.to()?.uri ?? '', home);
  const vouched = access.vouched(request);
  if (vouched !== null) {
    if (!access.isTrusted(request, source)) return { status: 403, reason: 'Not a Trusted Node' };
    if (number === null || !numbers.has(number)) return { status: 404 };
    if (vouched !== `web-${number.slice(1)}@${home.domain}`) return { status: 403, reason: 'Identities Do Not Match' };
    return { number, impi: vouched, trusted: true };
  }
  const asked = access.digest(request, 401);
  if (asked.type === 'challenge') return { status: 401, headers: asked.headers };
  if (asked.type === 'refused') return { status: 403 };
  if (number === null || !numbers.has(number)) return { status: 404 };
  if (asked.number !== number) return { status: 403, reason: 'Identities Do Not Match' };
  return { number, impi: `${number}@${home.domain}`, trusted: false };
}

function changesOf(
  options: RegistrarOptions,
  request: SipRequest,
  source: Target,
  who: Registrant,
): Change[] | Refused {
  const { location } = options;
  const { headers } = request;
  const contacts = headers.contacts();
  const own = location.of(who.number).filter(binding => binding.impi === who.impi);
  const order = { callId: headers.callId() ?? '', cseq: headers.cseq()?.seq ?? 0 };
  if (contacts[0]?.uri === '*') {
    // RFC 3261 10.3 step 6. Only what this identity registered goes: the other devices of the number are not its own.
    if (headers.number('Expires') !== 0) return { status: 400, reason: 'Contact * Needs Expires 0' };
    if (own.some(old => isLate(old, order))) return { status: 500, reason: 'Request Out of Order' };
    return own.map(old => ({ type: 'remove', old }));
  }
  const changes: Change[] = [];
  for (const contact of contacts) {
    const change = changeOf(options, request, source, who, contact, order);
    if (change === null) continue;
    if ('status' in change) return change;
    changes.push(change);
  }
  const added = changes.filter(change => change.type === 'put' && change.old === undefined).length;
  if (location.of(who.number).length + added > MAX_CONTACTS) return { status: 403, reason: 'Too Many Contacts' };
  return changes;
}

function changeOf(
  options: RegistrarOptions,
  request: SipRequest,
  source: Target,
  who: Registrant,
  contact: NameAddr,
  order: { callId: string; cseq: number },
): Change | Refused | null {
  const { location, now, minExpiresS, maxExpiresS } = options;
  const uri = reachable(contact);
  // A contact that leads back here would send calls in circles.
  if (uri === null || isHome(uri, options.home)) return { status: 400, reason: 'Contact Not Usable' };
  const instance = instanceOf(contact);
  const old = location.match(who.number, uri, instance);
  if (old !== undefined && old.impi !== who.impi) return { status: 403, reason: 'Contact of Another Identity' };
  if (old !== undefined && isLate(old, order)) return { status: 500, reason: 'Request Out of Order' };
  const expires = expiresOf(contact, request);
  if (expires === 0) return old === undefined ? null : { type: 'remove', old };
  if (expires < minExpiresS) return { status: 423, headers: [['Min-Expires', String(minExpiresS)]] };
  const binding: Binding = {
    ...who,
    ...order,
    instance,
    contact,
    uri,
    // A phone has nothing before us that could have put a Path there.
    path: who.trusted ? request.headers.all('Path') : [],
    flow: source,
    expiresAtMs: now() + Math.min(expires, maxExpiresS) * 1000,
  };
  return { type: 'put', binding, old };
}

/** RFC 3261 10.3 step 7: within one Call-ID only a higher CSeq changes anything. */
function isLate(old: Binding, order: { callId: string; cseq: number }): boolean {
  return old.callId === order.callId && order.cseq <= old.cseq;
}

/** Seconds: the contact's own, else the Expires field, else the default; what is no number counts as absent. */
function expiresOf(contact: NameAddr, request: SipRequest): number {
  const own = Number.parseInt(contact.params.get('expires') ?? '', 10);
  if (own >= 0 && own <= 0xffffffff) return own;
  return request.headers.number('Expires') ?? DEFAULT_EXPIRES_S;
}

function successFields(options: RegistrarOptions, request: SipRequest, who: Registrant): Array<[string, string]> {
  const { home, location, now } = options;
  const fields: Array<[string, string]> = [];
  for (const { contact, expiresAtMs } of location.of(who.number)) {
    const params = new Map(contact.params);
    params.set('expires', String(Math.max(1, Math.round((expiresAtMs - now()) / 1000))));
    fields.push(['Contact', formatNameAddr({ ...contact, params })]);
  }
  for (const path of request.headers.all('Path')) fields.push(['Path', path]);
  fields.push(['Service-Route', `<sip:orig@${home.host}:${home.port};lr>`]);
  fields.push(['P-Associated-URI', `<sip:${who.number}@${home.domain}>, <tel:${who.number}>`]);
  return fields;
}
