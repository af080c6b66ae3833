/** Who is provisioned in the lab's HSS: each number one implicit registration set with several private identities. */
import { createHash } from 'node:crypto';

/** What a private identity is for; see `lab/README.md`. */
export type DeviceKind = 'sim' | 'phone' | 'web' | 'isim' | 'biz';

/** What proves a private identity: a password, or the keys of a SIM with the SQN of the last vector made. */
export type HssSecret = { password: string } | { keys: SimKeys; sqn: bigint };

/** 16 octets each. */
export interface SimKeys {
  k: Buffer;
  opc: Buffer;
}

/** SQN of every SIM before its first vector. */
const FIRST_SQN = 0x1000n;

export interface HssSubscriber {
  sip: string;
  tel: string;
  /** By private identity. */
  secrets: Map<string, HssSecret>;
  state: 'NOT_REGISTERED' | 'UNREGISTERED' | 'REGISTERED';
  /** Name of the S-CSCF that serves it; empty: none. */
  serverName: string;
  registeredImpis: Set<string>;
}

const RANGES: ReadonlyArray<{ first: number; count: number; devices: readonly DeviceKind[] }> = [
  { first: 15_550_100_001, count: 20, devices: ['sim', 'phone', 'web', 'isim'] },
  { first: 15_550_100_101, count: 10, devices: ['biz'] },
];

export interface SubscriberBook {
  byImpu(impu: string): HssSubscriber | undefined;
  byImpi(impi: string): HssSubscriber | undefined;
  readonly size: number;
}

/** The book of everybody in the ranges, at this home domain. */
export function createBook(home: string): SubscriberBook {
  const impus = new Map<string, HssSubscriber>();
  const impis = new Map<string, HssSubscriber>();
  for (const { first, count, devices } of RANGES) {
    for (let digits = first; digits < first + count; digits += 1) {
      const subscriber = provisioned(digits, devices, home);
      impus.set(subscriber.sip, subscriber).set(subscriber.tel, subscriber);
      for (const impi of subscriber.secrets.keys()) impis.set(impi, subscriber);
    }
  }
  return {
    byImpu: impu => impus.get(canonicalImpu(impu)),
    byImpi: impi => impis.get(impi),
    size: impus.size / 2,
  };
}

function provisioned(digits: number, devices: readonly DeviceKind[], home: string): HssSubscriber {
  return {
    sip: `sip:+${digits}@${home}`,
    tel: `tel:+${digits}`,
    secrets: new Map(devices.map(device => [impiOf(device, digits, home), secretOf(device, digits)])),
    state: 'NOT_REGISTERED',
    serverName: '',
    registeredImpis: new Set(),
  };
}

function secretOf(device: DeviceKind, digits: number): HssSecret {
  return device === 'isim' ? { keys: simKeysOf(digits), sqn: FIRST_SQN } : { password: `pw-${device}-${digits}` };
}

/** The keys of the `isim` device of a number, the same at every start. */
export function simKeysOf(digits: number): SimKeys {
  const octets = (name: string) => createHash('md5').update(`${name} ${digits}`).digest();
  return { k: octets('k'), opc: octets('opc') };
}

/** A phone names no private identity in its first REGISTER: a CSCF then takes the public one for it. */
function impiOf(device: DeviceKind, digits: number, home: string): string {
  return device === 'phone' ? `+${digits}@${home}` : `${device}-${digits}@${home}`;
}

/** An identity as provisioned: no parameters, no port, no separators in a number. */
export function canonicalImpu(raw: string): string {
  const text = raw.trim().replace(/^<|>$/g, '');
  if (/^tel:/i.test(text)) return `tel:${(text.slice(4).split(';')[0] ?? '').replace(/[-.()]/g, '')}`;
  const found = /^sips?:([^@;]+)(?:;[^@]*)?@([^:;?]+)/i.exec(text);
  return found === null ? text : `sip:${found[1]}@${(found[2] ?? '').toLowerCase()}`;
}
