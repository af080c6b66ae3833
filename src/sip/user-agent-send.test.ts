/** Fail-over: the next server is tried with a branch of its own, and only when the first one did nothing. RFC 3263 4.3. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWorld, type Party, type Peer, sdp, type World } from '../../test/support/agent-world.ts';
import { createTargetHealth, type TargetHealth } from './locate/target-health.ts';
import type { SipRequest } from './message/message.ts';
import type { Target } from './transaction/types.ts';
import type { SingleUser } from './user-agent-types.ts';

const A = '192.0.2.1';
const udp = (host: string): Target => ({ transport: 'udp', host, port: 5060 });
/** Nobody speaks TLS on the fake network: a target that fails at once. */
const broken: Target = { transport: 'tls', host: '192.0.2.99', port: 5061 };

interface Bench {
  world: World;
  agent: Party;
  peers: Peer[];
  health: TargetHealth;
  changes: string[];
  /** Sends an OPTIONS; what came of it is written down. */
  options(): string[];
}

/** An agent whose every request may go to the given targets; each numbered host is a peer. */
function bench(targets: Target[]): Bench {
  const world = createWorld();
  const changes: string[] = [];
  let drawn = 0;
  const health = createTargetHealth(
    world.clock.now,
    (target, up) => changes.push(`${target.host} ${up ? 'up' : 'down'}`),
    () => {
      drawn += 1;
      return (drawn % 10) / 10;
    },
    (target, percent) => changes.push(`${target.host} ${percent} % less`),
  );
  const agent = world.party(A, { locate: (_uri, tell) => tell(targets), health, patienceMs: 4000 });
  const peers = targets.map(({ host }) => world.peer(host));
  function options(): string[] {
    const heard: string[] = [];
    const user: SingleUser = {
      onFinal: response => heard.push(`${response.status} ${response.headers.get('Retry-After') ?? ''}`.trim()),
      onFailure: cause => heard.push(cause),
    };
    const uri = 'sip:core.example';
    agent.agent.request({ method: 'OPTIONS', uri, from: `<${uri}>`, to: `<${uri}>`, route: [], headers: [] }, user);
    return heard;
  }
  return { world, agent, peers, health, changes, options };
}

function answering(peer: Peer | undefined, status: number, headers: Array<[string, string]> = []): void {
  if (peer !== undefined) peer.onRequest = request => peer.respond(request, status, `t${status}`, headers);
}

const branchOf = (request: SipRequest | undefined) => request?.headers.via()?.params.get('branch');
const idOf = (request: SipRequest | undefined) => request?.headers.get('Call-ID');

test('ORG-19 a 503 sends the INVITE to the next server, as the same call under a new branch', () => {
  const { world, agent, peers } = bench([udp('192.0.2.2'), udp('192.0.2.3')]);
  answering(peers[0], 503);
  answering(peers[1], 486);
  world.place(agent, 'core.example', { body: sdp('x') });
  world.clock.advance(1000);
  const [first, second] = [peers[0]?.requests[0], peers[1]?.requests[0]];
  assert.equal(idOf(first), idOf(second));
  assert.equal(first?.headers.get('CSeq'), second?.headers.get('CSeq'));
  assert.notEqual(branchOf(first), branchOf(second));
  assert.deepEqual(agent.heard, ['rejected 486']);
  assert.deepEqual(
    peers[0]?.requests.map(({ method }) => method),
    ['INVITE', 'ACK'],
  );
});

test('ORG-19 a server that cannot be reached is passed over', () => {
  const { world, peers, options } = bench([broken, udp('192.0.2.3')]);
  answering(peers[1], 200);
  const heard = options();
  world.clock.advance(100);
  assert.deepEqual(heard, ['200']);
});

test('ORG-19 silence sends a request on, and the late answer of the first server is not heard', () => {
  const { world, peers, options, changes } = bench([udp('192.0.2.2'), udp('192.0.2.3')]);
  const heard = options();
  world.clock.advance(3900);
  assert.equal(peers[1]?.requests.length, 0);
  answering(peers[1], 200);
  world.clock.advance(200);
  assert.deepEqual(heard, ['200']);
  const late = peers[0]?.requests[0];
  if (late !== undefined) peers[0]?.respond(late, 404, 't');
  world.clock.advance(100_000);
  assert.deepEqual(heard, ['200']);
  assert.deepEqual(changes, ['192.0.2.2 down', '192.0.2.2 up']);
  assert.equal(world.clock.running, 0);
});

test('ORG-19 a call stays with the server that has said anything of it', () => {
  const { world, agent, peers } = bench([udp('192.0.2.2'), udp('192.0.2.3')]);
  answering(peers[0], 180);
  world.place(agent, 'core.example');
  world.clock.advance(10_000);
  const invite = peers[0]?.requests[0];
  if (invite !== undefined) peers[0]?.respond(invite, 503, 't180');
  world.clock.advance(1000);
  assert.equal(peers[1]?.requests.length, 0);
  assert.deepEqual(agent.heard, ['progress 180 -', 'rejected 503']);
});

test('ORG-19 a server given up that answers the call all the same is one fork of it', () => {
  const { world, agent, peers } = bench([udp('192.0.2.2'), udp('192.0.2.3')]);
  const call = world.place(agent, 'core.example');
  world.clock.advance(4100);
  const [first, second] = [peers[0]?.requests[0], peers[1]?.requests[0]];
  assert.ok(first !== undefined && second !== undefined);
  peers[1]?.respond(second, 200, 'second', [['Contact', '<sip:x@192.0.2.3>']]);
  world.clock.advance(100);
  assert.deepEqual(agent.heard, ['answered -']);
  peers[0]?.respond(first, 200, 'first', [['Contact', '<sip:x@192.0.2.2>']]);
  world.clock.advance(100);
  const all = peers.flatMap(peer => peer.requests.map(({ method }) => method));
  assert.equal(all.filter(method => method === 'ACK').length, 2);
  assert.equal(all.filter(method => method === 'BYE').length, 1);
  assert.deepEqual(agent.heard, ['answered -']);
  call.end();
  world.clock.advance(100_000);
  assert.equal(agent.agent.sizes().calls, 0);
});

test('ORG-19 a server given up that answers first has the call, and the next one stops ringing', () => {
  const { world, agent, peers } = bench([udp('192.0.2.2'), udp('192.0.2.3')]);
  const [first, second] = peers;
  assert.ok(first !== undefined && second !== undefined);
  second.onRequest = request => {
    if (request.method === 'INVITE') second.respond(request, 180, 'two');
    if (request.method === 'CANCEL') second.respond(request, 200, 'two');
  };
  world.place(agent, 'core.example', { body: sdp('x') });
  world.clock.advance(5000);
  const asked = first.requests[0];
  assert.ok(asked !== undefined);
  first.respond(asked, 200, 'one', [['Contact', '<sip:one@192.0.2.2>']]);
  world.clock.advance(1000);
  assert.ok(second.requests.some(({ method }) => method === 'CANCEL'));
  assert.ok(first.requests.some(({ method }) => method === 'ACK'));
});

test('ORG-19 a cancelled call tries no further server', () => {
  const { world, agent, peers } = bench([udp('192.0.2.2'), udp('192.0.2.3')]);
  const call = world.place(agent, 'core.example');
  world.clock.advance(1000);
  call.end();
  world.clock.advance(60_000);
  assert.equal(peers[1]?.requests.length, 0);
  assert.deepEqual(agent.heard, ['rejected timeout']);
});

test('ORG-19 the number of tries is bounded', () => {
  const { world, peers, options } = bench(Array.from({ length: 12 }, (_, i) => udp(`192.0.2.${i + 10}`)));
  for (const peer of peers) answering(peer, 503);
  const heard = options();
  world.clock.advance(60_000);
  assert.deepEqual(heard, ['503']);
  assert.equal(peers.filter(({ requests }) => requests.length > 0).length, 5);
});

test('a server that failed is tried last for half a minute', () => {
  const { world, peers, options, health } = bench([udp('192.0.2.2'), udp('192.0.2.3')]);
  answering(peers[1], 200);
  health.failed(udp('192.0.2.2'), null);
  options();
  world.clock.advance(100);
  assert.deepEqual(
    peers.map(({ requests }) => requests.length),
    [0, 1],
  );
  world.clock.advance(30_000);
  answering(peers[0], 200);
  options();
  world.clock.advance(100);
  assert.deepEqual(
    peers.map(({ requests }) => requests.length),
    [1, 1],
  );
});

test('Retry-After of the only server is obeyed: nothing is sent, the caller hears the same again', () => {
  const { world, peers, options } = bench([udp('192.0.2.2')]);
  answering(peers[0], 503, [['Retry-After', '20']]);
  const refused = options();
  world.clock.advance(100);
  assert.deepEqual(refused, ['503 20']);
  const held = options();
  world.clock.advance(5000);
  assert.deepEqual(held, ['503 20']);
  assert.equal(peers[0]?.requests.length, 1);
  world.clock.advance(15_000);
  answering(peers[0], 200);
  const again = options();
  world.clock.advance(100);
  assert.deepEqual(again, ['200']);
});

test('a Retry-After of a day holds five minutes', () => {
  const { world, peers, options } = bench([udp('192.0.2.2')]);
  answering(peers[0], 503, [['Retry-After', '86400']]);
  options();
  world.clock.advance(299_000);
  const held = options();
  world.clock.advance(2000);
  assert.deepEqual(held, ['503 2']);
  answering(peers[0], 200);
  const again = options();
  world.clock.advance(100);
  assert.deepEqual(again, ['200']);
});

test('a server that asked to be left alone still gets emergency calls', () => {
  const { world, agent, peers, health } = bench([udp('192.0.2.2')]);
  health.failed(udp('192.0.2.2'), 60);
  world.place(agent, 'core.example', { uri: 'urn:service:sos', route: ['<sip:core.example;lr>'] });
  world.clock.advance(100);
  assert.equal(peers[0]?.requests[0]?.uri, 'urn:service:sos');
});

test('a BYE goes out although its server asked to be left alone', () => {
  const { world, agent, peers, health } = bench([udp('192.0.2.2')]);
  const call = world.place(agent, 'core.example');
  world.clock.advance(100);
  const invite = peers[0]?.requests[0];
  if (invite !== undefined) peers[0]?.respond(invite, 200, 't', [['Contact', '<sip:x@192.0.2.2>']]);
  world.clock.advance(100);
  health.failed(udp('192.0.2.2'), 60);
  call.end();
  world.clock.advance(100);
  assert.deepEqual(
    peers[0]?.requests.map(({ method }) => method),
    ['INVITE', 'ACK', 'BYE'],
  );
});

test('nobody behind the target answering is not its fault', () => {
  const { world, changes, options } = bench([udp('192.0.2.2')]);
  const heard = options();
  world.clock.advance(40_000);
  assert.deepEqual(heard, ['timeout']);
  assert.deepEqual(changes, []);
});

test('a next hop that is found later is used then; a call cancelled before that was never sent', () => {
  const world = createWorld();
  const waiting: Array<(targets: readonly Target[]) => void> = [];
  const agent = world.party(A, { locate: (_uri, tell) => void waiting.push(tell) });
  const peer = world.peer('192.0.2.2');
  world.place(agent, 'slow.example');
  world.place(agent, 'slow.example').end();
  world.place(agent, 'slow.example');
  world.clock.advance(100);
  for (const [i, tell] of waiting.entries()) tell(i < 2 ? [udp('192.0.2.2')] : []);
  world.clock.advance(100);
  assert.equal(peer.requests.length, 1);
  assert.deepEqual(agent.heard.sort(), ['rejected cancelled', 'rejected no-route']);
});

test('TRN-09 a server that wants fewer requests gets fewer new ones, for as long as it says', () => {
  const { world, peers, options, agent, changes } = bench([udp('192.0.2.2')]);
  const [peer] = peers;
  assert.ok(peer);
  let words = 'oc=40;oc-algo="loss";oc-validity=60000;oc-seq=1.5';
  peer.onRequest = request => {
    if (request.method === 'ACK') return;
    request.headers.set('Via', `${request.headers.get('Via')};${words}`);
    peer.respond(request, 200, 't', [
      ['Contact', '<sip:b@192.0.2.2>'],
      ['Content-Type', 'application/sdp'],
    ]);
  };
  const ask = (times: number) => {
    const outcomes: string[][] = [];
    for (let i = 0; i < times; i += 1) outcomes.push(options());
    world.clock.advance(100);
    return outcomes.flat().filter(outcome => outcome !== '200');
  };
  assert.deepEqual(ask(1), []);
  assert.deepEqual(changes, ['192.0.2.2 40 % less']);
  assert.deepEqual(ask(10), Array(4).fill('503 1'));
  world.place(agent, 'core.example', { uri: 'urn:service:sos' });
  world.clock.advance(100);
  assert.equal(peer.requests.at(-1)?.method, 'ACK', 'an emergency call goes whatever it says');
  words = 'oc=0;oc-algo="loss";oc-validity=0;oc-seq=1.4';
  assert.equal(ask(10).length, 4, 'an older word is not obeyed');
  words = 'oc=0;oc-algo="loss";oc-validity=0;oc-seq=2';
  world.clock.advance(1000);
  ask(10);
  assert.deepEqual(ask(10), []);
});

/** A registration whose servers are these; what it hears is written down. */
function registering(b: Bench) {
  const heard: string[] = [];
  const registration = b.agent.agent.register(
    {
      registrar: 'sip:core.example',
      aor: '<sip:a@core.example>',
      contact: `<sip:a@${A}>`,
      route: [],
      expiresS: 600,
    },
    {
      onRegistered: ({ expiresS }) => heard.push(`registered ${expiresS}`),
      onUnregistered: () => heard.push('unregistered'),
      onRegisterFailed: ({ response, cause }) => heard.push(`failed ${response?.status ?? '-'} ${cause ?? '-'}`),
    },
  );
  return { heard, registration };
}

const granting = (peer: Peer | undefined, expiresS: number) =>
  answering(peer, 200, [['Contact', `<sip:a@${A}>;expires=${expiresS}`]]);
const cseqsOf = (peer: Peer | undefined) => peer?.requests.map(request => request.headers.cseq()?.seq);

test('REG-24 what an entry point answered is told when those behind it say nothing', () => {
  const b = bench([udp('192.0.2.2'), udp('192.0.2.3')]);
  answering(b.peers[0], 500);
  const { heard, registration } = registering(b);
  registration.refresh(600, []);
  b.world.clock.advance(40_000);
  assert.deepEqual(heard, ['failed 500 timeout']);
  assert.ok(b.peers[1]?.requests.length);
  answering(b.peers[0], 503, [['Retry-After', '7']]);
  const options = b.options();
  b.world.clock.advance(40_000);
  assert.deepEqual(options, ['503 7']);
});

test('ORG-19 a call that rang behind the second server ends as that server says, not as the first one did', () => {
  const { world, agent, peers } = bench([udp('192.0.2.2'), broken, udp('192.0.2.3')]);
  answering(peers[0], 503);
  answering(peers[2], 180);
  world.place(agent, 'core.example');
  world.clock.advance(1000);
  peers[2]?.respond(peers[2].requests[0] as SipRequest, 486, 't180');
  world.clock.advance(1000);
  assert.deepEqual(agent.heard, ['progress 180 -', 'rejected 486']);
});

test('REG-24 a refusal tells whether an entry point asked before, or behind, has not answered: it may have bound the contact', () => {
  const silent = () => {};
  const refusing = (status: number) => (peer: Peer | undefined) => answering(peer, status);
  for (const [first, second, word] of [
    [silent, refusing(500), 'failed 500 timeout'],
    [silent, refusing(403), 'failed 403 timeout'],
    [refusing(503), silent, 'failed 503 timeout'],
    [refusing(503), refusing(403), 'failed 403 -'],
    [silent, silent, 'failed - timeout'],
  ] as const) {
    const b = bench([udp('192.0.2.2'), udp('192.0.2.3')]);
    first(b.peers[0]);
    second(b.peers[1]);
    const { heard, registration } = registering(b);
    registration.refresh(600, []);
    b.world.clock.advance(80_000);
    assert.deepEqual(heard, [word]);
    assert.equal(b.world.clock.running, 0);
  }
  const b = bench([broken, udp('192.0.2.3')]);
  answering(b.peers[1], 403);
  const { heard, registration } = registering(b);
  registration.refresh(600, []);
  b.world.clock.advance(1000);
  assert.deepEqual(heard, ['failed 403 transport']);
});

test('REG-24 what a server that was given up refuses later leaves nothing open', () => {
  const b = bench([udp('192.0.2.2'), udp('192.0.2.3')]);
  const { heard, registration } = registering(b);
  registration.refresh(600, []);
  b.world.clock.advance(4100);
  const [first, second] = b.peers;
  assert.ok(first !== undefined && second !== undefined);
  first.respond(first.requests[0] as SipRequest, 500, 't');
  b.world.clock.advance(10);
  second.respond(second.requests[0] as SipRequest, 403, 't');
  b.world.clock.advance(10);
  assert.deepEqual(heard, ['failed 403 -']);
});

test('REG-24 each entry point gets a REGISTER of the same Call-ID with a CSeq of its own', () => {
  const b = bench([udp('192.0.2.2'), udp('192.0.2.3'), udp('192.0.2.4')]);
  answering(b.peers[0], 408);
  granting(b.peers[2], 600);
  const { heard, registration } = registering(b);
  registration.refresh(600, []);
  b.world.clock.advance(4500);
  assert.deepEqual(b.peers.map(cseqsOf), [[1], [2, 2, 2, 2], [3]]);
  assert.equal(new Set(b.peers.map(peer => idOf(peer.requests[0]))).size, 1);
  registration.refresh(600, []);
  b.world.clock.advance(100);
  assert.deepEqual(cseqsOf(b.peers[2]), [3, 4]);
  assert.deepEqual(heard, ['registered 600', 'registered 600']);
});

test('REG-24 an entry point that refused what the next one took is not the first one asked at the next refresh', () => {
  const b = bench([udp('192.0.2.2'), udp('192.0.2.3')]);
  answering(b.peers[0], 500);
  granting(b.peers[1], 600);
  const { registration } = registering(b);
  for (let i = 0; i < 3; i += 1) {
    registration.refresh(600, []);
    b.world.clock.advance(100);
  }
  assert.deepEqual(b.peers.map(cseqsOf), [[1], [2, 3, 4]]);
  assert.deepEqual(b.changes, ['192.0.2.2 down']);
});

test('REG-24 what all entry points refuse says nothing against one of them', () => {
  const b = bench([udp('192.0.2.2'), udp('192.0.2.3')]);
  for (const peer of b.peers) answering(peer, 500);
  const { heard, registration } = registering(b);
  registration.refresh(600, []);
  b.world.clock.advance(100);
  assert.deepEqual(heard, ['failed 500 -']);
  assert.deepEqual(b.changes, []);
});

test('REG-24 the late 200 of an entry point that was given up counts when the next one says nothing, or refuses', () => {
  for (const [second, word] of [
    [(_b: Bench) => {}, 'registered 600'],
    [(b: Bench) => answering(b.peers[1], 502), 'registered 600'],
    [(b: Bench) => answering(b.peers[1], 403), 'registered 600'],
    [(b: Bench) => answering(b.peers[1], 401), 'registered 600'],
    [(b: Bench) => granting(b.peers[1], 60), 'registered 60'],
  ] as const) {
    const b = bench([udp('192.0.2.2'), udp('192.0.2.3')]);
    const { heard, registration } = registering(b);
    registration.refresh(600, []);
    b.world.clock.advance(4050);
    const [first] = b.peers;
    first?.respond(first.requests[0] as SipRequest, 200, 't', [['Contact', `<sip:a@${A}>;expires=600`]]);
    b.world.clock.advance(10);
    assert.deepEqual(heard, []);
    second(b);
    b.world.clock.advance(5000);
    assert.deepEqual(heard, [word]);
    b.world.clock.advance(40_000);
    assert.equal(b.world.clock.running, 0);
  }
});

test('REG-24 an entry point that was given up gets no more copies once another has answered', () => {
  const b = bench([udp('192.0.2.2'), udp('192.0.2.3')]);
  granting(b.peers[1], 600);
  const { heard, registration } = registering(b);
  registration.refresh(600, []);
  b.world.clock.advance(4200);
  assert.deepEqual(heard, ['registered 600']);
  const copies = b.peers[0]?.requests.length;
  b.world.clock.advance(40_000);
  assert.equal(b.peers[0]?.requests.length, copies);
  assert.equal(b.agent.layer.size, 0);
});
