/** Any order of requests, SIP and media against a small model: legal states, one end per leg, one winner, nothing left. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CallId, E164, MediaSessionId, Ref, RegistrationId } from '../../src/ep-cscf/ids.ts';
import type { Input } from '../../src/ep-cscf/input.ts';
import type { CallStatus, Outcome } from '../../src/ep-cscf/words.ts';
import { ALICE, BOB, device, get, originate, principal, put, remove } from '../support/core-story.ts';
import { type Behaviour, browserOffer, createWorld, imsSdp, type World } from '../support/core-world.ts';
import { fc } from '../support/property.ts';
import { SCALE } from '../support/scale.ts';

const NUMBERS: E164[] = [ALICE, BOB];

/** One step: what to do, and three numbers it takes its choices from. */
type Step = [op: number, a: number, b: number, c: number];

interface Seen {
  registrations: Array<{ id: RegistrationId; number: E164 }>;
  /** Owners of calls, in and out. */
  calls: CallId[];
  incoming: number;
}

const STATUSES: CallStatus[] = [
  'InProgress',
  'Ringing',
  'Connected',
  'Hold',
  'Resume',
  'Declined',
  'Busy',
  'Initial',
  'Terminated',
];
const CODES = [180, 181, 182, 183, 183, 199, 150];
const FINALS = [404, 408, 480, 486, 487, 488, 500, 503, 603];
const SDPS = [null, imsSdp(), imsSdp('sendonly'), imsSdp('sendrecv', 4002), 'no sdp'];
const ANSWERS = [null, browserOffer('z'), browserOffer('y'), null];
const OFFERS = [
  null,
  null,
  browserOffer(),
  browserOffer('n'),
  `${browserOffer()}a=candidate:1 1 udp 1 192.0.2.9 5000 typ host\r\n`,
];

function pick<T>(list: readonly T[], n: number): T {
  return list[n % list.length] as T;
}

function outcome(n: number): Outcome {
  if (n % 7 === 0) return { code: 0, phrase: '', q850: null, local: 'no-response', reason: null };
  const q850 = n % 5 === 0 ? 16 + (n % 8) : null;
  return {
    code: pick(FINALS, n),
    phrase: 'Phrase',
    q850,
    local: null,
    reason: q850 === null ? null : `Q.850;cause=${q850}`,
  };
}

function sessions(w: World): Array<{ id: MediaSessionId; number: E164 }> {
  return w.events.flatMap(e =>
    'mediaSessionId' in e.event ? [{ id: e.event.mediaSessionId, number: e.audience.number }] : [],
  );
}

/** A reference still in flight, or one that never was. */
function refOf(w: World, types: readonly string[], n: number): Ref {
  const refs = w.effects.flatMap(e => (types.includes(e.type) && 'ref' in e && e.ref !== null ? [e.ref] : []));
  return refs.length === 0 ? (1_000_000 as Ref) : (refs.at(-1 - (n % Math.min(3, refs.length))) as Ref);
}

function ownersOf(w: World): CallId[] {
  const owners = new Set<CallId>();
  for (const e of w.effects) if (e.type === 'media.offer') owners.add(e.owner);
  return [...owners];
}

const BEHAVIOURS: Array<(b: Behaviour, n: number) => void> = [
  (b, n) => {
    b.media = pick(['ok', 'ok', 'silent', 'no-codec', 'driver'] as const, n);
  },
  (b, n) => {
    b.register = pick(['ok', 'ok', 'silent', 503, 403] as const, n);
  },
  (b, n) => {
    b.update = pick(['ok', 'silent', 488, 481] as const, n);
  },
  (b, n) => {
    b.cancel = pick(['rejected', 'silent'] as const, n);
  },
  (b, n) => {
    b.stats = n % 2 === 0;
  },
  (b, n) => {
    b.deregister = pick(['ok', 'silent'] as const, n);
  },
  (b, n) => {
    b.invitation = () => pick(['accepted', 'accepted', 'silent', 'undeliverable'] as const, n);
  },
];

function apply(w: World, seen: Seen, [op, a, b, c]: Step): void {
  const number = pick(NUMBERS, a);
  const session = pick(sessions(w).length === 0 ? [{ id: 'none' as MediaSessionId, number }] : sessions(w), b);
  const owner = pick(seen.calls.length === 0 ? ['cnone' as CallId] : seen.calls, b);
  const registration = pick(
    seen.registrations.length === 0 ? [{ id: 'none' as RegistrationId, number }] : seen.registrations,
    b,
  );
  const correlator = 'c';
  switch (op) {
    case 0: {
      const reply = w.ask({
        type: 'register',
        who: principal(number),
        correlator,
        number,
        deviceId: device(1 + (b % 3)),
        expiresAt: c % 3 === 0 ? w.now() + 60_000 : null,
      });
      if (reply?.ok && 'registration' in reply)
        seen.registrations.push({ id: reply.registration.registrationId, number });
      return;
    }
    case 1:
      w.ask({ type: 'unregister', who: principal(registration.number), correlator, registrationId: registration.id });
      return;
    case 2:
      w.ask({
        type: 'extend-registration',
        who: principal(registration.number),
        correlator,
        registrationId: registration.id,
        expiresAt: null,
      });
      return;
    case 3:
    case 4:
      originate(w, registration.number, registration.id, { receiver: `tel:${pick([ALICE, BOB, '+15550109000'], c)}` });
      seen.calls = ownersOf(w);
      return;
    case 5:
    case 6:
      invite(w, seen, number, c);
      return;
    case 7:
    case 8:
    case 9:
      put(w, session.number, session.id, pick(STATUSES, a), { answer: pick(ANSWERS, c), offer: pick(OFFERS, a + c) });
      return;
    case 10:
      remove(w, session.number, session.id);
      return;
    case 11:
      get(w, session.number, session.id);
      return;
    case 12:
      w.advance(pick([1, 500, 5_000, 9_000, 60_000, 180_000], a));
      return;
    case 13:
      pick(BEHAVIOURS, a)(w.behaviour, b);
      return;
    default:
      w.give(network(w, owner, session.id, op, [a, b, c]));
  }
}

function invite(w: World, seen: Seen, number: E164, n: number): void {
  const binding = w.effects.findLast(e => e.type === 'ims.register' && e.number === number);
  if (binding?.type !== 'ims.register') return;
  seen.incoming += 1;
  const owner = `cin${seen.incoming}` as CallId;
  w.give({
    type: 'ims-invited',
    owner,
    binding: binding.owner,
    correlator: 'c',
    caller: `tel:${pick(NUMBERS, n)}`,
    callerName: null,
    called: null,
    sdp: pick([imsSdp(), null], n),
    location: null,
    diverted: null,
    emergency: false,
    callerReady: n % 3 > 0,
    identity: pick([null, null, `tel:${pick(NUMBERS, n)}`], n),
  });
  seen.calls = ownersOf(w);
}

/** Anything the network, the media plane or the event side may say about a call, at any time, true or not. */
function network(w: World, owner: CallId, leg: MediaSessionId, op: number, [a, b, c]: [number, number, number]): Input {
  const media = ['media.offer', 'media.answer', 'media.hold', 'media.reoffer', 'media.agree'];
  const kinds: Input[] = [
    {
      type: 'ims-progress',
      owner,
      code: pick(CODES, a),
      phrase: 'P',
      fork: pick(['f', 'g'], c),
      sdp: pick(SDPS, c),
      earlyMedia: pick(['sendrecv', 'sendonly', 'recvonly', 'inactive', 'unsaid'], a),
      callWaiting: c % 9 === 0,
    },
    {
      type: 'ims-progress',
      owner,
      code: pick(CODES, b),
      phrase: 'P',
      fork: 'f',
      sdp: imsSdp(),
      earlyMedia: 'unsaid',
      callWaiting: false,
    },
    { type: 'ims-answered', owner, fork: pick(['f', 'g'], a), sdp: pick(SDPS, c), calleeName: pick([null, 'Bob'], b) },
    { type: 'ims-rejected', owner, outcome: outcome(a) },
    { type: 'ims-is-emergency', owner },
    { type: 'ims-emergency-answers', owner },
    { type: 'ims-state-lost', owner, outcome: outcome(a) },
    { type: 'ims-cancelled', owner, outcome: outcome(b) },
    { type: 'ims-caller-ready', owner },
    { type: 'ims-acked', owner, sdp: pick(SDPS, a) },
    { type: 'ims-ended', owner, outcome: outcome(c) },
    { type: 'ims-reoffered', owner, ref: 5 as Ref, sdp: pick(SDPS, a) },
    { type: 'ims-updated', owner, ref: refOf(w, ['ims.update'], a), sdp: pick(SDPS, c) },
    { type: 'ims-update-failed', owner, ref: refOf(w, ['ims.update'], a), outcome: outcome(b) },
    { type: 'media-ready', owner, ref: refOf(w, media, a), sdp: browserOffer('late') },
    { type: 'media-asks', owner, ref: refOf(w, media, b), sdp: browserOffer('asks') },
    { type: 'media-renews', owner, sdp: browserOffer('renews') },
    { type: 'media-failed', owner, ref: refOf(w, media, a), failure: 'bad-sdp' },
    { type: 'media-connected', owner, leg },
    { type: 'media-lost', owner, cause: pick(['worker', 'web', 'ims-silent', 'fingerprint'], a) },
    { type: 'invitation-accepted', owner, leg },
    { type: 'invitation-undeliverable', owner, leg },
    ...lost(w, a, b),
  ];
  return pick(kinds, op + a + b);
}

function lost(w: World, a: number, b: number): Input[] {
  const binding = w.effects.findLast(e => e.type === 'ims.register');
  if (binding?.type !== 'ims.register') return [];
  const event = pick(['deactivated', 'probation', 'rejected', 'unregistered', 'expired'] as const, a);
  const { owner } = binding;
  const back: Input = {
    type: 'ims-registered',
    owner,
    ref: binding.ref,
    expiresS: pick([60, 3600], a),
    associated: [],
  };
  return [
    { type: 'ims-binding-lost', owner, event, retryAfterS: pick([null, 10, 100], b) },
    { type: 'ims-register-wanted', owner },
    back,
  ];
}

const BEFORE = new Set<CallStatus>(['Initial', 'InProgress', 'Ringing', 'Proceeding', 'Waiting']);
const AFTER = new Set<CallStatus>(['Connected', 'Hold', 'Resume']);
const ENDS_UNANSWERED = new Set<CallStatus>([
  'Busy',
  'Declined',
  'NoAnswer',
  'NotReachable',
  'Failed',
  'SessionCancelled',
]);

/** The states one leg went through are a path of the API's state machine. */
function checkLeg(w: World, id: MediaSessionId): boolean {
  const events = w.sessionEvents(id);
  const incoming = events[0]?.kind === 'session-invitation';
  let answered = false;
  for (const [i, event] of events.entries()) {
    assert.equal(event.final, i === events.length - 1, 'the last event is the final one, and only it');
    assert.equal(event.kind === 'session-invitation', incoming && i === 0);
    if (event.final) {
      const crossed = !incoming && event.status === 'Terminated';
      assert.ok(
        answered ? event.status === 'Terminated' : ENDS_UNANSWERED.has(event.status) || crossed,
        `${event.status} as the end`,
      );
      assert.ok(event.reason, 'every end has a reason');
    } else if (AFTER.has(event.status)) {
      assert.ok(answered || event.status === 'Connected', `${event.status} before the answer`);
      answered = true;
    } else assert.ok(!answered && BEFORE.has(event.status), `${event.status} out of place`);
  }
  assert.ok(w.store.has(`record ${id}`), 'a record of every leg');
  return answered;
}

function check(w: World): void {
  const winners = new Map<string, number>();
  for (const id of new Set(sessions(w).map(s => s.id))) {
    const answered = checkLeg(w, id);
    const owner = w.events.find(e => 'mediaSessionId' in e.event && e.event.mediaSessionId === id)?.owner ?? '';
    if (answered) winners.set(owner, (winners.get(owner) ?? 0) + 1);
  }
  for (const [owner, n] of winners) assert.equal(n, 1, `two winners in ${owner}`);
  const finals = w.effects
    .filter(e => e.type === 'ims.answer' && e.ref === null)
    .map(e => ('owner' in e ? e.owner : ''));
  assert.equal(new Set(finals).size, finals.length, 'one 200 for each call in');
}

function finish(w: World): void {
  Object.assign(w.behaviour, {
    media: 'ok',
    register: 'ok',
    update: 'ok',
    cancel: 'rejected',
    deregister: 'ok',
    stats: true,
  });
  w.advance(20_000);
  w.give({ type: 'end-all', spareEmergency: false });
  w.advance(2 * 86_400_000);
  w.assertQuiet();
}

test('MAP-07 any sequence of inputs keeps the promises and leaves nothing behind', () => {
  const step = fc.tuple(fc.nat(23), fc.nat(60), fc.nat(60), fc.nat(60));
  // A start that leads somewhere: two devices of one number, one of the other.
  const prelude: Step[] = [
    [0, 0, 0, 1],
    [0, 0, 1, 1],
    [0, 1, 2, 1],
  ];
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), steps => {
      const w = createWorld({ emergency: { enabled: true } });
      const seen: Seen = { registrations: [], calls: [], incoming: 0 };
      for (const one of [...prelude, ...steps]) apply(w, seen, one);
      finish(w);
      check(w);
    }),
    { numRuns: 300 * SCALE },
  );
});
