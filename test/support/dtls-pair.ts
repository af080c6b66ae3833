/** Two DTLS associations on a network of virtual time that loses, copies, delays and changes datagrams as a test says. */

import { makeCertificate } from '../../src/eims-agw/certificate.ts';
import { driveAssociation, makeAssociation } from '../../src/eims-agw/relay/dtls/association.ts';
import { readIdentity } from '../../src/eims-agw/relay/dtls/certificate-check.ts';
import type { Association } from '../../src/eims-agw/relay/dtls/state.ts';
import type {
  Dtls,
  DtlsEffect,
  DtlsIdentity,
  DtlsOptions,
  DtlsRole,
  Fingerprint,
} from '../../src/eims-agw/relay/dtls/types.ts';

export interface Person {
  identity: DtlsIdentity;
  fingerprint: Fingerprint;
  certificatePem: string;
  keyPem: string;
}

/** A certificate with its key and fingerprint. */
export function makePerson(): Person {
  const { certificatePem, keyPem, fingerprint } = makeCertificate(Date.UTC(2026, 5, 1));
  const identity = readIdentity(certificatePem, keyPem);
  return { identity, fingerprint: { hash: 'sha-256', value: fingerprint }, certificatePem, keyPem };
}

/** Made once: key pairs are dear. */
export const alice = makePerson();
export const bob = makePerson();

export interface End {
  role: DtlsRole;
  dtls: Dtls;
  data: Association;
  timerAt: number;
  /** All effects but `send` and timers. */
  events: DtlsEffect[];
  sent: Buffer[];
}

/** What becomes of a datagram: nothing, or copies after some ms. */
export type Fate = (datagram: Buffer, from: DtlsRole, index: number) => { delayMs: number; datagram: Buffer }[];

export interface Pair {
  now: number;
  client: End;
  server: End;
  /** Runs until nothing moves any more before `untilMs`. */
  run(untilMs: number): void;
  /** Puts a datagram on the way to the other end. */
  inject(datagram: Buffer, from: DtlsRole): void;
}

export const perfect: Fate = datagram => [{ delayMs: 1, datagram }];

export interface PairOptions {
  client?: Partial<DtlsOptions>;
  server?: Partial<DtlsOptions>;
  fate?: Fate;
}

/** A started pair: Alice is the client, Bob the server. */
export function makePair({ client = {}, server = {}, fate = perfect }: PairOptions = {}): Pair {
  const a = makeEnd({ role: 'client', identity: alice.identity, remoteFingerprints: [bob.fingerprint], ...client });
  const b = makeEnd({ role: 'server', identity: bob.identity, remoteFingerprints: [alice.fingerprint], ...server });
  const flying: { at: number; to: End; datagram: Buffer }[] = [];
  const deliver = (from: End, datagram: Buffer): void => {
    for (const copy of fate(datagram, from.role, from.sent.length)) {
      flying.push({ at: pair.now + copy.delayMs, to: from === a ? b : a, datagram: copy.datagram });
    }
    from.sent.push(datagram);
  };
  const apply = (end: End, effects: DtlsEffect[]): void => {
    for (const effect of effects) {
      if (effect.type === 'send') deliver(end, effect.datagram);
      else if (effect.type === 'set-timer') end.timerAt = effect.at;
      else if (effect.type === 'stop-timer') end.timerAt = Number.POSITIVE_INFINITY;
      else end.events.push(effect);
    }
  };
  const step = (untilMs: number): boolean => {
    const next = flying.reduce<(typeof flying)[number] | undefined>(
      (x, y) => (x === undefined || y.at < x.at ? y : x),
      undefined,
    );
    const timed = a.timerAt <= b.timerAt ? a : b;
    const at = Math.min(next?.at ?? Number.POSITIVE_INFINITY, timed.timerAt);
    if (at > untilMs) return false;
    pair.now = Math.max(pair.now, at);
    const out: DtlsEffect[] = [];
    if (next !== undefined && next.at === at) {
      flying.splice(flying.indexOf(next), 1);
      next.to.dtls.receive(next.datagram, pair.now, out);
      apply(next.to, out);
    } else {
      timed.timerAt = Number.POSITIVE_INFINITY;
      timed.dtls.timeout(pair.now, out);
      apply(timed, out);
    }
    return true;
  };
  const pair: Pair = {
    now: 0,
    client: a,
    server: b,
    run(untilMs) {
      while (step(untilMs));
      pair.now = Math.max(pair.now, untilMs);
    },
    inject(datagram, from) {
      flying.push({ at: pair.now, to: from === 'client' ? b : a, datagram });
    },
  };
  const out: DtlsEffect[] = [];
  a.dtls.start(0, out);
  b.dtls.start(0, out);
  apply(a, out);
  return pair;
}

/** The effect `connected` of an end, if it came. */
export function connectedOf(end: End): Extract<DtlsEffect, { type: 'connected' }> | undefined {
  for (const event of end.events) if (event.type === 'connected') return event;
  return undefined;
}

/** Why an end failed, if it did. */
export function failureOf(end: End): string | undefined {
  for (const event of end.events) if (event.type === 'failed') return event.reason;
  return undefined;
}

function makeEnd(options: DtlsOptions): End {
  const data = makeAssociation(options);
  const dtls = driveAssociation(data);
  return { role: options.role, dtls, data, timerAt: Number.POSITIVE_INFINITY, events: [], sent: [] };
}
