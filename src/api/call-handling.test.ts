/** Flow tests of webrtc-call-handling on a core in memory. CAMARA digest 5. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CALLS, DEVICE, NOW, REGISTRATION, send, type TestApi, testApi } from '../../test/support/api-kit.ts';

const SESSIONS = `${CALLS}/sessions`;
const offer = { sdp: 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n' };
const call = { originatorAddress: 'tel:+15550100001', receiverAddress: 'tel:+15550109000', offer };

async function registered(kit: TestApi): Promise<Record<string, string>> {
  const made = await send(kit.api, 'POST', `${REGISTRATION}/sessions`, { body: { deviceId: DEVICE } });
  return { registrationId: made.body.registrationId };
}

test('5.1 a call is made, seen, changed and ended', async () => {
  const kit = testApi();
  const headers = await registered(kit);
  const made = await send(kit.api, 'POST', SESSIONS, { headers, body: { ...call, originatorName: 'Alice ☎' } });
  assert.equal(made.status, 201);
  assert.deepEqual(made.body, { mediaSessionId: 'session-2', ...call, originatorName: 'Alice ☎', status: 'Initial' });
  assert.match(String(made.headers['location']), /\/webrtc-call-handling\/v0\.4rc1\/sessions\/session-2$/);
  const item = `${SESSIONS}/session-2`;
  assert.deepEqual((await send(kit.api, 'GET', item, { headers: { registrationId: 'wrong' } })).body, made.body);
  const held = await send(kit.api, 'PUT', `${item}/status`, { body: { status: 'Hold' } });
  assert.equal(held.status, 200);
  assert.equal(held.body.status, 'Hold');
  assert.equal((await send(kit.api, 'DELETE', item)).status, 204);
  assert.equal((await send(kit.api, 'DELETE', item)).status, 404);
  assert.equal((await send(kit.api, 'PUT', `${item}/status`, { body: {} })).status, 404);
});

test('EMG-06 the rate of a client or a user holds back no emergency call', async () => {
  const kit = testApi({ ratePerUser: 1, ratePerClient: 2 });
  const headers = await registered(kit);
  const post = (body: object) => send(kit.api, 'POST', SESSIONS, { headers, body });
  assert.equal((await post(call)).status, 201);
  for (let i = 0; i < 3; i += 1) {
    const held = await post(call);
    assert.deepEqual([held.status, held.headers['retry-after']], [429, '1']);
  }
  for (const receiverAddress of ['urn:service:sos', 'tel:112;phone-context=ims.example.com'])
    assert.equal((await post({ ...call, receiverAddress })).status, 201, receiverAddress);
  assert.equal((await post({ ...call, receiverAddress: 'urn:service:sosx' })).status, 429);
});

test('5.2 the header registrationId is needed, once', async () => {
  const kit = testApi();
  const { registrationId = '' } = await registered(kit);
  for (const header of [undefined, '', 'x'.repeat(257), [registrationId, registrationId]]) {
    const headers = header === undefined ? {} : { registrationId: header };
    const got = await send(kit.api, 'POST', SESSIONS, { headers, body: call });
    assert.equal(got.body.code, 'INVALID_ARGUMENT', String(header));
    assert.match(got.body.message, /registrationId/);
  }
  const foreign = await send(kit.api, 'POST', SESSIONS, { headers: { registrationId: 'x' }, body: call });
  assert.equal(foreign.body.code, 'INVALID_TOKEN_CONTEXT');
});

test('5.2 and 5.3 fields of a new call', async () => {
  const kit = testApi();
  const headers = await registered(kit);
  const bad: Array<[field: string, change: object]> = [
    ['offer', { offer: undefined }],
    ['offer', { offer: null }],
    ['offer.sdp', { offer: {} }],
    ['offer.sdp', { offer: { sdp: '' } }],
    ['offer.sdp', { offer: { sdp: 'x'.repeat(65_537) } }],
    ['offer.type', { offer: { ...offer, type: 'offer' } }],
    ['answer', { answer: offer }],
    ['status', { status: 'Initial' }],
    ['mediaSessionId', { mediaSessionId: 'x' }],
    ['originatorAddress', { originatorAddress: '+15550100001' }],
    ['receiverAddress', { receiverAddress: 'tel:+15550109000\n' }],
    ['receiverAddress', { receiverAddress: 'sips:bob@ims.example.com' }],
    ['receiverAddress', { receiverAddress: 'tel:112' }],
    ['originatorName', { originatorName: 'Alice\r\nVia: x' }],
    ['originatorName', { originatorName: 'x'.repeat(257) }],
    ['receiverName', { receiverName: 'a\u0085b' }],
    ['callType', { callType: 'regular' }],
    ['sequenceNumber', { sequenceNumber: 1 }],
  ];
  for (const [field, change] of bad) {
    const got = await send(kit.api, 'POST', SESSIONS, { headers, body: { ...call, ...change } });
    assert.equal(got.status, 400, field);
    assert.equal(got.body.code, 'INVALID_ARGUMENT');
    assert.ok(got.body.message.includes(`"${field}"`), got.body.message);
  }
  // Limits count code points, not UTF-16 units.
  const long = await send(kit.api, 'POST', SESSIONS, {
    headers,
    body: { ...call, originatorName: '☎️'.repeat(64) + '😀'.repeat(128) },
  });
  assert.equal(long.status, 201);
});

test('A-14 5.5 locationDetails: shape and coordinates match, ranges hold, no future', async () => {
  const kit = testApi();
  const headers = await registered(kit);
  const post = (locationDetails: unknown) =>
    send(kit.api, 'POST', SESSIONS, { headers, body: { ...call, locationDetails } });
  const circle = { latitude: 47.5, longitude: -122.3, radius: 30 };
  const axes = { zAxis: 1, semiMajorAxis: 2, semiMinorAxis: 3, verticalAxis: 4, orientation: 90 };
  const ellipsoid = { latitude: 47.5, longitude: -122.3, ...axes };
  for (const good of [
    {},
    { shape: 'Circle', coordinates: circle, method: 'GPS', confidence: { pdf: 'normal', value: 88 } },
    { shape: 'Ellipsoid', coordinates: ellipsoid, timestamp: '2026-03-01T12:00:59.000Z' },
  ]) {
    const got = await post(good);
    assert.equal(got.status, 201);
    assert.deepEqual(got.body.locationDetails, good);
  }
  const elsewhere = await post({ timestamp: '2026-03-01t13:00:59+01:00' });
  assert.deepEqual(elsewhere.body.locationDetails, { timestamp: '2026-03-01T12:00:59.000Z' });
  const bad: Array<[location: unknown, code: string]> = [
    [null, 'INVALID_ARGUMENT'],
    [{ shape: 'Circle' }, 'INVALID_ARGUMENT'],
    [{ coordinates: circle }, 'INVALID_ARGUMENT'],
    [{ shape: 'Ellipsoid', coordinates: circle }, 'INVALID_ARGUMENT'],
    [{ shape: 'Circle', coordinates: { ...circle, ...axes } }, 'INVALID_ARGUMENT'],
    [{ shape: 'Circle', coordinates: { ...circle, latitude: '1' } }, 'INVALID_ARGUMENT'],
    [{ shape: 'Circle', coordinates: { ...circle, latitude: 90.1 } }, 'OUT_OF_RANGE'],
    [{ shape: 'Circle', coordinates: { ...circle, longitude: -181 } }, 'OUT_OF_RANGE'],
    [{ shape: 'Circle', coordinates: { ...circle, radius: -1 } }, 'OUT_OF_RANGE'],
    [{ shape: 'Ellipsoid', coordinates: { ...ellipsoid, orientation: 361 } }, 'OUT_OF_RANGE'],
    [{ confidence: { value: 101 } }, 'OUT_OF_RANGE'],
    [{ timestamp: '2026-03-01T12:01:01Z' }, 'INVALID_ARGUMENT'],
    [{ civic: 'x' }, 'INVALID_ARGUMENT'],
  ];
  for (const [location, code] of bad) assert.equal((await post(location)).body.code, code, JSON.stringify(location));
  const text = JSON.stringify({ ...call, locationDetails: { shape: 'Circle', coordinates: circle } }).replace(
    '47.5',
    '1e999',
  );
  assert.equal((await send(kit.api, 'POST', SESSIONS, { headers, body: text })).body.code, 'INVALID_ARGUMENT');
  assert.equal(NOW, Date.parse('2026-03-01T12:00:00Z'));
});

test('A-12 5.4 status changes: read-only names are taken and ignored, but for a foreign mediaSessionId', async () => {
  const kit = testApi();
  const headers = await registered(kit);
  await send(kit.api, 'POST', SESSIONS, { headers, body: call });
  const status = `${SESSIONS}/session-2/status`;
  const readOnly = { ...call, originatorName: 'A', receiverName: 'B', mediaSessionId: 'session-2' };
  const put = (body: object) => send(kit.api, 'PUT', status, { body });
  assert.equal((await put({ ...readOnly, status: 'Connected', answer: offer })).status, 200);
  const asked = kit.core.asked.at(-1);
  assert.ok(asked?.type === 'put-status' && asked.answer === offer.sdp && asked.offer === offer.sdp);
  for (const body of [
    {},
    { status: 'connected' },
    { status: 'Hold', mediaSessionId: 'session-3' },
    { status: 'Hold', originatorName: null },
    { status: 'Hold', callType: 'REGULAR' },
    { status: 'Hold', reason: 'x' },
    { status: 'Connected', answer: { sdp: 1 } },
  ]) {
    assert.equal((await put(body)).body.code, 'INVALID_ARGUMENT', JSON.stringify(body));
  }
  const none = await send(kit.api, 'PUT', status);
  assert.equal(none.body.code, 'INVALID_ARGUMENT', 'A-02: the body is needed');
});

test('6.4 and 5.6 refusals of the core keep their status and code', async () => {
  const kit = testApi();
  const headers = await registered(kit);
  await send(kit.api, 'POST', SESSIONS, { headers, body: call });
  for (const [error, status, code] of [
    ['status-not-settable', 400, 'INVALID_ARGUMENT'],
    ['incompatible-state', 409, 'INCOMPATIBLE_STATE'],
    ['answer-missing', 400, 'INVALID_ARGUMENT'],
    ['offer-and-answer', 400, 'INVALID_ARGUMENT'],
  ] as const) {
    kit.core.next('put-status', { ok: false, error });
    const got = await send(kit.api, 'PUT', `${SESSIONS}/session-2/status`, { body: { status: 'Hold' } });
    assert.deepEqual([got.status, got.body.code], [status, code]);
  }
  for (const [error, status, code] of [
    ['emergency-not-supported', 501, 'CALLTYPE_EMERGENCY_NOT_SUPPORTED'],
    ['originator-mismatch', 403, 'INVALID_TOKEN_CONTEXT'],
    ['sdp-unusable', 400, 'INVALID_ARGUMENT'],
    ['call-quota', 429, 'QUOTA_EXCEEDED'],
    ['draining', 503, 'UNAVAILABLE'],
  ] as const) {
    kit.core.next('originate', { ok: false, error });
    const got = await send(kit.api, 'POST', SESSIONS, { headers, body: { ...call, callType: 'EMERGENCY' } });
    assert.deepEqual([got.status, got.body.code], [status, code]);
  }
});
