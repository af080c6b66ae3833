/** Non-INVITE client transaction, clause by clause. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { player, sampleRequest, sampleResponse, sampleSetup } from '../../../test/support/sip-machine.ts';
import { handleNonInviteClient, nonInviteClient } from './non-invite-client.ts';

const request = sampleRequest('BYE');
const response = (status: number) => ({ type: 'response', response: sampleResponse(request, status) }) as const;
const timer = (name: 'E' | 'F' | 'K') => ({ type: 'timer', name }) as const;

function started(reliable = false) {
  const m = player(nonInviteClient(sampleSetup(reliable), sampleRequest('BYE')), handleNonInviteClient);
  assert.deepEqual(
    m.step({ type: 'start' }),
    reliable ? ['send BYE', 'start F 32000'] : ['send BYE', 'start F 32000', 'start E 500'],
  );
  return m;
}

test('TRN-03 17.1.2.2: timer E repeats the request, doubling to T2', () => {
  const m = started();
  const seen = [];
  for (let i = 0; i < 5; i += 1) seen.push(...m.step(timer('E')));
  assert.deepEqual(
    seen.filter(w => w.startsWith('start')),
    ['start E 1000', 'start E 2000', 'start E 4000', 'start E 4000', 'start E 4000'],
  );
});

test('17.1.2.2: in Proceeding it is repeated every T2', () => {
  const m = started();
  assert.deepEqual(m.step(response(100)), ['tell 100']);
  assert.deepEqual(m.step(timer('E')), ['send BYE', 'start E 4000']);
});

test('TRN-03 17.1.2.2: timer F ends Trying and Proceeding alike', () => {
  const trying = started();
  assert.deepEqual(trying.step(timer('F')), ['stop E', 'failed timeout', 'terminated']);
  const proceeding = started();
  proceeding.step(response(100));
  assert.deepEqual(proceeding.step(timer('F')), ['stop E', 'failed timeout', 'terminated']);
});

test('TRN-03 17.1.2.2: a final response is told once; copies are absorbed until timer K', () => {
  const m = started();
  assert.deepEqual(m.step(response(200)), ['stop F', 'stop E', 'start K 5000', 'tell 200']);
  assert.deepEqual(m.step(response(200)), []);
  assert.deepEqual(m.step(response(100)), []);
  assert.deepEqual(m.step({ type: 'transport-error' }), []);
  assert.deepEqual(m.step(timer('K')), ['terminated']);
});

test('17.1.2.2: on a reliable transport timer K is zero', () => {
  assert.deepEqual(started(true).step(response(481)), ['stop F', 'tell 481', 'terminated']);
});

test('17.1.4: a transport error is told', () => {
  assert.deepEqual(started().step({ type: 'transport-error' }), ['stop F', 'stop E', 'failed transport', 'terminated']);
  assert.deepEqual(started(true).step({ type: 'transport-error' }), ['stop F', 'failed transport', 'terminated']);
});

test('9.1: only an INVITE can be cancelled; of another request there are no more copies, and its answer is still told', () => {
  const m = started();
  assert.deepEqual(m.step({ type: 'cancel' }), ['stop E']);
  assert.deepEqual(m.step({ type: 'cancel' }), []);
  assert.deepEqual(m.step(timer('E')), []);
  assert.deepEqual(m.step(response(200)), ['stop F', 'start K 5000', 'tell 200']);
  assert.deepEqual(started(true).step({ type: 'cancel' }), []);
});
