/** Tables of the Mw side: addresses in, Request-URIs out, early media, outcomes, trusted peers, entry of the core. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/property.ts';
import { SCALE } from '../../test/support/scale.ts';
import { realmsOf } from '../config/realm.ts';
import { checkSettings } from '../config/settings.ts';
import { parseAddress } from '../ep-cscf/address.ts';
import type { E164 } from '../ep-cscf/ids.ts';
import {
  createHeaders,
  createRequest,
  createResponse,
  parseMessage,
  type SipResponse,
  serialize,
} from '../sip/index.ts';
import { icidOf } from './charging.ts';
import { diversionOf } from './diversion.ts';
import { earlyMediaOf } from './early-media.ts';
import { type HeaderFacts, inviteParts } from './headers.ts';
import { addressOf, associatedOf, calledOf, calleeNameOf, callerOf } from './identity.ts';
import { outcomeOfEnd, outcomeOfRequest } from './outcome.ts';
import { uuidOf } from './register-fields.ts';
import { trustOf } from './trust.ts';

const HOME = 'ims.example.com';
const FACTS: HeaderFacts = {
  ...realmsOf(checkSettings({ ims: { home: HOME } }).ims)[0],
  video: true,
  resourcePriority: '',
  host: '192.0.2.10',
};

function invite(headers: Array<[string, string]>) {
  return createRequest('INVITE', 'sip:b1@192.0.2.10', [
    ['From', '<sip:+999100@x.example.com>;tag=1'],
    ['To', '<tel:+99910020001>'],
    ...headers,
  ]);
}

test('MAP-09 URIs of the core become CAMARA addresses', () => {
  const table: Array<[string, string | null]> = [
    [`sip:+99910020002@${HOME};user=phone`, 'tel:+99910020002'],
    ['tel:+999-100.200(02)', 'tel:+99910020002'],
    [`sip:+99910020002;npdi;rn=+1@${HOME};user=phone`, 'tel:+99910020002'],
    ['tel:+99910020002;verstat=TN-Validation-Failed', 'tel:+99910020002'],
    [`sip:+99910020002;verstat=No-TN-Validation@${HOME};user=phone`, 'tel:+99910020002'],
    ['sip:bob@example.com;transport=tcp', 'sip:bob@example.com'],
    ['sip:1234@ims.example.com;user=phone', 'sip:1234@ims.example.com'],
    ['tel:1234;phone-context=ims.example.com', 'tel:1234;phone-context=ims.example.com'],
    ['sip:bob@192.0.2.1', null],
    ['sip:example.com', null],
    ['urn:service:sos', null],
    ['mailto:a@b', null],
    ['', null],
  ];
  for (const [uri, address] of table) assert.equal(addressOf(uri), address, uri);
});

test('MAP-09 any text gives an address the API can carry, or none', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map(user => `sip:${user}@example.com`),
      ),
      text => {
        const address = addressOf(text);
        assert.ok(address === null || parseAddress(address) !== null);
      },
    ),
    { numRuns: 300 * SCALE },
  );
});

test('TRM-03 the caller is the asserted identity, tel first; privacy hides it; From is not believed', () => {
  const asserted: [string, string] = ['P-Asserted-Identity', `"Bob" <sip:bob@${HOME}>, <tel:+99910020002>`];
  assert.deepEqual(callerOf(invite([asserted])), { caller: 'tel:+99910020002', callerName: 'Bob' });
  const hidden = { caller: 'sip:anonymous@anonymous.invalid', callerName: null };
  for (const privacy of ['id', 'user;critical', 'HEADER', 'history; id']) {
    assert.deepEqual(callerOf(invite([asserted, ['Privacy', privacy]])), hidden, privacy);
  }
  assert.deepEqual(callerOf(invite([asserted, ['Privacy', 'none']])).callerName, 'Bob');
  assert.deepEqual(callerOf(invite([])), hidden);
  assert.equal(calledOf(invite([])).called, 'tel:+99910020001');
  assert.equal(calledOf(invite([['P-Called-Party-ID', `<sip:+99910020009@${HOME}>`]])).called, 'tel:+99910020009');
});

test('who answered is named by the asserted identity, unless privacy hides it', () => {
  const request = invite([]);
  const name = (headers: Array<[string, string]>) => calleeNameOf(createResponse(request, 200, 'OK', { headers }));
  const asserted: [string, string] = ['P-Asserted-Identity', `"Bob" <sip:bob@${HOME}>, <tel:+99910020002>`];
  assert.equal(name([asserted]), 'Bob');
  assert.equal(name([asserted, ['Privacy', 'id']]), null);
  assert.equal(name([]), null);
});

test('a trunk’s peer is believed in From where it asserts nothing', () => {
  const from: [string, string] = ['From', '"Carol" <sip:+999100@x.example.com>;tag=1'];
  const request = createRequest('INVITE', 'sip:b1@192.0.2.10', [from, ['To', '<tel:+99910020001>']]);
  assert.deepEqual(callerOf(request, true), { caller: 'tel:+999100', callerName: 'Carol' });
  assert.equal(callerOf(request).caller, 'sip:anonymous@anonymous.invalid');
  request.headers.add('P-Asserted-Identity', '<tel:+99910020002>');
  assert.equal(callerOf(request, true).caller, 'tel:+99910020002');
});

test('forwarding is read from History-Info, else from Diversion, unless history is private', () => {
  const entry = (uri: string, index: string) => `<sip:+99910020003@${HOME}${uri}>;index=${index}`;
  const history = (...values: string[]): [string, string] => ['History-Info', values.join(', ')];
  const forwarded = history(entry('?Reason=SIP%3Bcause%3D302', '1'), entry(';cause=302', '1.1'));
  const cases: Array<[Array<[string, string]>, number | null]> = [
    [[], null],
    [[history(entry('', '1'))], null],
    [[forwarded], 302],
    [[history(entry(';cause=486', '1.1'), entry(';cause=408', '1.1.1'))], 408],
    [[history(entry(';cause=999', '1.1'))], null],
    [[forwarded, ['Privacy', 'none']], 302],
    [[forwarded, ['Privacy', 'history']], null],
    [[history(entry('?Privacy=history', '1'), entry(';cause=302', '1.1'))], null],
    [[['Diversion', `<sip:x@${HOME}>;reason=user-busy;counter=1, <sip:y@${HOME}>;reason=no-answer`]], 486],
    [[['Diversion', `<sip:x@${HOME}>;reason=time-of-day`]], 302],
  ];
  for (const [headers, cause] of cases) assert.equal(diversionOf(invite(headers)), cause, JSON.stringify(headers));
});

test('ORG-01 CAMARA addresses become Request-URIs', () => {
  const table: Array<[string, string | null, string | null]> = [
    ['tel:+99910020002', `sip:+99910020002@${HOME};user=phone`, 'tel:+99910020002'],
    [
      'tel:0800;phone-context=ims.example.com',
      `sip:0800;phone-context=ims.example.com@${HOME};user=phone`,
      'tel:0800;phone-context=ims.example.com',
    ],
    [
      'tel:*21#;phone-context=ims.example.com',
      `sip:*21%23;phone-context=ims.example.com@${HOME};user=phone`,
      'tel:*21#;phone-context=ims.example.com',
    ],
    ['sip:bob@example.com', 'sip:bob@example.com', 'sip:bob@example.com'],
    ['urn:service:sos.fire', 'urn:service:sos.fire', 'urn:service:sos.fire'],
    ['sip:anonymous@anonymous.invalid', null, null],
  ];
  for (const [to, sip, tel] of table) {
    const effect = {
      type: 'ims.invite',
      owner: 'c',
      binding: 'b',
      from: '+99910020001',
      anonymous: false,
      displayName: null,
      to,
      sdp: '',
      correlator: '',
      location: null,
    } as unknown as Parameters<typeof inviteParts>[0];
    assert.equal(inviteParts(effect, 'i', FACTS)?.uri ?? null, sip, to);
    assert.equal(inviteParts(effect, 'i', { ...FACTS, ruriForm: 'tel' })?.uri ?? null, tel, to);
  }
});

test('EMG-01 EMG-02 an emergency call: URN in Request-URI and To, tel URI asserted, hides nobody, has priority', () => {
  const effect = {
    type: 'ims.invite',
    from: '+99910020001' as E164,
    anonymous: true,
    displayName: null,
    to: 'urn:service:sos',
    sdp: '',
    correlator: '',
    location: null,
  } as unknown as Parameters<typeof inviteParts>[0];
  const parts = inviteParts(effect, 'i', FACTS);
  const names = parts?.fields.map(([name]) => name) ?? [];
  assert.ok(names.includes('Priority') && !names.includes('Privacy') && !names.includes('Resource-Priority'));
  assert.deepEqual([parts?.uri, parts?.to], ['urn:service:sos', '<urn:service:sos>']);
  const said = new Map(parts?.fields);
  assert.equal(said.get('P-Asserted-Identity'), `<sip:+99910020001@${HOME};user=phone>, <tel:+99910020001>`);
  assert.equal(said.get('Supported'), '100rel, timer');
  assert.match(said.get('Accept') ?? '', /application\/pidf\+xml/);
  const prior = inviteParts(effect, 'i', { ...FACTS, resourcePriority: 'esnet.1' });
  assert.equal(new Map(prior?.fields).get('Resource-Priority'), 'esnet.1');
  assert.match(parts?.from ?? '', /^<sip:\+99910020001@/);
});

test('what we write survives our own parser', () => {
  const text = 'Al"i\\ce <x>';
  const effect = {
    type: 'ims.invite',
    from: '+99910020001',
    anonymous: false,
    displayName: text,
    to: 'tel:+99910020002',
    sdp: '',
    correlator: '',
    location: null,
  } as unknown as Parameters<typeof inviteParts>[0];
  const parts = inviteParts(effect, 'i', { ...FACTS, displayName: true });
  assert.ok(parts);
  const request = createRequest('INVITE', parts.uri, [
    ['Via', 'SIP/2.0/UDP a;branch=z9hG4bK1'],
    ['From', `${parts.from};tag=1`],
    ['To', parts.to],
    ['Call-ID', 'x'],
    ['CSeq', '1 INVITE'],
    ['Max-Forwards', '70'],
    ...parts.fields,
  ]);
  const parsed = parseMessage(serialize(request));
  assert.ok(parsed.ok);
  assert.equal(parsed.message.headers.from()?.display, text);
  assert.equal(parsed.message.headers.nameAddrs('P-Asserted-Identity').length, 2);
});

test('the instance of a number is a version 5 UUID and never changes', () => {
  // Reference value of another implementation: version 5 in the namespace of URLs.
  assert.equal(uuidOf('sip:+99910020001@ims.example.com'), 'ab65e938-10ff-58ce-89c1-86fd0cade796');
});

test('ORG-12 early media: the header decides, silence follows the setting', () => {
  const response = (value: string | null): SipResponse => ({
    type: 'response',
    status: 183,
    reason: '',
    headers: createHeaders(value === null ? [] : [['P-Early-Media', value]]),
    body: new Uint8Array(0),
  });
  const rows: Array<[string | null, boolean, boolean, 'open' | 'reliable' | 'closed', boolean, string]> = [
    ['sendrecv', false, false, 'reliable', true, 'sendrecv'],
    ['SendOnly, inactive', false, false, 'closed', true, 'sendonly'],
    ['inactive, sendrecv', true, false, 'open', true, 'inactive'],
    ['gated, recvonly', true, false, 'open', true, 'recvonly'],
    ['supported', true, false, 'reliable', true, 'sendonly'],
    [null, true, false, 'reliable', true, 'sendonly'],
    [null, false, false, 'reliable', true, 'inactive'],
    [null, false, false, 'reliable', false, 'unsaid'],
    [null, true, true, 'reliable', true, 'unsaid'],
    [null, true, false, 'closed', true, 'inactive'],
    [null, false, false, 'open', true, 'sendonly'],
    [null, false, true, 'open', true, 'unsaid'],
  ];
  for (const [value, reliable, spoken, setting, sdp, gate] of rows) {
    assert.equal(earlyMediaOf(response(value), reliable, spoken, setting, sdp), gate, `${value} ${setting}`);
  }
});

test('a BYE tells its SIP and Q.850 causes', () => {
  const bye = invite([
    ['Reason', 'Q.850 ;cause=16 ;text="x, y"'],
    ['Reason', 'SIP;cause=408'],
  ]);
  assert.deepEqual(outcomeOfRequest(bye), {
    code: 408,
    phrase: '',
    q850: 16,
    local: null,
    reason: 'Q.850 ;cause=16 ;text="x, y", SIP;cause=408',
  });
  assert.deepEqual(outcomeOfRequest(invite([['Reason', 'SIP;cause=99999']])).code, 0);
  assert.equal(outcomeOfEnd({ cause: 'session-timer', request: null }).local, 'session-timer');
  assert.equal(outcomeOfEnd({ cause: 'dead', request: null }).local, 'no-response');
});

test('the charging identifier of a call in, for the log', () => {
  const icid = (value: string) => icidOf(invite([['P-Charging-Vector', value]]));
  assert.equal(icid('icid-value="7f;9c";icid-generated-at=192.0.2.7'), '7f;9c');
  assert.equal(icid('orig-ioi=a.example; ICID-value = 7f9c ;x'), '7f9c');
  assert.equal(icidOf(invite([])), undefined);
});

test('REG-09 associated identities are kept in order as addresses, once each; wildcards name nobody', () => {
  const uris = [
    'sip:+99910020001@ims.example.com;user=phone',
    'tel:+99910020001',
    'sip:alice@ims.example.com',
    'data:x',
  ];
  assert.deepEqual(associatedOf(uris), ['tel:+99910020001', 'sip:alice@ims.example.com']);
  assert.deepEqual(associatedOf([...uris, 'sip:+999!.*!@ims.example.com']), []);
});

test('TRM-04 trusted peers are addresses and prefixes of both families', () => {
  const trusted = trustOf(['192.0.2.0/24', '198.51.100.7', '2001:db8::/32']);
  for (const address of ['192.0.2.200', '198.51.100.7', '2001:db8::1', '::ffff:192.0.2.1'])
    assert.equal(trusted(address), true, address);
  for (const address of ['192.0.3.1', '198.51.100.8', '2001:db9::1', 'nonsense'])
    assert.equal(trusted(address), false, address);
});
