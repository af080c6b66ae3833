/** Inside an answered call: re-INVITE both ways, glare, UPDATE, session timer, and requests that change nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ANSWER,
  createWorld,
  OFFER,
  type Party,
  type Peer,
  sdp,
  type World,
} from '../../../test/support/agent-world.ts';
import type { Call } from '../user-agent-types.ts';

const A = '192.0.2.1';
const B = '192.0.2.2';

/** Two agents in an answered call. */
function talking(headers: Array<[string, string]> = []): {
  world: World;
  alice: Party;
  bob: Party;
  call: Call;
  called: Call;
} {
  const world = createWorld();
  const alice = world.party(A);
  const bob = world.party(B);
  bob.onInvite = call => call.answer(sdp(ANSWER));
  const call = world.place(alice, B, { headers });
  world.clock.advance(100);
  const [called] = bob.calls;
  assert.ok(called);
  alice.heard.length = 0;
  bob.heard.length = 0;
  return { world, alice, bob, call, called };
}

test('a re-INVITE is accepted and acknowledged', () => {
  const { world, alice, bob, call } = talking();
  assert.equal(call.reinvite(sdp(OFFER)), true);
  assert.equal(call.reinvite(sdp(OFFER)), false, 'one at a time');
  world.clock.advance(50);
  bob.reoffers[0]?.accept(sdp(ANSWER));
  world.clock.advance(50);
  assert.deepEqual(bob.heard, ['reoffer INVITE sdp']);
  assert.deepEqual(alice.heard, ['updated sdp']);
  assert.equal(call.reinvite(sdp(OFFER)), true);
});

test('MID-05 a refused re-INVITE leaves the session as it was', () => {
  const { world, alice, bob, call, called } = talking();
  called.reinvite(sdp(OFFER));
  world.clock.advance(50);
  alice.reoffers[0]?.reject({ status: 488, reason: 'Not Acceptable Here' });
  world.clock.advance(50);
  assert.deepEqual(bob.heard, ['update-failed 488']);
  assert.equal(call.end(), true);
  world.clock.advance(50);
  assert.deepEqual(bob.heard, ['update-failed 488', 'ended bye']);
});

test('MID-05 a re-INVITE answered 481 ends the call with BYE', () => {
  const { world, alice, bob, call } = talking();
  call.reinvite(sdp(OFFER));
  world.clock.advance(50);
  bob.reoffers[0]?.reject({ status: 481, reason: 'Call/Transaction Does Not Exist' });
  world.clock.advance(50);
  assert.deepEqual(alice.heard, ['ended dead']);
  assert.deepEqual(bob.heard.at(-1), 'ended bye');
});

test('MID-02 MID-03 glare: both get 491, the called side tries again first, and ours, written before that, is made anew', () => {
  const { world, alice, bob, call, called } = talking();
  call.reinvite(sdp(OFFER));
  called.reinvite(sdp(OFFER));
  world.clock.advance(100);
  assert.equal(alice.sent.filter(line => line.includes(' 491 ')).length, 1);
  assert.equal(bob.sent.filter(line => line.includes(' 491 ')).length, 1);
  assert.deepEqual([...alice.heard, ...bob.heard], []);
  const settle = () => {
    for (let i = 0; i < 50; i += 1) {
      world.clock.advance(100);
      for (const reoffer of [...alice.reoffers.splice(0), ...bob.reoffers.splice(0)]) reoffer.accept(sdp(ANSWER));
    }
  };
  settle();
  assert.deepEqual([alice.heard, bob.heard], [['reoffer INVITE sdp'], ['updated sdp']]);
  assert.equal(call.reinvite(sdp(OFFER)), true);
  settle();
  assert.deepEqual([alice.heard.at(-1), bob.heard.at(-1)], ['updated sdp', 'reoffer INVITE sdp']);
});

test('MID-03 a second re-INVITE while the first waits gets 500 with Retry-After 0 to 10', () => {
  const world = createWorld();
  const { peer, bob, to } = scripted(world);
  peer.send('INVITE', `sip:in@${B}`, [...dialogHeaders(to), ['CSeq', '2 INVITE'], ...SDP], OFFER);
  world.clock.advance(20);
  peer.send('INVITE', `sip:in@${B}`, [...dialogHeaders(to), ['CSeq', '3 INVITE'], ...SDP], OFFER);
  world.clock.advance(20);
  const refusal = peer.responses.find(response => response.status === 500);
  const wait = refusal?.headers.number('Retry-After') ?? -1;
  assert.ok(wait >= 0 && wait <= 10);
  assert.deepEqual(bob.heard.slice(2), ['reoffer INVITE sdp']);
});

test('MID-09 UPDATE without a description is answered 200 and moves the target; with one it goes to the user', () => {
  const world = createWorld();
  const { peer, bob, to } = scripted(world);
  const moved: [string, string] = ['Contact', `<sip:moved@${A}>`];
  peer.send('UPDATE', `sip:in@${B}`, [...dialogHeaders(to), ['CSeq', '2 UPDATE'], moved]);
  world.clock.advance(20);
  assert.equal(peer.responses.at(-1)?.status, 200);
  assert.match(peer.responses.at(-1)?.headers.get('Contact') ?? '', /sip:in@/);
  peer.send('UPDATE', `sip:in@${B}`, [...dialogHeaders(to), ['CSeq', '3 UPDATE'], moved, ...SDP], OFFER);
  world.clock.advance(20);
  assert.deepEqual(bob.heard.slice(2), ['reoffer UPDATE sdp']);
  bob.reoffers[0]?.accept(sdp(ANSWER));
  world.clock.advance(20);
  assert.equal(peer.responses.at(-1)?.status, 200);
  bob.calls[0]?.end();
  world.clock.advance(20);
  assert.equal(peer.requests.at(-1)?.uri, `sip:moved@${A}`);
});

/** Method, extra fields, body, and the status that answers it inside a dialog. */
const STANDING: ReadonlyArray<[string, Array<[string, string]>, string, number]> = [
  ['OPTIONS', [], '', 200],
  ['INFO', [['Content-Type', 'application/dtmf-relay']], 'Signal=1', 200],
  ['INFO', [['Content-Type', 'text/plain']], 'x', 415],
  ['INFO', [['Info-Package', 'g.3gpp.current-location-discovery']], '', 469],
  ['REFER', [['Refer-To', '<sip:c@example.com>']], '', 405],
  ['MESSAGE', [], '', 405],
  ['NOTIFY', [['Event', 'refer']], '', 481],
  ['PRACK', [['RAck', '1 1 INVITE']], '', 481],
  ['DANCE', [], '', 501],
  ['OPTIONS', [['Require', 'precondition']], '', 420],
  ['UPDATE', [['Content-Type', 'application/x-other']], 'x', 415],
];

test('MID-10 MID-11 requests that change nothing get their standing answer', () => {
  const world = createWorld();
  const { peer, to } = scripted(world);
  let seq = 2;
  for (const [method, headers, body, status] of STANDING) {
    peer.send(method, `sip:in@${B}`, [...dialogHeaders(to), ['CSeq', `${seq} ${method}`], ...headers], body);
    world.clock.advance(20);
    assert.equal(peer.responses.at(-1)?.status, status, `${method} ${JSON.stringify(headers)}`);
    seq += 1;
  }
  peer.send('OPTIONS', `sip:in@${B}`, [...dialogHeaders(to), ['CSeq', '2 OPTIONS']]);
  world.clock.advance(20);
  assert.equal(peer.responses.at(-1)?.status, 500, 'a CSeq not above the last');
});

test('MID-13 unknown dialogs and methods outside a dialog', () => {
  const world = createWorld();
  world.party(B);
  const peer = world.peer(A);
  const cases: ReadonlyArray<[string, string, number]> = [
    ['BYE', ';tag=unknown', 481],
    ['INVITE', ';tag=unknown', 481],
    ['BYE', '', 481],
    ['OPTIONS', '', 200],
    ['REGISTER', '', 405],
    ['DANCE', '', 501],
    ['NOTIFY', '', 481],
  ];
  let seq = 1;
  for (const [method, tag, status] of cases) {
    peer.send(method, `sip:bob@${B}`, [...dialogHeaders(`<sip:bob@${B}>${tag}`), ['CSeq', `${seq} ${method}`]]);
    world.clock.advance(20);
    assert.equal(peer.responses.at(-1)?.status, status, method + tag);
    seq += 1;
  }
});

test('the same INVITE by another path is refused with 482', () => {
  const world = createWorld();
  const bob = world.party(B);
  const peer = world.peer(A);
  const fields: Array<[string, string]> = [
    ...dialogHeaders(`<sip:bob@${B}>`),
    ['CSeq', '1 INVITE'],
    ['Contact', `<sip:a@${A}>`],
    ...SDP,
  ];
  peer.send('INVITE', `sip:bob@${B}`, fields, OFFER);
  peer.send('INVITE', `sip:bob@${B}`, fields, OFFER);
  world.clock.advance(50);
  assert.equal(bob.calls.length, 1);
  assert.equal(
    peer.responses.some(response => response.status === 482),
    true,
  );
});

test('MID-07 session timer: the caller refreshes at half the interval by UPDATE', () => {
  const { world, alice, bob, call } = talking([['Session-Expires', '1800']]);
  world.clock.advance(3_000_000);
  assert.equal(alice.sent.filter(line => line.startsWith('UPDATE')).length, 3);
  assert.deepEqual([...alice.heard, ...bob.heard], []);
  call.end();
  assert.ok(world.clock.drain(100_000));
});

test('MID-07 session timer: a caller that is gone is noticed before the interval ends', () => {
  const world = createWorld();
  const { peer, bob } = scripted(world, [
    ['Session-Expires', '90;refresher=uac'],
    ['Supported', 'timer'],
  ]);
  world.clock.advance(59_000);
  assert.equal(peer.requests.length, 0);
  world.clock.advance(2000);
  assert.equal(peer.requests[0]?.method, 'BYE');
  assert.equal(bob.heard.at(-1), 'ended session-timer');
});

test('ORG-15 MID-08 session timer: an interval below 90 s gets 422 with Min-SE, and the caller raises it', () => {
  const world = createWorld();
  const alice = world.party(A);
  const bob = world.party(B);
  bob.onInvite = call => call.answer(sdp(ANSWER));
  world.place(alice, B, { headers: [['Session-Expires', '60']] });
  world.clock.advance(100);
  assert.deepEqual(alice.heard, ['answered sdp']);
  assert.equal(bob.calls.length, 1);
  assert.equal(alice.sent.filter(line => line.startsWith('INVITE')).length, 2);
});

const SDP: Array<[string, string]> = [['Content-Type', 'application/sdp']];

/** A scripted caller in an answered call with Bob. */
function scripted(world: World, headers: Array<[string, string]> = []): { peer: Peer; bob: Party; to: string } {
  const bob = world.party(B);
  const peer = world.peer(A);
  bob.onInvite = call => call.answer(sdp(ANSWER));
  const first: Array<[string, string]> = [
    ...dialogHeaders(`<sip:bob@${B}>`),
    ['CSeq', '1 INVITE'],
    ['Contact', `<sip:a@${A}>`],
  ];
  peer.send('INVITE', `sip:bob@${B}`, [...first, ...SDP, ...headers], OFFER);
  world.clock.advance(20);
  const to = peer.responses.find(response => response.status === 200)?.headers.get('To') ?? '';
  peer.send('ACK', `sip:in@${B}`, [...dialogHeaders(to), ['CSeq', '1 ACK']]);
  world.clock.advance(20);
  return { peer, bob, to };
}

function dialogHeaders(to: string): Array<[string, string]> {
  return [
    ['From', `<sip:alice@${A}>;tag=a`],
    ['To', to],
    ['Call-ID', 'by-hand'],
  ];
}

test('INFO of ours: one at a time, to a peer that takes it and has refused none; its answer is told to nobody', () => {
  const body = { contentType: 'application/media_control+xml', content: '<x/>' };
  const { world, alice, bob, call } = talking();
  assert.deepEqual([call.info(body), call.info(body)], [true, false]);
  world.clock.advance(50);
  assert.deepEqual([alice.heard, bob.heard], [[], ['info']]);
  assert.equal(call.info({ ...body, contentType: 'text/plain' }), true);
  world.clock.advance(50);
  assert.deepEqual(bob.heard, ['info']);
  assert.equal(call.info(body), false, 'it was refused with 415');
  assert.equal(call.end(), true);
});
