import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDaemon } from './rtpengine-sense.ts';
import { checkSettings } from './settings.ts';

const rtpengine = (daemons: string[], more = {}) =>
  checkSettings({ media: { engine: 'rtpengine' }, rtpengine: { daemons, ...more } });

test('daemons are addresses with a port, and a weight when they have one', () => {
  assert.deepEqual(parseDaemon('10.0.0.5:2223'), { host: '10.0.0.5', port: 2223, weight: 1 });
  assert.deepEqual(parseDaemon('[fd00::5]:2223=3'), { host: 'fd00::5', port: 2223, weight: 3 });
  for (const wrong of ['', '10.0.0.5', 'media.example:2223', '10.0.0.5:2223=0', '10.0.0.5:2223=x', '10.0.0.5:0'])
    assert.equal(parseDaemon(wrong), null, wrong);
});

test('RTE-08 the ng socket is on a private address, since the protocol knows no passwords', () => {
  assert.equal(rtpengine(['127.0.0.1:2223', '192.168.1.5:2223', '[fd00::5]:2223']).rtpengine.daemons.length, 3);
  for (const open of [
    '198.51.100.1:2223',
    '8.8.8.8:2223',
    '[2001:4860::1]:2223',
    '[::ffff:8.8.8.8]:2223',
    '0.0.0.0:2223',
  ])
    assert.throws(() => rtpengine([open]), /rtpengine\.daemons/, open);
});

test('an engine without daemons, one named twice and names that are none are told by name', () => {
  assert.throws(() => rtpengine([]), /"rtpengine\.daemons" .* must name a daemon/);
  assert.throws(() => rtpengine(['10.0.0.5:2223', '10.0.0.5:2223=2']), /must name each daemon once/);
  assert.throws(() => rtpengine(['10.0.0.5:2223'], { imsInterface: 'a b' }), /"rtpengine\.imsInterface"/);
});

test('RTE-13 realms are mapped to interfaces by name', () => {
  const ims = { realms: [{ name: 'partner', prefixes: ['+49'] }] };
  const check = (realmInterfaces: string[]) =>
    checkSettings({ ims, media: { engine: 'rtpengine' }, rtpengine: { daemons: ['10.0.0.5:2223'], realmInterfaces } });
  assert.deepEqual(check(['partner=peering']).rtpengine.realmInterfaces, ['partner=peering']);
  for (const wrong of ['partner', 'partner=', '=peering', 'partner=a=b', 'partner=a b', 'nobody=peering'])
    assert.throws(() => check([wrong]), /"rtpengine\.realmInterfaces" .* must hold REALM=INTERFACE/, wrong);
});
