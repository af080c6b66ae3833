/** Header field values: name-addr, Via, CSeq, parameters. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../../test/support/property.ts';
import { SCALE } from '../../../test/support/scale.ts';
import { parseCSeq } from './cseq.ts';
import { formatNameAddr, parseNameAddr, parseNameAddrList } from './name-addr.ts';
import { formatVia, parseVia } from './via.ts';

const RUNS = 500 * SCALE;

test('name-addr in its forms', () => {
  assert.deepEqual(parseNameAddr('"A \\"B\\" \\\\" <sip:a@b;x=1>;Tag=1;q=0.5;flag'), {
    display: 'A "B" \\',
    uri: 'sip:a@b;x=1',
    params: new Map<string, string | null>([
      ['tag', '1'],
      ['q', '0.5'],
      ['flag', null],
    ]),
  });
  assert.equal(parseNameAddr('Anna Maria <sip:a@b>')?.display, 'Anna Maria');
  assert.equal(parseNameAddr('Jörg <sip:a@b>')?.display, 'Jörg');
  assert.equal(parseNameAddr('<sip:a@b>')?.display, null);
  const bare = parseNameAddr('sip:a@b;tag=x;+sip.instance="<urn:uuid:1>"');
  assert.equal(bare?.uri, 'sip:a@b');
  assert.equal(bare?.params.get('+sip.instance'), '<urn:uuid:1>');
  assert.equal(parseNameAddr('"," <sip:a@b>')?.display, ',');
});

for (const text of [
  '',
  '<>',
  '<sip:a@b',
  'sip:a@b?x=y',
  'a, b <sip:a@b>',
  '"a <sip:a@b>',
  '< sip:a@b>',
  '<sip:a@b>;',
  '<sip:a@b>;;x',
  '<sip:a@b>;x=',
  '<sip:a@b>;x="',
  '<sip:a@b>;tag=1;tag=2',
  '<sip:a@b> x',
  '"a" sip:a@b',
  '<a>',
  '*',
]) {
  test(`no name-addr: ${JSON.stringify(text)}`, () => assert.equal(parseNameAddr(text), null));
}

test('lists split at commas outside quotes and brackets', () => {
  const list = parseNameAddrList('"a,b" <sip:a@b,c>;x="1,2", <sip:d@e>,sip:f@g');
  assert.deepEqual(
    list?.map(a => a.uri),
    ['sip:a@b,c', 'sip:d@e', 'sip:f@g'],
  );
  assert.equal(parseNameAddrList('<sip:a@b>,,<sip:c@d>'), null);
  assert.equal(parseNameAddrList('*')?.[0]?.uri, '*');
});

test('what was parsed can be written, feature tags quoted, hostile names harmless', () => {
  const text = '<sip:a@b>;+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.mmtel";audio;expires=3600';
  const address = parseNameAddr(text);
  assert.ok(address);
  assert.equal(formatNameAddr(address), text);
  const hostile = formatNameAddr({ display: 'x" <sip:evil>\r\nRoute: <sip:evil>', uri: 'sip:a@b', params: new Map() });
  assert.ok(!hostile.includes('\r') && !hostile.includes('\n'));
  assert.equal(parseNameAddr(hostile)?.uri, 'sip:a@b');
});

test('any display name and parameter value survives being written', () => {
  fc.assert(
    fc.property(fc.string(), fc.string({ minLength: 1 }), (display, value) => {
      const address = { display, uri: 'sip:a@b', params: new Map([['x', value]]) };
      assert.deepEqual(parseNameAddr(formatNameAddr(address)), address);
    }),
    { numRuns: RUNS },
  );
});

test('Via in its forms', () => {
  const text = 'SIP/2.0/UDP [2001:db8::1]:5070;branch=z9hG4bKa;rport;received=192.0.2.1';
  const via = parseVia(text);
  assert.deepEqual(via, {
    transport: 'UDP',
    host: '[2001:db8::1]',
    port: 5070,
    params: new Map<string, string | null>([
      ['branch', 'z9hG4bKa'],
      ['rport', null],
      ['received', '192.0.2.1'],
    ]),
  });
  assert.ok(via);
  assert.equal(formatVia(via), text);
  assert.equal(parseVia('sip / 2.0 / tls  Example.com : 5061 ;branch=z9hG4bKb')?.port, 5061);
  for (const bad of [
    '',
    'SIP/2.0/UDP',
    'SIP/2.0/UDPhost',
    'SIP/3.0/UDP h',
    'SIP/2.0/UDP h:x',
    'SIP/2.0/UDP h;;',
    'SIP/2.0/UDP h i',
    'HTTP/2.0/UDP h',
  ]) {
    assert.equal(parseVia(bad), null, bad);
  }
});

test('CSeq', () => {
  assert.deepEqual(parseCSeq('2147483647 INVITE'), { seq: 2147483647, method: 'INVITE' });
  for (const bad of ['', '1', 'INVITE', '2147483648 INVITE', '-1 INVITE', '1 A B', '1INVITE'])
    assert.equal(parseCSeq(bad), null, bad);
});
