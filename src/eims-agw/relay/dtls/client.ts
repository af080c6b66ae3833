/** The client's side of the handshake, one function per message. RFC 5246 7.3, RFC 6347 4.2. */
import { signWith, verifySignature } from './certificate-check.ts';
import { Alert, ClientCertificateType, DTLS_1_2, Extension, GROUPS, MessageType, SignatureScheme } from './code.ts';
import { addFinished, checkFinished, handOutKeys, makeKeys, takeCertificate } from './finish.ts';
import {
  isFirstHandshake,
  PROFILE_IDS,
  readHelloVerifyRequest,
  readServerHello,
  readUseSrtp,
  takesPlainPoints,
  writeClientHello,
} from './hello.ts';
import { type HandshakeMessage, wholeMessage } from './inbox.ts';
import { makeKeyShare } from './key-share.ts';
import {
  readCertificateRequest,
  readServerKeyExchange,
  type ServerKeyExchange,
  writeCertificate,
  writeClientKeyExchange,
  writeSignature,
} from './message.ts';
import {
  type Association,
  addChangeCipherSpec,
  addMessage,
  beginDeadline,
  type Fault,
  fault,
  forgetFlight,
  sendFlight,
} from './state.ts';
import { SUITES } from './suite.ts';
import type { DtlsEffect } from './types.ts';

/** What a server may answer to: the extensions of our ClientHello that have an answer. */
const ANSWERABLE: readonly number[] = [
  Extension.renegotiationInfo,
  Extension.extendedMasterSecret,
  Extension.pointFormats,
  Extension.useSrtp,
];
const SERVER_SCHEMES: readonly number[] = [SignatureScheme.ecdsaSha256, SignatureScheme.ecdsaSha384];

/** Sends the first ClientHello. */
export function startClient(a: Association, now: number, out: DtlsEffect[]): void {
  beginDeadline(a, now, out);
  a.clientRandom = a.random(32);
  sendClientHello(a, now, out);
}

/** Takes the next message of the server. */
export function clientStep(
  a: Association,
  message: HandshakeMessage,
  now: number,
  out: DtlsEffect[],
): Fault | undefined {
  const { type, seq, body } = message;
  if (type === MessageType.helloVerifyRequest) return takeCookie(a, body, now, out);
  if (type !== MessageType.finished) a.transcript.push(wholeMessage(type, seq, body));
  switch (type) {
    case MessageType.serverHello:
      a.phase = 'server-certificate';
      return takeServerHello(a, body);
    case MessageType.certificate:
      a.phase = 'server-key-exchange';
      return takeCertificate(a, body);
    case MessageType.serverKeyExchange:
      a.phase = 'certificate-request';
      return takeKeyExchange(a, body);
    case MessageType.certificateRequest:
      a.phase = 'server-hello-done';
      return takeCertificateRequest(body);
    case MessageType.serverHelloDone:
      a.phase = 'server-finished';
      if (body.length > 0) return fault('bad-message', Alert.decodeError, 'ServerHelloDone is not empty');
      return answerServer(a, now, out);
    case MessageType.finished: {
      const problem = checkFinished(a, body);
      if (problem !== undefined) return problem;
      forgetFlight(a, out);
      handOutKeys(a, out);
      return undefined;
    }
    default:
      return fault('unexpected-message', Alert.unexpectedMessage, `message type ${type} from a server`);
  }
}

function sendClientHello(a: Association, now: number, out: DtlsEffect[]): void {
  a.flight = [];
  // Neither the first ClientHello nor HelloVerifyRequest count for the transcript. RFC 6347 4.2.1.
  a.transcript = [];
  addMessage(a, MessageType.clientHello, writeClientHello(a.clientRandom, a.cookie, a.profiles));
  sendFlight(a, true, now, out);
}

/** The same ClientHello again, with the cookie; a server asks once. RFC 6347 4.2.1. */
function takeCookie(a: Association, body: Buffer, now: number, out: DtlsEffect[]): Fault | undefined {
  const cookie = readHelloVerifyRequest(body);
  if (cookie === undefined) return fault('bad-message', Alert.decodeError, 'HelloVerifyRequest cannot be read');
  if (a.cookieSeen) return fault('unexpected-message', Alert.unexpectedMessage, 'a second HelloVerifyRequest');
  a.cookieSeen = true;
  a.cookie = Buffer.from(cookie);
  sendClientHello(a, now, out);
  return undefined;
}

function takeServerHello(a: Association, body: Buffer): Fault | undefined {
  const hello = readServerHello(body);
  if (hello === undefined) return fault('bad-message', Alert.decodeError, 'ServerHello cannot be read');
  if (hello.version !== DTLS_1_2) return fault('no-agreement', Alert.protocolVersion, 'the server is not for DTLS 1.2');
  for (const type of hello.extensions.keys()) {
    if (!ANSWERABLE.includes(type)) {
      return fault('bad-message', Alert.unsupportedExtension, `the server answered extension ${type}, never sent`);
    }
  }
  if (!isFirstHandshake(hello)) return noAgreement('the server tries to renegotiate');
  if (hello.extensions.get(Extension.extendedMasterSecret)?.length !== 0) {
    return noAgreement('no extended master secret');
  }
  if (hello.compression !== 0 || !takesPlainPoints(hello)) return noAgreement('compression');
  a.suite = SUITES.find(({ id }) => id === hello.suite);
  if (a.suite === undefined) return noAgreement('a cipher suite that was not offered');
  const chosen = readUseSrtp(hello);
  a.profile = a.profiles.find(profile => chosen?.profiles[0] === PROFILE_IDS[profile]);
  if (a.profile === undefined || chosen?.profiles.length !== 1 || chosen.mki.length > 0) {
    return noAgreement('no SRTP profile of ours');
  }
  a.serverRandom = Buffer.from(hello.random);
  return undefined;
}

/** The server owns the key of its certificate: it signed its half of the key exchange. RFC 8422 5.4. */
function takeKeyExchange(a: Association, body: Buffer): Fault | undefined {
  const read = readServerKeyExchange(body);
  if (read === undefined) return fault('bad-message', Alert.decodeError, 'ServerKeyExchange cannot be read');
  if (!GROUPS.includes(read.group)) return noAgreement('a group that was not offered');
  if (!isSigned(a, read)) return fault('bad-signature', Alert.decryptError, 'ServerKeyExchange does not verify');
  a.share = makeKeyShare(read.group);
  a.peerValue = Buffer.from(read.publicValue);
  return undefined;
}

function isSigned(a: Association, { params, scheme, signature }: ServerKeyExchange): boolean {
  const data = Buffer.concat([a.clientRandom, a.serverRandom, params]);
  return (
    a.peerKey !== undefined && SERVER_SCHEMES.includes(scheme) && verifySignature(a.peerKey, scheme, data, signature)
  );
}

function takeCertificateRequest(body: Buffer): Fault | undefined {
  const request = readCertificateRequest(body);
  if (request === undefined) return fault('bad-message', Alert.decodeError, 'CertificateRequest cannot be read');
  const fits =
    request.types.includes(ClientCertificateType.ecdsaSign) && request.schemes.includes(SignatureScheme.ecdsaSha256);
  return fits ? undefined : noAgreement('the server does not take ECDSA with SHA-256');
}

function answerServer(a: Association, now: number, out: DtlsEffect[]): Fault | undefined {
  if (a.share === undefined) throw new Error('an answer before the key exchange');
  a.flight = [];
  addMessage(a, MessageType.certificate, writeCertificate(a.options.identity.certificate));
  addMessage(a, MessageType.clientKeyExchange, writeClientKeyExchange(a.share.publicValue));
  const problem = makeKeys(a, a.peerValue);
  if (problem !== undefined) return problem;
  const signature = signWith(a.options.identity, Buffer.concat(a.transcript));
  addMessage(a, MessageType.certificateVerify, writeSignature(SignatureScheme.ecdsaSha256, signature));
  addChangeCipherSpec(a);
  addFinished(a);
  sendFlight(a, true, now, out);
  return undefined;
}

function noAgreement(detail: string): Fault {
  return fault('no-agreement', Alert.handshakeFailure, detail);
}
