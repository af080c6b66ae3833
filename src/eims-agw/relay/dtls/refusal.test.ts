/** Peers and paths that lie: each is refused, and no keys are made for it. RFC 5763 5, RFC 6347 4.1.2, RFC 5246 7.4. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import {
  alice,
  bob,
  connectedOf,
  type End,
  type Fate,
  failureOf,
  makePair,
  makePerson,
  type Pair,
  type PairOptions,
  perfect,
} from '../../../../test/support/dtls-pair.ts';
import { ContentType, MessageType } from './code.ts';
import { readFragments, wholeMessage } from './inbox.ts';
import { writeCertificate, writeSignature } from './message.ts';
import { readRecords, recordHeader } from './record.ts';
import type { DtlsFailure, DtlsOptions, DtlsRole } from './types.ts';

/** Runs a pair and asserts that `who` failed with `reason` and that it never handed out keys. */
function assertRefused(who: DtlsRole, reason: DtlsFailure, options: PairOptions, change?: (pair: Pair) => void): Pair {
  const pair = makePair(options);
  change?.(pair);
  pair.run(40_000);
  assertNoKeys(pair[who], reason);
  return pair;
}

function assertNoKeys(end: End, reason: DtlsFailure): void {
  assert.equal(failureOf(end), reason);
  assert.equal(connectedOf(end), undefined);
  assert.equal(end.dtls.state, 'failed');
  assert.equal(end.events.length, 1);
  assert.equal(end.timerAt, Number.POSITIVE_INFINITY);
  const { share, master, peerKey, readKeys, transcript, flight, inbox, early } = end.data;
  assert.deepEqual([share, master, peerKey, readKeys], [undefined, undefined, undefined, undefined]);
  assert.deepEqual([transcript.length, flight.length, inbox.slots.size, early.length], [0, 0, 0, 0]);
}

/** Changes the body of one message type while it is in clear; the length may change when the message is whole. */
function rewriting(from: DtlsRole, type: number, rewrite: (body: Buffer) => Buffer): Fate {
  return (datagram, sender, index) => {
    if (sender !== from) return perfect(datagram, sender, index);
    const records = readRecords(datagram).records.map(record => {
      let payload = record.payload;
      const fragment =
        record.epoch === 0 && record.type === ContentType.handshake ? readFragments(payload)?.[0] : undefined;
      if (fragment?.type === type) {
        const body = rewrite(Buffer.from(fragment.body));
        payload = wholeMessage(fragment.type, fragment.seq, body);
      }
      return Buffer.concat([recordHeader(record.type, record.epoch, record.sequence, payload.length), payload]);
    });
    return [{ delayMs: 1, datagram: Buffer.concat(records) }];
  };
}

function flipped(at: number): (body: Buffer) => Buffer {
  return body => {
    const i = at < 0 ? body.length + at : at;
    body[i] = (body[i] ?? 0) ^ 1;
    return body;
  };
}

/** Loses the first flight that holds protected records, lets the test change it in its maker, and goes on. */
function lyingIn(liar: DtlsRole, lie: (end: End) => void): { fate: Fate; change: (pair: Pair) => void } {
  let quiet = true;
  const fate: Fate = (datagram, from, index) => {
    const last = readRecords(datagram).records.some(r => r.epoch === 1 || r.type === ContentType.changeCipherSpec);
    const early = liar === 'client' && from === 'client' && index > 0;
    return quiet && from === liar && (last || early) ? [] : perfect(datagram, from, index);
  };
  const change = (pair: Pair): void => {
    pair.run(20);
    lie(pair[liar]);
    quiet = false;
  };
  return { fate, change };
}

/** The waiting flight's message of a type. */
function itemOf(end: End, type: number): { body: Buffer; messageType: number; epoch: 0 | 1 } {
  for (const item of end.data.flight) if (item.type === 'message' && item.messageType === type) return item;
  throw new Error(`no message ${type} in the flight`);
}

test('a certificate that the SDP did not name, on either side', () => {
  const mallory = makePerson();
  const wrong: Partial<DtlsOptions> = { remoteFingerprints: [mallory.fingerprint] };
  const server = assertRefused('server', 'wrong-fingerprint', { server: wrong });
  assert.equal(connectedOf(server.client), undefined);
  const client = assertRefused('client', 'wrong-fingerprint', { client: wrong });
  assert.equal(connectedOf(client.server), undefined);
  const short = { hash: 'sha-256' as const, value: alice.fingerprint.value.slice(0, 59) };
  assertRefused('server', 'wrong-fingerprint', { server: { remoteFingerprints: [short] } });
});

test('one of several fingerprints is enough, in either case of letters', () => {
  const lower = { hash: 'sha-256' as const, value: alice.fingerprint.value.toLowerCase() };
  const pair = makePair({ server: { remoteFingerprints: [makePerson().fingerprint, lower] } });
  pair.run(1000);
  assert.ok(connectedOf(pair.server) !== undefined);
});

test("somebody who shows another's certificate without having its key", () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const thief = { certificate: alice.identity.certificate, key: privateKey };
  assertRefused('server', 'bad-signature', { client: { identity: thief } });
  const impostor = { certificate: bob.identity.certificate, key: privateKey };
  const pair = assertRefused('client', 'bad-signature', { server: { identity: impostor } });
  assert.equal(connectedOf(pair.server), undefined);
});

test('signatures that are changed, of another scheme, or over other bytes', () => {
  assertRefused('client', 'bad-signature', { fate: rewriting('server', MessageType.serverKeyExchange, flipped(-1)) });
  // The public value is under the signature.
  assertRefused('client', 'bad-signature', { fate: rewriting('server', MessageType.serverKeyExchange, flipped(10)) });
  assertRefused('server', 'bad-signature', { fate: rewriting('client', MessageType.certificateVerify, flipped(-1)) });
  for (const scheme of [0x0201, 0x0203, 0x0401, 0x0503, 0x0804]) {
    const other = (body: Buffer): Buffer => {
      body.writeUInt16BE(scheme, 0);
      return body;
    };
    assertRefused('server', 'bad-signature', { fate: rewriting('client', MessageType.certificateVerify, other) });
  }
  const sha1 = writeSignature(0x0203, sign('sha1', Buffer.from('anything'), alice.identity.key));
  assertRefused('server', 'bad-signature', { fate: rewriting('client', MessageType.certificateVerify, () => sha1) });
});

test('a path that changes the ClientHello or the ServerHello is found out', () => {
  // Suites: the first is taken away, so that the second would be chosen.
  const weaker = (body: Buffer): Buffer => {
    body.writeUInt16BE(0xcca9, 38);
    return body;
  };
  assertRefused('server', 'bad-signature', { fate: rewriting('client', MessageType.clientHello, weaker) });
  const pair = assertRefused('client', 'timeout', { fate: rewriting('client', MessageType.clientHello, weaker) });
  assert.equal(connectedOf(pair.server), undefined);
  // The server's random is under its signature.
  assertRefused('client', 'bad-signature', { fate: rewriting('server', MessageType.serverHello, flipped(10)) });
  // The suite is under Finished and the client's signature.
  const chacha = (body: Buffer): Buffer => {
    body.writeUInt16BE(0xcca9, 35);
    return body;
  };
  assertRefused('server', 'bad-signature', { fate: rewriting('server', MessageType.serverHello, chacha) });
});

test('a Finished that does not fit, under the right keys, from either side', () => {
  for (const [liar, victim] of [['client', 'server'] as const, ['server', 'client'] as const]) {
    for (const lie of [flipped(0), flipped(-1), (body: Buffer) => body.subarray(1), () => Buffer.alloc(0)]) {
      const { fate, change } = lyingIn(liar, end => {
        const item = itemOf(end, MessageType.finished);
        item.body = lie(Buffer.from(item.body));
      });
      assertRefused(victim, 'bad-finished', { fate }, change);
    }
  }
});

test('a Finished in clear, and other messages under the keys', () => {
  const { fate, change } = lyingIn('client', end => {
    itemOf(end, MessageType.finished).epoch = 0;
  });
  assertRefused('server', 'unexpected-message', { fate }, change);
  const server = lyingIn('server', end => {
    itemOf(end, MessageType.finished).epoch = 0;
  });
  assertRefused('client', 'unexpected-message', { fate: server.fate }, server.change);
  const other = lyingIn('client', end => {
    itemOf(end, MessageType.certificateVerify).epoch = 1;
  });
  assertRefused('server', 'unexpected-message', { fate: other.fate }, other.change);
});

test('a client without a certificate, without CertificateVerify, or out of order', () => {
  const empty = lyingIn('client', end => {
    itemOf(end, MessageType.certificate).body = Buffer.alloc(3);
  });
  assertRefused('server', 'no-certificate', { fate: empty.fate }, empty.change);
  const missing = lyingIn('client', end => {
    // Its message number goes to CertificateVerify's place: the message is simply not sent.
    end.data.flight = end.data.flight.filter(i => i.type !== 'message' || i.messageType !== MessageType.certificate);
    end.data.flight.forEach(item => {
      if (item.type === 'message') item.seq -= 1;
    });
  });
  assertRefused('server', 'unexpected-message', { fate: missing.fate }, missing.change);
  const unproved = lyingIn('client', end => {
    end.data.flight = end.data.flight.filter(
      i => i.type !== 'message' || i.messageType !== MessageType.certificateVerify,
    );
    for (const item of end.data.flight) if (item.type === 'message' && item.messageType === 20) item.seq -= 1;
  });
  assertRefused('server', 'unexpected-message', { fate: unproved.fate }, unproved.change);
});

test('only the first certificate counts: the right one behind a wrong one is no proof', () => {
  const mallory = makePerson();
  const chain = (body: Buffer): Buffer => {
    const both = Buffer.concat([writeCertificate(mallory.identity.certificate).subarray(3), body.subarray(3)]);
    const length = Buffer.alloc(3);
    length.writeUIntBE(both.length, 0, 3);
    return Buffer.concat([length, both]);
  };
  assertRefused('server', 'wrong-fingerprint', { fate: rewriting('client', MessageType.certificate, chain) });
});

test('an older version, no extended master secret, no profile, compression, a renegotiating hello', () => {
  const hello = (rewrite: (body: Buffer) => Buffer): Fate => rewriting('client', MessageType.clientHello, rewrite);
  const set16 = (at: number, value: number) => (body: Buffer) => {
    body.writeUInt16BE(value, at);
    return body;
  };
  const replaced = (from: string, to: string) => (body: Buffer) => {
    const hex = body.toString('hex');
    assert.ok(hex.includes(from), `${from} in ${hex}`);
    return Buffer.from(hex.replace(from, to), 'hex');
  };
  const refuse = (reason: DtlsFailure, rewrite: (body: Buffer) => Buffer): void => {
    const pair = assertRefused('server', reason, { fate: hello(rewrite) });
    assert.equal(pair.server.sent.length, 1, 'an alert and nothing else');
    assert.equal(pair.server.sent[0]?.[0], ContentType.alert);
  };
  refuse('no-agreement', set16(0, 0xfeff));
  refuse('no-agreement', set16(0, 0x0303));
  refuse('no-agreement', replaced('00170000', '00180000'));
  refuse('no-agreement', replaced('0004c02bcca9', '0004c02fcca8'));
  refuse('no-agreement', replaced('0004c02bcca9', '0004002f0035'));
  refuse('no-agreement', replaced('cca90100', 'cca90101'));
  refuse('no-agreement', replaced('ff01000100', 'ff010001ff'));
  refuse('no-agreement', replaced('000400010007', '000400020008'));
  refuse('no-agreement', replaced('0004001d0017', '000400180019'));
  refuse('no-agreement', replaced('000404030503', '000404010503'));
  refuse('no-agreement', replaced('000b00020100', '000b00020101'));
  refuse('bad-message', replaced('00170000', 'ff010000'));
  refuse('bad-message', body => body.subarray(0, 60));
  refuse('bad-message', body => Buffer.concat([body, Buffer.from([0])]));
});

test('a server that answers with what was not offered', () => {
  const refuse = (reason: DtlsFailure, from: string, to: string): void => {
    const rewrite = (body: Buffer): Buffer => {
      const hex = body.toString('hex');
      assert.ok(hex.includes(from), `${from} in ${hex}`);
      return Buffer.from(hex.replace(from, to), 'hex');
    };
    const pair = assertRefused('client', reason, { fate: rewriting('server', MessageType.serverHello, rewrite) });
    assert.equal(connectedOf(pair.server), undefined);
  };
  refuse('no-agreement', 'fefd', 'feff');
  refuse('no-agreement', '00c02b00', '00c02f00');
  refuse('no-agreement', '00c02b00', '00c02b01');
  refuse('no-agreement', 'ff01000100', 'ff01000101');
  refuse('no-agreement', '000e00050002000100', '000e00050002000200');
  refuse('no-agreement', '000e00050002000100', '000e00050002000101');
  refuse('bad-message', '00170000', '00100000');
});

test('key shares off the curve, of low order, or of another length', () => {
  const value = (bytes: Buffer) => () => Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const offCurve = Buffer.concat([Buffer.from([4]), Buffer.alloc(64, 7)]);
  for (const bad of [Buffer.alloc(32), Buffer.alloc(31, 9), Buffer.alloc(33, 9), offCurve, Buffer.alloc(0)]) {
    const fate = rewriting('client', MessageType.clientKeyExchange, value(bad));
    assertRefused('server', 'bad-key-share', { fate });
  }
  assertRefused('server', 'bad-message', {
    fate: rewriting('client', MessageType.clientKeyExchange, () => Buffer.from([32, 1])),
  });
});
