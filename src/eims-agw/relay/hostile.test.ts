/** A leg under attack: what a stranger with a forged address, a listener who plays back, and a lying browser can reach. */
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
import { bindingRequest } from '../../../test/support/media-light.ts';
import { fc } from '../../../test/support/property.ts';
import { SCALE } from '../../../test/support/scale.ts';
import { createDtls } from './dtls/association.ts';
import { recordHeader } from './dtls/record.ts';
import type { DtlsEffect } from './dtls/types.ts';
import { parseBindingRequest } from './stun/message.ts';

const figure = (end: { counts?(): Readonly<Record<string, number>> }, name: string): number =>
  end.counts?.()[name] ?? 0;

test('junk under the address of the browser takes nothing from its rate and does not close the ear for it', () => {
  const { w, end, ear, from } = connected();
  ear.media(from(1));
  for (let i = 0; i < 2_000; i += 1) {
    const junk = rtp(i, 0x1000 + i);
    ear.media(Buffer.concat([junk, Buffer.alloc(10)]));
  }
  for (let seq = 2; seq < 52; seq += 1) ear.media(from(seq));
  assert.equal(w.heard.packets.length, 51);
  assert.deepEqual([figure(end, 'leg-tag'), figure(end, 'leg-muted')], [101, 1_899]);
});

test('junk that follows the stream, from the path, costs at most a thousand signatures in a second', () => {
  const { w, end, ear, from } = connected();
  ear.media(from(1));
  const forged = from(2);
  forged[30] = (forged[30] ?? 0) ^ 1;
  for (let i = 0; i < 1_500; i += 1) ear.media(Buffer.from(forged));
  assert.deepEqual([figure(end, 'leg-tag'), figure(end, 'leg-muted')], [1_001, 499]);
  w.pass(1);
  ear.media(from(3));
  assert.equal(w.heard.packets.length, 2);
});

test('DTLS of a source is bounded before anything is opened, and a handshake fits the bound', () => {
  const { w, end, ear, dtls } = connected();
  const record = Buffer.concat([recordHeader(21, 1, 9, 26), Buffer.alloc(26)]);
  const datagram = Buffer.concat(Array.from({ length: 50 }, () => record));
  for (let i = 0; i < 100; i += 1) ear.dtls(Buffer.from(datagram), ADDRESS, PORT);
  const bad = figure(end, 'dtls-bad-records');
  assert.ok(bad > 0 && bad <= 1_000, `${bad}`);
  assert.ok(figure(end, 'leg-dtls-rate') > 80);
  w.pass(1);
  const out: DtlsEffect[] = [];
  dtls.close(0, out);
  for (const effect of out) if (effect.type === 'send') ear.dtls(effect.datagram, ADDRESS, PORT);
  assert.deepEqual(w.heard.down, ['left']);
});

test('a leg makes one handshake in its life: connected, failed or ended, it answers no other', () => {
  const again = (w: ReturnType<typeof world>) => {
    w.pass(2);
    w.sent.length = 0;
    const ear = w.sources.get(`${ADDRESS} ${PORT}`);
    const next = createDtls({
      role: 'client',
      identity: theirIdentity,
      remoteFingerprints: [{ hash: 'sha-256', value: OURS.fingerprint }],
    });
    const out: DtlsEffect[] = [];
    next.start(0, out);
    for (const effect of out) if (effect.type === 'send') ear?.dtls(effect.datagram, ADDRESS, PORT);
    return w.sent.length;
  };
  const one = connected();
  const ear = one.ear;
  assert.equal(again(one.w), 0);
  assert.equal(one.end.connect(remote()), false);
  ear.media(one.from(1));
  assert.equal(one.w.heard.packets.length, 1);
  const wrong = world();
  const end = wrong.make();
  end.connect(remote('actpass', OURS.fingerprint));
  wrong.check(end);
  handshake(wrong);
  assert.deepEqual(wrong.heard.down, ['fingerprint']);
  assert.equal(again(wrong), 0);
});

test('a check that was overheard and is played back from elsewhere moves nothing and is not answered', () => {
  const { w, end } = connected();
  const { ufrag, pwd } = end.transport;
  const overheard = bindingRequest(`${ufrag}:peer`, pwd);
  const play = (port: number, address = ADDRESS) => {
    const request = parseBindingRequest(Buffer.from(overheard));
    assert.ok(request);
    w.sent.length = 0;
    w.ears.get(ufrag)?.check(request, address, port);
    return w.sent.length;
  };
  assert.equal(play(PORT), 1);
  assert.equal(play(PORT + 1), 0);
  assert.equal(play(PORT, '203.0.113.5'), 0);
  assert.equal(w.sources.has(`203.0.113.5 ${PORT}`), false);
  end.send(rtp(1, 77));
  assert.equal(w.sent.at(-1)?.port, PORT);
  // The browser itself repeats a check whose answer was lost; it counts once.
  assert.equal(play(PORT), 1);
  assert.equal(figure(end, 'leg-check-replayed'), 2);
  for (let second = 0; second < 30; second += 1) {
    w.pass(1);
    play(PORT);
  }
  assert.deepEqual(w.heard.down, ['web'], 'no consent by playing back');
});

for (const profile of ['SRTP_AES128_CM_HMAC_SHA1_80', 'SRTP_AEAD_AES_128_GCM'] as const)
  test(`${profile}: what is sent again is what left, whatever else came under its number`, () => {
    const { w, end, srtp } = connected([profile]);
    const text = (seq: number, fill: number) => Buffer.concat([rtp(seq).subarray(0, 12), Buffer.alloc(900, fill)]);
    w.sent.length = 0;
    end.send(text(1, 7), true);
    end.send(text(1, 9), true);
    w.state.crowded = true;
    end.send(text(2, 7), true);
    w.state.crowded = false;
    for (let seq = 3; seq < 140; seq += 1) end.send(text(seq, 7), true);
    const left = new Map(w.sent.map(({ bytes }) => [bytes.readUInt16BE(2), bytes]));
    end.send(text(5, 9), true);
    end.send(text(2, 9), true);
    assert.equal(w.sent.length, 139);
    assert.deepEqual(
      [1, 2, 5, 200].map(seq => end.resend?.(seq)),
      [false, true, false, false],
    );
    left.set(2, w.sent[138]?.bytes ?? Buffer.alloc(0));
    for (let seq = 131; seq < 140; seq += 1) assert.equal(end.resend?.(seq), true);
    for (const { bytes } of w.sent) assert.ok(left.get(bytes.readUInt16BE(2))?.equals(bytes));
    assert.equal(srtp.unprotectRtp(Buffer.from(left.get(139) ?? [])), 912);
    end.carry?.(false);
    assert.equal(end.resend?.(139), false);
    end.close();
    assert.equal(end.resend?.(138), false);
  });

test('the source of a browser that lives is not given to another leg; one that fell silent is', () => {
  const w = world();
  const [a, b] = [w.make(), w.make()];
  a.connect(remote());
  b.connect(remote());
  assert.equal(w.check(a), 0x0101);
  const { ufrag, pwd } = b.transport;
  const request = bindingRequest(`${ufrag}:peer`, pwd);
  for (let i = 0; i < 3; i += 1) {
    const parsed = parseBindingRequest(Buffer.from(request));
    assert.ok(parsed);
    w.sent.length = 0;
    w.ears.get(ufrag)?.check(parsed, ADDRESS, PORT);
    assert.equal(w.sent.length, 0, 'nor is a repeat of it answered');
  }
  const owner = w.sources.get(`${ADDRESS} ${PORT}`);
  assert.equal(owner, w.ears.get(a.transport.ufrag));
  w.pass(6);
  assert.equal(w.check(b), null);
  w.pass(1);
  assert.equal(w.check(b), 0x0101);
  assert.equal(w.sources.get(`${ADDRESS} ${PORT}`), w.ears.get(b.transport.ufrag));
});

test('nothing that could decrypt or sign is kept by a leg that ended', () => {
  const { w, end, dtls } = connected();
  const before = w.sent.length;
  w.pass(30);
  assert.deepEqual(w.heard.down, ['web']);
  assert.equal(w.sent.length, before, 'whose consent is over hears nothing more');
  const out: DtlsEffect[] = [];
  dtls.close(0, out);
  for (const effect of out)
    if (effect.type === 'send') w.ears.get(end.transport.ufrag)?.dtls(effect.datagram, ADDRESS, PORT);
  assert.deepEqual([w.ears.size, w.sources.size, w.timers.size, w.handshaking.size], [0, 0, 0, 0]);
  assert.deepEqual(
    [...w.legs].map(leg => [leg.dtls?.state, leg.srtp, leg.keys.size, leg.early.length]),
    [['closed', null, 0, 0]],
  );
});

test('mutants of all that a browser sends, by the thousand: no throw, small state, and the call goes on', () => {
  const { w, end, ear, from } = connected();
  const { ufrag, pwd } = end.transport;
  const hello = Buffer.concat([recordHeader(22, 0, 1, 60), Buffer.alloc(60, 1)]);
  const kinds = [() => bindingRequest(`${ufrag}:peer`, pwd), () => hello, () => from(1_000), () => from(2_000, 5)];
  const edits = fc.tuple(fc.nat(3), fc.nat(400), fc.nat(255), fc.nat(400), fc.boolean());
  let kept = 0;
  for (const [kind, at, value, cut, longer] of fc.sample(edits, { numRuns: 8_000 * SCALE })) {
    const bytes = Buffer.from(kinds[kind]?.() ?? []);
    bytes[at % bytes.length] = value;
    const datagram = longer
      ? Buffer.concat([bytes, Buffer.alloc(cut)])
      : bytes.subarray(0, Math.max(1, bytes.length - (cut % 8)));
    w.sent.length = 0;
    const first = datagram[0] ?? 0;
    if (first < 4) {
      const request = parseBindingRequest(datagram);
      if (request !== null) w.ears.get(request.ufrag)?.check(request, ADDRESS, PORT + (at % 3));
    } else if (first < 64) ear.dtls(datagram, ADDRESS, PORT);
    else ear.media(datagram);
    assert.ok(w.sent.length <= 1 && w.timers.size <= 1 && w.sources.size <= 5);
    kept += 1;
    if (kept % 500 === 0) w.pass(1);
  }
  assert.deepEqual(w.heard.down, []);
  w.check(end);
  w.pass(1);
  w.heard.packets.length = 0;
  ear.media(from(3_000));
  assert.deepEqual(w.heard.packets, [rtp(3_000)]);
});
