/** A subscriber against a scripted notifier: the order of 2xx and NOTIFY, refreshes, refusals, ends. RFC 6665. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWorld } from '../../test/support/agent-world.ts';
import { createChallenge, createNonce, createNonceCounts, verifyAuthorization } from './auth/digest-server.ts';
import { type Locate, locateNumeric } from './locate/locator.ts';
import type { SipRequest } from './message/message.ts';
import type { Credentials } from './user-agent-types.ts';

const A = '192.0.2.1';
const B = '192.0.2.2';

function start(credentials?: Credentials, locate?: Locate) {
  const world = createWorld();
  const alice = world.party(A, locate === undefined ? {} : { locate });
  const notifier = world.peer(B);
  const told: string[] = [];
  const subscription = alice.agent.subscribe(
    {
      uri: `sip:bob@${B}`,
      from: '<sip:bob@home>',
      to: '<sip:bob@home>',
      contact: `<sip:token@${A}>`,
      route: [],
      event: 'reg',
      accept: 'application/reginfo+xml',
      expiresS: 600_000,
      headers: [['P-Asserted-Identity', '<sip:bob@home>']],
      ...(credentials === undefined ? {} : { credentials }),
    },
    {
      onNotified: request => told.push(`notified ${Buffer.from(request.body).toString()}`),
      onSubscriptionEnded: ({ reason, retryAfterS, status }) => told.push(`ended ${reason} ${retryAfterS} ${status}`),
    },
  );
  world.clock.advance(10);
  const subscribes = () => notifier.requests.filter(request => request.method === 'SUBSCRIBE');
  let seq = 0;
  function notify(state: string, body = 'x', change: Array<[string, string]> = []): number {
    seq += 1;
    const first = subscribes()[0] as SipRequest;
    const given = new Map(change);
    const headers: Array<[string, string]> = [
      ['From', given.get('From') ?? '<sip:bob@home>;tag=n1'],
      ['To', first.headers.get('From') ?? ''],
      ['Call-ID', first.headers.callId() ?? ''],
      ['CSeq', given.get('CSeq') ?? `${seq} NOTIFY`],
      ['Contact', `<sip:notifier@${B}>`],
      ['Event', given.get('Event') ?? 'reg'],
      ['Subscription-State', state],
      ['Content-Type', given.get('Content-Type') ?? 'application/reginfo+xml'],
    ];
    notifier.send('NOTIFY', `sip:token@${A}`, headers, body);
    world.clock.advance(10);
    return notifier.responses.at(-1)?.status ?? 0;
  }
  function accept(expires = '3600', request = subscribes().at(-1) as SipRequest): void {
    notifier.respond(request, 200, 'n1', [
      ['Expires', expires],
      ['Contact', `<sip:notifier@${B}>`],
    ]);
    world.clock.advance(10);
  }
  const live = () => alice.agent.sizes().subscriptions;
  return { world, notifier, told, subscription, subscribes, notify, accept, live };
}

test('EVT-02 a NOTIFY before the 2xx makes the dialog; the refresh stays in it', () => {
  const s = start();
  assert.equal(s.notify('active;expires=3600'), 200);
  s.accept();
  assert.deepEqual(s.told, ['notified x']);
  s.world.clock.advance(3_000_000);
  const again = s.subscribes().at(-1);
  assert.equal(again?.uri, `sip:notifier@${B}`);
  assert.equal(again?.headers.cseq()?.seq, 2);
  assert.equal(again?.headers.to()?.params.get('tag'), 'n1');
  assert.equal(again?.headers.get('Expires'), '600000');
});

test('a short time is refreshed at its half, and at most once a second', () => {
  const s = start();
  s.accept('10');
  s.notify('active;expires=10');
  s.world.clock.advance(4900);
  assert.equal(s.subscribes().length, 1);
  s.world.clock.advance(200);
  assert.equal(s.subscribes().length, 2);
  s.accept('0');
  s.world.clock.advance(900);
  assert.equal(s.subscribes().length, 2);
  s.world.clock.advance(200);
  assert.equal(s.subscribes().length, 3);
});

for (const [name, change, status] of [
  ['another dialog', [['From', '<sip:bob@home>;tag=fork']], 481],
  ['another event', [['Event', 'presence']], 489],
  ['another body', [['Content-Type', 'text/plain']], 415],
  ['an old CSeq', [['CSeq', '1 NOTIFY']], 500],
] as const) {
  test(`EVT-09 a NOTIFY of ${name} is refused with ${status} and changes nothing`, () => {
    const s = start();
    s.accept();
    s.notify('active');
    assert.equal(s.notify('terminated', 'y', [...change] as Array<[string, string]>), status);
    assert.deepEqual(s.told, ['notified x']);
  });
}

test('a last NOTIFY is told with its reason, then nothing is left', () => {
  const s = start();
  s.accept();
  s.notify('terminated;reason=probation;retry-after=20');
  assert.deepEqual(s.told, ['notified x', 'ended probation 20 0']);
  assert.equal(s.live(), 0);
  assert.ok(s.world.clock.drain(200_000));
});

test('a refusal ends it; 423 is raised to once', () => {
  const s = start();
  s.notifier.respond(s.subscribes()[0] as SipRequest, 423, 'n1', [['Min-Expires', '700000']]);
  s.world.clock.advance(10);
  const second = s.subscribes().at(-1) as SipRequest;
  assert.equal(second.headers.get('Expires'), '700000');
  s.notifier.respond(second, 489, 'n1');
  s.world.clock.advance(10);
  assert.deepEqual(s.told, ['ended null null 489']);
  assert.equal(s.live(), 0);
});

test('EVT-02 accepted and never told anything: over after 64*T1', () => {
  const s = start();
  s.accept();
  s.world.clock.advance(31_900);
  assert.deepEqual(s.told, []);
  s.world.clock.advance(200);
  assert.deepEqual(s.told, ['ended timeout null 0']);
});

function refuse(s: ReturnType<typeof start>, status: number, headers: Array<[string, string]> = []): void {
  s.notifier.respond(s.subscribes().at(-1) as SipRequest, status, 'n1', headers);
  s.world.clock.advance(10);
}

test('EVT-10 a refresh that the notifier fails at changes nothing until the time it gave is over, and is tried again in it', () => {
  const s = start();
  s.accept('3600');
  s.notify('active;expires=3600');
  s.world.clock.advance(3_000_000);
  assert.equal(s.subscribes().length, 2);
  refuse(s, 503);
  assert.equal(s.notify('active;expires=590', 'y'), 200);
  assert.deepEqual(s.told, ['notified x', 'notified y']);
  s.world.clock.advance(295_000);
  assert.equal(s.subscribes().length, 3);
  refuse(s, 500, [['Retry-After', '100']]);
  s.world.clock.advance(99_000);
  assert.equal(s.subscribes().at(-1)?.headers.cseq()?.seq, 3);
  s.world.clock.advance(1_000);
  assert.equal(s.subscribes().at(-1)?.headers.cseq()?.seq, 4);
  s.accept('3600');
  s.world.clock.advance(2_000_000);
  assert.deepEqual(s.told, ['notified x', 'notified y']);
  assert.equal(s.live(), 1);
});

test('EVT-10 refused until its time is over, the subscription ends with the last refusal', () => {
  const s = start();
  s.accept('600');
  s.notify('active');
  s.notifier.onRequest = request => s.notifier.respond(request, 503, 'n1', [['Retry-After', '40']]);
  s.world.clock.advance(599_000);
  assert.deepEqual(s.told, ['notified x']);
  assert.ok(s.subscribes().length > 2 && s.subscribes().length < 9);
  s.world.clock.advance(2_000);
  assert.deepEqual(s.told, ['notified x', 'ended null 40 503']);
  assert.equal(s.live(), 0);
});

for (const status of [404, 481, 489, 501]) {
  test(`EVT-10 a refresh refused with ${status} ends the subscription at once`, () => {
    const s = start();
    s.accept('600');
    s.notify('active');
    s.world.clock.advance(300_000);
    refuse(s, status);
    assert.deepEqual(s.told, ['notified x', `ended null null ${status}`]);
  });
}

test('EVT-10 a refresh that cannot be sent is one that the notifier failed at; silence ends the subscription', () => {
  let broken = false;
  // Nobody speaks TLS here.
  const locate: Locate = (uri, tell) =>
    tell(broken ? [{ transport: 'tls', host: B, port: 5061 }] : [locateNumeric(uri) ?? []].flat());
  const s = start(undefined, locate);
  s.accept('3600');
  s.notify('active');
  broken = true;
  s.world.clock.advance(3_010_000);
  assert.equal(s.subscribes().length, 1);
  assert.deepEqual(s.told, ['notified x']);
  broken = false;
  s.world.clock.advance(150_000);
  assert.equal(s.subscribes().at(-1)?.headers.get('Expires'), '600000');
  s.accept('3600');
  s.world.clock.advance(3_000_000);
  assert.deepEqual(s.told, ['notified x']);
  s.world.clock.advance(40_000);
  assert.deepEqual(s.told, ['notified x', 'ended timeout null 0']);
  assert.equal(s.live(), 0);
});

test('EVT-10 a short time is long enough for another try of its refresh', () => {
  const s = start();
  s.accept('40');
  s.notify('active');
  s.world.clock.advance(20_000);
  refuse(s, 503);
  s.world.clock.advance(5_000);
  assert.equal(s.subscribes().length, 3);
  s.accept('40');
  s.world.clock.advance(19_000);
  assert.deepEqual(s.told, ['notified x']);
  assert.equal(s.live(), 1);
});

test('EVT-10 a refresh at an odd time that fails takes nothing of the time that was granted', () => {
  const s = start();
  s.accept('3600');
  s.notify('active');
  s.world.clock.advance(100_000);
  s.notifier.onRequest = request => s.notifier.respond(request, 503, 'n1');
  s.subscription.refresh();
  s.world.clock.advance(3_490_000);
  assert.deepEqual(s.told, ['notified x']);
  s.world.clock.advance(20_000);
  assert.deepEqual(s.told, ['notified x', 'ended null null 503']);
});

test('a refresh that is asked for before the notifier has said anything is the SUBSCRIBE on its way', () => {
  const s = start();
  s.subscription.refresh();
  s.world.clock.advance(10);
  assert.equal(s.subscribes().length, 1);
});

test('DIG-04 SUBSCRIBE, refresh and un-SUBSCRIBE answer their challenges; a wrong password is told', () => {
  const key = Buffer.alloc(32, 1);
  for (const password of ['right', 'wrong']) {
    const s = start({ username: 'bob', password });
    const counts = createNonceCounts();
    s.notifier.onRequest = request => {
      const verdict = verifyAuthorization({
        authorization: request.headers.get('Authorization') ?? '',
        realm: 'home',
        method: request.method,
        uri: request.uri,
        body: request.body,
        passwordOf: () => 'right',
        key,
        nowMs: s.world.clock.now(),
        nonceLifeMs: 60_000,
        counts,
      });
      const nonce = createNonce(key, s.world.clock.now(), `${request.headers.cseq()?.seq}`);
      const challenge = createChallenge({
        realm: 'home',
        nonce,
        algorithm: 'SHA-256',
        stale: verdict.type === 'stale',
      });
      if (verdict.type === 'ok') {
        const expires = request.headers.get('Expires') === '0' ? '0' : '3600';
        s.notifier.respond(request, 200, 'n1', [
          ['Expires', expires],
          ['Contact', `<sip:notifier@${B}>`],
        ]);
      } else s.notifier.respond(request, 401, 'n1', [['WWW-Authenticate', challenge]]);
    };
    s.world.clock.advance(0);
    const [first] = s.subscribes();
    assert.ok(first);
    s.notifier.onRequest(first);
    s.world.clock.advance(50);
    if (password === 'wrong') {
      assert.deepEqual(s.told, ['ended null null 401']);
      continue;
    }
    s.notify('active');
    s.world.clock.advance(3_000_000);
    s.subscription.end();
    s.world.clock.advance(50);
    assert.deepEqual(
      s.subscribes().map(({ headers }) => [headers.cseq()?.seq, headers.get('Expires'), headers.has('Authorization')]),
      [
        [1, '600000', false],
        [2, '600000', true],
        [3, '600000', false],
        [4, '600000', true],
        [5, '0', false],
        [6, '0', true],
      ],
    );
    assert.deepEqual(s.told, ['notified x']);
    s.notify('terminated');
    assert.equal(s.live(), 0);
  }
});

test('our end is an un-SUBSCRIBE: the last NOTIFY is taken and not told', () => {
  const s = start();
  s.accept();
  s.notify('active');
  s.subscription.end();
  s.world.clock.advance(10);
  assert.equal(s.subscribes().at(-1)?.headers.get('Expires'), '0');
  s.accept('0');
  assert.equal(s.notify('terminated;reason=timeout'), 200);
  assert.deepEqual(s.told, ['notified x']);
  assert.equal(s.live(), 0);
});

/** Expires of each SUBSCRIBE, its copies left out. */
function asked({ subscribes }: ReturnType<typeof start>): unknown[] {
  const bySeq = new Map(subscribes().map(({ headers }) => [headers.cseq()?.seq, headers.get('Expires')]));
  return [...bySeq.values()];
}

test('EVT-14 an un-SUBSCRIBE that is refused for now is sent again, when the notifier wants, and tells nothing', () => {
  const s = start();
  s.accept();
  s.notify('active;expires=3600');
  s.subscription.end();
  s.world.clock.advance(10);
  s.notifier.respond(s.subscribes().at(-1) as SipRequest, 503, 'n1', [['Retry-After', '200']]);
  s.world.clock.advance(199_000);
  assert.equal(s.notify('active;expires=3400'), 200, 'the subscription is still there');
  assert.deepEqual(asked(s), ['600000', '0']);
  s.world.clock.advance(2000);
  assert.deepEqual(asked(s), ['600000', '0', '0']);
  s.accept('0');
  s.notify('terminated;reason=timeout');
  assert.deepEqual([s.told, s.live()], [['notified x'], 0]);
  s.world.clock.advance(40_000);
  assert.equal(s.world.clock.running, 0);
});

test('EVT-14 an un-SUBSCRIBE is tried as often as a refresh, and a NOTIFY behind that gets 481', () => {
  const s = start();
  s.accept();
  s.notify('active;expires=3600');
  s.notifier.onRequest = request => s.notifier.respond(request, 503, 'n1');
  s.subscription.end();
  s.world.clock.advance(3_000_000);
  const sent = asked(s).length - 1;
  assert.ok(sent > 2 && sent < 6, `${sent} un-SUBSCRIBEs`);
  assert.deepEqual([s.live(), s.world.clock.running], [0, 0]);
  assert.equal(s.notify('active;expires=600'), 481);
  assert.deepEqual(s.told, ['notified x']);
});

test('EVT-14 an un-SUBSCRIBE in silence, or to a notifier that has lost the dialog, is the end', () => {
  for (const status of [null, 481]) {
    const s = start();
    s.accept();
    s.notify('active;expires=3600');
    if (status !== null) s.notifier.onRequest = request => s.notifier.respond(request, status, 'n1');
    s.subscription.end();
    s.world.clock.advance(40_000);
    assert.deepEqual([s.live(), s.world.clock.running], [0, 0]);
    assert.equal(s.notify('active;expires=600'), 481);
  }
});

test('EVT-14 what the first SUBSCRIBE is granted after the end is left too, when its un-SUBSCRIBE is refused', () => {
  const s = start();
  s.subscription.end();
  s.accept();
  s.notifier.respond(s.subscribes().at(-1) as SipRequest, 503, 'n1', [['Retry-After', '5']]);
  s.world.clock.advance(151_000);
  assert.deepEqual(asked(s), ['600000', '0', '0']);
});

test('ended before the 2xx: the un-SUBSCRIBE follows it, and a silent notifier is not waited for', () => {
  const s = start();
  s.subscription.end();
  s.accept();
  assert.equal(s.subscribes().at(-1)?.headers.get('Expires'), '0');
  s.accept('0');
  s.world.clock.advance(33_000);
  assert.equal(s.live(), 0);
  assert.deepEqual(s.told, []);
});
