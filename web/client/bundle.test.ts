/** A bundle of the sound alone is kept from the browser until one of both is agreed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { registered } from './fake-page.ts';
import { fakeService } from './fake-service.ts';

const described = (group: string) => `v=0\r\n${group}m=audio 9 x 8\r\n`;
const LONE = described('a=group:BUNDLE 0\r\n');
const BOTH = described('a=group:BUNDLE 0 1\r\n');
const NEWS = { mediaSessionId: 'call-1', status: 'Connected' };

test('SDP-21 a picture that comes later can have a transport of its own, or share that of the sound, which it then leaves in order', async () => {
  const service = fakeService();
  const call = await (await registered(service)).call('+15550109000');
  await service.event('session-status', { ...NEWS, answer: { sdp: LONE }, offer: { sdp: 'o' }, sequenceNumber: 1 });
  assert.equal(service.peer().done.at(-1), `remote answer ${described('')}`);
  const taken = async (sdp: string, sequenceNumber: number) => {
    await service.event('session-status', { ...NEWS, offer: { sdp }, sequenceNumber });
    return service.peer().done.findLast(step => step.startsWith('remote '));
  };
  assert.equal(await taken(LONE, 2), `remote offer ${described('')}`);
  assert.equal(await taken(BOTH, 3), `remote offer ${BOTH}`);
  assert.equal(await taken(LONE, 4), `remote offer ${LONE}`);
  assert.equal(call.end, null);
});
