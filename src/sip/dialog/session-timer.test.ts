/** Who refreshes a session, when, and how long a refused offer waits: the tables of RFC 4028 and RFC 3261 14.1. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANSWER, createWorld, OFFER, sdp } from '../../../test/support/agent-world.ts';
import { createRequest, createResponse } from '../message/build.ts';
import { answerTimer, armTimer, timerOf2xx, tooShort } from './session-timer.ts';
import type { CallEffect, Facts } from './types.ts';

const A = '192.0.2.1';
const B = '192.0.2.2';
const CONTACT: [string, string] = ['Contact', `<sip:b@${B}>`];
const SDP: [string, string] = ['Content-Type', 'application/sdp'];
const FACTS: Facts = { t1: 500, t2: 4000, supported: ['100rel', 'timer'], allow: [], minSeS: 90 };

function invite(expires: string, timer: boolean, minSe = '') {
  const headers: Array<[string, string]> = [];
  if (expires !== '') headers.push(['Session-Expires', expires]);
  if (timer) headers.push(['Supported', 'timer']);
  if (minSe !== '') headers.push(['Min-SE', minSe]);
  return createRequest('INVITE', 'sip:b@b', headers);
}

test('MID-06 who refreshes, and when the 2xx requires timer', () => {
  // Session-Expires, the caller knows timers, what the 2xx says, it requires timer, we refresh. RFC 4028 table 2.
  const table: ReadonlyArray<[string, boolean, string | null, boolean, boolean]> = [
    ['', true, null, false, false],
    ['1800', true, '1800;refresher=uac', true, false],
    ['1800;refresher=uac', true, '1800;refresher=uac', true, false],
    ['1800;refresher=uas', true, '1800;refresher=uas', true, true],
    ['1800', false, '1800;refresher=uas', false, true],
    ['1800;refresher=uac', false, '1800;refresher=uas', false, true],
  ];
  for (const [expires, knows, said, required, we] of table) {
    const { timer, headers } = answerTimer(invite(expires, knows), FACTS);
    const fields = new Map(headers);
    assert.equal(fields.get('Session-Expires') ?? null, said, expires);
    assert.equal(fields.get('Require') === 'timer', required, expires);
    assert.equal(timer?.weRefresh ?? false, we, expires);
  }
});

test('MID-06 as caller the 2xx decides; silent about it we refresh at the interval we asked for', () => {
  const answer = (expires: string) =>
    createResponse(invite('', true), 200, 'OK', { headers: [['Session-Expires', expires]] });
  const asked = { intervalS: 1800, minSeS: 120 };
  for (const refresher of ['uac', 'uas']) {
    assert.deepEqual(timerOf2xx(answer(`600;refresher=${refresher}`), asked, FACTS), {
      intervalS: 600,
      weRefresh: refresher === 'uac',
      minSeS: 120,
      agreed: true,
    });
  }
  const silent = createResponse(invite('', true), 200, 'OK', {});
  assert.deepEqual(timerOf2xx(silent, asked, FACTS), { ...asked, weRefresh: true, agreed: false });
  assert.equal(timerOf2xx(silent, null, FACTS), null);
});

test('MID-08 below the minimum a caller that knows timers is told 422 and Min-SE; another is not', () => {
  const refusal = tooShort(invite('89', true), FACTS);
  assert.deepEqual([refusal?.status, refusal?.headers], [422, [['Min-SE', '90']]]);
  assert.equal(tooShort(invite('90', true), FACTS), null);
  assert.equal(tooShort(invite('89', false), FACTS), null);
});

test('MID-07 refresh at half the interval; without one the end comes a third, at most 32 s, before it', () => {
  for (const [intervalS, half, end] of [
    [1800, 900_000, 1_768_000],
    [90, 45_000, 60_000],
  ] as const) {
    const refresh = { type: 'start-timer', name: 'refresh', ms: half };
    const expiry = { type: 'start-timer', name: 'expiry', ms: end };
    for (const [weRefresh, agreed, started] of [
      [true, true, [refresh, expiry]],
      [true, false, [refresh]],
      [false, true, [expiry]],
    ] as const) {
      const out: CallEffect[] = [];
      armTimer({ intervalS, weRefresh, minSeS: 90, agreed }, out);
      const stopped = ['refresh', 'expiry'].map(name => ({ type: 'stop-timer', name }));
      assert.deepEqual(out, [...stopped, ...started], 'whatever role ran before is over');
    }
  }
});

test('MID-02 after 491 the owner of the Call-ID waits 2.1 to 4 s, the other up to 2 s, in steps of 10 ms', () => {
  for (const owner of [true, false]) {
    const waits = new Set<number>();
    for (let seed = 1; seed <= 60; seed += 1) waits.add(waitAfter491(seed, owner));
    const [least, most] = owner ? [2100, 4000] : [0, 2000];
    for (const wait of waits) assert.ok(wait >= least && wait <= most && wait % 10 === 0, `${owner} ${wait}`);
    assert.ok(waits.size > 20, 'it is drawn');
  }
});

/** Time between the 491 and the second try of a re-INVITE of ours, in ms. */
function waitAfter491(seed: number, owner: boolean): number {
  const world = createWorld(seed);
  const alice = world.party(A);
  const peer = world.peer(B);
  const tries: number[] = [];
  alice.onInvite = call => call.answer(sdp(ANSWER));
  peer.onRequest = request => {
    if (request.method !== 'INVITE') return;
    if (owner && tries.length === 0 && request.headers.to()?.params.has('tag') !== true) {
      peer.respond(request, 200, 'b', [CONTACT, SDP], ANSWER);
      return;
    }
    tries.push(world.clock.now());
    peer.respond(request, 491, 'b');
  };
  const placed = owner ? world.place(alice, B) : null;
  if (placed === null) {
    const fields: Array<[string, string]> = [['From', `<sip:b@${B}>;tag=b`], ['Call-ID', `c${seed}`], CONTACT];
    peer.send('INVITE', `sip:a@${A}`, [...fields, ['To', `<sip:a@${A}>`], ['CSeq', '1 INVITE'], SDP], OFFER);
    world.clock.advance(50);
    const to = peer.responses.at(-1)?.headers.get('To') ?? '';
    peer.send('ACK', `sip:a@${A}`, [...fields, ['To', to], ['CSeq', '1 ACK']]);
  }
  world.clock.advance(50);
  const call = placed ?? alice.calls[0];
  call?.reinvite(sdp(OFFER));
  world.clock.advance(6000);
  const [first = 0, second = 0] = tries;
  // There and back again: 5 ms each way.
  return second - first - 10;
}
