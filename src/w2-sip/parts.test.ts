/** The parts of the SIP front door that need nothing around them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANSWERED_ELSEWHERE } from '../ep-cscf/reason.ts';
import { createHeaders, createRequest } from '../sip/index.ts';
import { addressOf, callerOf, uriOf } from './address.ts';
import { challenge, shownIn } from './bearer.ts';
import { finalOf, reasonHeaders, refusalOf } from './refusal.ts';
import { readRegister } from './register-request.ts';
import { createTurns } from './turns.ts';

const HOME = 'ims.example.com';

test('every form of a called party becomes the address the APIs know', () => {
  for (const [uri, address] of [
    [`sip:+15550109000@${HOME}`, 'tel:+15550109000'],
    ['sip:+15550109000@other.example.com;user=phone', 'tel:+15550109000'],
    ['sip:%2B15550109000@ims.example.com', 'tel:+15550109000'],
    ['sips:+1-555-010-9000@ims.example.com', 'tel:+15550109000'],
    ['tel:+1-555-010-9000', 'tel:+15550109000'],
    ['tel:911;phone-context=+1', 'tel:911;phone-context=+1'],
    [`sip:112@${HOME};user=phone`, `sip:112@${HOME}`],
    ['sip:bob@example.com;transport=ws', 'sip:bob@example.com'],
    ['urn:service:sos.police', 'urn:service:sos.police'],
    ['tel:911', null],
    ['sip:example.com', null],
    ['sip:bob@192.0.2.1', null],
    ['https://example.com/', null],
    ['urn:service:other', null],
  ] as const)
    assert.equal(addressOf(uri, HOME), address, uri);
});

test('an address is written as a URI that user agents read', () => {
  assert.equal(uriOf('tel:+15550109000', HOME), `sip:+15550109000@${HOME};user=phone`);
  assert.equal(uriOf('tel:911;phone-context=+1', HOME), `sip:911;phone-context=+1@${HOME};user=phone`);
  assert.equal(uriOf('sip:bob@example.com', HOME), 'sip:bob@example.com');
  assert.equal(uriOf('sip:anonymous@anonymous.invalid', HOME), 'sip:anonymous@anonymous.invalid');
});

test('who calls: the preferred identity before From, nobody when privacy is asked for', () => {
  const from = ['From', `<sip:+15550100001@${HOME}>;tag=1`] as const;
  const caller = (...fields: Array<readonly [string, string]>) =>
    callerOf(createRequest('INVITE', 'sip:x@example.com', [from, ...fields]), HOME);
  assert.equal(caller(), 'tel:+15550100001');
  assert.equal(caller(['P-Preferred-Identity', '<tel:+15550100002>']), 'tel:+15550100002');
  assert.equal(caller(['Privacy', 'none']), 'tel:+15550100001');
  assert.equal(caller(['Privacy', 'critical; ID']), 'sip:anonymous@anonymous.invalid');
});

test('WSS-05 a token is one bearer token, plain or in the quoted form, and nothing else', () => {
  const shown = (...values: string[]) => shownIn(createHeaders(values.map(value => ['Authorization', value] as const)));
  assert.deepEqual(shown(), { type: 'none' });
  assert.deepEqual(shown('Bearer a.b-c_d'), { type: 'token', token: 'a.b-c_d' });
  assert.deepEqual(shown('bearer  a=='), { type: 'token', token: 'a==' });
  assert.deepEqual(shown('Bearer access_token="a.b"'), { type: 'token', token: 'a.b' });
  for (const bad of ['Bearer', 'Bearer a b', 'Bearer token="a"', 'Bearer access_token="a', 'Digest username="a"'])
    assert.deepEqual(shown(bad), { type: 'other' }, bad);
  assert.deepEqual(shown('Bearer a', 'Bearer b'), { type: 'other' });
});

test('WSS-03 a challenge names no authorization server where there is no https one', () => {
  const facts = { realm: HOME, scopes: ['a', 'b'] };
  assert.deepEqual(challenge({ ...facts, authzServer: null }, null).headers, [
    ['WWW-Authenticate', `Bearer realm="${HOME}", scope="a b"`],
  ]);
  const full = challenge({ ...facts, authzServer: 'https://idp.example.com' }, 'invalid_token');
  assert.match(full.headers?.[0]?.[1] ?? '', /authz_server="https:\/\/idp\.example\.com", error="invalid_token"$/);
});

test('a call out ends by the code the network has given, else by what its status means', () => {
  assert.equal(finalOf('Busy', 'SIP;cause=600;text="Busy Everywhere"').status, 600);
  assert.equal(finalOf('Busy', 'Q.850;cause=17').status, 486);
  assert.equal(finalOf('NoAnswer', null).status, 480);
  assert.equal(finalOf('Failed', 'GW;cause=4;text="no response"').status, 500);
  assert.deepEqual(reasonHeaders(ANSWERED_ELSEWHERE), [['Reason', 'SIP;cause=200;text="Call completed elsewhere"']]);
});

test('a refusal of the core has its status; what is unavailable says when to come back', () => {
  assert.equal(refusalOf({ error: 'originator-mismatch' }).status, 403);
  assert.equal(refusalOf({ error: 'incompatible-state' }).status, 491);
  assert.deepEqual(refusalOf({ error: 'network-unavailable', retryAfterS: 2 }).headers, [['Retry-After', '2']]);
});

test('REGISTER names one device by the UUID of its instance', () => {
  const read = (contact: string, expires?: string) =>
    readRegister(
      createRequest('REGISTER', `sip:${HOME}`, [
        ['Contact', contact],
        ...(expires === undefined ? [] : [['Expires', expires] as const]),
      ]),
    );
  const own = '<sip:u@x.invalid>;+sip.instance="<urn:uuid:3F2504E0-4F89-41D3-9A0C-0305E82C3301>"';
  const good = read(own, '600');
  assert.ok(good.ok && good.deviceId !== null);
  assert.deepEqual([good.deviceId, good.expiresS], ['3f2504e0-4f89-41d3-9a0c-0305e82c3301', 600]);
  const contactWins = read(`${own};expires=60`, '600');
  assert.equal('expiresS' in contactWins && contactWins.expiresS, 60);
  assert.deepEqual(read('*', '0'), { ok: true, deviceId: null });
  const of = (uri: string) => own.replace('sip:u@x.invalid', uri);
  assert.ok(read(of('SIPS:u@x.invalid;transport=ws')).ok);
  for (const uri of [
    'mailto:u@x.invalid',
    'tel:+15550100001',
    'urn:service:sos',
    'sip:u@[::1',
    'sip:u@x.invalid:99999',
  ])
    assert.deepEqual(read(of(uri)), { ok: false }, uri);
  for (const bad of ['*', '<sip:u@x.invalid>', `${own}, ${own}`, `${own};expires=soon`])
    assert.deepEqual(read(bad), { ok: false }, bad);
});

test('turns are taken in order, a fault ends none of those behind it, and no more wait than may', async () => {
  const told: string[] = [];
  let go = () => {};
  const turns = createTurns(2, error => told.push((error as Error).message));
  assert.ok(turns.take(() => new Promise<void>(resolve => (go = resolve))));
  assert.ok(
    turns.take(() => {
      throw new Error('fault');
    }),
  );
  assert.ok(turns.take(() => void told.push('third')));
  assert.equal(
    turns.take(() => {}),
    false,
  );
  go();
  await new Promise(resolve => setImmediate(resolve));
  assert.deepEqual(told, ['fault', 'third']);
});
