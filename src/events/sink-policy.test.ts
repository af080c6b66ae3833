/** Which sinks are refused, in every spelling. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fc } from '../../test/support/property.ts';
import { SCALE } from '../../test/support/scale.ts';
import { createSinkPolicy } from './sink-policy.ts';

const settings = { allow: [], ports: ['443', '8443'] };
const nowhere = async (): Promise<string[]> => {
  throw new Error('ENOTFOUND');
};

const refused = [
  ['no https', 'http://app.example.com/'],
  ['another scheme', 'ftp://app.example.com/'],
  ['upper-case scheme', 'HTTPS://app.example.com/'],
  ['no host', 'https:///path'],
  ['one slash', 'https:/app.example.com'],
  ['a space', 'https://a b'],
  ['a space in the path', 'https://app.example.com/a b'],
  ['a line break', 'https://app.example.com/\r\nHost: x'],
  ['a backslash', 'https://app.example.com\\@127.0.0.1/'],
  ['user information', 'https://user:pw@app.example.com/'],
  ['empty user information', 'https://@app.example.com/'],
  ['a fragment', 'https://app.example.com/#x'],
  ['an empty fragment', 'https://app.example.com/#'],
  ['another port', 'https://app.example.com:22/'],
  ['port 0', 'https://app.example.com:0/'],
  ['no such port', 'https://app.example.com:70000/'],
  ['localhost', 'https://localhost/'],
  ['localhost with a dot', 'https://localhost./'],
  ['a name below localhost', 'https://a.localhost/'],
  ['a single label', 'https://intranet/'],
  ['.local', 'https://printer.local/'],
  ['.local, upper case, with a dot', 'https://PRINTER.LOCAL./'],
  ['.internal', 'https://metadata.google.internal/'],
  ['loopback', 'https://127.0.0.1/'],
  ['loopback, another', 'https://127.9.9.9:8443/'],
  ['decimal', 'https://2130706433/'],
  ['octal', 'https://0177.0.0.1/'],
  ['octal, whole', 'https://017700000001/'],
  ['hexadecimal', 'https://0x7f000001/'],
  ['hexadecimal parts', 'https://0x7f.0x0.0x0.0x1/'],
  ['short', 'https://127.1/'],
  ['short hexadecimal', 'https://0x7f.1/'],
  ['zero', 'https://0/'],
  ['percent encoded', 'https://%31%32%37.0.0.1/'],
  ['with a closing dot', 'https://127.0.0.1./'],
  ['private 10', 'https://10.1.2.3/'],
  ['private 172', 'https://172.31.0.1/'],
  ['private 192', 'https://192.168.1.1/'],
  ['link-local, cloud metadata', 'https://169.254.169.254/latest'],
  ['carrier NAT', 'https://100.64.0.1/'],
  ['multicast', 'https://224.0.0.1/'],
  ['broadcast', 'https://255.255.255.255/'],
  ['unspecified', 'https://0.0.0.0/'],
  ['documentation', 'https://192.0.2.1/'],
  ['benchmarking', 'https://198.18.0.1/'],
  ['reserved', 'https://240.0.0.1/'],
  ['IPv6 loopback', 'https://[::1]/'],
  ['IPv6 loopback, long', 'https://[0:0:0:0:0:0:0:1]/'],
  ['IPv6 unspecified', 'https://[::]/'],
  ['IPv6 link-local', 'https://[fe80::1]/'],
  ['unique local', 'https://[fd00::1]/'],
  ['IPv6 multicast', 'https://[ff02::1]/'],
  ['IPv4-mapped', 'https://[::ffff:127.0.0.1]/'],
  ['IPv4-mapped in hexadecimal', 'https://[::ffff:7f00:1]/'],
  ['IPv4-mapped, public', 'https://[::ffff:8.8.8.8]/'],
  ['IPv4-compatible', 'https://[::7f00:1]/'],
  ['IPv4-translated', 'https://[::ffff:0:127.0.0.1]/'],
  ['NAT64', 'https://[64:ff9b::7f00:1]/'],
  ['local NAT64', 'https://[64:ff9b:1::7f00:1]/'],
  ['6to4', 'https://[2002:7f00:1::]/'],
  ['Teredo', 'https://[2001:0:4136:e378::1]/'],
  ['IPv6 documentation', 'https://[2001:db8::1]/'],
  ['too long', `https://app.example.com/${'x'.repeat(1024)}`],
] as const;

const taken = [
  'https://app.example.com',
  'https://app.example.com:8443/events?x=1',
  'https://8.8.8.8/',
  'https://[2606:4700::1111]:443/',
  'https://xn--bcher-kva.example/',
];

describe('8.6 the sink policy', () => {
  for (const [name, sink] of refused) {
    it(`refuses ${name}`, async () => {
      assert.match((await createSinkPolicy(settings, nowhere).check(sink)) ?? '', /^The .*\.$/);
    });
  }

  it('takes public hosts, and names that cannot be resolved', async () => {
    const policy = createSinkPolicy(settings, nowhere);
    for (const sink of taken) assert.equal(await policy.check(sink), null, sink);
  });

  it('refuses a name that has only private addresses, and calls only the public ones of another', async () => {
    const names: Record<string, string[]> = {
      'private.example.com': ['127.0.0.1', '10.0.0.1', '::1', 'fe80::1%eth0', '64:ff9b::a00:1'],
      'mixed.example.com': ['10.0.0.1', '93.184.216.34', '::ffff:10.0.0.1'],
    };
    const policy = createSinkPolicy(settings, async name => names[name] ?? []);
    assert.match((await policy.check('https://private.example.com/')) ?? '', /no allowed address/);
    assert.equal(await policy.check('https://mixed.example.com/'), null);
    assert.deepEqual(await policy.addressesOf('mixed.example.com'), ['93.184.216.34']);
  });

  it('opens what the operator allows and no more', async () => {
    const policy = createSinkPolicy(
      { allow: ['127.0.0.0/8', 'fd00::/8', '10.9.9.9', 'sink.lab', '::1'], ports: ['443', '1024-65535'] },
      async () => ['10.0.0.1'],
    );
    for (const good of [
      'https://127.0.0.1:1024/',
      'https://2130706433:40000/',
      'https://[::ffff:127.0.0.1]/',
      'https://[fd00::5]/',
      'https://10.9.9.9/',
      'https://sink.lab/',
      'https://[::1]/',
    ]) {
      assert.equal(await policy.check(good), null, good);
    }
    for (const bad of ['https://127.0.0.1:1023/', 'https://10.9.9.8/', 'https://other.lab/', 'https://[fe80::1]/']) {
      assert.notEqual(await policy.check(bad), null, bad);
    }
    assert.deepEqual(await policy.addressesOf('sink.lab'), ['10.0.0.1']);
    assert.deepEqual(await policy.addressesOf('other.lab'), []);
  });

  it('names the setting it cannot read', () => {
    for (const ports of ['x', '0', '70000', '10-5', '1-2-3']) {
      assert.throws(() => createSinkPolicy({ allow: [], ports: [ports] }), { message: /^The sink ports ".*\.$/ });
    }
    assert.throws(() => createSinkPolicy({ allow: ['a b'], ports: [] }), { message: /^The allowed sink "a b" .*\.$/ });
  });

  it('answers for any text and never takes one whose host is a private address', () => {
    const policy = createSinkPolicy(settings, nowhere);
    const octet = fc.nat(255);
    const spelled = fc.tuple(octet, octet, octet).chain(([b, c, d]) => {
      const whole = ((127 << 24) | (b << 16) | (c << 8) | d) >>> 0;
      return fc.constantFrom(
        String(whole),
        `0x${whole.toString(16)}`,
        `0${whole.toString(8)}`,
        `127.${b}.${(c << 8) | d}`,
        `0x7f.${(b << 16) | (c << 8) | d}`,
        `[::ffff:${(0x7f00 | b).toString(16)}:${((c << 8) | d).toString(16)}]`,
      );
    });
    fc.assert(
      fc.property(spelled, host => assert.notEqual(policy.checkUrl(`https://${host}/`), null)),
      { numRuns: 300 * SCALE },
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), text => {
        policy.checkUrl(text);
        policy.checkUrl(`https://${text}`);
      }),
      { numRuns: 500 * SCALE },
    );
  });
});
