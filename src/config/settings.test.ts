/** Settings: defaults everywhere, also inside records, and one sentence for what cannot be used. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkSettings } from './settings.ts';

test('a client needs no more than what sets it apart', () => {
  const { clients } = checkSettings({
    api: { clients: { a: { origins: ['https://x.example'] }, b: { numbers: ['+15550100001'] }, c: {} } },
  }).api;
  assert.deepEqual(clients, {
    a: { origins: ['https://x.example'], numbers: [] },
    b: { origins: [], numbers: ['+15550100001'] },
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
    [{ sip: { transports: ['sctp'] } }, /"sip\.transports/],
    [{ sip: { transports: ['tls'] } }, /"sip\.transports"/],
    [{ sip: { transports: ['udp'] } }, /"ims\.transport"/],
    [{ sip: { tlsMutual: false, tlsPeers: ['a.example'] } }, /"sip\.tlsPeers"/],
    [{ sip: { trustedPeers: ['999.1.1.1/8'] } }, /"sip\.trustedPeers"/],
    [{ media: { prefixes: ['foo'] } }, /"media\.prefixes"/],
    [{ media: { webPortMin: 2, webPortMax: 1 } }, /"media\.webPortMin"/],
    [{ registration: { ttlMinMs: 90_000_000 } }, /"registration\.ttlMinMs"/],
    [{ public: { url: 'notaurl' } }, /"public\.url"/],
    [{ tls: { cert: 'a.pem' } }, /"tls\.cert"/],
    [{ sip: { port: '5060' } }, /"sip\.port" cannot be used: it must be an integer\.$/],
    [{ sip: { host: 'sip.example' } }, /"sip\.host".* must be an address/],
    [{ sip: { host: '0.0.0.0' } }, /"sip\.advertisedHost"/],
    [{ api: { host: 'a b' } }, /"api\.host"/],
    [{ api: { registrationPaths: ['foo'] } }, /"api\.registrationPaths"/],
    [{ api: { registrationPaths: ['/a/'] } }, /"api\.registrationPaths"/],
    [
      { api: { registrationPaths: ['/a'], callHandlingPaths: ['/a'] } },
      /"api\.callHandlingPaths".*\/a.*registrationPaths/,
    ],
    [{ api: { registrationPaths: [] } }, /"api\.registrationPaths".* must hold a path/],
    [{ api: { eventsPaths: [], channelsPaths: [] } }, /"api\.eventsPaths"/],
    [{ api: { clients: { a: { numbers: ['abc'] } } } }, /"api\.clients\.a\.numbers"/],
    [{ api: { clients: { a: { origins: ['foo'] } } } }, /"api\.clients\.a\.origins"/],
    [{ api: { clients: { a: { origins: ['https://a.example/'] } } } }, /"api\.clients\.a\.origins"/],
    [{ events: { channelOrigins: ['*'] } }, /"events\.channelOrigins"/],
    [{ media: { webHost: 'foo bar' } }, /"media\.webHost"/],
    [{ media: { webAdvertisedHost: 'foo bar' } }, /"media\.webAdvertisedHost"/],
    [{ media: { imsHost: '::' } }, /"media\.imsAdvertisedHost"/],
    [{ ims: { home: 'a b c' } }, /"ims\.home"/],
    [{ ims: { mode: 'client' } }, /"ims\.passwords"/],
  ] as const) {
    assert.throws(() => checkSettings(tree), { message });
  }
});

test('older versions alone, or channels alone, are enough to serve', () => {
  checkSettings({ api: { registrationPaths: [], registrationV03Paths: ['/webrtc-registration/v0.3'] } });
  checkSettings({ api: { eventsPaths: [] } });
});

test('13 the defaults are those of the table', () => {
  const { registration, events, sink, call, emergency, media, auth, api, clickToCall, turn } = checkSettings({});
  const [second, minute, hour] = [1000, 60_000, 3_600_000];
  assert.deepEqual(
    [registration.ttlMinMs, registration.ttlDefaultMs, registration.ttlMaxMs, registration.networkBudgetMs],
    [minute, hour, 24 * hour, 10 * second],
  );
  assert.deepEqual([registration.devicesPerUser, registration.perNumber, registration.perUser], [10, 10, 20]);
  assert.deepEqual([events.subscriptionDefaultMs, events.subscriptionMaxMs], [24 * hour, 7 * 24 * hour]);
  assert.deepEqual([events.subscriptionsPerUser, events.tokenExpiringLeadMs], [100, minute]);
  assert.deepEqual(
    [events.channelTicketMs, events.channelAbsentMs, events.channelBufferLength, events.channelBufferMs],
    [30 * second, minute, 200, 5 * minute],
  );
  assert.deepEqual([sink.connectMs, sink.answerMs, sink.giveUpMs], [2 * second, 5 * second, 30 * second]);
  assert.deepEqual([sink.giveUpEndMs, sink.queueLength], [10 * minute, 256]);
  assert.deepEqual(
    [call.originateGuardMs, call.ringGuardMs, call.invitationMs, call.maxDurationMs],
    [3 * minute, 2 * minute, 8 * second, 4 * hour],
  );
  assert.deepEqual(
    [call.perRegistration, call.perNumber, call.sendLocation, emergency.route],
    [4, 10, false, 'reject'],
  );
  assert.deepEqual([media.imsSilentMs, media.webGraceMs], [minute, 30 * second]);
  assert.equal(auth.introspectionCacheMs, minute);
  assert.deepEqual([clickToCall.quarantineMs, clickToCall.startMs, turn.ttlS], [minute, 2 * minute, 3600]);
  assert.deepEqual(
    [api.bodyLimitBytes, api.ratePerClient, api.ratePerUser, api.ratePerAddress],
    [262_144, 100, 50, 300],
  );
});
