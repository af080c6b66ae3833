/** What reaches whom on the one port: user names, proven sources, kinds of datagrams, floods, noise. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { after, before, beforeEach, test } from 'node:test';
import { bindingRequest } from '../../../test/support/media-light.ts';
import { fc } from '../../../test/support/property.ts';
import { SCALE } from '../../../test/support/scale.ts';
import { type Mux, type MuxLeg, openMux } from './mux.ts';

const HOST = '127.0.44.50';
const FROM = '192.0.2.1';
let mux: Mux;
let now = 0;
const faults: unknown[] = [];

before(async () => {
  const opened = await openMux([HOST], [0], { now: () => now, onFault: error => faults.push(error) });
  assert.ok(opened);
  mux = opened;
});
after(() => mux.close());

let said: string[] = [];
beforeEach(() => {
  said = [];
});
const leg = (name: string): MuxLeg => ({
  check: (request, address, port) => said.push(`${name} check ${request.ufrag} ${address} ${port}`),
  dtls: () => said.push(`${name} dtls`),
  media: () => said.push(`${name} media`),
  holds: () => false,
  lost: (address, port) => said.push(`${name} lost ${address} ${port}`),
});
const counted = (name: string) => mux.named()[`port-${name}`] ?? 0;

test('checks go by user name, all else by a source that proved itself', () => {
  const [a, b] = [leg('a'), leg('b')];
  mux.addUfrag('aaaa', a);
  mux.addUfrag('bbbb', b);
  mux.receive(bindingRequest('aaaa:x', 'pwd'), FROM, 1);
  mux.receive(bindingRequest('cccc:x', 'pwd'), FROM, 1);
  mux.receive(Buffer.alloc(20, 0x80), FROM, 1);
  assert.deepEqual(said, [`a check aaaa ${FROM} 1`]);
  assert.deepEqual([counted('stun-unknown-user'), counted('unknown-source')], [1, 1]);
  mux.claim(FROM, 1, a);
  mux.claim('192.0.2.2', 1, b);
  mux.receive(Buffer.alloc(20, 0x80), FROM, 1);
  mux.receive(Buffer.alloc(20, 0xbf), '192.0.2.2', 1);
  mux.receive(Buffer.alloc(20, 20), FROM, 1);
  mux.receive(Buffer.alloc(20, 63), '192.0.2.2', 1);
  assert.deepEqual(said.slice(1), ['a media', 'b media', 'a dtls', 'b dtls']);
  // A browser that was loaded anew behind the same NAT port.
  mux.claim(FROM, 1, b);
  mux.release(FROM, 1, a);
  mux.receive(Buffer.alloc(20, 0x80), FROM, 1);
  assert.deepEqual(said.slice(5), [`a lost ${FROM} 1`, 'b media']);
  mux.release(FROM, 1, b);
  mux.release('192.0.2.2', 1, b);
  mux.dropUfrag('aaaa');
  // A browser speaks on until it has heard that its leg is gone.
  mux.receive(bindingRequest('aaaa:x', 'pwd'), FROM, 1);
  mux.receive(Buffer.alloc(20, 0x80), FROM, 1);
  assert.deepEqual(
    [said.length, counted('late'), counted('stun-unknown-user'), counted('unknown-source')],
    [7, 2, 1, 1],
  );
  now += 5_000;
  mux.receive(bindingRequest('aaaa:x', 'pwd'), FROM, 1);
  mux.receive(Buffer.alloc(20, 0x80), FROM, 1);
  assert.deepEqual(
    [said.length, counted('late'), counted('stun-unknown-user'), counted('unknown-source')],
    [7, 2, 2, 2],
  );
});

test('empty, too long and unknown kinds are dropped and counted', () => {
  mux.claim(FROM, 2, leg('a'));
  for (const datagram of [Buffer.alloc(0), Buffer.alloc(2_049, 0x80)]) mux.receive(datagram, FROM, 2);
  for (const first of [4, 19, 64, 79, 127, 192, 255]) mux.receive(Buffer.alloc(30, first), FROM, 2);
  mux.receive(Buffer.alloc(30, 1), FROM, 2);
  assert.deepEqual([counted('size'), counted('kind'), counted('stun-malformed')], [2, 7, 1]);
  assert.deepEqual(said, []);
});

test('a source is not taken from a leg that still holds it', () => {
  const [a, b] = [leg('a'), leg('b')];
  const holder = { ...a, holds: (address: string, port: number) => address === FROM && port === 5 };
  assert.equal(mux.claim(FROM, 5, holder), true);
  assert.equal(mux.claim(FROM, 5, holder), true);
  assert.equal(mux.claim(FROM, 5, b), false);
  mux.receive(Buffer.alloc(20, 0x80), FROM, 5);
  assert.deepEqual(said, ['a media']);
  mux.release(FROM, 5, b);
  mux.receive(Buffer.alloc(20, 0x80), FROM, 5);
  assert.deepEqual(said, ['a media', 'a media']);
  mux.release(FROM, 5, holder);
  assert.equal(mux.claim(FROM, 5, b), true);
  mux.release(FROM, 5, b);
});

test('a source port of 0 can send and never be answered: dropped before any leg hears of it', () => {
  const a = leg('a');
  mux.addUfrag('eeee', a);
  mux.claim(FROM, 0, a);
  const before = counted('size');
  for (const datagram of [bindingRequest('eeee:x', 'pwd'), Buffer.alloc(20, 0x80), Buffer.alloc(20, 22)]) {
    mux.receive(datagram, FROM, 0);
  }
  assert.deepEqual([said, counted('unanswerable'), counted('size')], [[], 3, before]);
  mux.send(Buffer.alloc(20), 20, FROM, 0);
  mux.release(FROM, 0, a);
});

test('no check is refused for the network it seems to come from: browsers behind one relay do not share a limit', () => {
  mux.addUfrag('ffff', leg('a'));
  for (let i = 0; i < 1_000; i += 1) mux.receive(bindingRequest('ffff:x', 'pwd'), '198.18.0.1', 9);
  assert.equal(said.length, 1_000);
});

test('a fault in a leg drops the datagram, is told once a second, and stops nothing', () => {
  mux.claim(FROM, 3, {
    ...leg('a'),
    media: () => {
      throw new Error('a fault');
    },
  });
  faults.length = 0;
  for (let i = 0; i < 3; i += 1) mux.receive(Buffer.alloc(20, 0x80), FROM, 3);
  now += 1_000;
  mux.receive(Buffer.alloc(20, 0x80), FROM, 3);
  assert.deepEqual([faults.length, counted('fault')], [2, 4]);
});

test('noise reaches nobody and stops nothing', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
      mux.receive(Buffer.from(bytes), '203.0.113.9', 4);
    }),
    { numRuns: 2_000 * SCALE },
  );
  assert.deepEqual([said.length, counted('fault')], [0, 4]);
});

test('a port that is taken is passed over', async () => {
  assert.equal(await openMux([HOST], [mux.port], { now: () => 0, onFault: () => undefined }), null);
  const next = await openMux([HOST], [mux.port, 0], { now: () => 0, onFault: () => undefined });
  assert.ok(next && next.port !== mux.port);
  for (let i = 0; i < 600; i += 1) assert.equal(next.buffer()?.length, 2_048);
  next.close();
});

test('one port on an address of each family: packets leave and arrive by the one they name', async t => {
  let tell: (address: string) => void = () => undefined;
  const dual = await openMux([HOST, '::1'], [0], { now: () => 0, onFault: () => undefined });
  assert.ok(dual);
  t.after(() => dual.close());
  dual.addUfrag('dual', {
    ...leg('dual'),
    check(_request, address) {
      tell(address);
      return false;
    },
  });
  for (const [type, address, to] of [
    ['udp4', '127.0.44.51', HOST],
    ['udp6', '::1', '::1'],
  ] as const) {
    const far = createSocket(type);
    t.after(() => far.close());
    await new Promise<void>(resolve => far.bind(0, address, resolve));
    const from = new Promise<string>(resolve => {
      tell = resolve;
    });
    far.send(bindingRequest('dual:far', 'p'.repeat(24)), dual.port, to);
    assert.equal(await from, address);
    const got = new Promise<Buffer>(resolve => far.once('message', resolve));
    dual.send(Buffer.from('hello'), 5, address, far.address().port);
    assert.equal(String(await got), 'hello');
  }
});

test('a port that is taken on one of two addresses is passed over on both', async t => {
  const other = createSocket('udp6');
  t.after(() => other.close());
  await new Promise<void>(resolve => other.bind(0, '::1', resolve));
  const { port } = other.address();
  assert.equal(await openMux([HOST, '::1'], [port], { now: () => 0, onFault: () => undefined }), null);
  const alone = await openMux([HOST], [port], { now: () => 0, onFault: () => undefined });
  assert.ok(alone);
  alone.close();
});
