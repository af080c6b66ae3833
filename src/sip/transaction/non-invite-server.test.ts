/** Non-INVITE server transaction, clause by clause. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { player, sampleRequest, sampleResponse, sampleSetup } from '../../../test/support/sip-machine.ts';
import { handleNonInviteServer, nonInviteServer } from './non-invite-server.ts';

const request = sampleRequest('OPTIONS');
const respond = (status: number) => ({ type: 'respond', response: sampleResponse(request, status) }) as const;
const timer = (name: 'F' | 'J') => ({ type: 'timer', name }) as const;
const AGAIN = { type: 'request' } as const;

function started(reliable = false) {
  const m = player(nonInviteServer(sampleSetup(reliable), 0), handleNonInviteServer);
  assert.deepEqual(m.step({ type: 'start', request }), ['start F 32000', 'tell OPTIONS']);
  return m;
}

test('17.2.2: a copy in Trying is dropped', () => {
  assert.deepEqual(started().step(AGAIN), []);
});

test('TRN-03 17.2.2: a final response is sent, and again for each copy, until timer J', () => {
  const m = started();
  assert.deepEqual(m.step(respond(200)), ['send 200', 'stop F', 'start J 32000']);
  assert.deepEqual(m.step(AGAIN), ['send 200']);
  assert.deepEqual(m.step(respond(486)), []);
  assert.deepEqual(m.step(timer('J')), ['terminated']);
});

test('17.2.2: on a reliable transport timer J is zero', () => {
  assert.deepEqual(started(true).step(respond(200)), ['send 200', 'stop F', 'terminated']);
});

test('RFC 4320 4.1: a 100 leaves by UDP only when the client repeats every T2', () => {
  const m = started();
  assert.deepEqual(m.step(respond(100), 3499), []);
  assert.deepEqual(m.step(respond(100), 3500), ['send 100']);
  assert.deepEqual(m.step(AGAIN), ['send 100']);
  assert.equal(m.state.state, 'Proceeding');
});

test('RFC 4320 4.1: no other provisional response ever leaves', () => {
  assert.deepEqual(started().step(respond(180), 9000), []);
  assert.deepEqual(started(true).step(respond(183)), []);
  assert.deepEqual(started(true).step(respond(100)), ['send 100']);
});

test('TRN-04 RFC 4320 4.2: no 408, and nothing at all after 64*T1', () => {
  const m = started();
  assert.deepEqual(m.step(respond(408)), []);
  assert.deepEqual(m.step(timer('F')), ['failed timeout', 'terminated']);
  assert.deepEqual(m.step(respond(200)), []);
});

test('RFC 6026 8: a transport error is told once and leaves the machine where it is', () => {
  const m = started();
  assert.deepEqual(m.step({ type: 'transport-error' }), []);
  m.step(respond(200));
  assert.deepEqual(m.step({ type: 'transport-error' }), ['failed transport']);
  assert.deepEqual(m.step({ type: 'transport-error' }), []);
  assert.deepEqual(m.step(AGAIN), ['send 200']);
});

test('an ACK is nothing to it', () => {
  assert.deepEqual(started().step({ type: 'ack', request: sampleRequest('ACK') }), []);
});
