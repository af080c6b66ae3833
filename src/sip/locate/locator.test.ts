/** Where requests go: addresses as they stand, names by NAPTR, SRV and addresses, through the cache. RFC 3263. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeDns } from '../../../test/support/fake-dns.ts';
import { fc } from '../../../test/support/property.ts';
import { seeded } from '../../../test/support/sip-world.ts';
import { parseUri } from '../message/uri.ts';
import type { Target } from '../transaction/types.ts';
import { createLocator, type LocatorOptions } from './locator.ts';
import { orderServers, type Server } from './server-set.ts';

function world(change: Partial<LocatorOptions> = {}) {
  const dns = createFakeDns({ 'a.example': ['192.0.2.1'], 'b.example': ['192.0.2.2', '192.0.2.3'] });
  const clock = { ms: 0 };
  const failures: string[] = [];
  const locate = createLocator({
    dns,
    speaks: ['udp', 'tcp', 'tls'],
    now: () => clock.ms,
    random: () => 0,
    onFailure: (name, stale) => void failures.push(`${name}${stale ? ' stale' : ''}`),
    ...change,
  });
  /** Targets as text, and whether they were told at once. */
  async function find(text: string): Promise<{ targets: string[]; atOnce: boolean }> {
    const uri = parseUri(text);
    assert.ok(uri, text);
    let atOnce = true;
    const telling = new Promise<{ targets: string[]; atOnce: boolean }>(resolve => {
      locate(uri, targets => resolve({ targets: targets.map(show), atOnce }));
    });
    atOnce = false;
    return telling;
  }
  return { dns, clock, failures, find };
}

const show = ({ transport, host, port }: Target) => `${transport} ${host} ${port}`;
const srv = (name: string, priority = 0, weight = 0, port = 5060) => ({ name, priority, weight, port });
const naptr = (service: string, replacement: string, order = 0, preference = 0) => ({
  flags: 's',
  service,
  replacement,
  order,
  preference,
});

test('TRN-08 an address is its own target, in the transport it says', async () => {
  const { find, dns } = world();
  const cases: Array<[string, string[]]> = [
    ['sip:192.0.2.9', ['udp 192.0.2.9 5060']],
    ['sip:192.0.2.9:5070;transport=tcp', ['tcp 192.0.2.9 5070']],
    ['sip:192.0.2.9;maddr=198.51.100.1', ['udp 192.0.2.9 5060']],
    ['sip:192.0.2.9;transport=tls', ['tls 192.0.2.9 5061']],
    ['sips:192.0.2.9', ['tls 192.0.2.9 5061']],
    ['sips:[2001:db8::9]:5071;transport=tcp', ['tls 2001:db8::9 5071']],
    ['sip:[2001:db8::9]', ['udp 2001:db8::9 5060']],
    ['sips:192.0.2.9;transport=udp', []],
    ['sip:192.0.2.9;transport=sctp', []],
    ['tel:+99910020001', []],
  ];
  for (const [uri, targets] of cases) assert.deepEqual(await find(uri), { targets, atOnce: true }, uri);
  assert.deepEqual(dns.asked, []);
});

test('TRN-08 a name with a port is looked up by address alone', async () => {
  const { find, dns } = world();
  assert.deepEqual((await find('sip:b.example:5090;transport=tcp')).targets, [
    'tcp 192.0.2.2 5090',
    'tcp 192.0.2.3 5090',
  ]);
  assert.deepEqual((await find('sip:b.example:5090')).targets, ['udp 192.0.2.2 5090', 'udp 192.0.2.3 5090']);
  assert.deepEqual(dns.asked, ['A b.example', 'A b.example']);
});

test('TRN-08 a name alone goes by NAPTR, then SRV, best order and preference first', async () => {
  const { find, dns } = world();
  dns.naptrs['ims.example'] = [
    naptr('SIP+D2U', '_sip._udp.ims.example', 20, 1),
    naptr('SIPS+D2T', '_sips._tcp.ims.example', 10, 2),
    naptr('SIP+D2T', '_sip._tcp.ims.example', 10, 1),
    naptr('SIP+D2W', '_sip._ws.ims.example', 1, 1),
    { ...naptr('SIP+D2T', 'x.example', 1, 1), flags: 'u' },
  ];
  dns.srvs['_sip._udp.ims.example'] = [srv('a.example', 0, 0, 5063)];
  dns.srvs['_sip._tcp.ims.example'] = [srv('a.example', 2, 0, 5062), srv('B.example', 1, 0, 5061)];
  dns.srvs['_sips._tcp.ims.example'] = [srv('a.example', 0, 0, 5064)];
  assert.deepEqual((await find('sip:ims.example')).targets, [
    'tcp 192.0.2.2 5061',
    'tcp 192.0.2.3 5061',
    'tcp 192.0.2.1 5062',
    'tls 192.0.2.1 5064',
    'udp 192.0.2.1 5063',
  ]);
  assert.deepEqual((await find('sips:ims.example')).targets, ['tls 192.0.2.1 5064']);
});

test('TRN-08 without NAPTR the SRV of each transport is asked, without SRV the address', async () => {
  const { find, dns } = world();
  dns.srvs['_sip._tcp.ims.example'] = [srv('a.example', 0, 0, 5071)];
  assert.deepEqual((await find('sip:ims.example')).targets, ['tcp 192.0.2.1 5071']);
  assert.deepEqual((await find('sip:ims.example;transport=tcp')).targets, ['tcp 192.0.2.1 5071']);
  assert.deepEqual((await find('sip:a.example')).targets, ['udp 192.0.2.1 5060']);
  assert.deepEqual((await find('sip:a.example;transport=tls')).targets, ['tls 192.0.2.1 5061']);
});

test('TRN-08 an SRV record that points to the root offers nothing, and is not gone round', async () => {
  const { find, dns } = world();
  dns.srvs['_sip._tcp.a.example'] = [srv('.')];
  assert.deepEqual((await find('sip:a.example;transport=tcp')).targets, []);
});

test('TRN-08 a record whose host has no address leaves the others', async () => {
  const { find, dns } = world();
  dns.srvs['_sip._tcp.ims.example'] = [srv('gone.example', 0), srv('a.example', 1)];
  assert.deepEqual((await find('sip:ims.example;transport=tcp')).targets, ['tcp 192.0.2.1 5060']);
});

test('what is known is told at once, kept for its time, and asked for again after it', async () => {
  const { find, dns, clock } = world();
  assert.equal((await find('sip:a.example:5060')).atOnce, false);
  clock.ms = 59_999;
  assert.deepEqual(await find('sip:a.example:5060'), { targets: ['udp 192.0.2.1 5060'], atOnce: true });
  assert.equal(dns.asked.length, 1);
  clock.ms = 60_001;
  dns.hosts['a.example'] = ['192.0.2.7'];
  assert.deepEqual((await find('sip:a.example:5060')).targets, ['udp 192.0.2.1 5060']);
  await new Promise(resolve => setImmediate(resolve));
  assert.deepEqual(await find('sip:a.example:5060'), { targets: ['udp 192.0.2.7 5060'], atOnce: true });
  assert.equal(dns.asked.length, 2);
});

test('while the DNS is down what was known is used for an hour, and no longer', async () => {
  const { find, dns, clock, failures } = world();
  await find('sip:a.example:5060');
  dns.down = true;
  clock.ms = 60_001;
  assert.equal((await find('sip:a.example:5060')).targets.length, 1);
  await new Promise(resolve => setImmediate(resolve));
  assert.deepEqual(failures, ['a.example stale']);
  clock.ms = 60_000 + 3_600_001;
  assert.deepEqual((await find('sip:a.example:5060')).targets, []);
  assert.deepEqual(failures, ['a.example stale', 'a.example']);
});

test('a name that leads nowhere is not asked for again for ten seconds', async () => {
  const { find, dns, clock } = world();
  assert.deepEqual((await find('sip:nobody.example:5060')).targets, []);
  clock.ms = 9999;
  assert.deepEqual(await find('sip:nobody.example:5060'), { targets: [], atOnce: true });
  assert.equal(dns.asked.length, 1);
  clock.ms = 10_001;
  dns.hosts['nobody.example'] = ['192.0.2.8'];
  assert.equal((await find('sip:nobody.example:5060')).targets.length, 1);
});

test('many who ask for one name at once share one question', async () => {
  const { find, dns } = world();
  const found = await Promise.all(Array.from({ length: 50 }, () => find('sip:a.example:5060')));
  assert.ok(found.every(({ targets }) => targets.length === 1));
  assert.equal(dns.asked.length, 1);
});

const server = (name: string, priority: number, weight: number): Server => ({
  rank: 0,
  priority,
  weight,
  transport: 'udp',
  port: 5060,
  addresses: [name],
});

test('TRN-08 weights within one priority decide how often a server is the first', () => {
  const random = seeded(7);
  const servers = [server('light', 1, 10), server('heavy', 1, 30), server('never', 1, 0), server('spare', 2, 100)];
  const firsts = new Map<string, number>();
  for (let i = 0; i < 10_000; i += 1) {
    const order = orderServers(servers, random).map(({ host }) => host);
    assert.equal(order[3], 'spare');
    firsts.set(order[0] ?? '', (firsts.get(order[0] ?? '') ?? 0) + 1);
  }
  const share = (name: string) => (firsts.get(name) ?? 0) / 10_000;
  assert.ok(Math.abs(share('heavy') - 30 / 41) < 0.03, `heavy ${share('heavy')}`);
  assert.ok(Math.abs(share('light') - 10 / 41) < 0.03, `light ${share('light')}`);
  assert.ok(share('never') > 0 && share('never') < 0.05, `never ${share('never')}`);
});

test('TRN-08 any set of servers is tried whole, in order of priority', () => {
  const any = fc.record({ priority: fc.nat(3), weight: fc.nat(100) });
  fc.assert(
    fc.property(fc.array(any, { maxLength: 20 }), fc.integer(), (list, seed) => {
      const servers = list.map(({ priority, weight }, i) => server(`h${i}`, priority, weight));
      const order = orderServers(servers, seeded(seed)).map(({ host }) => host);
      assert.deepEqual([...order].sort(), servers.map((_, i) => `h${i}`).sort());
      const priorities = order.map(host => list[Number(host.slice(1))]?.priority ?? 0);
      assert.deepEqual(
        priorities,
        [...priorities].sort((a, b) => a - b),
      );
    }),
    { numRuns: 200 },
  );
});
