/** The certificate is one that others can read and check. */
import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { makeCertificate } from './certificate.ts';

test('a P-256 certificate, signed by its own key, valid for a year, new each time', () => {
  const now = Date.UTC(2026, 5, 1);
  for (let i = 0; i < 20; i += 1) {
    const made = makeCertificate(now);
    const read = new X509Certificate(made.certificatePem);
    assert.equal(read.fingerprint256, made.fingerprint);
    assert.equal(read.verify(read.publicKey), true);
    assert.equal(read.checkPrivateKey(createPrivateKey(made.keyPem)), true);
    assert.equal(read.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
    assert.equal(new Date(read.validFrom).getTime(), now - 86_400_000);
    assert.equal(new Date(read.validTo).getTime(), now + 365 * 86_400_000);
  }
  assert.notEqual(makeCertificate(now).fingerprint, makeCertificate(now).fingerprint);
});
