/** One contact at a registrar: counting, expiry of the own contact, 423, challenges, stale answers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWorld } from '../../test/support/agent-world.ts';
import { parseAuthValue } from './auth/auth-param.ts';
import { requestDigest, secretDigest } from './auth/digest.ts';
import type { SipRequest } from './message/message.ts';
import type { RegistrationRequest } from './user-agent-types.ts';

const A = '192.0.2.1';
const B = '192.0.2.2';
const CONTACT = `<sip:alice@${A}>`;

function bench(change: Partial<RegistrationRequest> = {}) {
  const world = createWorld();
  const alice = world.party(A);
  const peer = world.peer(B);
  const heard: string[] = [];
  const registration = alice.agent.register(
    { registrar: `sip:${B}`, aor: '<sip:alice@example.com>', contact: CONTACT, route: [], expiresS: 3600, ...change },
    {
      onRegistered: result =>
        heard.push(`registered ${result.expiresS} ${result.serviceRoute.join(' ')} ${result.associated.join(' ')}`),
      onUnregistered: () => heard.push('unregistered'),
      onRegisterFailed: failure => heard.push(`failed ${failure.response?.status ?? failure.cause}`),
    },
  );
  return { world, alice, peer, heard, registration };
}

/** Field values of the n-th REGISTER. */
function seen(requests: readonly SipRequest[], name: string): Array<string | undefined> {
  return requests.map(request => request.headers.get(name));
}

test('REG-10 the expiry is that of the own contact, found by instance, URI or Expires', () => {
  const rows: Array<[string, Array<[string, string]>, string]> = [
    [CONTACT, [['Contact', `<sip:sim@${B}>;expires=5, ${CONTACT};expires=600`]], 'registered 600  '],
    [
      CONTACT,
      [
        ['Contact', `<sip:%61lice@${A}>`],
        ['Expires', '700'],
      ],
      'registered 700  ',
    ],
    [CONTACT, [['Contact', CONTACT]], 'registered 3600  '],
    [
      `${CONTACT};+sip.instance="<urn:uuid:1>"`,
      [['Contact', '<sip:other@x.example.com>;+sip.instance="<urn:uuid:1>";expires=60']],
      'registered 60  ',
    ],
    [CONTACT, [['Contact', `<sip:sim@${B}>;expires=5`]], 'failed internal'],
    [CONTACT, [['Contact', `${CONTACT};expires=0`]], 'failed internal'],
    [CONTACT, [], 'failed internal'],
  ];
  for (const [contact, headers, result] of rows) {
    const { world, peer, heard, registration } = bench({ contact });
    peer.onRequest = request => peer.respond(request, 200, 'r', headers);
    registration.refresh(3600, []);
    world.clock.advance(20);
    assert.deepEqual(heard, [result]);
  }
});

test('REG-08 Service-Route and P-Associated-URI come in their order', () => {
  const { world, peer, heard, registration } = bench();
  peer.onRequest = request =>
    peer.respond(request, 200, 'r', [
      ['Contact', CONTACT],
      ['Service-Route', '<sip:a;lr>, <sip:b;lr>'],
      ['Service-Route', '<sip:c;lr>'],
      ['P-Associated-URI', '<sip:1@x>, <tel:+2>'],
    ]);
  registration.refresh(60, []);
  world.clock.advance(20);
  assert.deepEqual(heard, ['registered 3600 <sip:a;lr> <sip:b;lr> <sip:c;lr> sip:1@x tel:+2']);
});

test('CSeq counts on from where an earlier process stood; the end has expires 0', () => {
  const { world, peer, heard, registration } = bench({ callId: 'kept', cseq: 41 });
  peer.onRequest = request => peer.respond(request, 200, 'r', [['Contact', CONTACT]]);
  registration.refresh(60, [['X-Test', '1']]);
  world.clock.advance(20);
  registration.remove([]);
  world.clock.advance(20);
  assert.deepEqual(seen(peer.requests, 'CSeq'), ['42 REGISTER', '43 REGISTER']);
  assert.deepEqual(seen(peer.requests, 'Call-ID'), ['kept', 'kept']);
  assert.deepEqual(seen(peer.requests, 'Contact'), [`${CONTACT};expires=60`, `${CONTACT};expires=0`]);
  assert.deepEqual(seen(peer.requests, 'X-Test'), ['1', undefined]);
  assert.deepEqual(heard.at(-1), 'unregistered');
});

test('REG-12 423 is taken up once, and only when it asks for more', () => {
  for (const [minimum, sent, result] of [
    ['7200', 2, 'failed 423'],
    ['60', 1, 'failed 423'],
    ['', 1, 'failed 423'],
  ] as const) {
    const { world, peer, heard, registration } = bench();
    peer.onRequest = request => peer.respond(request, 423, 'r', minimum === '' ? [] : [['Min-Expires', minimum]]);
    registration.refresh(3600, []);
    world.clock.advance(50);
    assert.equal(peer.requests.length, sent);
    assert.deepEqual(heard, [result]);
  }
});

test('a challenge is answered with the right digest, also beside a caller’s own empty Authorization', () => {
  const { world, peer, heard, registration } = bench({ credentials: { username: 'alice', password: 'secret' } });
  peer.onRequest = request => {
    const value = parseAuthValue(request.headers.get('Authorization') ?? '');
    const given = (name: string) => value?.params.get(name) ?? '';
    const ha1 = secretDigest('SHA-256', 'alice', 'home', 'secret');
    const right = requestDigest(ha1, {
      algorithm: 'SHA-256',
      nonce: 'n1',
      method: 'REGISTER',
      uri: `sip:${B}`,
      qop: 'auth',
      nc: given('nc'),
      cnonce: given('cnonce'),
      body: new Uint8Array(0),
    });
    if (given('response') === right) peer.respond(request, 200, 'r', [['Contact', CONTACT]]);
    else
      peer.respond(request, 401, 'r', [
        ['WWW-Authenticate', 'Digest realm="home", nonce="n1", algorithm=SHA-256, qop="auth"'],
      ]);
  };
  registration.refresh(60, [
    ['Authorization', 'Digest username="alice", realm="home", uri="sip:x", nonce="", response=""'],
  ]);
  world.clock.advance(50);
  assert.deepEqual(heard, ['registered 3600  ']);
  assert.equal(peer.requests[1]?.headers.all('Authorization').length, 1);
  registration.refresh(60, []);
  world.clock.advance(50);
  assert.deepEqual(heard, ['registered 3600  ', 'registered 3600  ']);
});

test('DIG-05 the nonce a 200 names is used by the next REGISTER, once; one the server has forgotten costs one more', () => {
  const { world, peer, heard, registration } = bench({ credentials: { username: 'alice', password: 'secret' } });
  const ha1 = secretDigest('MD5', 'alice', 'home', 'secret');
  /** Nonces good for one answer each, and what the next 200 names. */
  let good: string[] = [];
  let named = '';
  let made = 0;
  const nonces = () =>
    seen(peer.requests, 'Authorization').map(value => parseAuthValue(value ?? '')?.params.get('nonce'));
  peer.onRequest = request => {
    const params = parseAuthValue(request.headers.get('Authorization') ?? '')?.params;
    const [nonce = '', nc = '', cnonce = ''] = ['nonce', 'nc', 'cnonce'].map(name => params?.get(name));
    const input = {
      algorithm: 'MD5',
      method: 'REGISTER',
      uri: `sip:${B}`,
      qop: 'auth',
      body: new Uint8Array(0),
    } as const;
    const right = requestDigest(ha1, { ...input, nonce, nc, cnonce });
    if (good.includes(nonce) && nc === '00000001' && params?.get('response') === right) {
      good = named === '' ? [] : [named];
      const info: Array<[string, string]> =
        named === '' ? [] : [['Authentication-Info', `qop=auth, nextnonce="${named}"`]];
      peer.respond(request, 200, 'r', [['Contact', CONTACT], ...info]);
    } else {
      made += 1;
      good = [`fresh${made}`];
      peer.respond(request, 401, 'r', [['WWW-Authenticate', `Digest realm="home", nonce="${good[0]}", qop="auth"`]]);
    }
  };
  const refresh = (next: string) => {
    named = next;
    peer.requests.length = 0;
    registration.refresh(60, [['Authorization', 'Digest username="alice", realm="home", nonce="", response=""']]);
    world.clock.advance(50);
    return nonces();
  };
  assert.deepEqual(refresh('n2'), ['', 'fresh1']);
  assert.deepEqual(refresh(''), ['n2'], 'answered before it was asked');
  assert.deepEqual(refresh('n3'), ['', 'fresh2'], 'and not a second time');
  good = [];
  assert.deepEqual(refresh(''), ['n3', 'fresh3']);
  assert.deepEqual(
    heard,
    Array.from({ length: 4 }, () => 'registered 3600  '),
  );
});

test('DIG-04 a wrong password is told after one try; a stale nonce is tried again', () => {
  for (const [stale, sent] of [
    ['false', 2],
    ['true', 4],
  ] as const) {
    const { world, peer, heard, registration } = bench({ credentials: { username: 'alice', password: 'wrong' } });
    let nonce = 0;
    peer.onRequest = request => {
      nonce += 1;
      peer.respond(request, 401, 'r', [['WWW-Authenticate', `Digest realm="home", nonce="n${nonce}", stale=${stale}`]]);
    };
    registration.refresh(60, []);
    world.clock.advance(100);
    assert.equal(peer.requests.length, sent, `stale=${stale}`);
    assert.deepEqual(heard, ['failed 401']);
  }
});

test('REG-07 a newer wish waits for the answer to the REGISTER before it, of which nothing is told', () => {
  for (const answered of [200, 503]) {
    const { world, peer, heard, registration } = bench();
    registration.refresh(60, []);
    registration.refresh(120, []);
    registration.remove([]);
    world.clock.advance(20);
    assert.deepEqual(seen(peer.requests, 'Expires'), ['60']);
    peer.respond(peer.requests[0] as SipRequest, answered, 'r', [['Contact', CONTACT]]);
    world.clock.advance(20);
    assert.deepEqual(seen(peer.requests, 'Expires'), ['60', '0']);
    assert.deepEqual(seen(peer.requests, 'CSeq'), ['1 REGISTER', '2 REGISTER']);
    peer.respond(peer.requests[1] as SipRequest, 200, 'r');
    world.clock.advance(20);
    assert.deepEqual(heard, ['unregistered']);
  }
});

test('a wish behind a REGISTER that nobody answers is sent when that has timed out', () => {
  const { world, peer, heard, registration } = bench();
  registration.refresh(60, []);
  world.clock.advance(20);
  registration.remove([]);
  peer.requests.length = 0;
  peer.onRequest = request => {
    if (request.headers.get('Expires') === '0') peer.respond(request, 200, 'r');
  };
  world.clock.advance(31_000);
  assert.ok(seen(peer.requests, 'Expires').every(expires => expires === '60'));
  world.clock.advance(2000);
  assert.deepEqual(heard, ['unregistered']);
});

test('silence and a name without address', () => {
  const silent = bench();
  silent.registration.refresh(60, []);
  silent.world.clock.advance(33_000);
  assert.deepEqual(silent.heard, ['failed timeout']);
  const lost = bench({ registrar: 'sip:nowhere.example.com' });
  lost.registration.refresh(60, []);
  lost.world.clock.advance(10);
  assert.deepEqual(lost.heard, ['failed no-route']);
  assert.equal(lost.alice.agent.sizes().singles, 0);
});
