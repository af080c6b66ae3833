/** Key exchange against RFC 7748, node's own, and public values that are traps. RFC 8422 5.11, RFC 7748 6.1. */
import assert from 'node:assert/strict';
import { createECDH, createPrivateKey, ECDH } from 'node:crypto';
import { test } from 'node:test';
import { Group } from './code.ts';
import { type KeyShare, makeKeyShare, sharedSecret } from './key-share.ts';

const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');
/** PrivateKeyInfo of an X25519 key up to its 32 bytes. RFC 8410 7. */
const X25519_PKCS8 = bytes('302e020100300506032b656e04220420');

test('X25519 gives the secret of RFC 7748 6.1 from either side', () => {
  const share = (secret: string, publicValue: string): KeyShare => {
    const privateKey = createPrivateKey({
      key: Buffer.concat([X25519_PKCS8, bytes(secret)]),
      format: 'der',
      type: 'pkcs8',
    });
    return { group: Group.x25519, publicValue: bytes(publicValue), privateKey };
  };
  const alice = share(
    '77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a',
    '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a',
  );
  const bob = share(
    '5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb',
    'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f',
  );
  const secret = '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742';
  assert.equal(sharedSecret(alice, bob.publicValue)?.toString('hex'), secret);
  assert.equal(sharedSecret(bob, alice.publicValue)?.toString('hex'), secret);
});

test('X25519: no secret from a value of low order, in any spelling, or of another length', () => {
  const share = makeKeyShare(Group.x25519);
  const top = (hex: string): Buffer => {
    const value = bytes(hex);
    value[31] = (value[31] ?? 0) | 0x80;
    return value;
  };
  // Points of order 1, 2, 4 and 8, and the same above the prime.
  const low = [
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000000',
    'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  ];
  for (const hex of low) {
    assert.equal(sharedSecret(share, bytes(hex)), undefined, hex);
    assert.equal(sharedSecret(share, top(hex)), undefined, `${hex} with its top bit`);
  }
  for (const length of [0, 1, 31, 33, 65]) assert.equal(sharedSecret(share, Buffer.alloc(length, 9)), undefined);
});

test('P-256: only uncompressed points on the curve', () => {
  const share = makeKeyShare(Group.p256);
  const other = createECDH('prime256v1');
  const good = other.generateKeys();
  const secret = sharedSecret(share, good);
  assert.ok(share.group === Group.p256 && secret?.length === 32);
  assert.deepEqual(secret, other.computeSecret(share.publicValue));
  const offCurve = Buffer.from(good);
  offCurve[64] = (offCurve[64] ?? 0) ^ 1;
  const prime = bytes('ffffffff00000001000000000000000000000000ffffffffffffffffffffffff');
  const bad = [
    offCurve,
    Buffer.alloc(65, 4),
    Buffer.concat([Buffer.from([4]), Buffer.alloc(64)]),
    // Coordinates that are not reduced.
    Buffer.concat([Buffer.from([4]), prime, good.subarray(33)]),
    // Infinity, compressed and hybrid forms.
    Buffer.from([0]),
    ECDH.convertKey(good, 'prime256v1', undefined, undefined, 'compressed'),
    ECDH.convertKey(good, 'prime256v1', undefined, undefined, 'hybrid'),
    good.subarray(0, 64),
    Buffer.concat([good, Buffer.from([0])]),
    Buffer.alloc(0),
  ];
  for (const value of bad) {
    assert.ok(Buffer.isBuffer(value));
    assert.equal(sharedSecret(share, value), undefined, value.toString('hex'));
  }
});

test('every handshake has a key pair of its own; other groups are a fault of ours', () => {
  for (const group of [Group.x25519, Group.p256]) {
    assert.notDeepEqual(makeKeyShare(group).publicValue, makeKeyShare(group).publicValue);
  }
  assert.throws(() => makeKeyShare(24), RangeError);
});
