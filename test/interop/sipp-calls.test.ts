/** Lineside as a SIP trunk against SIPp: every row of the status table, and the dialogs that only a scripted peer can play. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type IdentityProvider, startIdentityProvider } from '../../sandbox/identity/provider.ts';
import { chromiumOffer } from '../support/media-sdp.ts';
import { ADA, BELA, CHIDI } from '../support/number.ts';
import type { SippOptions } from '../support/sipp.ts';
import { startTrunk, type Trunk } from '../support/sipp-trunk.ts';
import { until } from '../support/talk.ts';

const HOST = '127.0.0.38';
const CALLEE = '+15559990001';

let identity: IdentityProvider;
let trunk: Trunk;
let device: Trunk['device'];
/** The same over IPv6. */
let six: Trunk;
/** A call that needs 45 s, beside all the others. */
let refreshed: Promise<void>;

before(async () => {
  identity = await startIdentityProvider({ host: HOST, port: 9092, pagesUrls: [] });
  trunk = await startTrunk({ host: HOST, issuer: identity, number: ADA });
  six = await startTrunk({ host: HOST, port: 9191, sip: '::1', issuer: identity, number: CHIDI });
  device = trunk.device;
  refreshed = six.answered({ scenario: 'refreshing', port: 5092, timeoutS: 70 });
  refreshed.catch(() => {});
});

after(async () => {
  await six?.close();
  await trunk?.close();
  await identity?.close();
});

async function dial(): Promise<string> {
  const made = await device.startCall(CALLEE, chromiumOffer(), ADA);
  assert.equal(made.status, 201, JSON.stringify(made.body));
  return made.body.mediaSessionId;
}

const NONE = 'X-Nothing: 1';
const q850 = (cause: number) => `Reason: Q.850;cause=${cause}`;

/** Code, status before which nothing rang, status after a 180. IMS digest 3.9.2. */
const REFUSALS: ReadonlyArray<[code: number, silent: string, rung?: string]> = [
  ...[300, 301, 302, 305, 380].map(code => [code, 'Failed'] as [number, string]),
  ...[400, 402, 403, 405, 406, 412, 413, 414, 415, 416, 420, 421, 422, 423, 425, 428, 429, 436].map(
    code => [code, 'Failed'] as [number, string],
  ),
  ...[401, 407, 424, 437, 438, 439, 440, 469, 470, 481, 482, 483, 488, 489, 491, 493, 494, 499].map(
    code => [code, 'Failed'] as [number, string],
  ),
  ...[500, 501, 502, 503, 504, 505, 513, 555, 580, 599, 606, 699].map(code => [code, 'Failed'] as [number, string]),
  ...[404, 410, 484, 485, 604].map(code => [code, 'NotReachable'] as [number, string]),
  [408, 'NoAnswer', 'NoAnswer'],
  [480, 'NotReachable', 'NoAnswer'],
  [430, 'NotReachable'],
  [486, 'Busy', 'Busy'],
  [600, 'Busy'],
  [487, 'SessionCancelled'],
  [433, 'Declined'],
  [603, 'Declined', 'Declined'],
  [607, 'Declined'],
  [608, 'Declined'],
];

async function refused(code: number, ringing: boolean, extra: string): Promise<string> {
  const progress = ringing ? { ringing: '180', progress: 'Ringing' } : { ringing: '100', progress: 'Trying' };
  const peer = await trunk.callee({
    scenario: 'refuse',
    keys: { code: `${code}`, phrase: 'As scripted', extra, ...progress },
  });
  try {
    const id = await dial();
    const final = await device.waitFor(
      event => event.data.mediaSessionId === id && /^SIP|^GW|^Q/.test(event.data.reason ?? ''),
    );
    assert.match(final.data.reason ?? '', /As scripted|^Q/, `${code} is refused by SIPp, not by us`);
    await peer.done;
    return final.data.status;
  } finally {
    peer.kill();
  }
}

test('MAP-01 MAP-03 MAP-05 MAP-06 every final response gives its status, with and without ringing before it', async () => {
  for (const [code, silent, rung] of REFUSALS) {
    assert.equal(await refused(code, false, NONE), silent, `${code}`);
    if (rung !== undefined) assert.equal(await refused(code, true, NONE), rung, `${code} after 180`);
  }
  await trunk.assertNothingLeft();
});

test('MAP-02 a Q.850 cause decides before the code', async () => {
  for (const [code, causes, status] of [
    [486, [1, 2, 3, 22, 28, 20, 27], 'NotReachable'],
    [480, [17], 'Busy'],
    [486, [18, 19], 'NoAnswer'],
    [486, [21, 55, 87], 'Declined'],
    [486, [34, 47, 57, 88, 102, 127], 'Failed'],
  ] as const)
    for (const cause of causes) assert.equal(await refused(code, false, q850(cause)), status, `cause ${cause}`);
  for (const cause of [16, 31])
    assert.equal(await refused(486, false, q850(cause)), 'Busy', `cause ${cause} says nothing`);
});

const WAITING = 'Alert-Info: <urn:alert:service:call-waiting>';

test('MAP-01 every provisional response gives its status, and a hang-up cancels', async () => {
  for (const [code, status, extra] of [
    [180, 'Ringing', NONE],
    [180, 'Ringing', WAITING],
    [181, 'Proceeding', NONE],
    [182, 'Waiting', NONE],
    [183, 'InProgress', NONE],
    [188, 'Proceeding', NONE],
  ] as const) {
    const peer = await trunk.callee({
      scenario: 'provisional',
      keys: { code: `${code}`, phrase: 'As scripted', extra },
    });
    const id = await dial();
    const { data } = await device.waitFor(event => event.data.mediaSessionId === id && event.data.status === status);
    assert.equal(/call waiting/.test(data.reason ?? ''), extra === WAITING, 'whether the callee is busy but alerted');
    assert.equal((await device.hangUp(id)).status, 204);
    await device.waitStatus(id, 'SessionCancelled');
    await peer.done;
  }
  await trunk.assertNothingLeft();
});

/** A call out that SIPp answers as the scenario says, ended by us. */
async function answered(scenario: string, options: Partial<SippOptions> = {}): Promise<void> {
  const peer = await trunk.callee({ scenario, ...options });
  const id = await dial();
  await device.waitStatus(id, 'Connected', 30_000);
  await device.hangUp(id);
  await device.waitStatus(id, 'Terminated');
  await peer.done;
  const answers = device.events.filter(e => e.data.mediaSessionId === id && e.data.answer).map(e => e.data.answer.sdp);
  assert.ok(answers.length > 0 && answers.every(sdp => sdp === answers[0]), 'the browser is told one answer');
}

test('ORG-07 a reliable 183 is PRACKed, and the call is answered', () =>
  answered('answer-reliable', { keys: { lost: '0' } }));
test('ORG-07 the same with a third of its answers lost and repeated', () =>
  answered('answer-reliable', { keys: { lost: '30' } }));
test('ORG-10 ORG-13 a second answer of a fork gets ACK and BYE, the browser keeps one answer', () => answered('fork'));
test('ORG-14 a peer that insists on preconditions is told that ours are met', () =>
  answered('precondition', { calls: 2 }));

test('MID-01 MID-04 the far end holds by re-INVITE, resumes by UPDATE, asks by an empty one, and hangs up', async () => {
  const peer = await trunk.callee({ scenario: 'update' });
  const id = await dial();
  await device.waitStatus(id, 'Terminated');
  await peer.done;
  assert.deepEqual(device.statuses(id), ['Connected', 'Hold', 'Resume', 'Terminated']);
});

test('MID-03 MID-04 an UPDATE and a re-INVITE that cross our re-INVITE get 491, and ours is answered', async () => {
  const peer = await trunk.callee({ scenario: 'crossing' });
  const id = await dial();
  await device.waitStatus(id, 'Connected');
  assert.equal((await device.putStatus(id, { status: 'Hold' })).status, 200);
  await device.waitStatus(id, 'Terminated');
  await peer.done;
  assert.deepEqual(device.statuses(id), ['Connected', 'Hold', 'Terminated']);
});

test('MID-02 a re-INVITE that crossed another is sent again after its time', async () => {
  const peer = await trunk.callee({ scenario: 'glare' });
  const id = await dial();
  await device.waitStatus(id, 'Connected');
  assert.equal((await device.putStatus(id, { status: 'Hold' })).status, 200);
  await device.waitStatus(id, 'Hold');
  await until(() => device.statuses(id).includes('Hold'), 'the hold');
  await new Promise(resolve => setTimeout(resolve, 4500));
  await device.hangUp(id);
  await device.waitStatus(id, 'Terminated');
  await peer.done;
});

for (const [name, scenario] of [
  ['a call in is answered and ended by the caller', 'call'],
  ['TRM-11 a call in without an offer is offered one, and answered in the ACK', 'offerless'],
  ['TRM-10 a caller that reserves its line first is answered at once and rung when it is ready', 'reserving'],
  ['MID-08 a session too short is refused with the minimum, and taken with it', 'short-session'],
] as const) {
  test(name, async () => {
    await trunk.answered({ scenario });
    await trunk.assertNothingLeft();
  });
}

test('TRM-18 a caller gives up while the device rings', async () => {
  const before = device.events.length;
  const ringing = device
    .waitFor(event => device.events.indexOf(event) >= before && event.type.endsWith('session-invitation'))
    .then(event => device.putStatus(event.data.mediaSessionId, { status: 'Ringing' }).then(() => event));
  await trunk.called({ scenario: 'cancel', service: ADA });
  const { data } = await ringing;
  await device.waitStatus(data.mediaSessionId, 'SessionCancelled');
  await trunk.assertNothingLeft();
});

test('a number nobody has registered is 404, an unknown extension 420', async () => {
  await trunk.called({ scenario: 'refused', service: BELA, keys: { code: '404', extra: NONE } });
  await trunk.called({ scenario: 'refused', service: ADA, keys: { code: '420', extra: 'Require: nothing-known' } });
});

test('sixty calls in with a twentieth of the packets lost: all are answered and ended, nothing is left', async () => {
  await trunk.answered({ scenario: 'call', calls: 60, rate: 6, lossPercent: 5 });
  await trunk.assertNothingLeft();
});

test('calls in and out over IPv6', async () => {
  const peer = await six.callee({ scenario: 'answer-reliable', keys: { lost: '0' } });
  const made = await six.device.startCall(CALLEE, chromiumOffer(), CHIDI);
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const id = made.body.mediaSessionId;
  await six.device.waitStatus(id, 'Connected');
  await six.device.hangUp(id);
  await peer.done;
});

test('MID-06 MID-07 a session is refreshed by the far end, and by us at half its time when the far end hands that over', async () => {
  await refreshed;
  await six.assertNothingLeft();
});
