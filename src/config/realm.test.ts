/** Realms of the settings: filled up from the area, found by number, refused when they make no sense. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { E164 } from '../ep-cscf/ids.ts';
import { realmFinder, realmsOf } from './realm.ts';
import { checkSettings, readSettings, SettingsError } from './settings.ts';

const settings = (ims: Record<string, unknown>) => checkSettings({ ims }).ims;

test('without a list the area is the one realm, of every number', () => {
  const [only, ...others] = realmsOf(settings({ home: 'one.example', mode: 'trunk' }));
  assert.deepEqual(others, []);
  assert.deepEqual([only.name, only.home, only.mode, only.prefixes], ['one.example', 'one.example', 'trunk', ['+']]);
  assert.equal(realmFinder([only])('+15550100001' as E164), only);
});

test('ARC-05 a realm says what differs, the area the rest, and the longest prefix wins', () => {
  const realms = realmsOf(
    settings({
      transport: 'udp',
      passwordTemplate: 'pw-{digits}',
      realms: [
        { name: 'a', prefixes: ['+1', '+4930'], home: 'a.example', entry: '192.0.2.1:5060' },
        { name: 'b', prefixes: ['+1555', '+49'], home: 'b.example', mode: 'client', transport: 'tcp' },
        { name: 'c', prefixes: ['+33'], mode: 'trunk', regEvent: false },
      ],
    }),
  );
  const realmOf = realmFinder(realms);
  const names = ['+12025550100', '+15550100001', '+4930123', '+4940123', '+33123', '+81312345678'].map(
    number => realmOf(number as E164)?.name ?? null,
  );
  assert.deepEqual(names, ['a', 'b', 'a', 'b', 'c', null]);
  assert.deepEqual(
    realms.map(({ mode, transport, regEvent }) => [mode, transport, regEvent]),
    [
      ['trusted', 'udp', true],
      ['client', 'tcp', true],
      ['trunk', 'udp', false],
    ],
  );
  assert.equal(realms[1]?.passwordTemplate, 'pw-{digits}');
});

const WRONG: ReadonlyArray<[string, Record<string, unknown>, RegExp]> = [
  ['a prefix without plus', { realms: [{ name: 'a', prefixes: ['49'] }] }, /ims\.realms/],
  [
    'one prefix of two realms',
    {
      realms: [
        { name: 'a', prefixes: ['+1'] },
        { name: 'b', prefixes: ['+1'] },
      ],
    },
    /\+1 /,
  ],
  ['an unknown setting', { realms: [{ name: 'a', prefixes: ['+1'], hom: 'x' }] }, /hom/],
  ['a mode that is none', { realms: [{ name: 'a', prefixes: ['+1'], mode: 'magic' }] }, /realms\.0\.mode/],
  ['a rule about Via', { headerRules: [{ remove: ['Via'] }] }, /leave Via alone/],
  ['a rule with two lines', { headerRules: [{ add: { 'X-A': 'a\r\nVia: b' } }] }, /one line/],
  ['a rule about no header', { headerRules: [{ add: { 'X A': 'a' } }] }, /name header fields/],
  ['a service without number', { identityUrl: 'https://p.example/' }, /\{number\}/],
  ['two sources', { identityUrl: 'https://p.example/{digits}', identityFile: 'a.json' }, /together/],
  ['a realm that ends its quotation', { tnaRealm: 'a", integrity-protected="yes' }, /tnaRealm/],
  ['a prefix of two lines', { ioiPrefix: 'Type 1\r\nVia: b' }, /ioiPrefix/],
  ['a session shorter than its least', { sessionExpiresS: 600, minSeS: 900 }, /sessionExpiresS/],
  ['a trunk without name', { mode: 'trunk', trunkRegister: 'pilot' }, /trunkAor/],
];

for (const [what, ims, words] of WRONG) {
  test(`${what} is refused`, () => {
    assert.throws(
      () => settings(ims),
      error => error instanceof SettingsError && words.test(error.message),
    );
  });
}

test('realms come from the file only', () => {
  assert.throws(() => readSettings(null, { LINESIDE_IMS_REALMS: 'a,b' }), /use the settings file/);
});
