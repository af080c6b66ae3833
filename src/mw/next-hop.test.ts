/** The first hop of the core: by name, by a list, and what else goes there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeDns } from '../../test/support/fake-dns.ts';
import { parseUri } from '../sip/index.ts';
import { createNextHops, entryUriOf, parseTarget, shownTarget } from './next-hop.ts';

const HOME = 'ims.example';

function hops(ims: { entry?: string; targets?: string[]; transport?: 'udp' | 'tcp' }) {
  const dns = createFakeDns({ 'icscf.example': ['192.0.2.1', '192.0.2.2'], 'b.example': ['192.0.2.3'] });
  dns.srvs['_sip._tcp.icscf.example'] = [{ name: 'b.example', priority: 0, weight: 0, port: 4060 }];
  const { entry = 'icscf.example', targets = [], transport = 'tcp' } = ims;
  const made = createNextHops({
    realms: [{ home: HOME, proxy: entryUriOf(entry, transport), transport, targets }],
    dns,
    speaks: ['udp', 'tcp'],
    now: () => 0,
    random: () => 0,
    onFailure: () => {},
  });
  return (text: string) =>
    new Promise<string[]>(resolve => {
      const uri = parseUri(text);
      assert.ok(uri, text);
      made.locate(uri, targets => resolve(targets.map(shownTarget)));
    });
}

test('the entry is a host, with or without a port', () => {
  assert.equal(entryUriOf('pcscf.example', 'tcp'), 'sip:pcscf.example;transport=tcp');
  assert.equal(entryUriOf('[::1]:5060', 'udp'), 'sip:[::1]:5060');
});

test('a home domain and the first hop itself go to its servers', async () => {
  const find = hops({ entry: '127.0.0.1:5070' });
  const first = ['127.0.0.1:5070;transport=tcp'];
  for (const uri of [`sip:${HOME}`, 'sip:+1@IMS.example', 'sip:127.0.0.1:5070']) {
    assert.deepEqual(await find(uri), first, uri);
  }
  assert.deepEqual(await find('sip:192.0.2.9'), ['192.0.2.9:5060;transport=udp']);
});

test('TRN-08 an entry without a port is looked up by SRV, one with a port by address', async () => {
  assert.deepEqual(await hops({})(`sip:${HOME}`), ['192.0.2.3:4060;transport=tcp']);
  const found = await hops({ entry: 'icscf.example:5060', transport: 'udp' })(`sip:${HOME}`);
  assert.deepEqual(found, ['192.0.2.1:5060;transport=udp', '192.0.2.2:5060;transport=udp']);
});

test('a list takes the place of the DNS, in its order unless it says priorities', async () => {
  const listed = await hops({ targets: ['192.0.2.7:5070', '[2001:db8::7]:5071;transport=udp', 'b.example:5072'] })(
    `sip:${HOME}`,
  );
  assert.deepEqual(listed, [
    '192.0.2.7:5070;transport=tcp',
    '[2001:db8::7]:5071;transport=udp',
    '192.0.2.3:5072;transport=tcp',
  ]);
  const prior = await hops({ targets: ['192.0.2.7:5070;priority=9', '192.0.2.8:5070; priority=1;weight=5'] })(
    `sip:${HOME}`,
  );
  assert.deepEqual(prior, ['192.0.2.8:5070;transport=tcp', '192.0.2.7:5070;transport=tcp']);
});

test('what a list may not hold is said in one sentence', () => {
  for (const wrong of ['', 'a b', 'sip:a@b', 'a;transport=ws', 'a;priority=x', 'a;ttl=1', 'u@a:5060']) {
    assert.throws(() => parseTarget(wrong, 'tcp', 0), /ims\.targets/, wrong);
  }
});
