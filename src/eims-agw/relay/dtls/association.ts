/** One DTLS 1.2 association for SRTP: takes datagrams and time, gives effects. RFC 6347, RFC 5764. */
import { randomBytes } from 'node:crypto';
import { startClient } from './client.ts';
import { makeInbox } from './inbox.ts';
import { takeRecord } from './intake.ts';
import { makeWindow, readRecords } from './record.ts';
import { type Association, endClosed, endFailed, forgetFlight, repeatFlight, setTimer } from './state.ts';
import type { Dtls, DtlsEffect, DtlsOptions, SrtpProfile } from './types.ts';

const PROFILES: readonly SrtpProfile[] = ['SRTP_AES128_CM_HMAC_SHA1_80', 'SRTP_AEAD_AES_128_GCM'];
const DATAGRAM_BYTES = 1200;
/** Makes an association. Throws RangeError without a fingerprint or a profile: it could never connect. */
export function createDtls(options: DtlsOptions): Dtls {
  return driveAssociation(makeAssociation(options));
}

/** The doors to the plain data of an association. */
export function driveAssociation(a: Association): Dtls {
  return {
    get state() {
      if (a.phase === 'over') return a.ending;
      if (a.phase === 'done') return 'connected';
      return a.started ? 'handshake' : 'new';
    },
    counters: a.counters,
    start(now, out) {
      if (a.role === 'client' && !a.started && a.phase !== 'over') startClient(a, now, out);
    },
    receive(datagram, now, out) {
      if (a.phase === 'over' || (a.role === 'client' && !a.started)) return;
      const bytes = Buffer.from(datagram.buffer, datagram.byteOffset, datagram.byteLength);
      const { records, dropped } = readRecords(bytes);
      a.counters.droppedRecords += dropped;
      for (const record of records) takeRecord(a, record, now, out);
    },
    timeout(now, out) {
      takeTimeout(a, now, out);
    },
    confirmed(out) {
      if (a.phase === 'done') forgetFlight(a, out);
    },
    close(_now, out) {
      if (a.phase !== 'over') endClosed(a, 'local', out);
    },
  };
}

/** The data of a new association. Throws RangeError as `createDtls` does. */
export function makeAssociation(options: DtlsOptions): Association {
  const profiles = options.profiles ?? PROFILES;
  if (options.remoteFingerprints.length === 0) throw new RangeError('a DTLS peer without a fingerprint');
  if (profiles.length === 0) throw new RangeError('DTLS without an SRTP profile');
  return {
    role: options.role,
    options,
    profiles,
    random: options.random ?? randomBytes,
    phase: options.role === 'server' ? 'client-hello' : 'server-hello',
    started: false,
    ending: 'closed',
    counters: { droppedRecords: 0, badRecords: 0, resentFlights: 0 },
    inbox: makeInbox(),
    window: makeWindow(),
    early: [],
    writer: {
      sequences: [0, 0],
      protection: undefined,
      datagramBytes: options.datagramBytes ?? DATAGRAM_BYTES,
    },
    writeEpoch: 0,
    readKeys: undefined,
    sendSeq: 0,
    flight: [],
    answeredFrom: 0,
    awaitedFrom: 0,
    answers: 0,
    sentAt: 0,
    repeatMs: 0,
    repeatAt: Number.POSITIVE_INFINITY,
    deadline: Number.POSITIVE_INFINITY,
    timerAt: Number.POSITIVE_INFINITY,
    cookieSeen: false,
    cookie: Buffer.alloc(0),
    transcript: [],
    clientRandom: Buffer.alloc(0),
    serverRandom: Buffer.alloc(0),
    suite: undefined,
    profile: undefined,
    share: undefined,
    peerValue: Buffer.alloc(0),
    peerKey: undefined,
    master: undefined,
    refusedRenegotiation: false,
    hint: '',
  };
}

function takeTimeout(a: Association, now: number, out: DtlsEffect[]): void {
  if (a.phase === 'over') return;
  if (now >= a.deadline) {
    if (a.phase === 'done') forgetFlight(a, out);
    else endFailed(a, 'timeout', `no handshake in time, waiting for ${a.phase}${a.hint}`, out);
    return;
  }
  if (now >= a.repeatAt) repeatFlight(a, now, out);
  // A timer that fired early is gone: ask for it again.
  a.timerAt = Number.POSITIVE_INFINITY;
  setTimer(a, out);
}
