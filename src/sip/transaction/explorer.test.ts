/** Every reachable state of the four machines, and what must hold in each. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explore } from '../../../test/support/sip-explorer.ts';
import { sampleRequest, sampleResponse, sampleSetup } from '../../../test/support/sip-machine.ts';
import { handleInviteClient, inviteClient } from './invite-client.ts';
import { handleInviteServer, inviteServer } from './invite-server.ts';
import type { ClientInput, ServerInput } from './machine.ts';
import { handleNonInviteClient, nonInviteClient } from './non-invite-client.ts';
import { handleNonInviteServer, nonInviteServer } from './non-invite-server.ts';
import type { TimerName } from './types.ts';

const STATUSES = [100, 180, 200, 302, 408, 486, 603];
const timer = (name: TimerName) => ({ type: 'timer', name }) as const;
const named = <const I extends { type: string }>(input: I) => ({ name: input.type, input });

function clientInputs(method: string): Array<{ name: string; input: ClientInput }> {
  const request = sampleRequest(method);
  const responses = STATUSES.map(status => ({
    name: String(status),
    input: { type: 'response', response: sampleResponse(request, status) } as const,
  }));
  return [...responses, named({ type: 'cancel' }), named({ type: 'transport-error' })];
}

function serverInputs(method: string): Array<{ name: string; input: ServerInput; now?: number }> {
  const request = sampleRequest(method);
  const responses = STATUSES.flatMap(status =>
    [0, 3500].map(now => ({
      name: `respond ${status} at ${now}`,
      input: { type: 'respond', response: sampleResponse(request, status) } as const,
      now,
    })),
  );
  const ack = named({ type: 'ack', request: sampleRequest('ACK') } as const);
  return [...responses, ack, named({ type: 'request' }), named({ type: 'transport-error' })];
}

for (const reliable of [false, true]) {
  const kind = reliable ? 'reliable' : 'unreliable';

  test(`INVITE client, ${kind}: all states, none broken`, () => {
    const { states, nodes } = explore({
      initial: inviteClient(sampleSetup(reliable), sampleRequest('INVITE')),
      handle: handleInviteClient,
      identity: state => `${state.cancelled} ${state.request.method}`,
      inputs: clientInputs('INVITE'),
      start: { type: 'start' },
      timer,
      patient: state => state.state === 'Proceeding',
    });
    const all = ['Calling', 'Proceeding', 'Accepted', 'Completed', 'Terminated'];
    // RFC 3261 17.1.1.2: with timer D at zero nothing stays in Completed.
    assert.deepEqual([...states].sort(), all.filter(s => !reliable || s !== 'Completed').sort());
    assert.ok(nodes > 6);
  });

  test(`INVITE server, ${kind}: all states, none broken`, () => {
    const { states } = explore({
      initial: inviteServer(sampleSetup(reliable), sampleResponse(sampleRequest('INVITE'), 100)),
      handle: handleInviteServer,
      identity: state => `${state.last.status} ${state.told}`,
      inputs: serverInputs('INVITE'),
      start: { type: 'start', request: sampleRequest('INVITE') },
      timer,
      patient: state => state.state === 'Proceeding',
    });
    const all = ['Proceeding', 'Accepted', 'Completed', 'Confirmed', 'Terminated'];
    // With timer I at zero nothing stays in Confirmed.
    assert.deepEqual([...states].sort(), all.filter(s => !reliable || s !== 'Confirmed').sort());
  });

  test(`non-INVITE client, ${kind}: all states, none broken`, () => {
    const { states } = explore({
      initial: nonInviteClient(sampleSetup(reliable), sampleRequest('BYE')),
      handle: handleNonInviteClient,
      identity: () => '',
      inputs: clientInputs('BYE'),
      start: { type: 'start' },
      timer,
      patient: () => false,
    });
    const all = ['Trying', 'Proceeding', 'Completed', 'Terminated'];
    assert.deepEqual([...states].sort(), all.filter(s => !reliable || s !== 'Completed').sort());
  });

  test(`non-INVITE server, ${kind}: all states, none broken`, () => {
    const { states } = explore({
      initial: nonInviteServer(sampleSetup(reliable), 0),
      handle: handleNonInviteServer,
      identity: state => `${state.last?.status} ${state.told}`,
      inputs: serverInputs('OPTIONS'),
      start: { type: 'start', request: sampleRequest('OPTIONS') },
      timer,
      patient: () => false,
    });
    const all = ['Trying', 'Proceeding', 'Completed', 'Terminated'];
    assert.deepEqual([...states].sort(), all.filter(s => !reliable || s !== 'Completed').sort());
  });
}
