/** INVITE client transaction, clause by clause. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { player, sampleRequest, sampleResponse, sampleSetup, VALUES } from '../../../test/support/sip-machine.ts';
import { handleInviteClient, inviteClient } from './invite-client.ts';
import type { TransactionKey } from './types.ts';

const request = sampleRequest('INVITE');
const response = (status: number) => ({ type: 'response', response: sampleResponse(request, status) }) as const;
const timer = (name: 'A' | 'B' | 'D' | 'M') => ({ type: 'timer', name }) as const;
const START = { type: 'start' } as const;
const ERROR = { type: 'transport-error' } as const;

function machine(reliable = false) {
  return player(inviteClient(sampleSetup(reliable), sampleRequest('INVITE')), handleInviteClient);
}

function started(reliable = false) {
  const m = machine(reliable);
  m.step(START);
  return m;
}

test('17.1.1.2: start sends the INVITE and starts timers A and B', () => {
  assert.deepEqual(machine().step(START), ['send INVITE', 'start B 32000', 'start A 500']);
});

test('17.1.1.2: on a reliable transport timer A is not started', () => {
  assert.deepEqual(machine(true).step(START), ['send INVITE', 'start B 32000']);
});

test('TRN-03 17.1.1.2: timer A repeats the INVITE at doubled intervals without a cap', () => {
  const m = started();
  const seen = [];
  for (let i = 0; i < 5; i += 1) seen.push(...m.step(timer('A')));
  assert.deepEqual(
    seen.filter(w => w.startsWith('start')),
    ['start A 1000', 'start A 2000', 'start A 4000', 'start A 8000', 'start A 16000'],
  );
});

test('TRN-03 17.1.1.2: timer B in Calling tells the user of the timeout', () => {
  const m = started();
  assert.deepEqual(m.step(timer('B')), ['stop A', 'failed timeout', 'terminated']);
  assert.equal(m.state.state, 'Terminated');
});

test('17.1.1.2: a 1xx stops the repetition and goes to the user; further ones too', () => {
  const m = started();
  assert.deepEqual(m.step(response(100)), ['stop B', 'stop A', 'tell 100']);
  assert.equal(m.state.state, 'Proceeding');
  assert.deepEqual(m.step(response(180)), ['tell 180']);
  assert.deepEqual(m.step(timer('A')), []);
});

test('17.1.1.2: 300-699 in Calling is acknowledged, told, and waited upon for 32 s', () => {
  const m = started();
  assert.deepEqual(m.step(response(486)), ['stop B', 'stop A', 'send ACK', 'start D 32000', 'tell 486']);
  assert.equal(m.state.state, 'Completed');
});

test('TRN-03 17.1.1.2: timer D is at least 32 s on a small T1 as well', () => {
  const setup = { key: 'k' as TransactionKey, reliable: false, values: { ...VALUES, t1: 10 } };
  const m = player(inviteClient(setup, request), handleInviteClient);
  assert.deepEqual(m.step(START), ['send INVITE', 'start B 640', 'start A 10']);
  assert.ok(m.step(response(500)).includes('start D 32000'));
});

test('17.1.1.2: copies of the final response are acknowledged again with the same ACK, not told', () => {
  const m = started();
  m.step(response(100));
  m.step(response(486));
  const first = m.state.request;
  assert.deepEqual(m.step(response(486)), ['send ACK']);
  assert.equal(m.state.request, first);
  assert.deepEqual(m.step(response(180)), []);
  assert.deepEqual(m.step(response(200)), []);
  assert.deepEqual(m.step(timer('D')), ['terminated']);
});

test('17.1.1.2: on a reliable transport timer D is zero', () => {
  assert.deepEqual(started(true).step(response(603)), ['stop B', 'send ACK', 'tell 603', 'terminated']);
});

test('TRN-03 RFC 6026 7.2: a 2xx leads to Accepted, where every further 2xx is told until timer M', () => {
  const m = started();
  assert.deepEqual(m.step(response(200)), ['stop B', 'stop A', 'start M 32000', 'tell 200']);
  assert.deepEqual(m.step(response(200)), ['tell 200']);
  assert.deepEqual(m.step(response(486)), []);
  assert.deepEqual(m.step(response(180)), []);
  assert.deepEqual(m.step(timer('M')), ['terminated']);
});

test('RFC 6026 7.2: timer M runs on reliable transports too', () => {
  assert.deepEqual(started(true).step(response(200)), ['stop B', 'start M 32000', 'tell 200']);
});

test('17.1.4: a transport error in Calling is told as such', () => {
  assert.deepEqual(started().step(ERROR), ['stop B', 'stop A', 'failed transport', 'terminated']);
});

test('17.1.4: a lost ACK ends the transaction; the user, who has its answer, hears nothing', () => {
  const m = started();
  m.step(response(486));
  assert.deepEqual(m.step(ERROR), ['stop D', 'terminated']);
});

test('9.1: after a CANCEL the wait in Proceeding is 64*T1', () => {
  const m = started();
  assert.deepEqual(m.step({ type: 'cancel' }), []);
  m.step(response(180));
  assert.deepEqual(m.step({ type: 'cancel' }), ['start B 32000']);
  assert.deepEqual(m.step({ type: 'cancel' }), []);
  assert.deepEqual(m.step(response(180)), ['tell 180']);
  assert.deepEqual(m.step(timer('B')), ['failed timeout', 'terminated']);
});

test('9.1: the 487 of a cancelled INVITE stops that wait', () => {
  const m = started();
  m.step(response(180));
  m.step({ type: 'cancel' });
  assert.deepEqual(m.step(response(487)), ['stop B', 'send ACK', 'start D 32000', 'tell 487']);
});
