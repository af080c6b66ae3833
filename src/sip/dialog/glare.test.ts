/** Offers that cross inside a dialog, by UPDATE as well: who waits, whose goes first, and what is never sent meanwhile. RFC 3261 14, RFC 3311 5. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANSWER, createWorld, OFFER, sdp } from '../../../test/support/agent-world.ts';

const A = '192.0.2.1';
const B = '192.0.2.2';
const CONTACT: [string, string] = ['Contact', `<sip:b@${B}>`];
const SDP: [string, string] = ['Content-Type', 'application/sdp'];
const ALLOW: [string, string] = ['Allow', 'INVITE, UPDATE'];
type Fields = Array<[string, string]>;

function talking(change: { body?: null; early?: true } = {}) {
  const world = createWorld();
  const alice = world.party(A);
  const peer = world.peer(B);
  const reliable: Fields = [CONTACT, SDP, ALLOW, ['Require', '100rel'], ['RSeq', '1']];
  peer.onRequest = request => {
    if (request.method === 'PRACK') peer.respond(request, 200, 'b');
    if (request.method !== 'INVITE') return;
    if (change.early) peer.respond(request, 183, 'b', reliable, ANSWER);
    else peer.respond(request, 200, 'b', [CONTACT, SDP, ALLOW], change.body === null ? OFFER : ANSWER);
  };
  const call = world.place(alice, B, change.body === null ? { body: null } : {});
  world.clock.advance(50);
  const [invite] = peer.requests;
  assert.ok(invite);
  peer.onRequest = () => {};
  alice.heard.length = 0;
  const send = (method: string, seq: number, body = '') => {
    const fields: Fields = [
      ['From', `<sip:bob@${B}>;tag=b`],
      ['To', invite.headers.get('From') ?? ''],
      ['Call-ID', invite.headers.callId() ?? ''],
      ['CSeq', `${seq} ${method}`],
      CONTACT,
    ];
    peer.send(method, `sip:a@${A}`, body === '' ? fields : [...fields, SDP], body);
    world.clock.advance(20);
    return peer.responses.at(-1)?.status;
  };
  const updates = () => peer.requests.filter(({ method }) => method === 'UPDATE');
  return { world, alice, peer, call, invite, send, updates };
}

test('MID-02 an UPDATE with an offer waits after a 491 and is sent once more, in early dialogs too', () => {
  for (const change of [{}, { early: true }] as const) {
    const { world, alice, peer, call, updates } = talking(change);
    peer.onRequest = request => peer.respond(request, 491, 'b');
    assert.equal(call.update(sdp(OFFER), [], 'early' in change ? 'b' : undefined), true);
    world.clock.advance(2100);
    assert.equal(updates().length, 1);
    world.clock.advance(2000);
    assert.equal(updates().length, 2);
    assert.deepEqual(alice.heard, ['update-failed 491']);
    assert.equal(new Set(updates().map(({ headers }) => headers.cseq()?.seq)).size, 2);
  }
});

test('MID-02 a call that ends takes the UPDATE that waits with it', () => {
  const { world, peer, call, invite, updates } = talking({ early: true });
  peer.onRequest = request => peer.respond(request, 491, 'b');
  call.update(sdp(OFFER), [], 'b');
  world.clock.advance(50);
  peer.respond(invite, 486, 'b');
  world.clock.advance(20_000);
  assert.equal(updates().length, 1);
  assert.ok(world.clock.drain(100_000));
});

test('MID-04 their UPDATE while ours waits goes first, and ours is dropped', () => {
  const { world, alice, peer, call, send, updates } = talking({ early: true });
  peer.onRequest = request => peer.respond(request, 491, 'b');
  call.update(sdp(OFFER), [], 'b');
  world.clock.advance(50);
  send('UPDATE', 5, OFFER);
  alice.reoffers[0]?.accept(sdp(ANSWER));
  world.clock.advance(20_000);
  assert.equal(peer.responses.at(-1)?.status, 200);
  assert.deepEqual([updates().length, alice.heard], [1, ['reoffer UPDATE sdp']]);
});

test('MID-04 while theirs is not answered any UPDATE of theirs gets 500 with Retry-After', () => {
  const { peer, send } = talking();
  send('UPDATE', 5, OFFER);
  assert.equal(send('UPDATE', 6), 500);
  const wait = peer.responses.at(-1)?.headers.number('Retry-After') ?? -1;
  assert.ok(wait >= 0 && wait <= 10);
  assert.equal(send('INVITE', 7, OFFER), 500);
});

test('MID-03 nothing is offered by us while theirs is open, or our 2xx has no ACK yet', () => {
  const { world, alice, call, send } = talking();
  send('INVITE', 5, OFFER);
  assert.deepEqual([call.reinvite(sdp(OFFER)), call.update(sdp(OFFER))], [false, false]);
  alice.reoffers[0]?.accept(sdp(ANSWER));
  world.clock.advance(20);
  assert.deepEqual([call.reinvite(sdp(OFFER)), call.update(sdp(OFFER))], [false, false]);
  send('ACK', 5);
  assert.equal(call.reinvite(sdp(OFFER)), true);
});

test('MID-05 INFO answered 481 ends the call, any other refusal and silence do not', () => {
  for (const [status, heard] of [
    [481, ['ended dead']],
    [408, []],
    [null, []],
  ] as const) {
    const world = createWorld();
    const alice = world.party(A);
    const peer = world.peer(B);
    peer.onRequest = request => {
      if (request.method === 'INVITE') peer.respond(request, 200, 'b', [CONTACT, SDP, ['Allow', 'INFO']], ANSWER);
      else if (request.method === 'INFO' && status !== null) peer.respond(request, status, 'b');
    };
    const call = world.place(alice, B);
    world.clock.advance(50);
    alice.heard.length = 0;
    assert.equal(call.info({ contentType: 'application/media_control+xml', content: '<x/>' }), true);
    world.clock.advance(40_000);
    assert.deepEqual(alice.heard, heard, String(status));
  }
});
