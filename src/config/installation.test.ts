/** What settings need of the host: each fault is one sentence that names the setting and the file. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { checkInstallation } from './installation.ts';
import { checkSettings } from './settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'lineside-installation-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const pem = (name: string) => join(import.meta.dirname, '../../test/support/tls', name);
const auth = { issuers: ['https://id.example'] };
const check = (tree: object) => checkInstallation(checkSettings({ auth, ...tree }));

test('a good pair of PEM files is taken', () => {
  check({ tls: { cert: pem('server.pem'), key: pem('server.key') } });
});

test('PEM files that cannot work are named, with their setting', () => {
  const text = join(folder, 'text.pem');
  writeFileSync(text, 'hello');
  const other = join(folder, 'other.key');
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(other, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const cases = [
    [text, pem('server.key'), `The setting "tls.cert" cannot be used: the file ${text} holds no certificate in PEM.`],
    [folder, pem('server.key'), `The setting "tls.cert" cannot be used: the file ${folder} cannot be read (EISDIR).`],
    [pem('server.pem'), folder, `The setting "tls.key" cannot be used: the file ${folder} cannot be read (EISDIR).`],
    [
      pem('server.pem'),
      pem('server.pem'),
      `The setting "tls.key" cannot be used: the file ${pem('server.pem')} holds no private key in PEM without a passphrase.`,
    ],
    [
      pem('server.pem'),
      other,
      `The setting "tls.key" cannot be used: the key in ${other} does not belong to the certificate in ${pem('server.pem')}.`,
    ],
  ] as const;
  for (const [cert, key, message] of cases) {
    assert.throws(() => check({ tls: { cert, key } }), { message });
    const inSip = message.replace('tls.cert', 'sip.tlsCert').replace('tls.key', 'sip.tlsKey');
    assert.throws(() => check({ sip: { tlsCert: cert, tlsKey: key } }), { message: inSip });
  }
  assert.throws(() => check({ sip: { tlsCa: text } }), {
    message: /^The setting "sip\.tlsCa" .* no certificate in PEM/,
  });
});

test('without an issuer or introspection nobody gets in', () => {
  assert.throws(() => check({ auth: {} }), { message: /^The setting "auth\.issuers" .*nobody gets in\.$/ });
  check({ auth: { introspection: 'opaque' } });
});

test('pages that are not there are named', () => {
  const web = { enabled: true, issuer: 'https://id.example', pagesDir: folder };
  assert.throws(() => check({ web }), { message: /^The setting "web\.pagesDir" .*softphone\/index\.html/ });
  mkdirSync(join(folder, 'softphone'));
  writeFileSync(join(folder, 'softphone', 'index.html'), '<p>');
  check({ web });
});
