/** Two call machines of ours over a network that loses, copies and reorders: every order of events, and what both ends hold true at rest. RFC 3261 12 to 15, RFC 3311, RFC 3262, RFC 4028. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { identity } from '../../../test/support/dialog-identity.ts';
import { changed } from '../../../test/support/dialog-model.ts';
import { type Act, beginning, CLEAR, FACTS, type Scope, steps, talking } from '../../../test/support/dialog-moves.ts';
import {
  type Exchange,
  isFirst,
  isForlorn,
  type Party,
  type Weather,
  type World,
} from '../../../test/support/dialog-world.ts';
import { type Walked, walk } from '../../../test/support/walk.ts';
import type { Header } from './types.ts';

/** What both know when nothing is on its way. An INVITE may ring as long as its users like. */
function atRest({ a, b, exchanges, unheard }: World): void {
  const isPatient = (one: Exchange) =>
    isFirst(one) && (one.cancel === 'no' || a.gone) && (one.server === 'trying' || isForlorn(one));
  const open = exchanges.filter(one => !isPatient(one) || one.flying.length > 0);
  assert.deepEqual(
    open.map(({ request }) => request.method),
    [],
    'transactions are left',
  );
  if (unheard) return;
  const stands = [a, b].map(({ state }) => state?.session?.phase === 'confirmed');
  assert.equal(stands[0], stands[1], 'one side is in the call');
  // Of a caller that has given up the called side hears when it answers.
  const rings = exchanges.some(({ server }) => server === 'trying');
  if (a.gone && b.state !== null && !rings) assert.ok(b.gone, 'the called side is not told of the end');
  if (!stands[0]) return;
  assert.deepEqual([a.mine, a.theirs], [b.theirs, b.mine], 'the sides disagree on the descriptions');
  atPeace(a);
  atPeace(b);
  const [ours, theirs] = [a, b].map(({ state }) => state?.session?.timer ?? null);
  assert.equal(ours?.intervalS, theirs?.intervalS, 'the sides disagree on the interval');
  if (ours && theirs) assert.notEqual(ours.weRefresh, theirs.weRefresh, 'both refresh, or nobody');
}

/** Nothing of an exchange that is over is left in a machine. */
function atPeace({ state, mine, offering }: Party): void {
  const session = state?.session ?? null;
  assert.ok(session !== null);
  const { outgoing, update, incoming, unacked, lone, localBody } = session;
  assert.deepEqual([outgoing, update, incoming, unacked, lone], [null, null, null, null, {}]);
  assert.equal(offering, null, 'an offer was neither answered nor refused');
  assert.equal(localBody?.content, mine, 'a refresh would offer something else');
  if (state?.role === 'uac') assert.deepEqual(state.pracks, {});
}

function explore(scope: Scope, root: World): Walked<World> {
  return walk<World>({
    root,
    identity,
    *next(world): Generator<readonly [string, () => World, boolean?]> {
      for (const [name, change, byUser] of steps(world, scope)) {
        yield [name, () => changed(world, change), byUser ?? false];
      }
    },
    atRest,
    ended: ({ a, b, exchanges }) => a.gone && (b.gone || b.state === null) && exchanges.length === 0,
  });
}

const NEVER_UPDATES = { allow: FACTS.allow.filter(method => method !== 'UPDATE') };
const TIMED: readonly Header[] = [['Session-Expires', '1800']];
const EARLY: readonly Act[] = ['ring', 'early', 'answer', 'end'];
const LOSSES: Weather = { ...CLEAR, losses: 1 };
const COPIES: Weather = { ...CLEAR, copies: 1 };
const SILENCES: Weather = { ...CLEAR, silences: 1 };
const CHALLENGES: Weather = { ...CLEAR, challenges: 1 };

/** Of the making of a call, and of one that stands. */
const MAKING: Record<string, Scope> = {
  'offers by UPDATE before the answer': { acts: ['early', 'answer', 'end', 'update', 'refuse'], weather: CLEAR },
  'UPDATEs before the ACK': { acts: ['answer', 'ask', 'end'], weather: CLEAR },
  'a message is lost': { acts: EARLY, weather: LOSSES },
  'the offer comes in the 2xx': { acts: EARLY, weather: { ...LOSSES, copies: 1 }, offerless: true },
  'the session interval is too small': { acts: EARLY, weather: CLEAR, headers: [['Session-Expires', '60']] },
};
const STANDING: Record<string, Scope> = {
  'offers by re-INVITE, one message lost': { acts: ['reinvite', 'end'], weather: LOSSES },
  'offers by UPDATE, and UPDATEs without': { acts: ['update', 'ask', 'end'], weather: CLEAR },
  'offers by UPDATE, one answered by nobody': { acts: ['update', 'end'], weather: SILENCES },
  'refreshes by UPDATE': { acts: ['update', 'end'], weather: CLEAR, headers: TIMED },
  'refreshes that are heard by nobody': { acts: ['end'], weather: { ...CLEAR, silences: 2 }, headers: TIMED },
};
const WIDE_MAKING: Record<string, Scope> = {
  'every provisional response': { acts: [...EARLY, 'ring for sure', 'refuse'], weather: CLEAR },
  'two messages are lost': { acts: EARLY, weather: { ...CLEAR, losses: 2 } },
  'a loss and a copy': { acts: EARLY, weather: { ...LOSSES, copies: 1 } },
  'somebody is silent': { acts: EARLY, weather: SILENCES },
  'a loss, and somebody is silent': { acts: EARLY, weather: { ...LOSSES, silences: 1 } },
  'a proxy challenges': { acts: EARLY, weather: CHALLENGES },
};
const WIDE_STANDING: Record<string, Scope> = {
  'offers in both ways': { acts: ['reinvite', 'update', 'end'], weather: CLEAR },
  'offers by re-INVITE, one message twice': { acts: ['reinvite', 'end'], weather: COPIES },
  'offers by re-INVITE, one answered by nobody': { acts: ['reinvite', 'end'], weather: SILENCES },
  'offers by re-INVITE, one challenged': { acts: ['reinvite', 'end'], weather: CHALLENGES },
  'offers by UPDATE, one challenged': { acts: ['update', 'ask', 'end'], weather: CHALLENGES },
  'refreshes by re-INVITE': { acts: ['reinvite', 'end'], weather: CLEAR, headers: TIMED, facts: NEVER_UPDATES },
};

const isWide = Number(process.env['LINESIDE_TEST_SCALE'] ?? 1) > 1;

for (const [name, scope] of Object.entries(isWide ? { ...MAKING, ...WIDE_MAKING } : MAKING)) {
  test(`two ends make a call in every order of events: ${name}`, () => {
    const { nodes } = explore(scope, beginning(scope));
    assert.ok(nodes.length > 100, `${nodes.length} nodes`);
  });
}

for (const [name, scope] of Object.entries(isWide ? { ...STANDING, ...WIDE_STANDING } : STANDING)) {
  test(`MID-02 MID-03 MID-04 two ends agree in a call in every order of events: ${name}`, () => {
    const { nodes } = explore(scope, talking(scope));
    assert.ok(nodes.length > 100, `${nodes.length} nodes`);
  });
}
