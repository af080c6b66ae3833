/** Every reachable state of a call: set up out, set up in on two devices, and answered; what must hold in each. IMS digest 3 to 5. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, EMPTY, fire, give, identityOf, type Node } from '../../test/support/core-model.ts';
import { ALICE, BOB, device, principal } from '../../test/support/core-story.ts';
import { browserOffer, HOME, imsSdp } from '../../test/support/core-world.ts';
import { SCALE } from '../../test/support/scale.ts';
import { walk } from '../../test/support/walk.ts';
import type { Call, Leg } from './call.ts';
import type { CallId, MediaSessionId, Ref, RegistrationId } from './ids.ts';
import type { ImsInput, Input } from './input.ts';
import { coreSettings } from './settings.ts';
import type { CallStatus, EarlyMedia, Outcome } from './words.ts';

type Step = readonly [name: string, step: () => Node];

/** Nodes that are walked, the nearest to the start first; 50,000 are all of them. */
const LIMIT = Number(process.env['LINESIDE_TEST_NODES'] ?? (SCALE > 1 ? 2500 : 1000));
/** Inputs that may wait at once for the media plane. */
const MAX_DEFERRED = 1;
const SETTINGS = coreSettings(HOME, { emergency: { enabled: true } });
const WHO = { who: principal(ALICE), correlator: 'c' };
const FAR_A = imsSdp();
const FAR_B = imsSdp('sendrecv', 4002);
const FAR_HOLDS = imsSdp('sendonly');
/** Refs of the far end's re-INVITEs: the Mw side's own numbers. */
const FAR_REF = 900 as Ref;

const outcome = (code: number): Outcome => ({ code, phrase: 'P', q850: null, local: null, reason: null });
const STATS_SIDE = { packets: 1, bytes: 1, lost: null, jitterMs: null, farLost: null, roundTripMs: null, mos: null };
const STATS = { codec: null, path: null, oneWay: null, fromWeb: STATS_SIDE, fromIms: STATS_SIDE };

function callOf({ registry }: Node): Call | undefined {
  return [...registry.calls.values()][0];
}

/** What each phase waits for. */
function rest(node: Node): Node {
  const call = callOf(node);
  if (call === undefined) return gone(node);
  const { phase, op, update, asked, deferred, timers, emergency } = call;
  if (phase !== 'closing')
    assert.equal(op !== null, timers.has('media-op'), `${phase}: work and its guard belong together`);
  assert.equal(update !== null, timers.has('reoffer-guard'), 'a re-INVITE and its guard belong together');
  assert.equal(asked !== null, timers.has('browser-agrees'), 'a question to the browser and its guard belong together');
  if (op === null) assert.equal(deferred.length, 0, 'what waited for the media plane is taken up');
  const awaited: Record<Call['phase'], boolean> = {
    offering: op !== null || timers.has('caller-ready'),
    inviting: emergency || timers.has('originate-guard'),
    alerting: timers.has('ring-guard'),
    announcing: timers.has('announcement-web'),
    answering: op !== null,
    talking: emergency || timers.has('max-duration'),
    cancelling: timers.has('originate-guard'),
    closing: timers.has('media-op') && node.media === 'released',
  };
  assert.ok(awaited[phase], `${phase} waits for nothing`);
  if (phase === 'talking') assert.equal(node.line, 'answered', 'talking, and the network was not answered');
  if (phase === 'closing') for (const leg of call.legs) assert.ok(leg.final !== null, 'a leg is left over');
  return node;
}

/** After the call: each side knows, nothing is kept but the records. */
function gone(node: Node): Node {
  assert.ok(node.line === 'over' || node.line === 'none', 'the network still has a call');
  assert.notEqual(node.media, 'live', 'the media plane still has a call');
  assert.equal(node.registry.legs.size, 0);
  for (const [id, { final }] of Object.entries(node.told)) {
    assert.ok(final, 'a session without an end');
    assert.ok(node.records.includes(id as MediaSessionId), 'a session without a record');
  }
  return node;
}

const play = (node: Node, input: Input) => () => rest(give(node, input, SETTINGS));

/** What the media plane may say. */
function* mediaSteps(node: Node, call: Call): Iterable<Step> {
  const { work } = node;
  const owner = call.id;
  if (work !== null) {
    const { ref, type, legs } = work;
    if (legs.length > 0) {
      const offers = legs.map(leg => ({ leg, sdp: browserOffer('g') }));
      yield ['offers', play(node, { type: 'media-offers', owner, ref, offers, answer: null })];
    } else
      yield [
        'ready',
        play(node, { type: 'media-ready', owner, ref, sdp: type === 'media.reoffer' ? 'again' : 'ready' }),
      ];
    yield ['failed', play(node, { type: 'media-failed', owner, ref, failure: 'no-codec' })];
    if (type === 'media.reoffer') yield ['asks', play(node, { type: 'media-asks', owner, ref, sdp: 'asks' })];
  }
  if (node.media === 'live') yield ['media lost', play(node, { type: 'media-lost', owner, cause: 'web' })];
  if (node.media === 'released') yield ['totals', play(node, { type: 'media-stats', owner, stats: STATS })];
}

function* timerSteps(node: Node, call: Call): Iterable<Step> {
  for (const timer of node.timers)
    if (timer.owner === call.id) yield [`timer ${timer.name}`, () => rest(fire(node, timer, SETTINGS))];
}

function* putSteps(
  node: Node,
  legs: readonly Leg[],
  puts: ReadonlyArray<[CallStatus, { offer?: string; answer?: string }]>,
): Iterable<Step> {
  for (const { id: mediaSessionId } of legs) {
    for (const [status, { offer = null, answer = null }] of canWait(node) ? puts : []) {
      const request = { type: 'put-status', ...WHO, mediaSessionId, status, offer, answer, location: null } as const;
      yield [
        `${mediaSessionId} ${status} ${offer?.length ?? ''} ${answer?.length ?? ''}`,
        () => rest(ask(node, request, SETTINGS)),
      ];
    }
    const request = { type: 'end-session', ...WHO, mediaSessionId } as const;
    yield [`${mediaSessionId} DELETE`, () => rest(ask(node, request, SETTINGS))];
  }
}

function canWait(node: Node): boolean {
  return (callOf(node)?.deferred.length ?? 0) < MAX_DEFERRED;
}

function* endSteps(node: Node): Iterable<Step> {
  for (const registrationId of node.admitted) {
    const request = { type: 'unregister', ...WHO, registrationId } as const;
    yield ['unregister', () => rest(ask(node, request, SETTINGS))];
  }
  yield ['drained', play(node, { type: 'end-all', spareEmergency: false })];
}

/** A registered number, its devices from 1 to n. */
function registered(n: number): Node {
  let node = EMPTY;
  for (let i = 1; i <= n; i += 1) {
    node = ask(node, { type: 'register', ...WHO, number: ALICE, deviceId: device(i), expiresAt: null }, SETTINGS);
    const binding = [...node.registry.bindings.values()][0];
    const sent = node.registers.at(-1);
    if (binding === undefined || sent === undefined) continue;
    const associated = [`tel:${ALICE}`];
    node = give(
      node,
      { type: 'ims-registered', owner: binding.id, ref: sent.ref, expiresS: 3600, associated },
      SETTINGS,
    );
  }
  return node;
}

function originated(): Node {
  const node = registered(1);
  const request = {
    type: 'originate',
    ...WHO,
    registrationId: node.admitted[0] as RegistrationId,
    originator: `tel:${ALICE}`,
    receiver: `tel:${BOB}`,
    originatorName: null,
    receiverName: null,
    offer: browserOffer(),
    callType: null,
    location: null,
  } as const;
  return rest(ask(node, request, SETTINGS));
}

function invited(change: Partial<Extract<Input, { type: 'ims-invited' }>>, devices = 2): Node {
  const node = registered(devices);
  const binding = [...node.registry.bindings.keys()][0];
  assert.ok(binding !== undefined);
  const input = {
    type: 'ims-invited',
    owner: '#in' as CallId,
    binding,
    correlator: 'c',
    caller: `tel:${BOB}`,
    callerName: null,
    called: null,
    sdp: FAR_A,
    location: null,
    diverted: null,
    emergency: false,
    callerReady: true,
    identity: null,
    ...change,
  } as const;
  return rest(give(node, input, SETTINGS));
}

/** What the far end may say before it has answered. */
function* calleeSteps(node: Node, call: Call): Iterable<Step> {
  const owner = call.id;
  const progress = (code: number, fork: string, sdp: string | null, earlyMedia: EarlyMedia | 'unsaid'): ImsInput => {
    return { type: 'ims-progress', owner, code, phrase: 'P', fork, sdp, earlyMedia, callWaiting: false };
  };
  const said = (fork: string, sdp: string | null): ImsInput => {
    return { type: 'ims-answered', owner, fork, sdp, calleeName: null };
  };
  const final = node.line === 'asked' || call.phase === 'cancelling';
  if (final && call.invited !== null) {
    yield ['200 f', play(node, said('f', FAR_A))];
    yield ['486', play(node, { type: 'ims-rejected', owner, outcome: outcome(486) })];
    yield ['380', play(node, { type: 'ims-is-emergency', owner })];
  }
  if (node.line === 'answered') yield ['BYE', play(node, { type: 'ims-ended', owner, outcome: outcome(0) })];
  if (node.line !== 'asked' || !canWait(node)) return;
  yield ['180', play(node, progress(180, 'f', null, 'unsaid'))];
  if (!call.emergency) yield ['emergency', play(node, { type: 'ims-emergency-answers', owner })];
  yield ['183 f', play(node, progress(183, 'f', FAR_A, 'unsaid'))];
  yield ['183 g', play(node, progress(183, 'g', FAR_B, 'sendrecv'))];
  yield ['199 g', play(node, progress(199, 'g', null, 'unsaid'))];
  yield ['200 g without SDP', play(node, said('g', null))];
}

/** What the caller may do before it is answered. */
function* callerSteps(node: Node, { id: owner }: Call): Iterable<Step> {
  if (node.line !== 'asked') return;
  yield ['CANCEL', play(node, { type: 'ims-cancelled', owner, outcome: outcome(0) })];
  yield ['no PRACK', play(node, { type: 'ims-ended', owner, outcome: outcome(504) })];
  yield ['ready', play(node, { type: 'ims-caller-ready', owner })];
}

/** What the far end may do in an answered call. */
function* farSteps(node: Node, { id: owner }: Call): Iterable<Step> {
  if (node.line !== 'answered') return;
  yield ['BYE', play(node, { type: 'ims-ended', owner, outcome: outcome(0) })];
  if (!canWait(node)) return;
  if (node.reoffers.length === 0)
    for (const [name, sdp] of [
      ['talks', FAR_B],
      ['holds', FAR_HOLDS],
      ['asks for an offer', null],
    ] as const)
      yield [`far end ${name}`, play(node, { type: 'ims-reoffered', owner, ref: FAR_REF, sdp })];
  for (const ref of node.updates) {
    yield ['200 to ours', play(node, { type: 'ims-updated', owner, ref, sdp: FAR_A })];
    for (const code of [488, 481])
      yield [`${code} to ours`, play(node, { type: 'ims-update-failed', owner, ref, outcome: outcome(code) })];
  }
}

function explore(root: Node, steps: (node: Node, call: Call) => Iterable<Step>, untilAnswered: boolean) {
  const isOver = (call: Call | undefined) => call === undefined || (untilAnswered && call.phase === 'talking');
  return walk<Node>({
    root,
    limit: LIMIT,
    identity: identityOf,
    *next(node) {
      const call = callOf(node);
      if (call === undefined || isOver(call)) return;
      yield* steps(node, call);
      yield* mediaSteps(node, call);
      yield* timerSteps(node, call);
      yield* endSteps(node);
    },
    ended: node => isOver(callOf(node)),
  });
}

function phasesOf(nodes: readonly Node[]): string[] {
  return [...new Set(nodes.map(node => callOf(node)?.phase ?? 'gone'))].sort();
}

test('MAP-07 a call out until it is answered: all states, one end, nothing lost', () => {
  const { nodes, steps } = explore(
    originated(),
    function* (node, call) {
      yield* calleeSteps(node, call);
      const legs = call.phase === 'inviting' || call.phase === 'offering' ? call.legs : [];
      yield* putSteps(node, legs, [['InProgress', { offer: browserOffer('n') }]]);
    },
    true,
  );
  assert.ok(steps > nodes.length);
  const phases = ['answering', 'cancelling', 'closing', 'gone', 'inviting', 'offering', 'talking'];
  assert.deepEqual(phasesOf(nodes), phases);
});

for (const [name, change] of [
  ['', {}],
  [' without an offer', { sdp: null }],
  [' whose caller reserves', { callerReady: false }],
] as const)
  test(`MAP-07 a call in${name} until it is answered, two devices: all states, one winner, one end each`, () => {
    const { nodes, steps } = explore(
      invited(change),
      function* (node, call) {
        yield* callerSteps(node, call);
        const legs = call.legs.filter(leg => leg.final === null && leg.seq > 0);
        yield* putSteps(node, legs, [
          ['Ringing', {}],
          ['InProgress', { answer: browserOffer('z') }],
          ['Connected', { answer: browserOffer('z') }],
          ['Connected', {}],
          ['Busy', {}],
        ]);
        for (const { id: leg } of legs)
          yield [`${leg} not reached`, play(node, { type: 'invitation-undeliverable', owner: call.id, leg })];
      },
      true,
    );
    assert.ok(steps > nodes.length);
    assert.deepEqual(phasesOf(nodes), ['alerting', 'gone', 'offering', 'talking']);
  });

/** An answered call out. */
function talking(): Node {
  let node = originated();
  const work = () => node.work?.ref as Ref;
  const owner = callOf(node)?.id as CallId;
  node = give(node, { type: 'media-ready', owner, ref: work(), sdp: 'ours' }, SETTINGS);
  node = give(node, { type: 'ims-answered', owner, fork: 'f', sdp: FAR_A, calleeName: null }, SETTINGS);
  node = give(node, { type: 'media-ready', owner, ref: work(), sdp: browserOffer('answer') }, SETTINGS);
  const [leg] = Object.keys(node.told) as [MediaSessionId];
  return rest(give(node, { type: 'media-connected', owner, leg }, SETTINGS));
}

test('MID-05 an answered call: all states, every re-offer and every PUT answered once, one end', () => {
  const { nodes, steps } = explore(
    talking(),
    function* (node, call) {
      yield* farSteps(node, call);
      const legs = call.phase === 'talking' ? call.legs : [];
      yield* putSteps(node, legs, [
        ['Hold', {}],
        ['Resume', {}],
        ['Connected', { offer: browserOffer('n') }],
        ['Connected', { offer: `${browserOffer()}a=candidate:1 1 udp 1 192.0.2.9 5000 typ host\r\n` }],
        ['Connected', { answer: browserOffer('z') }],
      ]);
      if (canWait(node)) yield ['renews', play(node, { type: 'media-renews', owner: call.id, sdp: 'renews' })];
    },
    false,
  );
  assert.ok(steps > nodes.length);
  assert.deepEqual(phasesOf(nodes), ['closing', 'gone', 'talking']);
});
