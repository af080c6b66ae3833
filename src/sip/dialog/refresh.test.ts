/** Refreshes that do not go smoothly: refused ones, peers without UPDATE, intervals to be raised, roles that change hands. RFC 4028. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANSWER, createWorld, OFFER, sdp } from '../../../test/support/agent-world.ts';
import type { SipRequest } from '../message/message.ts';

const A = '192.0.2.1';
const B = '192.0.2.2';
const CONTACT: [string, string] = ['Contact', `<sip:b@${B}>`];
const SDP: [string, string] = ['Content-Type', 'application/sdp'];
type Fields = Array<[string, string]>;

/** Our call to a scripted peer, which answers with these fields; what it does then is the test's. */
function talking(answer: Fields, asked = '90') {
  const world = createWorld();
  const alice = world.party(A);
  const peer = world.peer(B);
  peer.onRequest = request => {
    if (request.method === 'INVITE') peer.respond(request, 200, 'b', [CONTACT, SDP, ...answer], ANSWER);
  };
  const call = world.place(alice, B, { headers: asked === '' ? [] : [['Session-Expires', asked]] });
  world.clock.advance(50);
  alice.heard.length = 0;
  peer.requests.length = 0;
  const sent = (method: string) => peer.requests.filter(request => request.method === method);
  const turned = (seq: number, method: string): Fields => {
    const first = peer.requests[0];
    assert.ok(first);
    return [
      ['From', `<sip:bob@${B}>;tag=b`],
      ['To', first.headers.get('From') ?? ''],
      ['Call-ID', first.headers.callId() ?? ''],
      ['CSeq', `${seq} ${method}`],
      CONTACT,
    ];
  };
  return { world, alice, peer, call, sent, turned };
}

const OURS: Fields = [
  ['Session-Expires', '90;refresher=uac'],
  ['Allow', 'INVITE, UPDATE'],
];

test('MID-07 a refresh that is refused is tried again while the session lasts, which then ends with BYE and its Reason', () => {
  const { world, alice, peer, sent } = talking(OURS);
  peer.onRequest = request => peer.respond(request, request.method === 'UPDATE' ? 500 : 200, 'b');
  world.clock.advance(44_000);
  assert.equal(sent('UPDATE').length, 0);
  world.clock.advance(15_500);
  assert.equal(sent('UPDATE').length, 2, 'at 45 s and at 54 s');
  assert.deepEqual(alice.heard, []);
  world.clock.advance(1000);
  assert.equal(sent('BYE')[0]?.headers.get('Reason'), 'SIP;cause=408;text="Session timer"');
  assert.deepEqual(alice.heard, ['ended session-timer']);
  assert.ok(world.clock.drain(100_000));
});

test('MID-07 a refresh that succeeds at the second try counts the interval anew', () => {
  const { world, alice, peer, sent } = talking(OURS);
  peer.onRequest = request => peer.respond(request, sent('UPDATE').length === 1 ? 500 : 200, 'b', OURS);
  world.clock.advance(100_000);
  assert.equal(sent('UPDATE').length, 3, 'at 45, 54 and 99 s');
  assert.deepEqual([alice.heard, sent('BYE')], [[], []]);
});

test('MID-07 a peer that knows no session timer is asked whether it lives, and not ended because it refuses to say', () => {
  const { world, alice, peer, sent } = talking([['Allow', 'INVITE, UPDATE']]);
  peer.onRequest = request => peer.respond(request, 500, 'b');
  world.clock.advance(200_000);
  assert.ok(sent('UPDATE').length > 2);
  assert.deepEqual(alice.heard, []);
});

test('MID-07 where UPDATE is unknown after all the re-INVITE takes its place, with the description as it was', () => {
  for (const status of [405, 501]) {
    const { world, alice, peer, sent } = talking(OURS);
    peer.onRequest = request => {
      if (request.method === 'UPDATE') peer.respond(request, status, 'b');
      else if (request.method === 'INVITE') peer.respond(request, 200, 'b', [CONTACT, SDP, OURS[0] ?? SDP], ANSWER);
    };
    world.clock.advance(100_000);
    assert.deepEqual([sent('UPDATE').length, sent('INVITE').length], [1, 2], String(status));
    assert.equal(Buffer.from(sent('INVITE')[1]?.body ?? []).toString(), OFFER);
    assert.deepEqual(alice.heard, []);
  }
});

test('MID-07 a refresh that gave way to an offer of theirs is made up for when that is refused', () => {
  const { world, alice, peer, sent, turned } = talking([['Session-Expires', '90;refresher=uac']]);
  peer.onRequest = request => peer.respond(request, 491, 'b');
  world.clock.advance(45_500);
  assert.equal(sent('INVITE').length, 1);
  peer.send('INVITE', `sip:a@${A}`, [...turned(1, 'INVITE'), SDP], OFFER);
  world.clock.advance(50);
  alice.reoffers[0]?.reject({ status: 488, reason: 'Not Acceptable Here' });
  world.clock.advance(10_000);
  assert.equal(sent('INVITE').length, 2);
});

test('MID-07 the Allow of an 18x counts on when the 2xx has none', () => {
  const world = createWorld();
  const peer = world.peer(B);
  peer.onRequest = request => {
    if (request.method !== 'INVITE') return;
    peer.respond(request, 180, 'b', [CONTACT, ['Allow', 'INVITE, UPDATE']]);
    peer.respond(request, 200, 'b', [CONTACT, SDP, ['Session-Expires', '90;refresher=uac']], ANSWER);
  };
  world.place(world.party(A), B);
  world.clock.advance(46_000);
  assert.equal(peer.requests.at(-1)?.method, 'UPDATE');
});

test('MID-08 a 422 to a request in the dialog raises the interval, for UPDATE and re-INVITE, and later ones ask for no less', () => {
  const short = (request: SipRequest) => Number.parseInt(request.headers.get('Session-Expires') ?? '', 10) < 200;
  for (const method of ['UPDATE', 'INVITE']) {
    const { world, alice, peer, call, sent } = talking(OURS);
    peer.onRequest = request => {
      const taken: Fields = [CONTACT, ['Session-Expires', '200;refresher=uac'], ['Allow', 'INVITE, UPDATE']];
      if (request.method === 'ACK') return;
      if (short(request)) peer.respond(request, 422, 'b', [['Min-SE', '200']]);
      else peer.respond(request, 200, 'b', request.method === 'INVITE' ? [...taken, SDP] : taken, ANSWER);
    };
    if (method === 'INVITE') call.reinvite(sdp(OFFER));
    world.clock.advance(60_000);
    const said = sent(method).map(({ headers }) => [headers.get('Session-Expires'), headers.get('Min-SE')]);
    assert.deepEqual(
      said,
      [
        ['90;refresher=uac', '90'],
        ['200;refresher=uac', '200'],
      ],
      method,
    );
    world.clock.advance(100_000);
    assert.equal(sent('UPDATE').at(-1)?.headers.get('Min-SE'), '200');
    assert.deepEqual(alice.heard, method === 'INVITE' ? ['updated sdp'] : []);
  }
});

test('ORG-15 a 422 loop ends: every raise has to be one, and a challenge between does not forget it', () => {
  for (const [mins, invites] of [
    [['300', '300', '300'], 2],
    [['300', '400', '500', '600', '700'], 4],
    [['300', '401', '500'], 4],
    [['20', '20'], 1],
  ] as const) {
    const world = createWorld();
    const alice = world.party(A);
    const peer = world.peer(B);
    let tries = 0;
    peer.onRequest = request => {
      if (request.method !== 'INVITE') return;
      const min = mins[tries];
      tries += 1;
      const challenge: [string, string] = ['Proxy-Authenticate', `Digest realm="home", nonce="n${tries}", qop="auth"`];
      if (min === '401') peer.respond(request, 407, 'b', [challenge]);
      else peer.respond(request, 422, 'b', [['Min-SE', min ?? '90']]);
    };
    world.place(alice, B, {
      headers: [['Session-Expires', '90']],
      credentials: { username: 'a', password: 'p' },
    });
    world.clock.advance(2000);
    assert.equal(tries, invites, mins.join());
    assert.deepEqual(alice.heard, ['rejected 422']);
    const asked = peer.requests
      .filter(({ method }) => method === 'INVITE')
      .map(({ headers }) => headers.all('Session-Expires'));
    if (mins[1] === '401') assert.deepEqual(asked, [['90'], ['300'], ['300'], ['500']]);
  }
});

test('MID-06 the roles change hands by their re-INVITE and by the answer to ours', () => {
  const { world, alice, peer, call, sent, turned } = talking(OURS);
  call.reinvite(sdp(OFFER));
  peer.onRequest = request => {
    if (request.method === 'INVITE')
      peer.respond(
        request,
        200,
        'b',
        [CONTACT, SDP, ['Session-Expires', '90;refresher=uas'], ['Allow', 'UPDATE']],
        ANSWER,
      );
  };
  world.clock.advance(50_000);
  assert.equal(sent('UPDATE').length, 0, 'theirs now');
  const fields: Fields = [
    ['Session-Expires', '120;refresher=uas'],
    ['Supported', 'timer'],
    ['Min-SE', '100'],
  ];
  peer.send('UPDATE', `sip:a@${A}`, [...turned(1, 'UPDATE'), ...fields]);
  world.clock.advance(20);
  assert.equal(peer.responses.at(-1)?.headers.get('Session-Expires'), '120;refresher=uas');
  world.clock.advance(59_000);
  assert.equal(sent('UPDATE').length, 0);
  world.clock.advance(2000);
  const [refresh] = sent('UPDATE');
  assert.equal(refresh?.headers.get('Session-Expires'), '120;refresher=uac', 'ours again');
  assert.equal(refresh?.headers.get('Min-SE'), '100', 'the largest seen');
  assert.deepEqual([alice.heard, sent('BYE')], [['updated sdp'], []]);
});

test('MID-07 their request without Session-Expires turns the timer off', () => {
  const { world, alice, peer, call, sent, turned } = talking(OURS);
  call.update(null);
  world.clock.advance(20);
  peer.respond(sent('UPDATE')[0] as SipRequest, 200, 'b', [CONTACT, ['Session-Expires', '90;refresher=uas']]);
  world.clock.advance(20);
  peer.send('UPDATE', `sip:a@${A}`, turned(1, 'UPDATE'));
  world.clock.advance(20);
  assert.equal(peer.responses.at(-1)?.headers.has('Session-Expires'), false);
  world.clock.advance(200_000);
  assert.deepEqual([alice.heard, sent('BYE')], [[], []]);
});
