/** Calls between two user agents over the fake network: set-up, refusal, CANCEL, reliable provisionals, release. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANSWER, createWorld, OFFER, type Party, sdp, type World } from '../../test/support/agent-world.ts';
import type { SipRequest } from './message/message.ts';

const A = '192.0.2.1';
const B = '192.0.2.2';

function pair(world: World = createWorld()): { world: World; alice: Party; bob: Party } {
  return { world, alice: world.party(A), bob: world.party(B) };
}

/** Everything ended: no call, no transaction, no timer. */
function assertNothingLeft({ world, alice, bob }: ReturnType<typeof pair>): void {
  assert.ok(world.clock.drain(300_000), 'timers still run');
  for (const { agent, layer } of [alice, bob]) {
    assert.deepEqual(agent.sizes(), { calls: 0, dialogs: 0, singles: 0, subscriptions: 0 });
    assert.equal(layer.size, 0);
  }
}

test('a call rings, is answered, acknowledged, and ended by the caller', () => {
  const all = pair();
  const { world, alice, bob } = all;
  bob.onInvite = call => {
    call.provisional({ status: 180, reason: 'Ringing' });
    world.clock.later(1000, () => call.answer(sdp(ANSWER)));
  };
  const call = world.place(alice, B);
  world.clock.advance(2000);
  assert.deepEqual(alice.agent.sizes(), { calls: 1, dialogs: 1, singles: 0, subscriptions: 0 });
  assert.equal(call.end([['Reason', 'Q.850;cause=16']]), true);
  world.clock.advance(100);
  assert.deepEqual(alice.heard, ['progress 180 -', 'answered sdp']);
  assert.deepEqual(bob.heard, ['invited sdp', 'acked -', 'ended bye']);
  assert.equal(call.end(), false);
  assertNothingLeft(all);
});

test('MID-13 the called side ends the call', () => {
  const all = pair();
  const { world, alice, bob } = all;
  bob.onInvite = call => {
    call.answer(sdp(ANSWER));
    world.clock.later(1000, () => call.end());
  };
  world.place(alice, B);
  world.clock.advance(2000);
  assert.deepEqual(alice.heard, ['answered sdp', 'ended bye']);
  assertNothingLeft(all);
});

test('what its user names is repeated by each request of a dialog, of a call out and of one in, but by no ACK', () => {
  const world = createWorld();
  const alice = world.party(A, { standing: invite => [['X-Case', `${invite.headers.get('X-Case')}b`]] });
  const peer = world.peer(B);
  const contact: [string, string] = ['Contact', `<sip:b@${B}>`];
  const said = () =>
    peer.requests.splice(0).map(({ method, headers }) => [method, headers.get('X-Case'), headers.get('X-Once')]);
  const headers: Array<[string, string]> = [
    ['X-Case', '7'],
    ['X-Once', '8'],
  ];
  const out = world.place(alice, B, { headers, standing: ['X-Case'], body: sdp(OFFER) });
  world.clock.advance(100);
  peer.respond(peer.requests[0] as SipRequest, 200, 'b', [contact]);
  world.clock.advance(100);
  out.end();
  world.clock.advance(100);
  assert.deepEqual(said(), [
    ['INVITE', '7', '8'],
    ['ACK', undefined, undefined],
    ['BYE', '7', undefined],
  ]);

  const to = `<sip:in@${A}>`;
  const fields: Array<[string, string]> = [['From', '<sip:b@b>;tag=b'], ['Call-ID', 'c'], contact, ...headers];
  peer.send('INVITE', `sip:in@${A}`, [...fields, ['To', to], ['CSeq', '1 INVITE']]);
  world.clock.advance(100);
  alice.calls[0]?.answer(sdp(OFFER));
  world.clock.advance(100);
  const tag = peer.responses.at(-1)?.headers.to()?.params.get('tag');
  peer.send('ACK', `sip:in@${A}`, [...fields, ['To', `${to};tag=${tag}`], ['CSeq', '1 ACK']], ANSWER);
  alice.calls[0]?.end();
  world.clock.advance(100);
  assert.deepEqual(said(), [['BYE', '7b', undefined]]);
});

test('a busy callee refuses', () => {
  const all = pair();
  all.bob.onInvite = call => call.reject({ status: 486, reason: 'Busy Here' });
  all.world.place(all.alice, B);
  all.world.clock.advance(100);
  assert.deepEqual(all.alice.heard, ['rejected 486']);
  assertNothingLeft(all);
});

test('CANCEL after ringing: 487 to the INVITE, both told once, the Reason arrives', () => {
  const all = pair();
  const { world, alice, bob } = all;
  bob.onInvite = call => call.provisional({ status: 180, reason: 'Ringing' });
  const call = world.place(alice, B);
  world.clock.advance(500);
  assert.equal(call.end([['Reason', 'SIP;cause=200;text="Call completed elsewhere"']]), true);
  assert.equal(call.end(), false);
  world.clock.advance(100);
  assert.deepEqual(alice.heard, ['progress 180 -', 'rejected 487']);
  assert.deepEqual(bob.heard, ['invited sdp', 'cancelled SIP;cause=200;text="Call completed elsewhere"']);
  assertNothingLeft(all);
});

test('ORG-16 a CANCEL before any provisional is kept until one comes', () => {
  const world = createWorld();
  const alice = world.party(A);
  const peer = world.peer(B);
  const call = world.place(alice, B);
  call.end();
  world.clock.advance(300);
  assert.deepEqual(
    peer.requests.map(request => request.method),
    ['INVITE'],
  );
  const invite = peer.requests[0];
  assert.ok(invite);
  peer.respond(invite, 180, 'b');
  world.clock.advance(20);
  assert.equal(peer.requests.at(-1)?.method, 'CANCEL');
  // The peer answers neither: the INVITE is given up 64*T1 after the CANCEL.
  world.clock.advance(33_000);
  assert.deepEqual(alice.heard, ['rejected timeout']);
  assert.equal(alice.agent.sizes().calls, 0);
});

test('ORG-17 a 200 that crosses the CANCEL is acknowledged and ended by BYE', () => {
  const all = pair();
  const { world, alice, bob } = all;
  bob.onInvite = call => {
    call.provisional({ status: 180, reason: 'Ringing' });
    world.clock.later(1000, () => call.answer(sdp(ANSWER)));
  };
  const call = world.place(alice, B);
  // The answer leaves at 1005 and arrives at 1010; the CANCEL leaves between.
  world.clock.advance(1007);
  call.end();
  world.clock.advance(200);
  assert.deepEqual(alice.heard, ['progress 180 -', 'rejected cancelled']);
  assert.deepEqual(bob.heard, ['invited sdp', 'acked -', 'ended bye']);
  assertNothingLeft(all);
});

test('nobody answers the INVITE: timer B', () => {
  const world = createWorld();
  const alice = world.party(A);
  world.peer(B);
  world.place(alice, B);
  world.clock.advance(33_000);
  assert.deepEqual(alice.heard, ['rejected timeout']);
});

test('a host that is no address has no route; told after the call returned', () => {
  const world = createWorld();
  const alice = world.party(A);
  world.place(alice, 'somewhere.example.com');
  assert.deepEqual(alice.heard, []);
  world.clock.advance(10);
  assert.deepEqual(alice.heard, ['rejected no-route']);
  assert.equal(alice.agent.sizes().calls, 0);
});

test('ORG-18 copies of the 2xx go on until the ACK gets through, each acknowledged', () => {
  const world = createWorld();
  const alice = world.party(A);
  const bob = world.party(B);
  bob.onInvite = call => call.answer(sdp(ANSWER));
  world.place(alice, B);
  world.clock.advance(9);
  // The 200 is on its way; the network eats what follows for three seconds.
  world.network.weather.loss = 1;
  world.clock.advance(3000);
  assert.deepEqual(bob.heard, ['invited sdp']);
  world.network.weather.loss = 0;
  world.clock.advance(2000);
  assert.deepEqual(bob.heard, ['invited sdp', 'acked -']);
  assert.deepEqual(alice.heard, ['answered sdp']);
  assert.equal(bob.sent.filter(line => line.startsWith('SIP/2.0 200')).length, 4);
  assert.equal(alice.sent.filter(line => line.startsWith('ACK')).length, 2);
});

test('TRM-12 no ACK in 64*T1: the callee sends BYE', () => {
  const world = createWorld();
  const bob = world.party(B);
  const peer = world.peer(A);
  bob.onInvite = call => call.answer(sdp(ANSWER));
  peer.send('INVITE', `sip:bob@${B}`, inviteHeaders(), OFFER);
  world.clock.advance(40_000);
  assert.deepEqual(bob.heard, ['invited sdp', 'ended no-ack']);
  const copies = peer.responses.filter(response => response.status === 200).length;
  // 0, 0.5, 1.5, 3.5, 7.5, 11.5 ... 31.5 s. RFC 3261 13.3.1.4.
  assert.equal(copies, 11);
  assert.equal(peer.requests.filter(request => request.method === 'BYE')[0]?.method, 'BYE');
  world.clock.advance(40_000);
  assert.equal(bob.agent.sizes().calls, 0);
});

test('a BYE of ours before the ACK of our 2xx waits for it', () => {
  const world = createWorld();
  const bob = world.party(B);
  const peer = world.peer(A);
  bob.onInvite = call => {
    call.answer(sdp(ANSWER));
    call.end();
  };
  peer.send('INVITE', `sip:bob@${B}`, inviteHeaders(), OFFER);
  world.clock.advance(100);
  assert.equal(peer.requests.length, 0);
  const answer = peer.responses.find(response => response.status === 200);
  peer.send('ACK', `sip:in@${B}`, [...dialogHeaders(answer?.headers.get('To') ?? ''), ['CSeq', '1 ACK']]);
  world.clock.advance(100);
  assert.equal(peer.requests[0]?.method, 'BYE');
  assert.deepEqual(bob.heard, ['invited sdp']);
});

test('both sides send BYE at once', () => {
  const all = pair();
  const { world, alice, bob } = all;
  bob.onInvite = call => call.answer(sdp(ANSWER));
  const call = world.place(alice, B);
  world.clock.advance(1000);
  call.end();
  bob.calls[0]?.end();
  world.clock.advance(100);
  assert.deepEqual(alice.heard, ['answered sdp']);
  assert.deepEqual(bob.heard, ['invited sdp', 'acked -']);
  assertNothingLeft(all);
});

test('TRM-07 TRM-08 a reliable 183 is PRACKed at once, and the 200 waits for that PRACK and repeats no description', () => {
  const all = pair();
  const { world, alice, bob } = all;
  bob.onInvite = call => {
    call.provisional({ status: 183, reason: 'Session Progress', body: sdp(ANSWER) });
    call.provisional({ status: 180, reason: 'Ringing' });
    call.answer(sdp(ANSWER));
    assert.equal(
      bob.sent.some(line => line.startsWith('SIP/2.0 200')),
      false,
    );
  };
  const call = world.place(alice, B);
  world.clock.advance(1000);
  assert.deepEqual(alice.heard, ['progress 183 sdp reliable', 'progress 180 -', 'answered -']);
  assert.deepEqual(
    alice.sent.map(line => line.split(' ')[0]),
    ['INVITE', 'PRACK', 'ACK'],
  );
  call.end();
  assertNothingLeft(all);
});

test('TRM-09 a lost reliable 18x is sent again at T1, 2*T1, 4*T1; without PRACK the INVITE gets 504', () => {
  const world = createWorld();
  const bob = world.party(B);
  const peer = world.peer(A);
  bob.onInvite = call => call.provisional({ status: 183, reason: 'Session Progress', body: sdp(ANSWER) });
  peer.send('INVITE', `sip:bob@${B}`, [...inviteHeaders(), ['Supported', '100rel']], OFFER);
  world.clock.advance(31_000);
  const copies = peer.responses.filter(response => response.status === 183);
  // 0, 0.5, 1.5, 3.5, 7.5, 15.5 s. RFC 3262 3.
  assert.equal(copies.length, 6);
  assert.equal(copies[0]?.headers.get('Require'), '100rel');
  world.clock.advance(2000);
  assert.equal(
    peer.responses.some(response => response.status === 504),
    true,
  );
  assert.deepEqual(bob.heard, ['invited sdp', 'ended no-prack']);
});

test('TRM-09 a PRACK that matches nothing gets 481 and stops nothing', () => {
  const world = createWorld();
  const bob = world.party(B);
  const peer = world.peer(A);
  bob.onInvite = call => call.provisional({ status: 183, reason: 'Session Progress', body: sdp(ANSWER) });
  peer.send('INVITE', `sip:bob@${B}`, [...inviteHeaders(), ['Supported', '100rel']], OFFER);
  world.clock.advance(20);
  const ringing = peer.responses.find(response => response.status === 183);
  const rseq = ringing?.headers.number('RSeq') ?? 0;
  const to = ringing?.headers.get('To') ?? '';
  peer.send('PRACK', `sip:in@${B}`, [...dialogHeaders(to), ['CSeq', '2 PRACK'], ['RAck', `${rseq + 1} 1 INVITE`]]);
  world.clock.advance(20);
  assert.equal(peer.responses.at(-1)?.status, 481);
  peer.send('PRACK', `sip:in@${B}`, [...dialogHeaders(to), ['CSeq', '3 PRACK'], ['RAck', `${rseq} 1 INVITE`]]);
  world.clock.advance(20);
  assert.equal(peer.responses.at(-1)?.status, 200);
  world.clock.advance(10_000);
  assert.equal(peer.responses.filter(response => response.status === 183).length, 1);
});

test('a BYE on the early dialog by the caller ends the INVITE with 487', () => {
  const world = createWorld();
  const bob = world.party(B);
  const peer = world.peer(A);
  bob.onInvite = call => call.provisional({ status: 180, reason: 'Ringing' });
  peer.send('INVITE', `sip:bob@${B}`, inviteHeaders(), OFFER);
  world.clock.advance(20);
  const to = peer.responses.find(response => response.status === 180)?.headers.get('To') ?? '';
  peer.send('BYE', `sip:in@${B}`, [...dialogHeaders(to), ['CSeq', '2 BYE']]);
  world.clock.advance(20);
  assert.deepEqual(
    peer.responses.slice(-2).map(response => response.status),
    [200, 487],
  );
  assert.deepEqual(bob.heard, ['invited sdp', 'cancelled -']);
});

function inviteHeaders(): Array<[string, string]> {
  return [
    ['From', `<sip:alice@${A}>;tag=a`],
    ['To', `<sip:bob@${B}>`],
    ['Call-ID', 'by-hand'],
    ['CSeq', '1 INVITE'],
    ['Contact', `<sip:alice@${A}>`],
    ['Content-Type', 'application/sdp'],
  ];
}

function dialogHeaders(to: string): Array<[string, string]> {
  return [
    ['From', `<sip:alice@${A}>;tag=a`],
    ['To', to],
    ['Call-ID', 'by-hand'],
  ];
}
