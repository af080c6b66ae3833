/** How a call out is tried: E-CSCF after E-CSCF, and again without its location. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWorld, OFFER, type Peer, sdp } from '../../test/support/agent-world.ts';
import type { Call, CallUser, Failure } from '../sip/index.ts';
import { placeCall } from './placed-call.ts';

const A = '192.0.2.1';
const [B, C] = ['192.0.2.2', '192.0.2.3'];

function bench(options: { attemptMs?: number | null; located?: boolean } = {}) {
  const world = createWorld();
  const alice = world.party(A);
  const peers: Peer[] = [B, C].map(host => world.peer(host));
  const heard: string[] = [];
  const rejected: Failure[] = [];
  const user: CallUser = {
    onProgress: ({ response }) => heard.push(`progress ${response.status}`),
    onAnswered: () => heard.push('answered'),
    onRejected(failure) {
      rejected.push(failure);
      heard.push(`rejected ${failure.response?.status ?? failure.cause}`);
    },
    onCancelled: () => heard.push('cancelled'),
    onAcked: () => heard.push('acked'),
    onEnded: end => heard.push(`ended ${end.cause}`),
    onReoffer: () => heard.push('reoffer'),
    onUpdated: () => heard.push('updated'),
    onUpdateFailed: () => heard.push('update-failed'),
  };
  const call: Call = placeCall(
    { agent: alice.agent, timers: world.clock.timers, key: 'x' },
    {
      routes: [[`<sip:${B};lr>`], [`<sip:${C};lr>`]],
      attemptMs: options.attemptMs === undefined ? 6000 : options.attemptMs,
      located: options.located ?? false,
      request: ({ route, located, precondition }) => ({
        uri: 'urn:service:sos',
        from: '<sip:alice@a.example>',
        to: '<urn:service:sos>',
        contact: `<sip:c@${A}>`,
        route,
        headers: [
          ...(located ? [['Geolocation', '<cid:x@a>'] as const] : []),
          ...(precondition ? [['Supported', '100rel, precondition'] as const] : []),
        ],
        body: sdp(OFFER),
      }),
    },
    user,
  );
  const invites = () => peers.map(peer => peer.requests.filter(({ method }) => method === 'INVITE').length);
  return { world, alice, peers, heard, call, invites };
}

function answerWith(peer: Peer | undefined, status: number, body = ''): void {
  if (peer === undefined) return;
  peer.onRequest = request => {
    if (request.method === 'ACK') return;
    const fields: Array<[string, string]> = [['Contact', '<sip:psap@192.0.2.9>']];
    if (body !== '') fields.push(['Content-Type', 'application/sdp']);
    peer.respond(request, status, 'b', fields, body);
  };
}

test('EMG-05 the next E-CSCF is asked after 6 s of silence', () => {
  const { world, peers, heard, invites } = bench();
  answerWith(peers[1], 180);
  world.clock.advance(5900);
  assert.equal(invites()[1], 0);
  world.clock.advance(200);
  assert.deepEqual([invites()[1], heard], [1, ['progress 180']]);
  world.clock.advance(60_000);
  assert.deepEqual(heard, ['progress 180'], 'the time is for silence alone');
});

test('EMG-05 a 100 is an answer; a fault or a refusal by a server leads on at once, that of the called side does not', () => {
  const trying = bench();
  answerWith(trying.peers[0], 100);
  trying.world.clock.advance(60_000);
  assert.equal(trying.invites()[1], 0);
  for (const [status, second] of [
    [503, 1],
    [408, 1],
    [486, 0],
    [603, 0],
  ] as const) {
    const { world, peers, invites, heard } = bench();
    answerWith(peers[0], status);
    world.clock.advance(100);
    assert.deepEqual([invites()[1], heard], [second, second === 1 ? [] : [`rejected ${status}`]], String(status));
  }
});

test('EMG-05 when nobody answers the caller knows after 6 s for each', () => {
  const { world, alice, heard } = bench();
  world.clock.advance(11_900);
  assert.deepEqual(heard, []);
  world.clock.advance(200);
  assert.deepEqual(heard, ['rejected timeout']);
  world.clock.advance(60_000);
  assert.deepEqual([heard, alice.agent.sizes().calls], [['rejected timeout'], 0]);
});

test('EMG-05 an E-CSCF that answers after it was given up is acknowledged and released', () => {
  const { world, peers, heard, call } = bench();
  world.clock.advance(6100);
  const [late, second] = peers;
  const [invite] = late?.requests ?? [];
  assert.ok(invite && late);
  answerWith(second, 200, OFFER);
  world.clock.advance(500);
  const ours = heard.slice();
  late.respond(
    invite,
    200,
    'late',
    [
      ['Contact', `<sip:psap@${B}>`],
      ['Content-Type', 'application/sdp'],
    ],
    OFFER,
  );
  world.clock.advance(100);
  assert.deepEqual(
    late.requests.slice(-2).map(({ method }) => method),
    ['ACK', 'BYE'],
  );
  assert.deepEqual(heard, ours);
  assert.deepEqual(heard, ['answered']);
  assert.equal(call.end(), true);
});

test('a call that was ended is not tried again', () => {
  const { world, peers, heard, call, invites } = bench();
  answerWith(peers[0], 100);
  world.clock.advance(50);
  call.end();
  answerWith(peers[0], 200);
  const [invite] = peers[0]?.requests ?? [];
  if (invite !== undefined) peers[0]?.respond(invite, 503, 'b');
  world.clock.advance(20_000);
  assert.deepEqual([heard, invites()], [['rejected 503'], [1, 0]]);
});

test('LOC-05 a 424 is answered by one INVITE without location', () => {
  const { world, peers, heard } = bench({ attemptMs: null, located: true });
  answerWith(peers[0], 424);
  world.clock.advance(200);
  const invites = peers[0]?.requests.filter(({ method }) => method === 'INVITE') ?? [];
  assert.deepEqual(
    invites.map(({ headers }) => headers.has('Geolocation')),
    [true, false],
  );
  assert.deepEqual(heard, ['rejected 424']);
});

test('LOC-05 a 424 to a request in the call changes nothing of the call', () => {
  const { world, peers, heard, call } = bench();
  const [peer] = peers;
  assert.ok(peer);
  peer.onRequest = request => {
    const fields: Array<[string, string]> = [
      ['Contact', `<sip:psap@${B}>`],
      ['Allow', 'INVITE, UPDATE'],
      ['Content-Type', 'application/sdp'],
    ];
    if (request.method === 'INVITE') peer.respond(request, 200, 'b', fields, OFFER);
    else if (request.method === 'UPDATE') peer.respond(request, 424, 'b');
  };
  world.clock.advance(100);
  assert.equal(call.update({ contentType: 'application/pidf+xml', content: '<presence/>' }), true);
  world.clock.advance(1000);
  assert.deepEqual([heard, peer.requests.at(-1)?.method], [['answered'], 'UPDATE']);
  assert.equal(call.update(null), true, 'the dialog lives');
});
