/** What holds every response and event of other tests against the documents lets nothing wrong through. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REGISTRATION, send, testApi } from '../../test/support/api-kit.ts';
import { createContract } from '../../test/support/contract.ts';
import { checkEvent, checkOwed } from '../../test/support/event-schema.ts';

const headers = { 'x-correlator': 'c', 'cache-control': 'no-store', 'content-type': 'application/json' };
const good = {
  registrationId: 'r',
  regInfo: { phoneNumber: '+15550100001', regStatus: 'Registered' },
  expiresAt: '2026-03-01T12:00:00.000Z',
};
const event = {
  id: 'e',
  source: 'https://gateway.example.com',
  specversion: '1.0',
  type: 'org.camaraproject.webrtc-events-subscriptions.v0.session-status',
  time: '2026-03-01T12:00:00.000Z',
  datacontenttype: 'application/json',
  data: { mediaSessionId: 'm', status: 'Ringing', sequenceNumber: 1 },
};

test('2, 4 a response that no document tells of is caught', async () => {
  const { api } = testApi();
  const documentOf = async (base: string) => (await send(api, 'GET', `${base}/openapi.json`, { token: null })).body;
  const contract = createContract();
  const check = (status: number, body: unknown, more: object = {}, method = 'GET', correlator?: string) =>
    contract.response(
      documentOf,
      method,
      `${REGISTRATION}/sessions/r`,
      { status, headers: { ...headers, ...more }, body },
      correlator,
    );
  await check(200, good);
  await check(404, { status: 404, code: 'NOT_FOUND', message: 'x' });
  await check(204, null, {}, 'DELETE');
  for (const wrong of [
    () => check(200, { ...good, more: 1 }),
    () => check(200, { ...good, expiresAt: '2026-03-01T12:00:00Z' }),
    () => check(200, { ...good, regInfo: { ...good.regInfo, regStatus: 'Registering' } }),
    () => check(200, good, { 'content-type': 'text/html' }),
    () => check(200, good, { 'cache-control': undefined }),
    () => check(200, good, { 'x-correlator': undefined }),
    () => check(200, good, {}, 'GET', 'another'),
    () => check(404, { status: 400, code: 'NOT_FOUND', message: 'x' }),
    () => check(404, { status: 404, code: 'NOT_FOUND' }),
    () => check(404, { status: 404, code: 'IDENTIFIER_NOT_FOUND', message: 'x' }),
    () => check(409, { status: 409, code: 'ABORTED', message: 'x' }),
    () => check(201, good, { location: 'https://gateway.example.com/x' }),
    () => check(204, {}, {}, 'DELETE'),
    () => contract.response(documentOf, 'GET', '/webrtc-other/v1/x', { status: 200, headers, body: good }),
  ]) {
    await assert.rejects(wrong, assert.AssertionError, wrong.toString());
  }
});

test('8.4, 8.5 an event that no document tells of, or out of its order, is caught', async () => {
  const { api } = testApi();
  const contract = createContract();
  await contract.learn(async base => (await send(api, 'GET', `${base}/openapi.json`, { token: null })).body);
  const next = (id: string, data: object) => ({ ...event, id, data: { ...event.data, ...data } });
  contract.event(event, 'c');
  contract.event(event, 'c');
  contract.event(next('f', { sequenceNumber: 2, status: 'Failed', reason: 'SIP;cause=500' }), 'c');
  for (const wrong of [
    next('g', { sequenceNumber: 3 }),
    next('h', { mediaSessionId: 'n', status: 'Busy' }),
    next('i', { mediaSessionId: 'n', status: 'Odd' }),
    { ...event, type: 'org.camaraproject.webrtc-events.v0.session-status' },
  ]) {
    assert.throws(() => contract.event(wrong, 'c'), assert.AssertionError, wrong.id);
  }
  checkEvent(event);
  assert.throws(() => checkEvent({ ...event, type: `${event.type}s` }), assert.AssertionError);
  const value = { body: JSON.stringify({ ...event, data: {} }) };
  assert.throws(() => checkOwed([{ op: 'put', kind: 'outbox', key: '1', value }]), assert.AssertionError);
});
