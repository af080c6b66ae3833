/** The steps that both roles share: who the peer is, keys, Finished, and handing out the SRTP keys. RFC 5246 7.4.9, RFC 5764 4.2. */
import { timingSafeEqual } from 'node:crypto';
import { matchesFingerprint, readPublicKey } from './certificate-check.ts';
import { Alert, MessageType } from './code.ts';
import { extendedMasterSecret, recordKeys, srtpKeys, verifyData } from './key-schedule.ts';
import { sharedSecret } from './key-share.ts';
import { readCertificate } from './message.ts';
import { type Association, addMessage, type Fault, fault, forgetSecrets } from './state.ts';
import type { DtlsEffect } from './types.ts';

/** The peer's certificate must be one that its SDP named, before its key is used for anything. RFC 8122 6.2. */
export function takeCertificate(a: Association, body: Buffer): Fault | undefined {
  const certificate = readCertificate(body);
  if (certificate === undefined) return fault('bad-message', Alert.decodeError, 'Certificate cannot be read');
  if (certificate.length === 0) {
    return fault('no-certificate', Alert.handshakeFailure, 'the peer showed no certificate');
  }
  if (!matchesFingerprint(certificate, a.options.remoteFingerprints)) {
    return fault('wrong-fingerprint', Alert.badCertificate, 'the certificate is not the one of the SDP');
  }
  a.peerKey = readPublicKey(certificate);
  if (a.peerKey === undefined) {
    return fault('bad-certificate', Alert.unsupportedCertificate, 'the key of the certificate is not acceptable');
  }
  return undefined;
}

/** Makes the record keys; the transcript ends with ClientKeyExchange. RFC 7627 4. */
export function makeKeys(a: Association, peerValue: Buffer): Fault | undefined {
  const { share, suite } = a;
  if (share === undefined || suite === undefined) throw new Error('keys before a suite was agreed on');
  const preMaster = sharedSecret(share, peerValue);
  if (preMaster === undefined) {
    return fault('bad-key-share', Alert.illegalParameter, 'the public value of the peer is not valid');
  }
  a.share = undefined;
  a.master = extendedMasterSecret(preMaster, a.transcript);
  const keys = recordKeys(a.master, suite, a.clientRandom, a.serverRandom);
  a.readKeys = a.role === 'server' ? keys.client : keys.server;
  a.writer.protection = a.role === 'server' ? keys.server : keys.client;
  return undefined;
}

/** Adds our Finished to the flight. */
export function addFinished(a: Association): void {
  if (a.master === undefined) throw new Error('Finished before there are keys');
  addMessage(a, MessageType.finished, verifyData(a.master, a.role, a.transcript));
}

/** Checks the peer's Finished; the transcript ends before it. Constant time. */
export function checkFinished(a: Association, body: Buffer): Fault | undefined {
  if (a.master === undefined) throw new Error('Finished before there are keys');
  const expected = verifyData(a.master, a.role === 'server' ? 'client' : 'server', a.transcript);
  if (body.length === expected.length && timingSafeEqual(body, expected)) return undefined;
  return fault('bad-finished', Alert.decryptError, 'Finished does not fit the handshake');
}

/** Hands out the SRTP keys, once, and forgets what the handshake needed. */
export function handOutKeys(a: Association, out: DtlsEffect[]): void {
  const { master, profile } = a;
  if (master === undefined || profile === undefined) throw new Error('the handshake is not done');
  const keys = srtpKeys(master, profile, a.role, a.clientRandom, a.serverRandom);
  forgetSecrets(a);
  a.phase = 'done';
  out.push({ type: 'connected', profile, keys });
}
