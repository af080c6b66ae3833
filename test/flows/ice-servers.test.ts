/** ICE servers in front of the whole gateway: a registration or a channel that is named has to be the caller's own, and alive. CAMARA digest 2.5, 11c. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deviceId } from '../support/steps.ts';
import { CHANNELS, REGISTRATION, wholeGateway } from '../support/whole-gateway.ts';

const RETRIEVE = '/webrtc-ice-servers/v0.1/retrieve';
const turn = { urls: ['turns:turn.example:443?transport=tcp'], secret: 'a-secret-of-the-test' };

test('ICE-11 only its owner gets servers for a registration or a channel, and only while it lives', async () => {
  const g = await wholeGateway({ settings: { turn } });
  const ask = async (who: string, body?: object) => {
    const { status, body: answer } = await g.call(who, 'POST', RETRIEVE, body);
    return answer.code ?? [status, answer.iceServers.length];
  };
  assert.deepEqual(await ask('ada'), [200, 1]);
  const { registrationId } = (await g.call('ada', 'POST', `${REGISTRATION}/sessions`, { deviceId: deviceId(1) })).body;
  const { channelId } = (await g.call('ada', 'POST', `${CHANNELS}/channels`, { deviceId: deviceId(1) })).body;
  const shops = (
    await g.call('shop', 'POST', `${REGISTRATION}/sessions`, { deviceId: deviceId(2), phoneNumber: '+15550100003' })
  ).body.registrationId;
  for (const named of [{ registrationId }, { channelId }]) {
    assert.deepEqual(await ask('ada', named), [200, 1]);
    for (const other of ['bela', 'ada-other', 'shop']) assert.equal(await ask(other, named), 'NOT_FOUND', other);
  }
  assert.deepEqual(
    [await ask('shop', { registrationId: shops }), await ask('ada', { registrationId: shops })],
    [[200, 1], 'NOT_FOUND'],
  );
  await g.call('ada', 'DELETE', `${REGISTRATION}/sessions/${registrationId}`);
  await g.call('ada', 'DELETE', `${CHANNELS}/channels/${channelId}`);
  for (const named of [{ registrationId }, { channelId }]) assert.equal(await ask('ada', named), 'NOT_FOUND');
});
