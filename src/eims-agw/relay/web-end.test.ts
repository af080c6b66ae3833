/** A browser leg of ours on a network and a clock of the test: checks, handshake, media, loss of consent, limits. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ADDRESS,
  connected,
  handshake,
  OURS,
  PORT,
  remote,
  rtp,
  theirIdentity,
  world,
} from '../../../test/support/leg-world.ts';
import { createDtls } from './dtls/association.ts';
import type { DtlsEffect } from './dtls/types.ts';

test('DTL-02 offers say lite and passive, with new credentials for each leg', () => {
  const w = world();
  const [a, b] = [w.make().transport, w.make().transport];
  assert.deepEqual([a.iceLite, a.answerSetup, a.address, a.port], [true, 'passive', '198.51.100.1', 20_000]);
  assert.ok(a.ufrag.length >= 8 && a.pwd.length >= 24 && a.ufrag !== b.ufrag && a.pwd !== b.pwd);
});

test('checks: right ones are answered, wrong ones meet silence, strange ones are told', () => {
  const w = world();
  const end = w.make();
  // Before the browser's SDP any name of the peer is good.
  assert.equal(w.check(end, { user: `${end.transport.ufrag}:other` }), 0x0101);
  end.connect(remote());
  assert.equal(w.check(end), 0x0101);
  assert.equal(w.check(end, { user: `${end.transport.ufrag}:other` }), null);
  assert.equal(w.check(end, { pwd: 'x'.repeat(32) }), null);
  assert.equal(w.check(end, { controlled: true }), 0x0111);
  assert.equal(w.sent[0]?.bytes.includes('Role Conflict'), true);
  assert.equal(w.check(end, { unknown: 0x7001 }), 0x0111);
  const { counts } = end;
  assert.deepEqual([counts?.()['leg-check-refused'], counts?.()['leg-role-conflict']], [2, 1]);
  end.close();
  assert.deepEqual([w.ears.size, w.sources.size, w.timers.size], [0, 0, 0]);
});

for (const profile of ['SRTP_AES128_CM_HMAC_SHA1_80', 'SRTP_AEAD_AES_128_GCM'] as const) {
  test(`${profile}: media passes both ways, copies and forgeries do not`, () => {
    const { w, end, ear, srtp, from } = connected([profile]);
    assert.equal(w.heard.up, 1);
    const packet = from(1);
    ear.media(Buffer.from(packet));
    ear.media(Buffer.from(packet));
    const forged = from(2);
    forged[20] = (forged[20] ?? 0) ^ 1;
    ear.media(forged);
    assert.deepEqual(w.heard.packets, [rtp(1)]);
    w.sent.length = 0;
    assert.equal(end.send(rtp(9, 77)), true);
    assert.equal(end.send(rtp(9, 77)), true);
    assert.deepEqual(
      w.sent.map(s => [s.address, s.port]),
      [[ADDRESS, PORT]],
    );
    const got = w.sent[0]?.bytes ?? Buffer.alloc(0);
    assert.equal(srtp.unprotectRtp(got), 172);
    assert.deepEqual(got.subarray(0, 172), rtp(9, 77));
    w.state.crowded = true;
    assert.equal(end.send(rtp(10, 77)), false);
    const counts = end.counts?.() ?? {};
    assert.deepEqual([counts['leg-replay'], counts['leg-tag']], [1, 1]);
  });
}

test('as DTLS client we begin once there is a nomination', () => {
  const w = world();
  const end = w.make();
  end.connect(remote('passive'));
  w.check(end, { useCandidate: false });
  assert.equal(w.sent.length, 1);
  w.check(end);
  assert.equal(w.sent.length, 2);
  assert.ok(handshake(w, 'server').srtp);
  assert.equal(w.heard.up, 1);
});

test('a leg is up once there are keys and a nomination, whichever comes last', () => {
  const w = world();
  const end = w.make();
  end.connect(remote());
  w.check(end, { useCandidate: false });
  assert.ok(handshake(w).srtp);
  assert.equal(w.heard.up, 0);
  w.check(end);
  w.check(end, { port: 50_001 });
  assert.equal(w.heard.up, 1);
  assert.equal(end.send(rtp(1, 77)), true);
});

test('a handshake that comes before the browser’s SDP waits for it, one flight of it', () => {
  const w = world();
  const end = w.make();
  w.check(end);
  const first = createDtls({
    role: 'client',
    identity: theirIdentity,
    remoteFingerprints: [{ hash: 'sha-256', value: OURS.fingerprint }],
  });
  const out: DtlsEffect[] = [];
  first.start(0, out);
  const ear = w.sources.get(`${ADDRESS} ${PORT}`);
  const hello = out.flatMap(e => (e.type === 'send' ? [e.datagram] : []));
  w.sent.length = 0;
  for (const datagram of hello) ear?.dtls(Buffer.from(datagram), ADDRESS, PORT);
  for (let i = 0; i < 10; i += 1) ear?.dtls(Buffer.alloc(1_400, 22), ADDRESS, PORT);
  assert.deepEqual([w.sent.length, (end.counts?.()['leg-early'] ?? 0) > 5], [0, true]);
  end.connect(remote());
  assert.ok(w.sent.length > 0);
});

test('another certificate than announced: no media, and the reason', () => {
  const w = world();
  const end = w.make();
  end.connect(remote('actpass', OURS.fingerprint));
  w.check(end);
  assert.equal(handshake(w).srtp, null);
  assert.deepEqual([w.heard.up, w.heard.down], [0, ['fingerprint']]);
  assert.equal(end.send(rtp(1, 77)), false);
});

test('the browser’s goodbye ends the leg at once, its silence after 30 s, whatever else it sends', () => {
  const one = connected();
  const out: DtlsEffect[] = [];
  one.dtls.close(0, out);
  for (const effect of out) if (effect.type === 'send') one.ear.dtls(effect.datagram, ADDRESS, PORT);
  assert.deepEqual(one.w.heard.down, ['left']);
  const two = connected();
  for (let second = 1; second < 30; second += 1) {
    two.w.pass(1);
    two.ear.media(two.from(second));
  }
  assert.deepEqual(two.w.heard.down, []);
  two.w.pass(1);
  assert.deepEqual(two.w.heard.down, ['web']);
  assert.equal(two.end.send(rtp(1, 77)), false);
  two.w.pass(60);
  assert.equal(two.w.heard.down.length, 1);
});

test('a leg that nobody ever checks is given up after 30 s', () => {
  const w = world();
  const end = w.make();
  w.pass(100);
  assert.deepEqual(w.heard.down, []);
  end.connect(remote());
  w.pass(29);
  assert.deepEqual(w.heard.down, []);
  w.pass(1);
  assert.deepEqual(w.heard.down, ['web']);
});

test('an address change in the call moves the media, keys and all', () => {
  const { w, end, srtp } = connected();
  assert.equal(w.check(end, { port: 50_001 }), 0x0101);
  w.sent.length = 0;
  end.send(rtp(1, 77));
  assert.equal(w.sent[0]?.port, 50_001);
  assert.equal(srtp.unprotectRtp(w.sent[0]?.bytes ?? Buffer.alloc(0)), 172);
  assert.equal(end.counts?.()['leg-source-moved'], 1);
});

test('an ICE restart keeps keys and the old path until the new one is nominated', () => {
  const { w, end, ear, from } = connected();
  const old = end.transport;
  const fresh = end.restart?.({ ...remote(), ice: { ufrag: 'peer2', pwd: 'q'.repeat(24) } });
  assert.ok(fresh);
  assert.notEqual(fresh.ufrag, old.ufrag);
  assert.deepEqual({ ...fresh, ufrag: '', pwd: '' }, { ...old, ufrag: '', pwd: '' });
  ear.media(from(3));
  assert.equal(w.heard.packets.length, 1);
  assert.equal(w.check(end), 0x0101);
  assert.equal(w.check(end, { user: `${fresh.ufrag}:peer2`, pwd: fresh.pwd, port: 50_002 }), 0x0101);
  assert.equal(w.check(end), null);
  w.sent.length = 0;
  end.send(rtp(1, 77));
  assert.equal(w.sent[0]?.port, 50_002);
});

test('SEC-02 floods of a known source: the rate is capped before any signature is checked', () => {
  const { w, end, ear, from } = connected();
  for (let i = 0; i < 400; i += 1) ear.media(from(i));
  const passed = w.heard.packets.length;
  assert.ok(passed > 100 && passed <= 200, `${passed}`);
  assert.equal(end.counts?.()['leg-rate'], 400 - passed);
  w.pass(2);
  ear.media(from(502));
  assert.equal(w.heard.packets.length, passed + 1);
});

test('a fault of ours in what time brings ends that leg and leaves the others theirs', () => {
  const { w, end } = connected();
  const sound = w.make();
  sound.connect(remote());
  const [leg] = w.legs;
  assert.ok(leg);
  Object.defineProperty(leg, 'takenLately', { get: () => assert.fail('it cannot be read') });
  w.pass(2);
  assert.deepEqual([w.heard.down, w.faults.length], [['web'], 1]);
  assert.equal(end.counts?.()['leg-fault'], 1);
  assert.equal(w.check(sound), 0x0101);
});

test('a fault of ours in the end of a leg after a fault is told too, and the loss of the leg all the same', () => {
  const { w, end } = connected();
  const [leg] = w.legs;
  assert.ok(leg?.srtp);
  leg.srtp.quiet = () => assert.fail('it cannot be forgotten');
  leg.srtp.close = () => assert.fail('it cannot be closed');
  w.pass(2);
  assert.deepEqual([w.heard.down, w.faults.length], [['web'], 2]);
  assert.equal(end.counts?.()['leg-fault'], 2);
});
