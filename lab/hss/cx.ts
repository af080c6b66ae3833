/** The HSS's answers on Cx: UAR, MAR, SAR, LIR. 3GPP TS 29.228, TS 29.229. */
import { createHash, randomBytes } from 'node:crypto';
import { createAkaVector, readAuts } from '../../src/sip/index.ts';
import { type Avp, avp, avp3gpp, find, numberOf, readAvps, textOf, VENDOR_3GPP } from './diameter.ts';
import { canonicalImpu, type HssSecret, type HssSubscriber, type SubscriberBook } from './subscriber.ts';

export const CX_APPLICATION = 16_777_216;
/** DIAMETER_SUCCESS. */
export const SUCCESS = 2001;

const FIRST_REGISTRATION = 2001;
const SUBSEQUENT_REGISTRATION = 2002;
const USER_UNKNOWN = 5001;
const IDENTITIES_DONT_MATCH = 5002;
const IDENTITY_NOT_REGISTERED = 5003;
const AUTH_SCHEME_NOT_SUPPORTED = 5006;

export interface CxAnswer {
  /** Result-Code, or the Experimental-Result-Code. */
  result: number;
  avps: Buffer[];
}

export type CxHandler = (request: readonly Avp[]) => CxAnswer;

/** Handlers by command code. */
export function createCx(book: SubscriberBook, home: string): ReadonlyMap<number, CxHandler> {
  const known = (request: readonly Avp[]) => book.byImpu(publicOf(request));

  /** User-Authorization: may this pair register, and where. TS 29.228 6.1.1. */
  function uar(request: readonly Avp[]): CxAnswer {
    const subscriber = known(request);
    if (subscriber === undefined) return experimental(USER_UNKNOWN);
    if (book.byImpi(privateOf(request)) !== subscriber) return experimental(IDENTITIES_DONT_MATCH);
    const { serverName } = subscriber;
    const type = numberOf(request, 623, VENDOR_3GPP) ?? 0;
    if (type === 1)
      return serverName === '' ? experimental(IDENTITY_NOT_REGISTERED) : success([avp3gpp(602, serverName)]);
    if (serverName !== '' && type === 0) return experimental(SUBSEQUENT_REGISTRATION, [avp3gpp(602, serverName)]);
    return experimental(FIRST_REGISTRATION, [avp3gpp(603, [avp3gpp(604, 0)])]);
  }

  /** Multimedia-Auth: the hash for SIP Digest, or a vector for AKA. TS 29.228 6.3. */
  function mar(request: readonly Avp[]): CxAnswer {
    const subscriber = known(request);
    if (subscriber === undefined) return experimental(USER_UNKNOWN);
    const impi = privateOf(request);
    const secret = subscriber.secrets.get(impi);
    if (secret === undefined) return experimental(IDENTITIES_DONT_MATCH);
    const asked = find(request, 612, VENDOR_3GPP);
    const item = asked === undefined ? [] : readAvps(asked.data);
    const scheme = textOf(item, 608, VENDOR_3GPP);
    const own = 'password' in secret ? /^(SIP Digest|Unknown)$/i : /^(Digest-AKAv1-MD5|Unknown)$/i;
    if (scheme !== '' && !own.test(scheme)) return experimental(AUTH_SCHEME_NOT_SUPPORTED);
    subscriber.serverName = textOf(request, 602, VENDOR_3GPP) || subscriber.serverName;
    const proof = 'password' in secret ? digestItem(impi, home, secret.password) : akaItem(secret, item);
    return success([
      avp(1, impi),
      avp3gpp(601, publicOf(request)),
      avp3gpp(607, 1),
      avp3gpp(612, [avp3gpp(613, 1), ...proof]),
    ]);
  }

  /** Server-Assignment: registered, registered again, or gone. TS 29.228 6.1.2. */
  function sar(request: readonly Avp[]): CxAnswer {
    const subscriber = known(request) ?? book.byImpi(privateOf(request));
    if (subscriber === undefined) return experimental(USER_UNKNOWN);
    const impi = privateOf(request) || [...subscriber.secrets.keys()][0] || '';
    if (!subscriber.secrets.has(impi)) return experimental(IDENTITIES_DONT_MATCH);
    const type = numberOf(request, 614, VENDOR_3GPP) ?? 0;
    const stays = type <= 3;
    if (stays) assign(subscriber, impi, type, textOf(request, 602, VENDOR_3GPP));
    else release(subscriber);
    const charging = [avp3gpp(621, `aaa://ccf1.${home}`), avp3gpp(622, `aaa://ccf2.${home}`)];
    return success([avp(1, impi), ...(stays ? [avp3gpp(606, profile(subscriber, impi))] : []), avp3gpp(618, charging)]);
  }

  /** Location-Info: which S-CSCF serves the called identity. TS 29.228 6.1.4. */
  function lir(request: readonly Avp[]): CxAnswer {
    const subscriber = known(request);
    if (subscriber === undefined) return experimental(USER_UNKNOWN);
    if (subscriber.serverName === '') return experimental(IDENTITY_NOT_REGISTERED);
    return success([avp3gpp(602, subscriber.serverName)]);
  }

  return new Map([
    [300, uar],
    [301, sar],
    [302, lir],
    [303, mar],
  ]);
}

function digestItem(impi: string, home: string, password: string): Buffer[] {
  const ha1 = createHash('md5').update(`${impi}:${home}:${password}`).digest('hex');
  const digest = avp3gpp(635, [avp(104, home), avp(111, 'MD5'), avp(110, 'auth'), avp(121, ha1)]);
  return [avp3gpp(608, 'SIP Digest'), digest];
}

/** AMF of every vector: the separation bit. TS 33.102 annex H. */
const AMF = Buffer.from([0x80, 0]);

/** A vector; after a resynchronisation (RAND and AUTS in the item asked for) behind where the SIM says it is. TS 29.228 6.3, TS 33.102 6.3.5. */
function akaItem(secret: Extract<HssSecret, { keys: unknown }>, asked: readonly Avp[]): Buffer[] {
  const lost = find(asked, 610, VENDOR_3GPP)?.data ?? Buffer.alloc(0);
  if (lost.length === 30) {
    const sqn = readAuts(secret.keys, lost.subarray(0, 16), lost.subarray(16).toString('base64'));
    if (sqn !== null) secret.sqn = sqn;
  }
  secret.sqn += 1n;
  const { nonce, res, ck, ik } = createAkaVector(secret.keys, randomBytes(16), secret.sqn, AMF);
  return [
    avp3gpp(608, 'Digest-AKAv1-MD5'),
    avp3gpp(609, Buffer.from(nonce, 'base64')),
    avp3gpp(610, Buffer.from(res)),
    avp3gpp(625, Buffer.from(ck)),
    avp3gpp(626, Buffer.from(ik)),
  ];
}

/** Forgets where a subscriber is registered. */
export function release(subscriber: HssSubscriber): void {
  subscriber.registeredImpis.clear();
  subscriber.state = 'NOT_REGISTERED';
  subscriber.serverName = '';
}

function assign(subscriber: HssSubscriber, impi: string, type: number, serverName: string): void {
  if (type === 1 || type === 2) {
    subscriber.state = 'REGISTERED';
    subscriber.registeredImpis.add(impi);
  } else if (type === 3 && subscriber.state === 'NOT_REGISTERED') subscriber.state = 'UNREGISTERED';
  if (type !== 0) subscriber.serverName = serverName;
}

function publicOf(request: readonly Avp[]): string {
  return canonicalImpu(textOf(request, 601, VENDOR_3GPP));
}

function privateOf(request: readonly Avp[]): string {
  return textOf(request, 1);
}

function success(avps: Buffer[]): CxAnswer {
  return { result: SUCCESS, avps: [avp(268, SUCCESS), ...avps] };
}

function experimental(code: number, avps: Buffer[] = []): CxAnswer {
  return { result: code, avps: [avp(297, [avp(266, VENDOR_3GPP), avp(298, code)]), ...avps] };
}

function profile(subscriber: HssSubscriber, impi: string): string {
  const identity = (uri: string) =>
    `<PublicIdentity><BarringIndication>0</BarringIndication><Identity>${uri}</Identity></PublicIdentity>`;
  return (
    `<?xml version="1.0" encoding="UTF-8"?><IMSSubscription><PrivateID>${impi}</PrivateID>` +
    `<ServiceProfile>${identity(subscriber.sip)}${identity(subscriber.tel)}</ServiceProfile></IMSSubscription>`
  );
}
