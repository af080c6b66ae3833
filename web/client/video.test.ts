/** Video in a call as the SDK has it: a far end that asks, a camera that is not there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Call } from './call.ts';
import { CallingError } from './errors.ts';
import { registered } from './fake-page.ts';
import { fakeService, settle } from './fake-service.ts';

const WITH_VIDEO = 'v=0\r\nm=audio 9 x 8\r\nm=video 9 x 96\r\n';
const NEWS = { mediaSessionId: 'call-1', status: 'Connected' };

const rejectsWith = (work: Promise<unknown>, name: string) =>
  assert.rejects(work, (error: unknown) => error instanceof CallingError && error.name === name);

async function talking() {
  const service = fakeService();
  const client = await registered(service);
  const call = await client.call('+15550109000');
  await service.event('session-status', { ...NEWS, answer: { sdp: 'a' }, offer: { sdp: 'o' }, sequenceNumber: 1 });
  const puts = () => service.asked.filter(({ method }) => method === 'PUT').map(({ body }) => body);
  return { service, client, call, puts };
}

test('a far end that asks for video waits for the user, is answered, and may ask for the same again', async () => {
  const { service, call, puts } = await talking();
  const heard: boolean[] = [];
  call.on('videoAsked', on => heard.push(on));
  await service.event('session-status', { ...NEWS, offer: { sdp: WITH_VIDEO }, sequenceNumber: 2 });
  assert.deepEqual([call.asksVideo, heard, puts().length], [true, [true], 0]);
  await call.answerVideo(false);
  assert.deepEqual(puts(), [{ status: 'Connected', answer: { sdp: 'answer-of-browser' } }]);
  assert.equal(call.asksVideo, false);
  await rejectsWith(call.answerVideo(true), 'wrong-moment');
  await service.event('session-status', { ...NEWS, offer: { sdp: WITH_VIDEO }, sequenceNumber: 3 });
  assert.equal(call.asksVideo, true);
});

test('a question that is over is not answered any more', async () => {
  const { service, call, puts } = await talking();
  await service.event('session-status', { ...NEWS, offer: { sdp: WITH_VIDEO }, sequenceNumber: 2 });
  await service.event('session-status', { ...NEWS, offer: { sdp: 'o' }, answer: { sdp: 'a' }, sequenceNumber: 3 });
  assert.equal(call.asksVideo, false);
  await rejectsWith(call.answerVideo(true), 'wrong-moment');
  assert.equal(puts().length, 0);
});

test('without a camera video is neither offered nor added, and the call goes on', async () => {
  const { client, call, puts } = await talking();
  await rejectsWith(call.addVideo(), 'camera-missing');
  assert.deepEqual([puts().length, call.end, call.video], [0, null, { local: false, remote: false }]);
  await rejectsWith(client.call('+15550109000', { video: true }), 'camera-missing');
  assert.equal(client.calls.size, 1);
});

test('an offer without video is answered without a question', async () => {
  const { service, call, puts } = await talking();
  await service.event('session-status', { ...NEWS, offer: { sdp: 'v=0\r\nm=video 0 x 96\r\n' }, sequenceNumber: 2 });
  await settle();
  assert.deepEqual([call.asksVideo, puts().length], [false, 1]);
});

test('video of the invitation that was answered without may be asked for again, word for word', async () => {
  const service = fakeService();
  const client = await registered(service);
  const calls: Call[] = [];
  client.on('incoming', call => calls.push(call));
  const invitation = { ...NEWS, status: 'Initial', offer: { sdp: WITH_VIDEO }, sequenceNumber: 1 };
  await service.event('session-invitation', invitation);
  const [call] = calls;
  assert.ok(call);
  await call.answer();
  const answered = { ...NEWS, offer: { sdp: WITH_VIDEO }, answer: { sdp: 'a' } };
  await service.event('session-status', { ...answered, sequenceNumber: 2 });
  assert.equal(call.asksVideo, false);
  await service.event('session-status', { ...NEWS, offer: { sdp: WITH_VIDEO }, sequenceNumber: 3 });
  assert.equal(call.asksVideo, true);
});
