/** One INVITE, several answers: early dialogs by To-tag, order of reliable responses, second 2xx, routing inside the dialog. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANSWER, createWorld, OFFER, sdp, type World } from '../../../test/support/agent-world.ts';

const A = '192.0.2.1';
const B = '192.0.2.2';
const SDP: [string, string] = ['Content-Type', 'application/sdp'];

function calling(world: World) {
  const alice = world.party(A);
  const peer = world.peer(B);
  const call = world.place(alice, B, { headers: [['X-Test', 'yes']] });
  world.clock.advance(10);
  const [invite] = peer.requests;
  assert.ok(invite);
  const contact = (user: string): [string, string] => ['Contact', `<sip:${user}@${B}>`];
  const methods = () => peer.requests.map(request => request.method);
  return { alice, peer, call, invite, contact, methods };
}

test('ORG-10 a 18x on two dialogs; the second 2xx is acknowledged and ended, the first stays', () => {
  const world = createWorld();
  const { alice, peer, invite, contact, methods } = calling(world);
  peer.respond(invite, 180, 'one', [contact('one')]);
  peer.respond(invite, 183, 'two', [contact('two'), SDP], ANSWER);
  peer.respond(invite, 200, 'two', [contact('two'), SDP], ANSWER);
  peer.respond(invite, 200, 'one', [contact('one'), SDP], ANSWER);
  world.clock.advance(20);
  assert.deepEqual(alice.heard, ['progress 180 -', 'progress 183 sdp', 'answered sdp']);
  assert.deepEqual(methods(), ['INVITE', 'ACK', 'ACK', 'BYE']);
  const bye = peer.requests.at(-1);
  assert.equal(bye?.uri, `sip:one@${B}`);
  assert.equal(bye?.headers.to()?.params.get('tag'), 'one');
  // Copies of both are acknowledged again, without a second BYE.
  peer.respond(invite, 200, 'two', [contact('two'), SDP], ANSWER);
  peer.respond(invite, 200, 'one', [contact('one'), SDP], ANSWER);
  world.clock.advance(20);
  assert.deepEqual(methods().slice(4), ['ACK', 'ACK']);
  assert.deepEqual(alice.agent.sizes(), { calls: 1, dialogs: 1, singles: 0, subscriptions: 0 });
});

test('the BYE behind a second 2xx goes on behind the PRACK of its early dialog', () => {
  const world = createWorld();
  const { peer, invite, contact } = calling(world);
  peer.onRequest = request => {
    if (request.method === 'PRACK') peer.respond(request, 200, '');
  };
  for (const tag of ['one', 'two'])
    peer.respond(invite, 180, tag, [contact(tag), ['Require', '100rel'], ['RSeq', '1']]);
  world.clock.advance(20);
  for (const tag of ['two', 'one']) peer.respond(invite, 200, tag, [contact(tag), SDP], ANSWER);
  world.clock.advance(20);
  const ofOne = peer.requests.filter(({ headers }) => headers.to()?.params.get('tag') === 'one');
  const seq = invite.headers.cseq()?.seq ?? 0;
  assert.deepEqual(
    ofOne.map(({ method, headers }) => [method, headers.cseq()?.seq]),
    [
      ['PRACK', seq + 1],
      ['ACK', seq],
      ['BYE', seq + 2],
    ],
  );
});

test('a 2xx that comes after the call was ended is still acknowledged and ended', () => {
  const world = createWorld();
  const { peer, call, invite, contact, methods } = calling(world);
  peer.respond(invite, 200, 'one', [contact('one'), SDP], ANSWER);
  world.clock.advance(20);
  peer.onRequest = request => {
    if (request.method === 'BYE') peer.respond(request, 200, '');
  };
  call.end();
  world.clock.advance(20);
  peer.respond(invite, 200, 'late', [contact('late'), SDP], ANSWER);
  world.clock.advance(20);
  assert.deepEqual(methods(), ['INVITE', 'ACK', 'BYE', 'ACK', 'BYE']);
});

test('ORG-07 ORG-08 reliable responses are PRACKed in order: copies and gaps are not', () => {
  const world = createWorld();
  const { alice, peer, invite, contact } = calling(world);
  const reliable = (rseq: number, tag: string): Array<[string, string]> => [
    contact(tag),
    ['Require', '100rel'],
    ['RSeq', `${rseq}`],
  ];
  peer.respond(invite, 180, 'one', reliable(7, 'one'));
  peer.respond(invite, 180, 'one', reliable(7, 'one'));
  peer.respond(invite, 183, 'one', reliable(9, 'one'));
  peer.respond(invite, 183, 'two', reliable(100, 'two'));
  peer.respond(invite, 183, 'one', reliable(8, 'one'));
  world.clock.advance(20);
  const seq = invite.headers.cseq()?.seq ?? 0;
  const racks = peer.requests.filter(request => request.method === 'PRACK').map(request => request.headers.get('RAck'));
  assert.deepEqual(racks, [`7 ${seq} INVITE`, `100 ${seq} INVITE`, `8 ${seq} INVITE`]);
  const seqs = peer.requests.filter(request => request.method === 'PRACK').map(request => request.headers.cseq()?.seq);
  assert.deepEqual(seqs, [seq + 1, seq + 1, seq + 2], 'each dialog counts for itself');
  assert.deepEqual(alice.heard, ['progress 180 - reliable', 'progress 183 - reliable', 'progress 183 - reliable']);
});

for (const way of ['refused with 481', 'lost'] as const) {
  test(`a PRACK ${way} on the only dialog cancels the INVITE, and nobody is told that a user did`, () => {
    const world = createWorld();
    const { alice, peer, invite, contact } = calling(world);
    const methods: string[] = [];
    peer.onRequest = request => {
      methods.push(request.method);
      if (request.method === 'PRACK' && way !== 'lost') peer.respond(request, 481, '');
      if (request.method === 'CANCEL') {
        peer.respond(request, 200, 'x');
        peer.respond(invite, 487, 'one');
      }
    };
    peer.respond(invite, 180, 'one', [contact('one'), ['Require', '100rel'], ['RSeq', '1']]);
    world.clock.advance(40_000);
    assert.deepEqual([...new Set(methods)], ['PRACK', 'CANCEL', 'ACK']);
    assert.deepEqual(alice.heard, ['progress 180 - reliable', 'rejected timeout']);
  });
}

test('ORG-11 199 ends its fork only', () => {
  const world = createWorld();
  const { alice, peer, invite, contact } = calling(world);
  peer.respond(invite, 180, 'one', [contact('one')]);
  peer.respond(invite, 199, 'one');
  peer.respond(invite, 200, 'two', [contact('two'), SDP], ANSWER);
  world.clock.advance(20);
  assert.deepEqual(alice.heard, ['progress 180 -', 'progress 199 -', 'answered sdp']);
});

test('requests in the dialog follow the reversed Record-Route of the 2xx; a strict first hop changes places', () => {
  for (const [hop, uri, routes] of [
    [`<sip:p1@${B};lr>`, `sip:far@${B}`, [`<sip:p1@${B};lr>`, `<sip:p2@${B};lr>`]],
    [`<sip:p1@${B}>`, `sip:p1@${B}`, [`<sip:p2@${B};lr>`, `<sip:far@${B}>`]],
  ] as const) {
    const world = createWorld();
    const { peer, invite, contact } = calling(world);
    peer.respond(invite, 180, 'one', [contact('early'), ['Record-Route', `<sip:old@${B};lr>`]]);
    const recorded: Array<[string, string]> = [
      ['Record-Route', `<sip:p2@${B};lr>`],
      ['Record-Route', hop],
    ];
    peer.respond(invite, 200, 'one', [contact('far'), ...recorded, SDP], ANSWER);
    world.clock.advance(20);
    const ack = peer.requests.at(-1);
    assert.equal(ack?.method, 'ACK');
    assert.equal(ack?.uri, uri);
    assert.deepEqual(ack?.headers.all('Route'), routes);
    assert.notEqual(ack?.headers.via()?.params.get('branch'), invite.headers.via()?.params.get('branch'));
  }
});

test('forks beyond the limit cost no memory and no PRACK', () => {
  const world = createWorld();
  const { peer, invite, contact } = calling(world);
  for (let i = 0; i < 100; i += 1)
    peer.respond(invite, 180, `t${i}`, [contact('x'), ['Require', '100rel'], ['RSeq', '5']]);
  world.clock.advance(50);
  assert.equal(
    new Set(peer.requests.filter(r => r.method === 'PRACK').map(r => r.headers.to()?.params.get('tag'))).size,
    32,
  );
});

test('ORG-07 a flood of reliable responses is followed a few at a time, in a re-INVITE a few in all', () => {
  const world = createWorld();
  const peer = world.peer(B);
  const call = world.place(world.party(A), B);
  world.clock.advance(20);
  const fields: Array<[string, string]> = [
    ['Contact', `<sip:b@${B}>`],
    ['Require', '100rel'],
  ];
  const ring = (rseq: number) => {
    const invite = peer.requests.findLast(({ method }) => method === 'INVITE');
    if (invite !== undefined) peer.respond(invite, 183, 'b', [...fields, ['RSeq', String(rseq)]]);
    world.clock.advance(10);
  };
  const pracks = () => peer.requests.filter(({ method }) => method === 'PRACK');
  const acked = () => new Set(pracks().map(({ headers }) => headers.get('RAck')?.split(' ')[0]));
  for (let rseq = 1; rseq <= 9; rseq += 1) ring(rseq);
  assert.deepEqual([...acked()], ['1', '2', '3', '4']);
  for (const prack of pracks()) peer.respond(prack, 200, 'b');
  world.clock.advance(20);
  ring(5);
  assert.equal(acked().has('5'), true, 'those answered make room');
  peer.onRequest = request => {
    if (request.method === 'PRACK') peer.respond(request, 200, 'b');
  };
  const [invite] = peer.requests;
  if (invite !== undefined) peer.respond(invite, 200, 'b', [...fields, ['Content-Type', 'application/sdp']], ANSWER);
  world.clock.advance(50);
  peer.requests.length = 0;
  assert.equal(call.reinvite(sdp(OFFER)), true);
  world.clock.advance(20);
  for (let rseq = 1; rseq <= 20; rseq += 1) ring(rseq);
  assert.equal(acked().size, 8);
});
