/** The server's side of the handshake, one function per message. RFC 5246 7.3, RFC 6347 4.2. */
import { signWith, verifySignature } from './certificate-check.ts';
import { Alert, DTLS_1_2, Extension, GROUPS, MessageType, SignatureScheme } from './code.ts';
import { addFinished, checkFinished, handOutKeys, makeKeys, takeCertificate } from './finish.ts';
import {
  type ClientHello,
  isFirstHandshake,
  listOf,
  PROFILE_IDS,
  readClientHello,
  readUseSrtp,
  takesPlainPoints,
  writeServerHello,
} from './hello.ts';
import { type Fragment, type HandshakeMessage, wholeMessage } from './inbox.ts';
import { makeKeyShare } from './key-share.ts';
import {
  CLIENT_SCHEMES,
  readCertificateVerify,
  readClientKeyExchange,
  writeCertificate,
  writeCertificateRequest,
  writeKeyParams,
  writeSignature,
} from './message.ts';
import { type Association, addChangeCipherSpec, addMessage, type Fault, fault, sendFlight } from './state.ts';
import { SUITES } from './suite.ts';
import type { DtlsEffect } from './types.ts';

/** The last flight is kept so long: twice the maximum segment lifetime. RFC 6347 4.2.4. */
const KEEP_LAST_FLIGHT_MS = 240_000;
/** A record number that leaves room for all we may send after it. */
const MAX_FIRST_SEQUENCE = 2 ** 40;

/**
 * Lets a fragment of the one ClientHello through. No cookie is asked for: DTLS comes only from a source whose STUN check
 * was signed, and that check was answered, so the address has been shown as RFC 6347 4.2.1 wants it shown.
 */
export function admitHello(a: Association, f: Fragment, sequence: number): boolean {
  if (f.type !== MessageType.clientHello || f.seq !== 0 || sequence > MAX_FIRST_SEQUENCE) return false;
  // Our numbers go on from the client's, as they would after a cookie.
  a.writer.sequences[0] = Math.max(a.writer.sequences[0], sequence);
  return true;
}

/** Takes the next message of the client. */
export function serverStep(
  a: Association,
  message: HandshakeMessage,
  now: number,
  out: DtlsEffect[],
): Fault | undefined {
  const raw = wholeMessage(message.type, message.seq, message.body);
  switch (message.type) {
    case MessageType.clientHello:
      a.transcript.push(raw);
      return takeClientHello(a, message, now, out);
    case MessageType.certificate:
      a.transcript.push(raw);
      a.phase = 'client-key-exchange';
      return takeCertificate(a, message.body);
    case MessageType.clientKeyExchange: {
      a.transcript.push(raw);
      a.phase = 'certificate-verify';
      const peerValue = readClientKeyExchange(message.body);
      if (peerValue === undefined) return fault('bad-message', Alert.decodeError, 'ClientKeyExchange cannot be read');
      return makeKeys(a, peerValue);
    }
    case MessageType.certificateVerify: {
      const problem = takeCertificateVerify(a, message.body);
      a.transcript.push(raw);
      a.phase = 'client-finished';
      return problem;
    }
    case MessageType.finished: {
      const problem = checkFinished(a, message.body);
      if (problem !== undefined) return problem;
      a.transcript.push(raw);
      a.flight = [];
      addChangeCipherSpec(a);
      addFinished(a);
      a.deadline = now + KEEP_LAST_FLIGHT_MS;
      sendFlight(a, false, now, out);
      handOutKeys(a, out);
      return undefined;
    }
    default:
      return fault('unexpected-message', Alert.unexpectedMessage, `message type ${message.type} from a client`);
  }
}

function takeClientHello(a: Association, message: HandshakeMessage, now: number, out: DtlsEffect[]): Fault | undefined {
  const hello = readClientHello(message.body);
  if (hello === undefined) return fault('bad-message', Alert.decodeError, 'ClientHello cannot be read');
  const group = GROUPS.find(id => listOf(hello, Extension.supportedGroups).includes(id));
  const problem = agree(a, hello) ?? (group === undefined ? noAgreement('no common group') : undefined);
  if (problem !== undefined || group === undefined || a.suite === undefined || a.profile === undefined) return problem;
  a.clientRandom = Buffer.from(hello.random);
  a.serverRandom = a.random(32);
  a.share = makeKeyShare(group);
  a.sendSeq = message.seq;
  a.phase = 'client-certificate';
  addMessage(a, MessageType.serverHello, writeServerHello(a.serverRandom, a.suite.id, a.profile, hello));
  addMessage(a, MessageType.certificate, writeCertificate(a.options.identity.certificate));
  const params = writeKeyParams(group, a.share.publicValue);
  const signature = signWith(a.options.identity, Buffer.concat([a.clientRandom, a.serverRandom, params]));
  const signed = writeSignature(SignatureScheme.ecdsaSha256, signature);
  addMessage(a, MessageType.serverKeyExchange, Buffer.concat([params, signed]));
  addMessage(a, MessageType.certificateRequest, writeCertificateRequest());
  addMessage(a, MessageType.serverHelloDone, Buffer.alloc(0));
  sendFlight(a, true, now, out);
  return undefined;
}

/** Chooses suite and profile; every mismatch ends the handshake, nothing is negotiated down. */
function agree(a: Association, hello: ClientHello): Fault | undefined {
  if (hello.version !== DTLS_1_2) return fault('no-agreement', Alert.protocolVersion, 'the client is not for DTLS 1.2');
  if (!isFirstHandshake(hello)) return noAgreement('the client tries to renegotiate');
  if (!hello.compressions.includes(0)) return noAgreement('the client insists on compression');
  const secret = hello.extensions.get(Extension.extendedMasterSecret);
  if (secret?.length !== 0) return noAgreement('no extended master secret');
  if (!takesPlainPoints(hello)) return noAgreement('no uncompressed points');
  if (!listOf(hello, Extension.signatureAlgorithms).includes(SignatureScheme.ecdsaSha256)) {
    return noAgreement('the client does not take ECDSA with SHA-256');
  }
  a.suite = SUITES.find(({ id }) => hello.suites.includes(id));
  if (a.suite === undefined) return noAgreement('no common cipher suite');
  const offered = readUseSrtp(hello);
  a.profile = a.profiles.find(profile => offered?.profiles.includes(PROFILE_IDS[profile]) === true);
  return a.profile === undefined ? noAgreement('no common SRTP profile') : undefined;
}

/** The client owns the key of its certificate: a signature over all messages so far. RFC 5246 7.4.8. */
function takeCertificateVerify(a: Association, body: Buffer): Fault | undefined {
  const read = readCertificateVerify(body);
  if (read === undefined) return fault('bad-message', Alert.decodeError, 'CertificateVerify cannot be read');
  const known = CLIENT_SCHEMES.includes(read.scheme);
  if (known && a.peerKey !== undefined) {
    if (verifySignature(a.peerKey, read.scheme, Buffer.concat(a.transcript), read.signature)) return undefined;
  }
  return fault('bad-signature', Alert.decryptError, 'CertificateVerify does not verify');
}

function noAgreement(detail: string): Fault {
  return fault('no-agreement', Alert.handshakeFailure, detail);
}
