/** Who a number is in the IMS, from each source, and what a source may not say. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { realmsOf } from '../config/realm.ts';
import { checkSettings } from '../config/settings.ts';
import type { E164 } from '../ep-cscf/ids.ts';
import { createIdentities, type Identities, type IdentityAnswer } from './identities.ts';
import { createIdentityFile } from './identity-file.ts';

const NUMBER = '+15550100001' as E164;
const realm = (ims: Record<string, unknown>) =>
  realmsOf(checkSettings({ ims: { home: 'ims.example', ...ims } }).ims)[0];
const ask = (identities: Identities, number = NUMBER) =>
  new Promise<IdentityAnswer>(resolve => identities.of(number, resolve));
const of = (ims: Record<string, unknown>) => ask(createIdentities(realm(ims), () => {}));

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'identities-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

async function service(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise(resolve => server.once('listening', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('ARC-03 templates make the identities out of the number of the token', async () => {
  const answer = await of({ impi: 'w.{digits}@{home}', impu: 'sip:{digits}@{home}' });
  assert.ok(answer.ok);
  assert.equal(answer.identity.impi, 'w.15550100001@ims.example');
  assert.equal(answer.identity.impu, 'sip:15550100001@ims.example');
});

test('REG-06 an identity with the form of an IMSI is refused unless the core keeps several contacts of it', async () => {
  const impi = '001010000000001@ims.mnc001.mcc001.3gppnetwork.org';
  const refused = await of({ impi });
  assert.ok(!refused.ok && refused.failure === 'unknown');
  assert.match(refused.reason, /SIM/);
  assert.ok((await of({ impi, outbound: true })).ok);
  assert.ok((await of({ impi: '{digits}@{home}' })).ok, 'a number is no IMSI');
});

test('a table gives what it has, the templates the rest, and a number it lacks is unknown', async t => {
  const path = folder(t);
  const yaml = join(path, 'identities.yaml');
  // Unquoted, as people write it: elsewhere in YAML these would be numbers.
  writeFileSync(yaml, '+15550100001:\n  impi: a@ims.example\n  password: 012345\n');
  const answer = await of({ identityFile: yaml });
  assert.ok(answer.ok);
  assert.equal(answer.identity.impi, 'a@ims.example');
  assert.equal(answer.identity.impu, 'sip:+15550100001@ims.example');
  assert.equal(answer.identity.secret.password, '012345');
  const identities = createIdentities(realm({ identityFile: yaml }), () => {});
  assert.deepEqual((await ask(identities, '+15550100002' as E164)).ok, false);
  writeFileSync(yaml, '15550100001:\n  impi: a@ims.example\n');
  assert.throws(() => createIdentities(realm({ identityFile: yaml }), () => {}), /a key that is no \+number/);
  writeFileSync(yaml, '+15550100001:\n  impi: a@ims.example\n'.padEnd(300_000, '#'));
  assert.throws(() => createIdentities(realm({ identityFile: yaml }), () => {}), /larger than 256 KiB as YAML/);
});

test('a table is read again when it changed; one that broke leaves the rows as they were', async t => {
  const file = join(folder(t), 'identities.json');
  let now = 0;
  const faults: string[] = [];
  const write = (text: string, at: number) => {
    writeFileSync(file, text);
    utimesSync(file, at, at);
  };
  write('{"+15550100001": {"impi": "one"}}', 1000);
  const source = createIdentityFile(
    file,
    fault => faults.push(fault),
    () => now,
  );
  const row = () => {
    let found: unknown;
    source('+15550100001' as E164, told => {
      found = told;
    });
    return found;
  };
  assert.deepEqual(row(), { impi: 'one' });
  write('{"+15550100001": {"impi": "two"}}', 2000);
  assert.deepEqual(row(), { impi: 'one' }, 'not looked at again so soon');
  now = 10_000;
  assert.deepEqual(row(), { impi: 'two' });
  write('{"+15550100001": {"k": "secret', 3000);
  now = 20_000;
  assert.deepEqual(row(), { impi: 'two' });
  assert.equal(faults.length, 1);
  assert.doesNotMatch(faults[0] ?? '', /secret/);
});

test('a web service is asked once for all who wait, and its answer kept', async t => {
  const seen: Array<string | undefined> = [];
  const url = await service(t, (request, response) => {
    seen.push(`${request.url} ${request.headers.authorization}`);
    response.end(JSON.stringify({ impi: 'lookup@ims.example', more: 1 }));
  });
  const token = join(folder(t), 'token');
  writeFileSync(token, 'tok\n');
  const identities = createIdentities(realm({ identityUrl: `${url}/{number}`, identityTokenFile: token }), () => {});
  const answers = await Promise.all([ask(identities), ask(identities)]);
  assert.ok(answers.every(answer => answer.ok && answer.identity.impi === 'lookup@ims.example'));
  assert.ok((await ask(identities)).ok);
  assert.deepEqual(seen, ['/%2B15550100001 Bearer tok']);
});

const BAD: ReadonlyArray<[string, RequestListener, 'unknown' | 'unavailable', RegExp]> = [
  ['404', (_, response) => response.writeHead(404).end(), 'unknown', /no identity/],
  ['500', (_, response) => response.writeHead(500).end(), 'unavailable', /500/],
  ['a redirection', (_, response) => response.writeHead(302, { location: '/x' }).end(), 'unavailable', /reached/],
  ['no JSON', (_, response) => response.end('hello'), 'unavailable', /no JSON/],
  ['too much', (_, response) => response.end('x'.repeat(20_000)), 'unavailable', /16 KiB/],
  ['a line break', (_, response) => response.end('{"impi":"a\\r\\nVia: b"}'), 'unknown', /header/],
  ['a wrong key', (_, response) => response.end('{"k":"1234"}'), 'unknown', /malformed/],
];

for (const [what, answer, failure, words] of BAD) {
  test(`a web service that answers ${what} makes the number ${failure}`, async t => {
    const url = await service(t, answer);
    const told = await of({ identityUrl: `${url}/{digits}`, identityTimeoutMs: 20_000 });
    assert.ok(!told.ok);
    assert.equal(told.failure, failure);
    assert.match(told.reason, words);
  });
}

test('a web service that answers nothing in time makes the number unavailable', async t => {
  const url = await service(t, () => {});
  const told = await of({ identityUrl: `${url}/{digits}`, identityTimeoutMs: 50 });
  assert.ok(!told.ok);
  assert.equal(told.failure, 'unavailable');
  assert.match(told.reason, /in time/);
});
