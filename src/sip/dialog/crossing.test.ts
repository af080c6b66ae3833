/** Messages and wishes that cross while a call is made or ends: what the walk of both ends has found. RFC 3261 13, RFC 3262, RFC 3311 5.1. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANSWER, createWorld, OFFER, sdp } from '../../../test/support/agent-world.ts';

const A = '192.0.2.1';
const B = '192.0.2.2';
const NEW_OFFER = 'v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\n';
type Fields = Array<[string, string]>;
const CONTACT: Fields = [['Contact', `<sip:b@${B}>`]];
const SDP: Fields = [...CONTACT, ['Content-Type', 'application/sdp']];
const RELIABLE: Fields = [...SDP, ['Allow', 'INVITE, UPDATE'], ['Require', '100rel'], ['RSeq', '1']];

function calling(change: { body?: null; headers?: Fields } = {}) {
  const world = createWorld();
  const alice = world.party(A);
  const peer = world.peer(B);
  const call = world.place(alice, B, change);
  world.clock.advance(20);
  const [invite] = peer.requests;
  assert.ok(invite);
  const respond = (status: number, headers: Fields = [], body = '') => {
    peer.respond(invite, status, 'b', headers, body);
    world.clock.advance(20);
  };
  const methods = () => peer.requests.map(({ method }) => method);
  return { world, alice, peer, call, respond, methods };
}

test('the called side asks nothing of a caller who may not have its 2xx yet', () => {
  const world = createWorld();
  const alice = world.party(A);
  const bob = world.party(B);
  world.place(alice, B);
  world.clock.advance(8);
  const [called] = bob.calls;
  called?.answer(sdp(ANSWER));
  const info = { contentType: 'application/media_control+xml', content: '<x/>' };
  assert.deepEqual([called?.update(null), called?.info(info)], [false, false]);
  world.clock.advance(20);
  assert.deepEqual([called?.update(null), called?.info(info)], [true, true]);
});

test('an UPDATE that waits for a PRACK goes out behind a 2xx that comes before', () => {
  const { call, respond, methods } = calling();
  respond(183, RELIABLE, ANSWER);
  assert.equal(call.update(sdp(NEW_OFFER), [], 'b'), true);
  respond(200, [...CONTACT, ['Allow', 'INVITE, UPDATE']]);
  assert.deepEqual(methods(), ['INVITE', 'PRACK', 'ACK', 'UPDATE']);
});

test('such an UPDATE is refused here when the 2xx takes none', () => {
  const { alice, call, respond, methods } = calling();
  respond(183, RELIABLE, ANSWER);
  call.update(sdp(NEW_OFFER), [], 'b');
  respond(200, [...CONTACT, ['Allow', 'INVITE']]);
  assert.deepEqual(methods(), ['INVITE', 'PRACK', 'ACK']);
  assert.equal(alice.heard.at(-1), 'update-failed cancelled');
});

test('a refresh by re-INVITE repeats what an UPDATE of the early dialog has agreed on', () => {
  const { world, peer, call, respond } = calling({ headers: [['Session-Expires', '90']] });
  peer.onRequest = request => peer.respond(request, 200, 'b', request.method === 'UPDATE' ? SDP : [], ANSWER);
  respond(183, RELIABLE, ANSWER);
  call.update(sdp(NEW_OFFER), [], 'b');
  world.clock.advance(20);
  peer.onRequest = () => {};
  respond(200, [...CONTACT, ['Allow', 'INVITE'], ['Session-Expires', '90;refresher=uac']]);
  world.clock.advance(46_000);
  const last = peer.requests.filter(({ method }) => method === 'INVITE').at(-1);
  assert.equal(Buffer.from(last?.body ?? []).toString(), NEW_OFFER);
});

test('a call that ends before the offer of its 2xx was answered has its ACK before the BYE', () => {
  const { world, call, respond, methods } = calling({ body: null });
  respond(200, SDP, OFFER);
  call.end();
  world.clock.advance(20);
  assert.deepEqual(methods(), ['INVITE', 'ACK', 'BYE']);
});

test('an UPDATE that nobody answers tells nothing behind the end of the call', () => {
  const { world, alice, call, respond } = calling({ headers: [['Session-Expires', '90']] });
  respond(200, [...SDP, ['Allow', 'INVITE, UPDATE']], ANSWER);
  call.update(sdp(NEW_OFFER));
  world.clock.advance(20);
  call.end();
  world.clock.advance(31_990);
  assert.deepEqual(alice.heard, ['answered sdp']);
  assert.ok(world.clock.drain(100_000));
});

for (const status of [481, 408, null]) {
  test(`an UPDATE answered ${status ?? 'by nobody'} ends its early dialog, and the call that has no other`, () => {
    const { world, alice, peer, call, respond } = calling();
    respond(183, RELIABLE, ANSWER);
    for (const prack of peer.requests.slice(1)) peer.respond(prack, 200, 'b');
    world.clock.advance(20);
    const [invite] = peer.requests.splice(0);
    const methods = new Set<string>();
    peer.onRequest = request => {
      methods.add(request.method);
      if (request.method === 'UPDATE' && status !== null) peer.respond(request, status, 'b');
      if (request.method !== 'CANCEL' || invite === undefined) return;
      peer.respond(request, 200, 'b');
      peer.respond(invite, 487, 'b');
    };
    assert.equal(call.update(sdp(NEW_OFFER), [], 'b'), true);
    world.clock.advance(40_000);
    assert.deepEqual([...methods], ['UPDATE', 'CANCEL', 'ACK']);
    const failed = `update-failed ${status ?? 'timeout'}`;
    assert.deepEqual(alice.heard, ['progress 183 sdp reliable', failed, 'rejected timeout']);
  });
}

test('such an UPDATE ends its early dialog alone where the call has another', () => {
  const { world, alice, peer, call, respond, methods } = calling();
  respond(183, RELIABLE, ANSWER);
  const [invite, prack] = peer.requests;
  if (invite === undefined || prack === undefined) return assert.fail('no PRACK');
  peer.respond(prack, 200, 'b');
  peer.respond(invite, 180, 'c', CONTACT);
  world.clock.advance(20);
  peer.onRequest = request => request.method === 'UPDATE' && peer.respond(request, 481, 'b');
  call.update(sdp(NEW_OFFER), [], 'b');
  world.clock.advance(20);
  assert.equal(call.update(sdp(NEW_OFFER), [], 'b'), false);
  peer.respond(invite, 200, 'c', SDP, ANSWER);
  world.clock.advance(20);
  assert.deepEqual(methods(), ['INVITE', 'PRACK', 'UPDATE', 'ACK']);
  assert.deepEqual(alice.heard.slice(2), ['update-failed 481', 'answered sdp']);
});

test('an offer by UPDATE, sent or waiting, fails with its early dialog', () => {
  for (const isPracked of [true, false]) {
    const { world, alice, peer, call, respond, methods } = calling();
    respond(183, RELIABLE, ANSWER);
    const [, prack] = peer.requests;
    if (isPracked && prack !== undefined) peer.respond(prack, 200, 'b');
    world.clock.advance(20);
    assert.equal(call.update(sdp(NEW_OFFER), [], 'b'), true);
    respond(199, CONTACT);
    assert.deepEqual(methods(), isPracked ? ['INVITE', 'PRACK', 'UPDATE'] : ['INVITE', 'PRACK']);
    assert.deepEqual(alice.heard.slice(1), ['update-failed cancelled', 'progress 199 -']);
  }
});

test('a late 18x of a dialog that knows no PRACK does not make it anew', () => {
  const { world, alice, peer, respond, methods } = calling();
  peer.onRequest = request => {
    if (request.method === 'PRACK') peer.respond(request, 481, 'b');
    else if (request.method === 'CANCEL') peer.respond(request, 200, 'b');
  };
  respond(183, RELIABLE, ANSWER);
  respond(180, [...CONTACT, ['Require', '100rel'], ['RSeq', '2']]);
  world.clock.advance(20);
  assert.deepEqual(methods(), ['INVITE', 'PRACK', 'CANCEL']);
  assert.deepEqual(alice.heard, ['progress 183 sdp reliable']);
});
