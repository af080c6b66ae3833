/** Pools in the settings: numbers that are nobody else's, written one by one or as ranges. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coreSettingsOf } from '../gateway-settings.ts';
import { numbersIn } from './number-range.ts';
import { checkSettings } from './settings.ts';

const pool = { id: 'p', clients: ['shop'], numbers: ['+15550108000-+15550108009'] };
const settings = (change: object, more: object = {}) =>
  checkSettings({ clickToCall: { pools: [{ ...pool, ...change }] }, ...more });

test('numbers of a pool are written one by one, or as a range of one length', () => {
  assert.deepEqual(numbersIn('+15550108000'), ['+15550108000']);
  assert.deepEqual(numbersIn('+15550108009-+15550108011'), ['+15550108009', '+15550108010', '+15550108011']);
  for (const wrong of [
    '',
    '15550108000',
    '+1555-+15560',
    '+15550108001-+15550108000',
    '+15550108000-',
    '+15550100000-+15550119999',
    'a-b-c',
  ])
    assert.equal(numbersIn(wrong), null, wrong);
});

test('a pool reaches the core whole', () => {
  const { pools, quarantineMs } = coreSettingsOf(settings({ mainNumber: 'tel:+15550107000' })).pool;
  assert.deepEqual([pools[0]?.numbers.length, pools[0]?.mainNumber, quarantineMs], [10, 'tel:+15550107000', 60_000]);
  assert.equal(coreSettingsOf(settings({})).pool.pools[0]?.mainNumber, null);
});

test('a number has one owner, and lives in a realm', () => {
  const refused = (run: () => unknown, text: RegExp) => assert.throws(run, text);
  refused(() => settings({ numbers: ['+15550108000', '+15550108000'] }), /must not hold \+15550108000 twice/);
  refused(() => settings({ numbers: ['+1555010800x'] }), /must hold numbers such as/);
  refused(() => settings({ mainNumber: '+15550107000' }), /mainNumber such as tel:/);
  for (const nobody of ['urn:service:sos', 'sip:112@ims.example.com', 'sip:anonymous@anonymous.invalid'])
    refused(() => settings({ mainNumber: nobody }), /mainNumber such as tel:/);
  refused(() => settings({ mainNumber: 'tel:+15550108004' }), /not have a mainNumber that is leased/);
  const clients = { shop: { origins: [], numbers: ['+15550108003'] } };
  refused(() => settings({}, { api: { clients } }), /\+15550108003, which is allotted in api.clients/);
  const realms = [{ name: 'a', home: 'a.example', entry: 'a.example', prefixes: ['+49'] }];
  refused(() => settings({}, { ims: { realms } }), /which lives in no realm/);
  refused(() => checkSettings({ clickToCall: { pools: [pool, pool] } }), /two pools one id/);
  refused(() => checkSettings({ clickToCall: { workBits: 23, workBitsMax: 22 } }), /workBits/);
});
