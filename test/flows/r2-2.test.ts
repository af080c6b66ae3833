/** The older line (CAMARA r2.2) beside today's, over one core. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browserOffer } from '../support/core-world.ts';
import { CALLS, REGISTRATION, type WholeGateway, wholeGateway } from '../support/whole-gateway.ts';

const OLD_REGISTRATION = '/webrtc-registration/v0.3';
const OLD_CALLS = '/webrtc-call-handling/v0.3';
const DEVICE = '00000000-0000-4000-8000-000000000001';
const settings = { api: { registrationV03Paths: [OLD_REGISTRATION], callHandlingV03Paths: [OLD_CALLS] } };

async function registered(g: WholeGateway, more: object = {}): Promise<string> {
  const made = await g.call('ada', 'POST', `${OLD_REGISTRATION}/sessions`, { deviceId: DEVICE, ...more });
  assert.equal(made.status, 200, JSON.stringify(made.body));
  assert.equal(made.headers['location'], undefined);
  return made.body.registrationId;
}

test('it is off unless paths are set', async () => {
  const g = await wholeGateway();
  assert.equal((await g.call('ada', 'POST', `${OLD_REGISTRATION}/sessions`, { deviceId: DEVICE })).status, 404);
  assert.equal((await g.call('ada', 'GET', `${OLD_CALLS}/sessions/x`)).status, 404);
});

test('registration: 200, unknown names ignored, a time out of range left to policy, a second POST renews', async () => {
  const g = await wholeGateway({ settings });
  const iso = (ms: number) => new Date(g.now() + ms).toISOString();
  const id = await registered(g, { colour: 'red', phoneNumber: '+15550100009', registrationExpireTime: iso(-5000) });
  const seen = await g.call('ada', 'GET', `${REGISTRATION}/sessions/${id}`);
  assert.equal(seen.body.expiresAt, iso(3_600_000));
  const again = await g.call('ada', 'POST', `${OLD_REGISTRATION}/sessions`, {
    deviceId: DEVICE,
    registrationExpireTime: iso(120_000),
  });
  assert.deepEqual([again.status, again.body.registrationId, again.body.expiresAt], [200, id, iso(120_000)]);
  assert.equal(g.network.effects.filter(({ type }) => type === 'ims.register').length, 1);
  const put = await g.call('ada', 'PUT', `${OLD_REGISTRATION}/sessions/${id}`, {
    more: 1,
    registrationExpireTime: iso(1),
  });
  assert.equal(put.body.expiresAt, iso(3_600_000));
  assert.equal((await g.call('ada', 'GET', `${OLD_REGISTRATION}/sessions/${id}`)).status, 405);
  // Of somebody else, and of a wrong type, as ever.
  assert.equal((await g.call('ada-other', 'POST', `${OLD_REGISTRATION}/sessions`, { deviceId: DEVICE })).status, 409);
  assert.equal((await g.call('ada', 'POST', `${OLD_REGISTRATION}/sessions`, { deviceId: 7 })).status, 400);
  assert.equal((await g.call('ada', 'DELETE', `${OLD_REGISTRATION}/sessions/${id}`)).status, 204);
});

test('calls: more than is known is taken, and a correlator makes one call however often it comes', async () => {
  const g = await wholeGateway({ settings });
  const registrationId = await registered(g);
  const body = {
    originatorAddress: 'tel:+15550100001',
    receiverAddress: 'tel:+15550109000',
    offer: { type: 'offer', sdp: browserOffer() },
    status: 'Initial',
    callObjectRef: 'x',
    clientCorrelator: 'corr-1',
  };
  const post = (who: string, change: object = {}) =>
    g.call(who, 'POST', `${OLD_CALLS}/sessions`, { ...body, ...change }, { registrationId });
  const all = await Promise.all([post('ada'), post('ada'), post('ada')]);
  const ids = new Set(all.map(({ status, body: { mediaSessionId } }) => `${status} ${mediaSessionId}`));
  assert.equal(ids.size, 1);
  const [first] = all;
  const id = first?.body.mediaSessionId;
  assert.equal(first?.body.clientCorrelator, 'corr-1');
  await g.settle();
  assert.equal(g.network.effects.filter(({ type }) => type === 'ims.invite').length, 1);
  g.network.progress(g.network.lastCall(), 180);
  await g.settle();
  assert.equal((await post('ada')).body.status, 'Ringing');
  assert.equal((await g.call('ada', 'GET', `${OLD_CALLS}/sessions/${id}`)).body.clientCorrelator, 'corr-1');
  assert.equal((await g.call('ada', 'GET', `${CALLS}/sessions/${id}`)).body.clientCorrelator, undefined);
  // Another caller's correlator is another one.
  assert.equal((await post('ada-other')).status, 403);
  assert.equal((await g.call('ada', 'DELETE', `${OLD_CALLS}/sessions/${id}`)).status, 204);
  assert.equal((await post('ada')).body.mediaSessionId, id);
  assert.equal((await post('ada', { clientCorrelator: 5 })).status, 400);
  await g.advance(86_400_000);
  const later = await registered(g);
  const next = await g.call('ada', 'POST', `${OLD_CALLS}/sessions`, body, { registrationId: later });
  assert.equal(next.status, 201, JSON.stringify(next.body));
  assert.notEqual(next.body.mediaSessionId, id);
});

test('a refused call leaves its correlator free', async () => {
  const g = await wholeGateway({ settings });
  const registrationId = await registered(g);
  const body = { originatorAddress: 'tel:+15550100002', receiverAddress: 'tel:+15550109000', clientCorrelator: 'c' };
  const post = (change: object) =>
    g.call(
      'ada',
      'POST',
      `${OLD_CALLS}/sessions`,
      { ...body, offer: { sdp: browserOffer() }, ...change },
      { registrationId },
    );
  assert.equal((await post({})).status, 403);
  assert.equal((await post({ originatorAddress: 'tel:+15550100001' })).status, 201);
});

test('7.4 Ringing with the description under the name offer is the answer', async () => {
  const g = await wholeGateway({ settings });
  await registered(g);
  const types = ['org.camaraproject.webrtc-events-subscriptions.v0.session-invitation'];
  const subscribed = await g.call('ada', 'POST', '/webrtc-events-subscriptions/v0.3rc1/subscriptions', {
    protocol: 'HTTP',
    sink: 'https://app.example.com/events',
    types,
    config: { subscriptionDetail: { deviceId: DEVICE } },
  });
  assert.equal(subscribed.status, 201);
  g.network.invite('+15550100001');
  await g.settle();
  const id = g.delivered.at(-1)?.event.data.mediaSessionId;
  const at = `${OLD_CALLS}/sessions/${id}/status`;
  const ringing = await g.call('ada', 'PUT', at, { status: 'Ringing', offer: { sdp: browserOffer('b') } });
  assert.equal(ringing.status, 200);
  const connected = await g.call('ada', 'PUT', at, { status: 'Connected' });
  assert.equal(connected.status, 200);
  assert.equal(connected.body.answer.sdp, browserOffer('b'));
});
