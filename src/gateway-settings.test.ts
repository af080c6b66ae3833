/** Media addresses of the settings: of both families, of each realm, refused when nobody could bind or reach them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkSettings, SettingsError } from './config/settings.ts';
import { mediaSettingsOf } from './gateway-settings.ts';

const realms = (media: Record<string, unknown>) => ({
  realms: [
    { name: 'a', prefixes: ['+1'], media },
    { name: 'b', prefixes: ['+4'] },
  ],
});

test('a realm takes its addresses all together, or all those of the area, and its codecs side by side', () => {
  const { ims, realms: own } = mediaSettingsOf(
    checkSettings({
      media: {
        imsHost: '192.0.2.1',
        imsAdvertisedHost: '203.0.113.1',
        imsHost6: '2001:db8::1',
        prefixes: ['192.0.2.0/24'],
        imsCodecs: ['PCMA'],
        imsSrtp: 'require',
      },
      ims: {
        realms: [
          { name: 'own addresses', prefixes: ['+1'], media: { imsHost: '192.0.2.2', webCodecs: ['G722', 'PCMU'] } },
          { name: 'own networks', prefixes: ['+2'], media: { prefixes: ['198.51.100.0/24'], imsPrefer: 'ipv6' } },
          { name: 'nothing', prefixes: ['+3'] },
        ],
      },
    }),
  );
  const area = { bind: '192.0.2.1', advertise: '203.0.113.1' };
  const six = { bind: '2001:db8::1', advertise: '2001:db8::1' };
  assert.deepEqual([ims.bind, ims.advertise, ims.other], [area.bind, area.advertise, six]);
  const rest = { natLatch: false, srtp: 'require', imsCodecs: ['PCMA'] };
  assert.deepEqual(own, {
    'own addresses': {
      ...{ bind: '192.0.2.2', advertise: '192.0.2.2', mediaPrefixes: ['192.0.2.0/24'] },
      ...{ ...rest, webCodecs: ['G722', 'PCMU'] },
    },
    'own networks': {
      ...{ ...six, other: area, mediaPrefixes: ['198.51.100.0/24'] },
      ...{ ...rest, webCodecs: ['opus', 'PCMA', 'PCMU'] },
    },
  });
});

const WRONG: ReadonlyArray<[string, Record<string, unknown>, RegExp]> = [
  ['a name for an address', { media: { imsHost: 'media.example' } }, /"media\.imsHost" .* an address/],
  ['every address without one to show', { media: { webHost: '0.0.0.0' } }, /"media\.webAdvertisedHost"/],
  ['every IPv6 address without one to show', { media: { webHost6: '::' } }, /"media\.webAdvertisedHost6"/],
  ['an address shown of the other family', { media: { imsAdvertisedHost: '2001:db8::1' } }, /family of media\.imsHost/],
  ['IPv4 twice', { media: { imsHost6: '192.0.2.1' } }, /"media\.imsHost6" .* IPv6/],
  ['IPv6 twice', { media: { webHost: '::1', webHost6: '2001:db8::1' } }, /"media\.webHost6"/],
  ['prefixes that are none', { media: { prefixes: ['everywhere'] } }, /"media\.prefixes"/],
  ['the same in a realm', { ims: realms({ prefixes: ['everywhere'] }) }, /"ims\.realms" .*realm a/],
  ['a realm that is everywhere', { ims: realms({ imsHost: '0.0.0.0' }) }, /"ims\.realms" .*realm a/],
  ['a setting of the area that realms share', { ims: realms({ imsPortMin: 1 }) }, /imsPortMin/],
  [
    'two realms of one name',
    {
      ims: {
        realms: [
          { name: 'a', prefixes: ['+1'] },
          { name: 'a', prefixes: ['+4'] },
        ],
      },
    },
    /one name/,
  ],
];

for (const [what, tree, words] of WRONG) {
  test(`${what} is refused`, () => {
    assert.throws(
      () => checkSettings(tree),
      error => error instanceof SettingsError && words.test(error.message),
    );
  });
}
