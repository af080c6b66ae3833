/** The status tables, exhaustively: every SIP code, every Q.850 cause, every local end. IMS digest 3.9. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cancelledOf, endedOf, finalOf, progressStatus, reasonOf } from './call-status.ts';
import type { Outcome } from './words.ts';

function outcome(code: number, change: Partial<Outcome> = {}): Outcome {
  return { code, phrase: 'Some Phrase', q850: null, local: null, reason: null, ...change };
}

/** Written from the table, not from the code: codes that are not Failed. */
const NOT_FAILED = new Map<number, string>([
  [404, 'NotReachable'],
  [408, 'NoAnswer'],
  [410, 'NotReachable'],
  [433, 'Declined'],
  [480, 'NotReachable'],
  [430, 'NotReachable'],
  [484, 'NotReachable'],
  [485, 'NotReachable'],
  [486, 'Busy'],
  [487, 'SessionCancelled'],
  [600, 'Busy'],
  [603, 'Declined'],
  [604, 'NotReachable'],
  [607, 'Declined'],
  [608, 'Declined'],
]);

const CAUSES = new Map<number, string>([
  ...[1, 2, 3, 22, 28, 20, 27].map((cause): [number, string] => [cause, 'NotReachable']),
  [17, 'Busy'],
  [18, 'NoAnswer'],
  [19, 'NoAnswer'],
  ...[21, 55, 87].map((cause): [number, string] => [cause, 'Declined']),
]);

test('MAP-01 MAP-05 MAP-06 every final code has the status of the table', () => {
  for (let code = 300; code < 700; code += 1) {
    const final = finalOf(outcome(code), false);
    assert.equal(final.status, NOT_FAILED.get(code) ?? 'Failed', String(code));
    assert.equal(final.reason, `SIP;cause=${code};text="Some Phrase"`);
  }
});

test('MAP-03 480, and 430 of a flow that failed, is no answer after ringing', () => {
  for (const code of [480, 430]) assert.equal(finalOf(outcome(code), true).status, 'NoAnswer');
  assert.equal(finalOf(outcome(404), true).status, 'NotReachable');
});

test('MAP-02 a Q.850 cause decides before the code, but for 16 and 31', () => {
  for (let q850 = 1; q850 < 128; q850 += 1) {
    const silent = q850 === 16 || q850 === 31;
    const status = finalOf(outcome(486, { q850 }), false).status;
    assert.equal(status, silent ? 'Busy' : (CAUSES.get(q850) ?? 'Failed'), String(q850));
  }
});

test('MAP-04 an end of our own is a failure, never "no answer"', () => {
  for (const local of ['no-response', 'session-timer', 'transport', 'no-route', 'overload', 'internal'] as const) {
    const final = finalOf(outcome(0, { local }), true);
    assert.equal(final.status, 'Failed', local);
    assert.match(final.reason, /^(GW|SIP);cause=[0-9]+;text="[a-zA-Z ]+"$/);
  }
  assert.equal(finalOf(outcome(0, { local: 'internal' }), false).class, 'internal');
  assert.equal(finalOf(outcome(0, { local: 'transport' }), false).class, 'network');
});

test('classes: people and requests are the client, faults of the network upstream', () => {
  assert.equal(finalOf(outcome(486), false).class, 'client');
  assert.equal(finalOf(outcome(603), false).class, 'client');
  assert.equal(finalOf(outcome(488), false).class, 'client');
  assert.equal(finalOf(outcome(503), false).class, 'upstream');
  assert.equal(finalOf(outcome(403), false).class, 'upstream');
});

test('MAP-01 every provisional code has its state', () => {
  for (let code = 101; code < 200; code += 1) {
    const named: Record<number, string | null> = { 180: 'Ringing', 182: 'Waiting', 183: 'InProgress', 199: null };
    assert.equal(progressStatus(code), code in named ? named[code] : 'Proceeding', String(code));
  }
});

test('MAP-08 reason: SIP part first, then what the Reason header adds', () => {
  assert.equal(
    reasonOf(outcome(486, { phrase: 'Busy Here', q850: 17, reason: 'Q.850;cause=17;text="User busy"' })),
    'SIP;cause=486;text="Busy Here", Q.850;cause=17;text="User busy"',
  );
  assert.equal(reasonOf(outcome(486, { phrase: '', q850: 17 })), 'SIP;cause=486, Q.850;cause=17');
  const both = outcome(487, { phrase: '', reason: 'SIP;cause=603;text="Declined", Q.850;cause=21' });
  assert.equal(reasonOf(both), 'SIP;cause=487, Q.850;cause=21');
});

test('after the answer every end is Terminated', () => {
  const bye = endedOf(outcome(0, { phrase: '', q850: 16, reason: 'Q.850;cause=16;text="Terminated"' }));
  assert.deepEqual(bye, { status: 'Terminated', reason: 'Q.850;cause=16;text="Terminated"', class: 'success' });
  assert.equal(endedOf(outcome(0, { phrase: '' })).reason, 'SIP;text="BYE"');
  const dead = endedOf(outcome(481));
  assert.equal(dead.status, 'Terminated');
  assert.equal(dead.class, 'network');
  assert.equal(endedOf(outcome(0, { local: 'no-response' })).reason, 'GW;cause=4;text="no response"');
  const timer = endedOf(outcome(0, { local: 'session-timer' }));
  assert.deepEqual(timer, { status: 'Terminated', reason: 'GW;cause=2;text="session timer"', class: 'network' });
});

test('TRM-17 a CANCEL keeps its reason, so that "elsewhere" is no missed call', () => {
  const reason = 'SIP;cause=200;text="Call completed elsewhere"';
  assert.equal(cancelledOf(outcome(0, { reason })).reason, reason);
  assert.equal(cancelledOf(outcome(0)).reason, 'SIP;cause=487;text="Request Terminated"');
});
