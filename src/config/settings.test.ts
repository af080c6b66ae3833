/** Settings: defaults everywhere, also inside records, and one sentence for what cannot be used. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkSettings } from './settings.ts';

test('a client needs no more than what sets it apart', () => {
  const { clients } = checkSettings({ api: { clients: { a: { origins: ['x'] }, b: { numbers: ['1'] }, c: {} } } }).api;
  assert.deepEqual(clients, {
    a: { origins: ['x'], numbers: [] },
    b: { origins: [], numbers: ['1'] },
    c: { origins: [], numbers: [] },
  });
});

test('what is no client is named', () => {
  for (const clients of [{ a: null }, { a: 'x' }, { a: [] }, ['x'], 'x', null]) {
    assert.throws(() => checkSettings({ api: { clients } }), { message: /^The setting "api\.clients/ });
  }
});

test('settings that make no sense, alone or together, are named', () => {
  for (const [tree, message] of [
    [{ sip: { prot: 1 } }, /^"sip\.prot" is not a setting/],
    [{ sip: { transports: ['sctp'] } }, /"sip\.transports"/],
    [{ sip: { trustedPeers: ['999.1.1.1/8'] } }, /"sip\.trustedPeers"/],
    [{ media: { prefixes: ['foo'] } }, /"media\.prefixes"/],
    [{ media: { webPortMin: 2, webPortMax: 1 } }, /"media\.webPortMin"/],
    [{ registration: { ttlMinMs: 90_000_000 } }, /"registration\.ttlMinMs"/],
    [{ public: { url: 'notaurl' } }, /"public\.url"/],
    [{ tls: { cert: 'a.pem' } }, /"tls\.cert"/],
  ] as const) {
    assert.throws(() => checkSettings(tree), { message });
  }
});
