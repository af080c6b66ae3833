/** A visitor's call by a trunk, with the core and the SIP side as they are: no REGISTER, and the number rests all the same. IMS digest 1.4 (mode N), 2.14. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCore } from '../../src/ep-cscf/core.ts';
import type { Effect, ImsEffect } from '../../src/ep-cscf/effect.ts';
import type { DeviceId, E164, Ref } from '../../src/ep-cscf/ids.ts';
import type { Input } from '../../src/ep-cscf/input.ts';
import { coreSettings } from '../../src/ep-cscf/settings.ts';
import { createIds } from '../../src/runtime/ids.ts';
import { eventually } from '../support/core-peer.ts';
import { browserOffer, seededBytes } from '../support/core-world.ts';
import { bench, fields, HOME, HOST, OFFER, SDP } from '../support/mw-bench.ts';

const NUMBER = '+99910028000' as E164;
const pool = { id: 'shop-pool', clients: ['shop'], numbers: [NUMBER], mainNumber: null };

test('CTC-01 REG-21 by a trunk a visitor calls without a REGISTER, and the number rests after the call', async t => {
  const b = await bench(t, { mode: 'trunk' });
  const core = createCore({
    settings: coreSettings(HOME, { pool: { pools: [pool] } }),
    ids: createIds(seededBytes(1)),
  });
  const now = 1_000_000;
  const give = (input: Input): void => {
    const out: Effect[] = [];
    core.handle(input, now, out);
    for (const effect of out) perform(effect);
    for (const next of b.inputs.splice(0)) give(next);
  };
  const perform = (effect: Effect): void => {
    if (effect.type.startsWith('ims.')) b.mw.port.run(effect as ImsEffect);
    else if (effect.type === 'media.offer' || effect.type === 'media.answer')
      give({ type: 'media-ready', owner: effect.owner, ref: effect.ref, sdp: OFFER });
  };
  b.peer.onMessage = (message, reply) => {
    if (message.type !== 'request' || message.method === 'ACK') return;
    const contact: [string, string] = ['Contact', `<sip:peer@${HOST}:${b.peer.port}>`];
    if (message.method === 'INVITE') b.peer.respond(message, reply, 200, [contact, SDP], OFFER);
    else b.peer.respond(message, reply, 200);
  };
  const who = { clientId: 'shop', subject: '20000000-0000-4000-8000-000000000001', number: null, legs: 2 } as const;
  const visit = { pool: pool.id, entryPoint: 'ep', reference: null, address: '203.0.113.9', endsAt: now + 600_000 };
  give({
    type: 'visit',
    ref: 1 as Ref,
    who,
    correlator: 'c',
    deviceId: who.subject as DeviceId,
    receiver: 'tel:+99910020009',
    originatorName: 'Shop',
    offer: browserOffer(),
    visit,
    source: visit.address,
    maxConcurrent: null,
  });
  const states = () => Object.fromEntries(core.leases(now).map(({ state, count }) => [state, count]));
  assert.deepEqual(states(), { free: 0, held: 1, cooling: 0 });
  const invite = await eventually('INVITE', () => b.peer.texts.find(text => text.startsWith('INVITE')));
  assert.match(fields(invite).get('From') ?? '', /\+99910028000@/);
  give(await b.input('ims-answered'));
  give({ type: 'end-all', spareEmergency: false });
  await eventually('BYE', () => b.peer.texts.find(text => text.startsWith('BYE')));
  assert.deepEqual(states(), { free: 0, held: 0, cooling: 1 });
  assert.equal(b.mw.sizes().bindings, 0);
  assert.equal(
    b.peer.texts.some(text => text.startsWith('REGISTER')),
    false,
  );
});
