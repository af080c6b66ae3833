/** The handshake between our two roles: keys, cookies of servers, loss, the end. RFC 6347 4.2. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alice, connectedOf, type Fate, failureOf, makePair, perfect } from '../../../../test/support/dtls-pair.ts';
import { fc } from '../../../../test/support/property.ts';
import { SCALE } from '../../../../test/support/scale.ts';
import { wholeMessage } from './inbox.ts';
import { readRecords, recordHeader } from './record.ts';
import type { DtlsEffect, SrtpProfile } from './types.ts';

/** Both ends must have the same keys, crosswise. */
function assertConnected(pair: ReturnType<typeof makePair>, profile?: SrtpProfile): void {
  const client = connectedOf(pair.client);
  const server = connectedOf(pair.server);
  assert.ok(client !== undefined && server !== undefined, `${failureOf(pair.client)} ${failureOf(pair.server)}`);
  assert.equal(client.profile, server.profile);
  if (profile !== undefined) assert.equal(client.profile, profile);
  assert.deepEqual(client.keys.local, server.keys.remote);
  assert.deepEqual(client.keys.remote, server.keys.local);
  assert.notDeepEqual(client.keys.local.key, client.keys.remote.key);
  assert.equal(client.keys.local.salt.length, client.profile === 'SRTP_AEAD_AES_128_GCM' ? 12 : 14);
  assert.equal(pair.client.events.length, 1);
  assert.equal(pair.server.events.length, 1);
}

test('both ends get the same keys, and the profile that the server prefers', () => {
  const plain = makePair();
  plain.run(1000);
  assertConnected(plain, 'SRTP_AES128_CM_HMAC_SHA1_80');
  assert.equal(plain.client.dtls.state, 'connected');
  const gcm = makePair({ server: { profiles: ['SRTP_AEAD_AES_128_GCM', 'SRTP_AES128_CM_HMAC_SHA1_80'] } });
  gcm.run(1000);
  assertConnected(gcm, 'SRTP_AEAD_AES_128_GCM');
  assert.notDeepEqual(connectedOf(plain.client)?.keys, connectedOf(gcm.client)?.keys);
});

test('datagrams keep to their limit, also when every message is cut', () => {
  for (const datagramBytes of [128, 200, 256, 500, 1200]) {
    const pair = makePair({ client: { datagramBytes }, server: { datagramBytes } });
    pair.run(1000);
    assertConnected(pair);
    for (const datagram of [...pair.client.sent, ...pair.server.sent]) assert.ok(datagram.length <= datagramBytes);
  }
});

test('no sequence number is used twice, and no repeat is sent without loss', () => {
  const pair = makePair({ server: { datagramBytes: 256 } });
  pair.run(1000);
  for (const end of [pair.client, pair.server]) {
    const seen = end.sent.flatMap(datagram => readRecords(datagram).records.map(r => `${r.epoch}/${r.sequence}`));
    assert.equal(new Set(seen).size, seen.length);
    assert.equal(end.dtls.counters.resentFlights, 0);
  }
});

test('a client gives a server the cookie it asks for, once, and neither message counts for the transcript', () => {
  const pair = makePair({ fate: () => [] });
  const first = pair.client.sent[0] ?? Buffer.alloc(0);
  const cookie = Buffer.from('a cookie of twenty b');
  const ask = (seq: number, sequence: number): void => {
    const message = wholeMessage(3, seq, Buffer.concat([Buffer.from('feff14', 'hex'), cookie]));
    pair.inject(Buffer.concat([recordHeader(22, 0, sequence, message.length), message]), 'server');
    pair.run(pair.now + 5);
  };
  ask(0, 0);
  const second = pair.client.sent[1] ?? Buffer.alloc(0);
  assert.deepEqual(second.subarray(27, 59), first.subarray(27, 59), 'the same random');
  assert.equal(second.readUInt16BE(17), 1, 'the next message');
  assert.deepEqual(second.subarray(61, 81), cookie);
  assert.deepEqual(pair.client.data.transcript, [second.subarray(13)]);
  ask(1, 1);
  assert.equal(failureOf(pair.client), 'unexpected-message');
});

test('a server asks for no cookie and takes no second first message', () => {
  const pair = makePair({ fate: () => [] });
  const hello = Buffer.from(pair.client.sent[0] ?? Buffer.alloc(0));
  hello.writeUInt16BE(1, 17);
  pair.inject(hello, 'client');
  pair.run(10);
  assert.deepEqual([pair.server.dtls.state, pair.server.sent.length], ['new', 0]);
});

test('the k-th datagram lost, for each k and both ways: the handshake is done all the same', () => {
  for (const role of ['client', 'server'] as const) {
    for (let lost = 0; lost < 6; lost += 1) {
      const fate: Fate = (datagram, from, index) =>
        from === role && index === lost ? [] : perfect(datagram, from, index);
      const pair = makePair({ fate, client: { datagramBytes: 400 }, server: { datagramBytes: 400 } });
      pair.run(5000);
      assertConnected(pair);
    }
  }
});

test('a server answers a lost last flight until the media confirmed it', () => {
  let lose = true;
  const fate: Fate = (datagram, from, index) =>
    lose && from === 'server' && datagram[0] === 20 ? [] : perfect(datagram, from, index);
  const pair = makePair({ fate });
  pair.run(400);
  assert.ok(connectedOf(pair.server) !== undefined);
  assert.equal(connectedOf(pair.client), undefined);
  lose = false;
  pair.run(2000);
  assertConnected(pair);
  const out: DtlsEffect[] = [];
  pair.server.dtls.confirmed(out);
  assert.deepEqual(out, [{ type: 'stop-timer' }]);
  assert.equal(pair.server.data.flight.length, 0);
});

test('the last flight is forgotten after four minutes', () => {
  const pair = makePair();
  pair.run(200_000);
  assert.ok(pair.server.data.flight.length > 0);
  pair.run(300_000);
  assert.equal(pair.server.data.flight.length, 0);
  assert.equal(pair.server.dtls.state, 'connected');
});

test('a network that loses, copies and reorders: all done in time or a clean end', () => {
  const runs = 60 * SCALE;
  let connected = 0;
  let total = 0;
  const choice = fc.record({ lose: fc.boolean(), copy: fc.boolean(), delayMs: fc.integer({ min: 0, max: 60 }) });
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(99), fc.nat(99), choice), { minLength: 200, maxLength: 200 }), dice => {
      let n = 0;
      const fate: Fate = datagram => {
        const [loss, copy, { delayMs }] = dice[n % dice.length] ?? [99, 99, { delayMs: 1 }];
        n += 1;
        if (loss < 30) return [];
        const one = { delayMs, datagram };
        return copy < 15 ? [one, { delayMs: delayMs + 20, datagram }] : [one];
      };
      const pair = makePair({ fate, client: { datagramBytes: 300 }, server: { datagramBytes: 500 } });
      pair.run(40_000);
      total += 1;
      const both = connectedOf(pair.client) !== undefined && connectedOf(pair.server) !== undefined;
      if (both) {
        connected += 1;
        assertConnected(pair);
      } else {
        // A client without keys ended; keys at one end only are those of a server whose last flight was lost.
        assert.equal(connectedOf(pair.client), undefined);
        assert.equal(failureOf(pair.client), 'timeout');
      }
      assert.ok(pair.client.sent.length < 300 && pair.server.sent.length < 300);
    }),
    { numRuns: runs },
  );
  assert.ok(connected / total > 0.9, `${connected} of ${total}`);
});

test('nobody answers: the flight is sent at growing distances, then the handshake fails', () => {
  const times: number[] = [];
  let clock = { now: 0 };
  const fate: Fate = () => {
    times.push(clock.now);
    return [];
  };
  const pair = makePair({ client: { rttMs: 60 }, fate });
  clock = pair;
  pair.run(60_000);
  assert.equal(failureOf(pair.client), 'timeout');
  assert.equal(pair.now, 60_000);
  assert.deepEqual(times.slice(0, 5), [0, 120, 360, 840, 1800]);
  assert.ok(times.length <= 11);
  assert.equal(pair.client.timerAt, Number.POSITIVE_INFINITY);
});

test('close_notify ends both sides, in either direction, and once', () => {
  for (const [one, other] of [['client', 'server'] as const, ['server', 'client'] as const]) {
    const pair = makePair();
    pair.run(1000);
    const out: DtlsEffect[] = [];
    pair[one].dtls.close(1000, out);
    pair[one].dtls.close(1000, out);
    const sends = out.flatMap(effect => (effect.type === 'send' ? [effect.datagram] : []));
    assert.equal(sends.length, 1);
    assert.deepEqual(out.at(-1), { type: 'closed', reason: 'local' });
    for (const datagram of sends) pair.inject(datagram, one);
    pair.run(2000);
    assert.deepEqual(pair[other].events.at(-1), { type: 'closed', reason: 'remote' });
    assert.equal(pair[other].dtls.state, 'closed');
    assert.equal(pair[other].timerAt, Number.POSITIVE_INFINITY);
  }
});

test('options that can never work are refused when they are given', () => {
  assert.throws(() => makePair({ client: { remoteFingerprints: [] } }), RangeError);
  assert.throws(() => makePair({ client: { profiles: [] } }), RangeError);
  assert.equal(makePair({ client: { remoteFingerprints: [alice.fingerprint] } }).client.dtls.state, 'handshake');
});
