/** INVITE server transaction, clause by clause. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { player, sampleRequest, sampleResponse, sampleSetup } from '../../../test/support/sip-machine.ts';
import { handleInviteServer, inviteServer } from './invite-server.ts';

const request = sampleRequest('INVITE');
const respond = (status: number) => ({ type: 'respond', response: sampleResponse(request, status) }) as const;
const timer = (name: 'G' | 'H' | 'I' | 'L') => ({ type: 'timer', name }) as const;
const AGAIN = { type: 'request' } as const;
const ACK = { type: 'ack', request: sampleRequest('ACK') } as const;
const ERROR = { type: 'transport-error' } as const;

function started(reliable = false) {
  const m = player(inviteServer(sampleSetup(reliable), sampleResponse(request, 100)), handleInviteServer);
  assert.deepEqual(m.step({ type: 'start', request }), ['send 100', 'tell INVITE']);
  return m;
}

test('17.2.1: a copy of the INVITE gets the newest provisional response', () => {
  const m = started();
  assert.deepEqual(m.step(AGAIN), ['send 100']);
  assert.deepEqual(m.step(respond(180)), ['send 180']);
  assert.deepEqual(m.step(AGAIN), ['send 180']);
});

test('17.2.1: a 100 of the user is not sent a second time', () => {
  assert.deepEqual(started().step(respond(100)), []);
});

test('TRN-03 17.2.1: a refusal is repeated by timer G, doubling to T2, until timer H', () => {
  const m = started();
  assert.deepEqual(m.step(respond(486)), ['send 486', 'start H 32000', 'start G 500']);
  const seen = [];
  for (let i = 0; i < 5; i += 1) seen.push(...m.step(timer('G')));
  assert.deepEqual(
    seen.filter(w => w.startsWith('start')),
    ['start G 1000', 'start G 2000', 'start G 4000', 'start G 4000', 'start G 4000'],
  );
  assert.deepEqual(m.step(AGAIN), ['send 486']);
  assert.deepEqual(m.step(timer('H')), ['stop G', 'failed timeout', 'terminated']);
});

test('17.2.1: on a reliable transport a refusal is not repeated, but its ACK is waited for', () => {
  const m = started(true);
  assert.deepEqual(m.step(respond(486)), ['send 486', 'start H 32000']);
  assert.deepEqual(m.step(ACK), ['stop H', 'terminated']);
});

test('TRN-03 17.2.1: the ACK of a refusal stops G and H and is absorbed with its copies until timer I', () => {
  const m = started();
  m.step(respond(486));
  assert.deepEqual(m.step(ACK), ['stop H', 'stop G', 'start I 5000']);
  assert.equal(m.state.state, 'Confirmed');
  assert.deepEqual(m.step(ACK), []);
  assert.deepEqual(m.step(AGAIN), []);
  assert.deepEqual(m.step(timer('I')), ['terminated']);
});

test('17.2.1: after a final response the user can send no other', () => {
  const m = started();
  m.step(respond(486));
  assert.deepEqual(m.step(respond(200)), []);
  assert.deepEqual(m.step(respond(180)), []);
});

test('TRN-03 RFC 6026 7.1: after a 2xx copies are absorbed, further 2xx sent, ACKs told, until timer L', () => {
  const m = started();
  assert.deepEqual(m.step(respond(200)), ['send 200', 'start L 32000']);
  assert.deepEqual(m.step(AGAIN), []);
  assert.deepEqual(m.step(respond(200)), ['send 200']);
  assert.deepEqual(m.step(respond(486)), []);
  assert.deepEqual(m.step(ACK), ['tell ACK']);
  assert.deepEqual(m.step(timer('L')), ['terminated']);
});

test('RFC 6026 7.1: timer L runs on reliable transports too', () => {
  assert.deepEqual(started(true).step(respond(200)), ['send 200', 'start L 32000']);
});

test('RFC 6026 8: a transport error leaves the machine where it is and is told once, for a refusal only', () => {
  const m = started();
  assert.deepEqual(m.step(ERROR), []);
  m.step(respond(486));
  assert.deepEqual(m.step(ERROR), ['failed transport']);
  assert.deepEqual(m.step(ERROR), []);
  assert.deepEqual(m.step(timer('G')), ['send 486', 'start G 1000']);
  assert.deepEqual(m.step(timer('H')), ['stop G', 'terminated']);
});

test('an ACK before any final response is nothing', () => {
  assert.deepEqual(started().step(ACK), []);
});
