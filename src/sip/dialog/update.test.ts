/** UPDATE of ours: without a description, with an offer, early and confirmed; and multipart bodies. RFC 3311, RFC 2046. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANSWER, createWorld, OFFER, sdp } from '../../../test/support/agent-world.ts';
import { joinParts, splitBody } from '../message/multipart.ts';

const A = '192.0.2.1';
const B = '192.0.2.2';
const NEW_OFFER = 'v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\n';
const CONTACT: [string, string] = ['Contact', `<sip:b@${B}>`];
const SDP: [string, string] = ['Content-Type', 'application/sdp'];

function talking(allow: string) {
  const world = createWorld();
  const alice = world.party(A);
  const peer = world.peer(B);
  peer.onRequest = request => {
    if (request.method === 'INVITE') peer.respond(request, 200, 'b', [CONTACT, SDP, ['Allow', allow]], ANSWER);
  };
  const call = world.place(alice, B);
  world.clock.advance(50);
  alice.heard.length = 0;
  return { world, alice, peer, call };
}

test('an UPDATE with another body is sent when the peer takes UPDATE, and says nothing when it is accepted', () => {
  const { world, alice, peer, call } = talking('INVITE, UPDATE');
  peer.onRequest = request => peer.respond(request, 200, 'b', [CONTACT]);
  const body = { contentType: 'application/pidf+xml', content: '<presence/>' };
  assert.equal(call.update(body, [['Geolocation', '<cid:x>']]), true);
  assert.equal(call.update(null), false, 'one at a time');
  world.clock.advance(50);
  const sent = peer.requests.at(-1);
  assert.equal(sent?.method, 'UPDATE');
  assert.equal(sent?.headers.get('Content-Type'), 'application/pidf+xml');
  assert.equal(sent?.headers.get('Geolocation'), '<cid:x>');
  assert.deepEqual(alice.heard, []);
  assert.equal(call.update(null), true);
});

test('a peer whose Allow does not name UPDATE gets none', () => {
  const { call } = talking('INVITE, BYE');
  assert.equal(call.update(null), false);
});

test('MID-04 an UPDATE with an offer: no second offer beside it in either direction, its answer and its refusal are told', () => {
  const { world, alice, peer, call } = talking('INVITE, UPDATE');
  let update = peer.requests[0];
  peer.onRequest = request => {
    update = request;
  };
  assert.equal(call.update(sdp(NEW_OFFER)), true);
  world.clock.advance(20);
  assert.equal(call.reinvite(sdp(OFFER)), false);
  const [invite] = peer.requests;
  assert.ok(invite && update);
  const turned: Array<[string, string]> = [
    ['From', `${invite.headers.get('To') ?? ''};tag=b`],
    ['To', invite.headers.get('From') ?? ''],
    ['Call-ID', invite.headers.callId() ?? ''],
    CONTACT,
    SDP,
  ];
  peer.send('INVITE', `sip:a@${A}`, [...turned, ['CSeq', '7 INVITE']], OFFER);
  world.clock.advance(20);
  assert.equal(peer.responses.at(-1)?.status, 491);
  peer.respond(update, 200, 'b', [CONTACT, SDP], ANSWER);
  world.clock.advance(20);
  assert.deepEqual(alice.heard, ['updated sdp']);
  peer.onRequest = request => peer.respond(request, 580, 'b');
  assert.equal(call.update(sdp(NEW_OFFER)), true);
  world.clock.advance(20);
  assert.deepEqual(alice.heard, ['updated sdp', 'update-failed 580']);
});

test('an UPDATE answered 408 or 481, or by nobody, ends the call', () => {
  for (const status of [408, 481, null]) {
    const { world, alice, peer, call } = talking('UPDATE');
    peer.onRequest = request => {
      if (request.method === 'BYE') peer.respond(request, 200, 'b');
      else if (status !== null) peer.respond(request, status, 'b');
    };
    call.update(null);
    world.clock.advance(40_000);
    assert.deepEqual(alice.heard, ['ended dead'], String(status));
    assert.equal(alice.agent.sizes().calls, 0);
  }
});

test('on an early dialog an offer waits for the reliable answer and for its PRACK', () => {
  const world = createWorld();
  const alice = world.party(A);
  const peer = world.peer(B);
  const call = world.place(alice, B);
  world.clock.advance(20);
  const [invite] = peer.requests;
  assert.ok(invite);
  assert.equal(call.update(sdp(NEW_OFFER), [], 'b'), false, 'no such dialog');
  const rel: Array<[string, string]> = [CONTACT, SDP, ['Require', '100rel, precondition'], ['RSeq', '1']];
  peer.respond(invite, 183, 'b', rel, ANSWER);
  world.clock.advance(20);
  assert.equal(call.update(sdp(NEW_OFFER), [], 'b'), true);
  world.clock.advance(20);
  const prack = peer.requests.at(-1);
  assert.equal(prack?.method, 'PRACK');
  peer.onRequest = request => {
    if (request.method === 'UPDATE') peer.respond(request, 200, 'b', [CONTACT, SDP], ANSWER);
  };
  assert.equal(call.update(null, [], 'b'), false, 'one waits already');
  if (prack !== undefined) peer.respond(prack, 200, 'b');
  world.clock.advance(20);
  assert.deepEqual(alice.heard.at(-1), 'updated sdp');
  const [first, second] = [prack, peer.requests.at(-1)].map(request => request?.headers.cseq()?.seq ?? 0);
  assert.equal(second, (first ?? 0) + 1);
});

test('a refresh by re-INVITE repeats the description alone, whatever the INVITE carried beside it', () => {
  const world = createWorld();
  const alice = world.party(A);
  const peer = world.peer(B);
  peer.onRequest = request => {
    if (request.method === 'INVITE')
      peer.respond(request, 200, 'b', [CONTACT, SDP, ['Session-Expires', '90;refresher=uac']], ANSWER);
  };
  const parts = [
    { contentType: 'application/sdp', headers: new Map(), content: OFFER },
    { contentType: 'application/pidf+xml', headers: new Map([['Content-ID', '<x@a>']]), content: '<presence/>' },
  ];
  world.place(alice, B, { body: joinParts(parts, 'b1') });
  world.clock.advance(46_000);
  const invites = peer.requests.filter(request => request.method === 'INVITE');
  assert.equal(invites.length, 2);
  assert.equal(invites[0]?.headers.get('Content-Type'), 'multipart/mixed;boundary=b1');
  assert.equal(invites[1]?.headers.get('Content-Type'), 'application/sdp');
  assert.equal(Buffer.from(invites[1]?.body ?? []).toString(), OFFER);
});

test('a multipart body survives its own way there and back, and odd ones do no harm', () => {
  const parts = [
    { contentType: 'application/sdp', headers: new Map(), content: OFFER.trimEnd() },
    { contentType: 'text/plain', headers: new Map([['content-id', '<x@a>']]), content: 'a\r\n--b\r\nb' },
  ];
  const { contentType, content } = joinParts(parts, 'b1');
  assert.deepEqual(splitBody(contentType, content), parts);
  assert.deepEqual(splitBody('multipart/mixed', content), [], 'no boundary');
  assert.deepEqual(splitBody('multipart/mixed;boundary=b', content), [], 'a boundary that only begins like it');
  assert.equal(splitBody('multipart/mixed;boundary=x', '\r\n--x\r\n\r\ny'.repeat(100)).length, 16);
});
