/** Where records and fragments of the peer go: by epoch, by phase, and nowhere without a reason. RFC 6347 4.1, 4.2. */
import { clientStep } from './client.ts';
import { Alert, AlertLevel, ContentType, MessageType } from './code.ts';
import { type Fragment, type HandshakeMessage, putFragment, readFragments, takeMessage } from './inbox.ts';
import { type DtlsRecord, isReplay, markSeen } from './record.ts';
import { admitHello, serverStep } from './server.ts';
import {
  type Association,
  answerRepeat,
  beginDeadline,
  endClosed,
  endFailed,
  fail,
  fault,
  type Phase,
  sendAlert,
} from './state.ts';
import { open } from './suite.ts';
import type { DtlsEffect } from './types.ts';

/** Records of epoch 1 that are kept until there are keys: the peer's Finished may overtake the rest of its flight. */
const MAX_EARLY_RECORDS = 4;
const MAX_EARLY_BYTES = 512;

/** The one message that each phase takes; HelloVerifyRequest is also taken for a ServerHello. */
const EXPECTED: Readonly<Record<Phase, number>> = {
  'client-hello': MessageType.clientHello,
  'client-certificate': MessageType.certificate,
  'client-key-exchange': MessageType.clientKeyExchange,
  'certificate-verify': MessageType.certificateVerify,
  'client-finished': MessageType.finished,
  'server-hello': MessageType.serverHello,
  'server-certificate': MessageType.certificate,
  'server-key-exchange': MessageType.serverKeyExchange,
  'certificate-request': MessageType.certificateRequest,
  'server-hello-done': MessageType.serverHelloDone,
  'server-finished': MessageType.finished,
  done: -1,
  over: -1,
};

/** Takes one record of a datagram. */
export function takeRecord(a: Association, record: DtlsRecord, now: number, out: DtlsEffect[]): void {
  if (a.phase === 'over') return;
  if (record.epoch === 0) {
    takeClear(a, record, now, out);
    return;
  }
  if (a.readKeys === undefined) {
    keepEarly(a, record);
    return;
  }
  // SRTP is all this association is for: application data is not worth decrypting.
  if (record.type === ContentType.applicationData || isReplay(a.window, record.sequence)) {
    a.counters.droppedRecords += 1;
    return;
  }
  const plain = open(a.readKeys, record);
  if (plain === undefined) {
    a.counters.droppedRecords += 1;
    // However many: to end a call for forged records would hand that to whoever can forge a source address.
    a.counters.badRecords += 1;
    return;
  }
  markSeen(a.window, record.sequence);
  if (record.type === ContentType.handshake) takeHandshake(a, plain, 1, record.sequence, now, out);
  else if (record.type === ContentType.alert) takeAlert(a, plain, out);
  else a.counters.droppedRecords += 1;
}

/** Records anyone could have sent: they move the handshake, and nothing once it is done. */
function takeClear(a: Association, record: DtlsRecord, now: number, out: DtlsEffect[]): void {
  if (record.type === ContentType.handshake && a.phase !== 'done') {
    takeHandshake(a, record.payload, 0, record.sequence, now, out);
    return;
  }
  // The change of keys shows in the epoch; the message itself says nothing more.
  if (record.type === ContentType.changeCipherSpec) return;
  if (record.type === ContentType.alert && record.payload.length === 2) {
    a.hint = `; the peer sent alert ${record.payload.readUInt8(1)} in clear`;
  }
  a.counters.droppedRecords += 1;
}

function keepEarly(a: Association, record: DtlsRecord): void {
  const wanted = record.type === ContentType.handshake || record.type === ContentType.alert;
  const known = a.early.some(({ sequence }) => sequence === record.sequence);
  if (
    !a.started ||
    !wanted ||
    known ||
    a.early.length >= MAX_EARLY_RECORDS ||
    record.payload.length > MAX_EARLY_BYTES
  ) {
    a.counters.droppedRecords += 1;
    return;
  }
  a.early.push({ ...record, payload: Buffer.from(record.payload) });
}

function takeHandshake(
  a: Association,
  payload: Buffer,
  epoch: 0 | 1,
  sequence: number,
  now: number,
  out: DtlsEffect[],
): void {
  const fragments = readFragments(payload);
  if (fragments === undefined) {
    a.counters.droppedRecords += 1;
    return;
  }
  for (const fragment of fragments) {
    if (a.phase === 'over') return;
    if (a.phase === 'done') {
      takeLate(a, fragment, now, out);
      continue;
    }
    if (a.phase === 'client-hello' && !admitHello(a, fragment, sequence)) {
      a.counters.droppedRecords += 1;
      continue;
    }
    if (!a.started) beginDeadline(a, now, out);
    if (fragment.seq < a.inbox.expected) {
      if (fragment.seq >= a.answeredFrom) answerRepeat(a, now, out);
    } else if (!putFragment(a.inbox, fragment, epoch)) a.counters.droppedRecords += 1;
    takeMessages(a, now, out);
  }
}

/** After the handshake: the peer's last flight again, or an attempt to renegotiate, which is refused. RFC 5246 7.2.2. */
function takeLate(a: Association, fragment: Fragment, now: number, out: DtlsEffect[]): void {
  const renegotiation = fragment.type === MessageType.helloRequest || fragment.type === MessageType.clientHello;
  if (fragment.type === MessageType.finished && fragment.seq === a.inbox.expected - 1) answerRepeat(a, now, out);
  else if (renegotiation && !a.refusedRenegotiation) {
    a.refusedRenegotiation = true;
    sendAlert(a, AlertLevel.warning, Alert.noRenegotiation, out);
  } else a.counters.droppedRecords += 1;
}

/** Hands on every message that is complete and next. */
function takeMessages(a: Association, now: number, out: DtlsEffect[]): void {
  while (a.phase !== 'over' && a.phase !== 'done') {
    const message = takeMessage(a.inbox);
    if (message === undefined) return;
    const problem = misplaced(a, message) ?? (a.role === 'server' ? serverStep : clientStep)(a, message, now, out);
    if (problem !== undefined) {
      fail(a, problem, out);
      return;
    }
    if (a.readKeys !== undefined && a.early.length > 0) {
      const early = a.early;
      a.early = [];
      for (const record of early) takeRecord(a, record, now, out);
    }
  }
}

/** Each phase takes one message, and only Finished is protected. */
function misplaced(a: Association, { type, epoch }: HandshakeMessage): ReturnType<typeof fault> | undefined {
  const cookie = type === MessageType.helloVerifyRequest && a.phase === 'server-hello';
  if (type !== EXPECTED[a.phase] && !cookie) {
    return fault('unexpected-message', Alert.unexpectedMessage, `message type ${type} while waiting for ${a.phase}`);
  }
  if ((type === MessageType.finished) !== (epoch === 1)) {
    return fault('unexpected-message', Alert.unexpectedMessage, `message type ${type} in epoch ${epoch}`);
  }
  return undefined;
}

/** An authentic alert. RFC 5246 7.2. */
function takeAlert(a: Association, plain: Buffer, out: DtlsEffect[]): void {
  const description = plain.length === 2 ? plain.readUInt8(1) : -1;
  const fatal = description >= 0 && plain.readUInt8(0) === AlertLevel.fatal;
  if (a.phase === 'done' && description === Alert.closeNotify) endClosed(a, 'remote', out);
  else if (fatal || description === Alert.closeNotify) endFailed(a, 'alert', `the peer sent alert ${description}`, out);
  else a.counters.droppedRecords += 1;
}
