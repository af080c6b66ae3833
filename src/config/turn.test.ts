/** Settings of STUN and TURN servers: what browsers could not use, or nobody could check, is refused by name. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkSettings } from './settings.ts';
import { turnSecretOf } from './turn-secret.ts';

const SECRET = 'a-secret-of-the-test';

test('servers as RFC 7064 and RFC 7065 write them are taken', () => {
  const urls = [
    'stun:a.example',
    'stuns:a.example:5349',
    'turn:192.0.2.1',
    'turn:[2001:db8::1]:3478?transport=udp',
    'turn:a.example?transport=tcp',
    'turns:a.example:443?transport=tcp',
  ];
  assert.deepEqual(checkSettings({ turn: { urls, secret: SECRET } }).turn.urls, urls);
  checkSettings({ turn: { urls: ['stun:127.0.0.1'] } });
  // An address alone is trusted alone.
  checkSettings({ turn: { urls: ['turn:127.0.0.2'], secret: SECRET }, sip: { trustedPeers: ['127.0.0.1', '::1'] } });
});

test('what cannot work is named', () => {
  for (const [turn, message] of [
    ...[
      'a.example',
      'https://a.example',
      'turn://a.example',
      'turn:a.example:0',
      'turn:a.example:70000',
      'turn:a.example?transport=sctp',
      'turn:a.example?transport=udp&x=1',
      'turns:a.example?transport=udp',
      'stun:a.example?transport=udp',
      'turn:user@a.example',
      'turn:',
    ].map(url => [{ urls: [url], secret: SECRET }, /"turn\.urls".* must hold servers such as/] as const),
    [{ urls: ['turn:a.example'] }, /"turn\.urls".*without turn\.secretFile/],
    [{ secret: 'short' }, /"turn\.secret".* must be one word of 16/],
    [{ secret: 'two words of some length' }, /"turn\.secret"/],
    [{ secret: SECRET, secretFile: '/x' }, /"turn\.secret".* must be empty/],
    [{ urls: ['turn:127.0.0.1'], secret: SECRET }, /"turn\.urls".* sip\.trustedPeers/],
    [{ urls: ['turns:127.9.9.9:443'], secret: SECRET }, /"turn\.urls".* sip\.trustedPeers/],
    [{ ttlS: 599 }, /"turn\.ttlS"/],
    [{ ttlS: 3601 }, /"turn\.ttlS"/],
  ] as const) {
    assert.throws(() => checkSettings({ turn }), { message });
  }
  assert.throws(() => checkSettings({ turn: { ttlS: 600 }, call: { originateGuardMs: 601_000 } }), {
    message: /"turn\.ttlS".* must not be shorter than call\.originateGuardMs/,
  });
  assert.throws(() => checkSettings({ api: { iceServersPaths: ['/webrtc-registration/v0.4rc1'] } }), {
    message: /"api\.iceServersPaths"/,
  });
});

test('a secret of a file is its one word, and the file is its owner’s', t => {
  const folder = mkdtempSync(join(tmpdir(), 'lineside-turn-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const secretFile = join(folder, 'secret');
  const read = () => turnSecretOf({ secret: '', secretFile });
  assert.equal(turnSecretOf({ secret: SECRET, secretFile: '' }), SECRET);
  assert.throws(read, { message: /"turn\.secretFile".*ENOENT/ });
  for (const text of ['', 'short', 'two words of some length']) {
    writeFileSync(secretFile, text, { mode: 0o600 });
    assert.throws(
      read,
      error =>
        (error as Error).message.includes('holds no secret') &&
        !(text.length > 5 && (error as Error).message.includes(text)),
    );
  }
  writeFileSync(secretFile, `  ${SECRET}\n`);
  assert.equal(read(), SECRET);
  chmodSync(secretFile, 0o604);
  assert.throws(read, { message: /chmod 600/ });
});
