/** Before the answer: offers in early dialogs, offerless INVITEs, challenges, multipart bodies, refusals at the door. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANSWER, createWorld, OFFER, sdp } from '../../../test/support/agent-world.ts';
import { createRequest } from '../message/build.ts';
import { isReadable, sdpOf } from './body.ts';
import { routed } from './dialog.ts';

const A = '192.0.2.1';
const B = '192.0.2.2';
const SDP: [string, string] = ['Content-Type', 'application/sdp'];

function incoming(supported = '100rel') {
  const world = createWorld();
  const bob = world.party(B);
  const peer = world.peer(A);
  const base: Array<[string, string]> = [
    ['From', `<sip:alice@${A}>;tag=a`],
    ['Call-ID', 'by-hand'],
  ];
  const invite = (body: string, extra: Array<[string, string]> = []) => {
    const fields: Array<[string, string]> = [
      ...base,
      ['To', `<sip:bob@${B}>`],
      ['CSeq', '1 INVITE'],
      ['Contact', `<sip:a@${A}>`],
      ['Supported', supported],
      ...extra,
    ];
    peer.send('INVITE', `sip:bob@${B}`, body === '' ? fields : [...fields, SDP], body);
    world.clock.advance(20);
  };
  const inDialog = (method: string, seq: number, extra: Array<[string, string]> = [], body = '') => {
    const to = peer.responses.find(response => response.status > 100)?.headers.get('To') ?? '';
    peer.send(method, `sip:in@${B}`, [...base, ['To', to], ['CSeq', `${seq} ${method}`], ...extra], body);
    world.clock.advance(20);
  };
  const last = () => peer.responses.at(-1);
  return { world, bob, peer, invite, inDialog, last };
}

test('MID-04 an UPDATE with an offer before our answer gets 500 with Retry-After; after it, it goes to the user', () => {
  const { bob, peer, invite, inDialog, last } = incoming();
  bob.onInvite = call => call.provisional({ status: 180, reason: 'Ringing' });
  invite(OFFER);
  inDialog('UPDATE', 2, [SDP], OFFER);
  assert.equal(last()?.status, 500);
  assert.ok(last()?.headers.has('Retry-After'));
  bob.calls[0]?.provisional({ status: 183, reason: 'Session Progress', body: sdp(ANSWER) });
  inDialog('OPTIONS', 3);
  const rseq = peer.responses.find(response => response.status === 183)?.headers.get('RSeq');
  inDialog('PRACK', 4, [['RAck', `${rseq} 1 INVITE`]]);
  inDialog('UPDATE', 5, [SDP], OFFER);
  bob.reoffers[0]?.accept(sdp(ANSWER));
  assert.deepEqual(bob.heard, ['invited sdp', 'reoffer UPDATE sdp']);
});

test('MID-04 an UPDATE with an offer from the called side before its answer gets 491', () => {
  const world = createWorld();
  const alice = world.party(A);
  const peer = world.peer(B);
  world.place(alice, B);
  world.clock.advance(10);
  const [invite] = peer.requests;
  assert.ok(invite);
  peer.respond(invite, 180, 'b', [['Contact', `<sip:b@${B}>`]]);
  world.clock.advance(10);
  const turned: Array<[string, string]> = [
    ['From', `<sip:bob@${B}>;tag=b`],
    ['To', invite.headers.get('From') ?? ''],
    ['Call-ID', invite.headers.callId() ?? ''],
  ];
  peer.send('UPDATE', `sip:alice@${A}`, [...turned, ['CSeq', '1 UPDATE'], ['Contact', `<sip:b@${B}>`], SDP], OFFER);
  world.clock.advance(20);
  assert.equal(peer.responses.at(-1)?.status, 491);
  peer.send('BYE', `sip:alice@${A}`, [...turned, ['CSeq', '2 BYE']]);
  world.clock.advance(20);
  assert.equal(peer.responses.at(-1)?.status, 481, 'the called side may not end an early dialog by BYE');
});

test('an offerless INVITE: our offer in the 200, the answer in the ACK', () => {
  const { bob, invite, inDialog } = incoming('');
  bob.onInvite = call => call.answer(sdp(OFFER));
  invite('');
  inDialog('ACK', 1, [SDP], ANSWER);
  assert.deepEqual(bob.heard, ['invited -', 'acked sdp']);
});

test('TRM-11 an offerless INVITE with 100rel: our offer in the 183, the answer in the PRACK', () => {
  const { bob, peer, invite, inDialog } = incoming();
  bob.onInvite = call => call.provisional({ status: 183, reason: 'Session Progress', body: sdp(OFFER) });
  invite('');
  const rseq = peer.responses.find(response => response.status === 183)?.headers.get('RSeq');
  inDialog('PRACK', 2, [['RAck', `${rseq} 1 INVITE`], SDP], ANSWER);
  assert.deepEqual(bob.heard, ['invited -', 'acked sdp']);
});

test('we send an offerless INVITE: without 100rel, and the ACK carries our answer', () => {
  const world = createWorld();
  const alice = world.party(A);
  const bob = world.party(B);
  bob.onInvite = call => call.answer(sdp(OFFER));
  const call = world.place(alice, B, { body: null });
  world.clock.advance(50);
  assert.deepEqual(alice.heard, ['answered sdp']);
  assert.equal(
    alice.sent.some(line => line.startsWith('ACK')),
    false,
  );
  assert.equal(call.ack(sdp(ANSWER)), true);
  assert.equal(call.ack(sdp(ANSWER)), false);
  world.clock.advance(50);
  assert.deepEqual(bob.heard, ['invited -', 'acked sdp']);
});

test('DIG-04 INVITE and BYE answer their challenges; the ACK repeats the credentials of its INVITE', () => {
  const world = createWorld();
  const alice = world.party(A);
  const peer = world.peer(B);
  peer.onRequest = request => {
    const challenge: [string, string] = [
      'Proxy-Authenticate',
      `Digest realm="home", nonce="${request.method}", qop="auth"`,
    ];
    const contact: [string, string] = ['Contact', `<sip:b@${B}>`];
    if (request.method === 'ACK') return;
    if (!request.headers.has('Proxy-Authorization')) peer.respond(request, 407, 'b', [challenge]);
    else
      peer.respond(
        request,
        200,
        'b',
        request.method === 'INVITE' ? [contact, SDP] : [],
        request.method === 'INVITE' ? ANSWER : '',
      );
  };
  const call = world.place(alice, B, { credentials: { username: 'a', password: 'p' } });
  world.clock.advance(50);
  assert.deepEqual(alice.heard, ['answered sdp']);
  call.end();
  world.clock.advance(50);
  const [first, , second, ack, bye, again] = peer.requests;
  assert.deepEqual(
    [first, second, ack, bye, again].map(request => request?.method),
    ['INVITE', 'INVITE', 'ACK', 'BYE', 'BYE'],
  );
  const seq = first?.headers.cseq()?.seq ?? 0;
  assert.deepEqual(
    [second, ack, bye, again].map(request => request?.headers.cseq()?.seq),
    [seq + 1, seq + 1, seq + 2, seq + 3],
  );
  assert.equal(ack?.headers.get('Proxy-Authorization'), second?.headers.get('Proxy-Authorization'));
  assert.equal(alice.agent.sizes().calls, 0);
});

test('TRM-05 an INVITE that asks for what we lack is refused at the door', () => {
  const cases: Array<[Array<[string, string]>, string, number]> = [
    [[['Require', 'precondition, 100rel']], OFFER, 420],
    [[['Content-Encoding', 'gzip']], OFFER, 415],
    [
      [
        ['Session-Expires', '30'],
        ['Supported', 'timer'],
      ],
      OFFER,
      422,
    ],
  ];
  for (const [extra, body, status] of cases) {
    const { bob, invite, last } = incoming();
    invite(body, extra);
    assert.equal(last()?.status, status);
    assert.equal(bob.calls.length, 0);
    if (status === 420) assert.equal(last()?.headers.get('Unsupported'), 'precondition');
  }
});

test('the description is found alone or as a part; other bodies are not read', () => {
  const request = (type: string, body: string) =>
    createRequest('INVITE', 'sip:x', type === '' ? [] : [['Content-Type', type]], body);
  const mixed = `preamble\r\n--b1\r\nContent-Type: application/pidf+xml\r\n\r\n<x/>\r\n--b1\r\ncontent-type:application/SDP\r\n\r\nv=0\r\n--b1--\r\n`;
  const rows: Array<[string, string, string | null, boolean]> = [
    ['application/sdp', 'v=0\r\n', 'v=0\r\n', true],
    ['Application / SDP ;charset=utf-8', 'v=0\r\n', 'v=0\r\n', true],
    ['multipart/mixed;boundary=b1', mixed, 'v=0\r\n', true],
    ['multipart/mixed; boundary="b1"', mixed, 'v=0\r\n', true],
    ['multipart/mixed', mixed, null, true],
    ['text/plain', 'v=0', null, false],
    ['', 'v=0', null, false],
    ['', '', null, true],
  ];
  for (const [type, body, sdpText, readable] of rows) {
    assert.equal(sdpOf(request(type, body)), sdpText, type);
    assert.equal(isReadable(request(type, body)), readable, type);
  }
});

test('a strict first hop becomes the Request-URI without what may not stand there', () => {
  const strict = routed('sip:t@x', ['<sip:p@y;method=INVITE;x=1?Subject=a>', '<sip:q@z;lr>']);
  assert.deepEqual(strict, {
    uri: 'sip:p@y;x=1',
    nextHop: 'sip:p@y;method=INVITE;x=1?Subject=a',
    routes: ['<sip:q@z;lr>', '<sip:t@x>'],
  });
  assert.deepEqual(routed('sip:t@x', ['<sip:p@y;lr=on>']).uri, 'sip:t@x');
  assert.deepEqual(routed('sip:t@x', ['<sip:p@y;lrx>']).uri, 'sip:p@y;lrx');
});
