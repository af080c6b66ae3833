/** A peer that challenges every request of a call: each is answered, whatever its method. RFC 3261 22. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANSWER, createWorld, OFFER, sdp } from '../../test/support/agent-world.ts';
import type { SipRequest } from './message/message.ts';

const A = '192.0.2.1';
const B = '192.0.2.2';
const CONTACT: [string, string] = ['Contact', `<sip:far@${B}>`];
const ALLOW: [string, string] = ['Allow', 'INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, INFO'];
const SDP: [string, string] = ['Content-Type', 'application/sdp'];

/** Alice, and a far end that challenges what comes without credentials, and answers the rest. */
function start() {
  const world = createWorld();
  const alice = world.party(A);
  const far = world.peer(B);
  const seen: string[] = [];
  let nonces = 0;
  const reliable = (request: SipRequest, rseq: number) =>
    far.respond(request, 183, 'far', [CONTACT, ALLOW, SDP, ['Require', '100rel'], ['RSeq', String(rseq)]], ANSWER);
  let answer = (_request: SipRequest) => {};
  far.onRequest = request => {
    const proved = request.headers.has('Proxy-Authorization');
    seen.push(`${request.method}${proved ? ' proved' : ''}`);
    if (request.method === 'ACK' || request.method === 'CANCEL') return;
    if (proved) {
      answer(request);
      return;
    }
    nonces += 1;
    const challenge = `Digest realm="far", nonce="n${nonces}", algorithm=SHA-256, qop="auth"`;
    far.respond(request, 407, 'far', [['Proxy-Authenticate', challenge]]);
  };
  const call = world.place(alice, B, { credentials: { username: 'alice', password: 'secret' } });
  const then = (next: (request: SipRequest) => void, wish: () => void = () => {}) => {
    seen.length = 0;
    answer = next;
    wish();
    world.clock.advance(100);
    return [...seen];
  };
  const ok = (request: SipRequest) => far.respond(request, 200, 'far', [CONTACT, ALLOW, SDP], ANSWER);
  return { world, alice, far, call, then, ok, reliable };
}

test('DIG-04 INVITE, PRACK, UPDATE, re-INVITE, INFO and BYE answer their challenges', () => {
  const { then, ok, call, reliable, alice, far } = start();
  let invite: SipRequest | null = null;
  const ring = then(request => {
    if (request.method === 'INVITE') {
      invite = request;
      reliable(request, 1);
    } else far.respond(request, 200, 'far');
  });
  assert.deepEqual(ring, ['INVITE', 'ACK', 'INVITE proved', 'PRACK', 'PRACK proved']);
  assert.ok(invite !== null);
  const early = then(ok, () => assert.ok(call.update(sdp(OFFER), [], 'far')));
  assert.deepEqual(early, ['UPDATE', 'UPDATE proved']);
  assert.deepEqual(
    then(ok, () => invite !== null && ok(invite)),
    ['ACK proved'],
  );
  assert.deepEqual(
    then(ok, () => assert.ok(call.update(sdp(OFFER)))),
    ['UPDATE', 'UPDATE proved'],
  );
  assert.deepEqual(
    then(ok, () => assert.ok(call.reinvite(sdp(OFFER)))),
    ['INVITE', 'ACK', 'INVITE proved', 'ACK proved'],
  );
  const info = { contentType: 'application/dtmf-relay', content: 'Signal=1' };
  assert.deepEqual(
    then(ok, () => assert.ok(call.info(info))),
    ['INFO', 'INFO proved'],
  );
  assert.deepEqual(
    then(ok, () => assert.ok(call.info(info))),
    ['INFO', 'INFO proved'],
  );
  assert.deepEqual(
    then(ok, () => call.end()),
    ['BYE', 'BYE proved'],
  );
  assert.equal(alice.agent.sizes().calls, 0);
});

test('DIG-04 the PRACK of a reliable response to a re-INVITE answers its challenge', () => {
  const { then, ok, call, reliable, far } = start();
  then(ok);
  const seen = then(
    request => {
      if (request.method === 'INVITE') reliable(request, 7);
      else far.respond(request, 200, 'far');
    },
    () => assert.ok(call.reinvite(sdp(OFFER))),
  );
  assert.deepEqual(seen, ['INVITE', 'ACK', 'INVITE proved', 'PRACK', 'PRACK proved']);
});

test('DIG-04 the BYE to a fork that answers second answers its challenge', () => {
  const { then, ok, far, world } = start();
  let invite: SipRequest | null = null;
  then(request => {
    invite = request;
    ok(request);
  });
  assert.ok(invite !== null);
  const request: SipRequest = invite;
  const seen = then(
    bye => far.respond(bye, 200, 'second'),
    () => far.respond(request, 200, 'second', [CONTACT, SDP], ANSWER),
  );
  assert.deepEqual(seen, ['ACK proved', 'BYE', 'BYE proved']);
  world.clock.advance(1000);
});
