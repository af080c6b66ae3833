/** Flow tests of webrtc-registration on a core in memory. CAMARA digest 4. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEVICE, NOW, REGISTRATION, send, testApi } from '../../test/support/api-kit.ts';

const SESSIONS = `${REGISTRATION}/sessions`;

test('4.1 a device is registered, seen, renewed, listed and ended', async () => {
  const { api, core } = testApi();
  const made = await send(api, 'POST', SESSIONS, {
    body: { deviceId: DEVICE.toUpperCase(), registrationExpireTime: '2026-03-01T13:30:00.5+01:00' },
  });
  assert.equal(made.status, 201);
  assert.deepEqual(made.body, {
    registrationId: '00000000-0000-4000-8000-000000000001',
    regInfo: { phoneNumber: '+15550100001', regStatus: 'Registered' },
    expiresAt: '2026-03-01T12:30:00.500Z',
  });
  assert.match(
    String(made.headers['location']),
    /^http:\/\/127\.0\.0\.1:\d+\/webrtc-registration\/v0\.4rc1\/sessions\/0{8}-/,
  );
  assert.equal(made.headers['cache-control'], 'no-store');
  const item = `${SESSIONS}/${made.body.registrationId}`;
  assert.deepEqual((await send(api, 'GET', item)).body, made.body);
  const renewed = await send(api, 'PUT', item);
  assert.equal(renewed.status, 200);
  assert.equal(renewed.body.expiresAt, new Date(NOW + 3_600_000).toISOString());
  assert.equal((await send(api, 'PUT', item, { body: {} })).status, 200);
  const listed = await send(api, 'GET', `${SESSIONS}?deviceId=${DEVICE.toUpperCase()}&page=2`);
  assert.deepEqual(listed.body, [renewed.body]);
  assert.equal((await send(api, 'DELETE', item)).status, 204);
  assert.equal((await send(api, 'DELETE', item)).status, 404);
  assert.equal((await send(api, 'GET', item)).status, 404);
  assert.deepEqual((await send(api, 'GET', `${SESSIONS}?deviceId=${DEVICE}`)).body, []);
  const asked = core.asked.find(request => request.type === 'register');
  assert.equal(asked?.type === 'register' && asked.deviceId, DEVICE);
});

test('4.2 which number: of the token, or allotted', async () => {
  const { api } = testApi();
  const post = (token: string, body: object) =>
    send(api, 'POST', SESSIONS, { token, body: { deviceId: DEVICE, ...body } });
  const cases: Array<[token: string, body: object, status: number, code: string | null]> = [
    ['alice', { phoneNumber: '+15550100001' }, 422, 'UNNECESSARY_IDENTIFIER'],
    ['business', {}, 422, 'MISSING_IDENTIFIER'],
    ['business', { phoneNumber: '+15550100002' }, 403, 'PERMISSION_DENIED'],
    ['business', { phoneNumber: '+05550100001' }, 400, 'INVALID_ARGUMENT'],
    ['business', { phoneNumber: '+15550100001' }, 201, null],
    ['numberless', {}, 403, 'INVALID_TOKEN_CONTEXT'],
  ];
  for (const [token, body, status, code] of cases) {
    const got = await post(token, body);
    assert.equal(got.status, status, JSON.stringify([token, body]));
    if (code !== null) assert.equal(got.body.code, code);
    assert.ok(!got.text.includes('5550100002'));
  }
});

test('4.5 without an address for emergency calls nothing is registered, and what is wrong before that is told first', async () => {
  const { api, core } = testApi({ registrationV03Paths: ['/webrtc-registration/v0.3'] });
  const post = (url: string, body: object) => send(api, 'POST', url, { token: 'unplaced', body });
  for (const url of [SESSIONS, '/webrtc-registration/v0.3/sessions']) {
    const got = await post(url, { deviceId: DEVICE });
    assert.deepEqual([got.status, got.body.code], [400, 'EMERGENCY_ADDRESS_MISSING'], url);
  }
  assert.equal((await post(SESSIONS, { deviceId: DEVICE, phoneNumber: '+15550100001' })).status, 422);
  const refused = (await post(SESSIONS, { deviceId: 'x' })).body;
  assert.deepEqual([refused.code, refused.message], ['INVALID_ARGUMENT', 'The value of "deviceId" must be a UUID.']);
  assert.deepEqual(core.asked, []);
  assert.equal((await send(api, 'POST', SESSIONS, { body: { deviceId: DEVICE } })).status, 201);
});

test('A-24 4.2 deviceId is a UUID of any version, not nil', async () => {
  const { api } = testApi();
  for (const deviceId of [
    '',
    'x',
    DEVICE.replaceAll('-', ''),
    `${DEVICE}\n`,
    '00000000-0000-0000-0000-000000000000',
    7,
    null,
  ]) {
    const got = await send(api, 'POST', SESSIONS, { body: { deviceId } });
    assert.equal(got.status, 400, String(deviceId));
    assert.equal(got.body.code, 'INVALID_ARGUMENT');
    assert.match(got.body.message, /deviceId/);
  }
  for (const query of [
    '',
    '?deviceId=',
    '?deviceId=x',
    `?deviceId=${DEVICE}&deviceId=${DEVICE}`,
    `?deviceid=${DEVICE}`,
  ]) {
    assert.equal((await send(api, 'GET', SESSIONS + query)).body.code, 'INVALID_ARGUMENT', query);
  }
});

test('4.3 times without a zone, or impossible, are refused; the core judges the range', async () => {
  const { api, core } = testApi();
  for (const registrationExpireTime of ['2026-03-01T13:00:00', '2026-02-30T13:00:00Z', 'soon', 1_800_000_000, null]) {
    const got = await send(api, 'POST', SESSIONS, { body: { deviceId: DEVICE, registrationExpireTime } });
    assert.equal(got.body.code, 'INVALID_ARGUMENT', String(registrationExpireTime));
  }
  core.next('register', { ok: false, error: 'expiry-out-of-range', field: 'registrationExpireTime' });
  const early = await send(api, 'POST', SESSIONS, {
    body: { deviceId: DEVICE, registrationExpireTime: '2020-01-01T00:00:00z' },
  });
  assert.equal(early.status, 400);
  assert.equal(early.body.code, 'OUT_OF_RANGE');
  const asked = core.asked.at(-1);
  assert.equal(asked?.type === 'register' && asked.expiresAt, Date.parse('2020-01-01T00:00:00Z'));
});

test('4.4 and 4.5 refusals of the core keep their status and code', async () => {
  const { api, core } = testApi();
  const cases = [
    ['registration-exists', 409, 'ALREADY_EXISTS'],
    ['registration-pending', 409, 'ALREADY_EXISTS'],
    ['max-devices-per-user', 403, 'MAX_DEVICES_PER_USER'],
    ['max-registrations-per-number', 403, 'MAX_REGISTRATION_PER_MSISDN'],
    ['max-registrations-per-user', 403, 'MAX_REGISTRATION_PER_USER'],
    ['registration-refused', 403, 'PERMISSION_DENIED'],
    ['network-unavailable', 503, 'UNAVAILABLE'],
    ['network-timeout', 504, 'TIMEOUT'],
  ] as const;
  for (const [error, status, code] of cases) {
    core.next('register', { ok: false, error, retryAfterS: 7 });
    const got = await send(api, 'POST', SESSIONS, { body: { deviceId: DEVICE } });
    assert.equal(got.status, status);
    assert.equal(got.body.status, status);
    assert.equal(got.body.code, code);
    assert.equal(got.headers['retry-after'], status === 503 ? '7' : undefined);
  }
});

test('A-05 2.5 somebody else’s registration does not exist, whatever the body says', async () => {
  const { api } = testApi();
  const made = await send(api, 'POST', SESSIONS, { body: { deviceId: DEVICE } });
  const item = `${SESSIONS}/${made.body.registrationId}`;
  for (const token of ['bob', 'business', 'other']) {
    const unknown = await send(api, 'GET', `${SESSIONS}/00000000-0000-4000-8000-00000000beef`, { token });
    for (const [method, body] of [
      ['GET', undefined],
      ['PUT', { strange: true }],
      ['DELETE', undefined],
    ] as const) {
      const got = await send(api, method, item, { token, ...(body === undefined ? {} : { body }) });
      assert.equal(got.status, 404);
      assert.equal(got.text, unknown.text);
    }
    assert.deepEqual((await send(api, 'GET', `${SESSIONS}?deviceId=${DEVICE}`, { token })).body, []);
  }
  assert.equal((await send(api, 'PUT', item, { body: { strange: true } })).status, 400);
});
