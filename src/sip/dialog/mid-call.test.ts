/** Inside an answered call: re-INVITE both ways, glare, UPDATE, session timer, INFO. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ANSWER,
  calledBy,
  createWorld,
  dialogHeaders,
  OFFER,
  type Party,
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

const SDP: Array<[string, string]> = [['Content-Type', 'application/sdp']];

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

test('MID-05 a re-INVITE answered 408 or 481, or by nobody, ends the call with BYE', () => {
  for (const status of [408, 481, null]) {
    const world = createWorld();
    const { peer, bob } = calledBy(world);
    const methods: string[] = [];
    peer.onRequest = request => {
      methods.push(request.method);
      if (request.method === 'BYE') peer.respond(request, 200, '');
      if (request.method === 'INVITE' && status !== null) peer.respond(request, status, '');
    };
    bob.calls[0]?.reinvite(sdp(OFFER));
    world.clock.advance(40_000);
    assert.equal(bob.heard.at(-1), 'ended dead', String(status));
    assert.equal(methods.at(-1), 'BYE');
    assert.equal(bob.agent.sizes().calls, 0);
  }
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
  const { peer, bob, to } = calledBy(world);
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
  const { peer, bob, to } = calledBy(world);
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

test('MID-09 the 2xx of our re-INVITE and an accepted one of theirs move the target, a refused one does not; the route set stays', () => {
  const world = createWorld();
  const alice = world.party(A);
  const peer = world.peer(B);
  const routed: [string, string] = ['Record-Route', `<sip:${B};lr;x=1>`];
  peer.onRequest = request => {
    if (request.method === 'INVITE') peer.respond(request, 200, 'b', [at('first'), routed, ...SDP], ANSWER);
  };
  const call = world.place(alice, B);
  world.clock.advance(20);
  const last = () => peer.requests.at(-1);
  const seen = () => [last()?.method, last()?.uri, last()?.headers.all('Route')];
  assert.deepEqual(seen(), ['ACK', `sip:first@${B}`, [`<sip:${B};lr;x=1>`]]);
  peer.onRequest = request =>
    peer.respond(request, 200, 'b', [at('second'), ['Record-Route', '<sip:other;lr>'], ...SDP], ANSWER);
  call.reinvite(sdp(OFFER));
  world.clock.advance(20);
  assert.deepEqual(seen(), ['ACK', `sip:second@${B}`, [`<sip:${B};lr;x=1>`]]);
  const turned = (seq: number, user: string): Array<[string, string]> => [
    ['From', `<sip:bob@${B}>;tag=b`],
    ['To', peer.requests[0]?.headers.get('From') ?? ''],
    ['Call-ID', call.callId],
    ['CSeq', `${seq} INVITE`],
    at(user),
    ...SDP,
  ];
  peer.send('INVITE', `sip:a@${A}`, turned(1, 'refused'), OFFER);
  world.clock.advance(20);
  alice.reoffers[0]?.reject({ status: 488, reason: 'Not Acceptable Here' });
  call.update(null);
  peer.send('INVITE', `sip:a@${A}`, turned(2, 'third'), OFFER);
  world.clock.advance(20);
  alice.reoffers[1]?.accept(sdp(ANSWER));
  peer.send('ACK', `sip:a@${A}`, [...turned(2, 'third').filter(([name]) => name !== 'CSeq'), ['CSeq', '2 ACK']]);
  world.clock.advance(20);
  call.end();
  world.clock.advance(20);
  assert.deepEqual(seen(), ['BYE', `sip:third@${B}`, [`<sip:${B};lr;x=1>`]]);
});

const at = (user: string): [string, string] => ['Contact', `<sip:${user}@${B}>`];

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
  const { peer, bob } = calledBy(world, [
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
