/** Calls out on real loopback sockets: the INVITE field by field, its answers, CANCEL, BYE. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../test/support/core-peer.ts';
import {
  BINDING,
  bench,
  CALL,
  fields,
  HOME,
  HOST,
  INVITE,
  NUMBER,
  OFFER,
  register,
  registrar,
  SDP,
} from '../../test/support/mw-bench.ts';
import type { CallId, Ref } from '../ep-cscf/ids.ts';
import type { SipRequest } from '../sip/index.ts';

test('ORG-03 ORG-05 ORG-21 INVITE of a call out, field by field, by the Service-Route; ring, answer, re-INVITE, BYE', async t => {
  const b = await bench(t);
  registrar(b);
  register(b, 1);
  await b.input('ims-registered');
  let dialog: SipRequest | null = null;
  registrar(b, 600, (message, reply) => {
    if (message.type !== 'request') return;
    const contact: [string, string] = ['Contact', `<sip:ue-2@${HOST}:${b.peer.port}>`];
    if (message.method === 'BYE' || message.method === 'PRACK') b.peer.respond(message, reply, 200);
    if (message.method !== 'INVITE') return;
    if (dialog === null) {
      const reliable: Array<[string, string]> = [
        ['Require', '100rel'],
        ['RSeq', '771'],
        ['P-Early-Media', 'sendrecv'],
      ];
      b.peer.respond(message, reply, 183, [contact, ...reliable, SDP], OFFER);
    }
    dialog ??= message;
    const asserted: [string, string] = ['P-Asserted-Identity', `"Bob" <sip:+99910020002@${HOME}>`];
    b.peer.respond(message, reply, 200, [contact, SDP, asserted], OFFER);
  });
  const effect = {
    type: 'ims.invite',
    owner: CALL,
    binding: BINDING,
    from: NUMBER,
    anonymous: false,
    displayName: 'Alice',
  } as const;
  b.mw.port.run({ ...effect, to: 'tel:+99910020002', sdp: OFFER, correlator: 'c-2', location: null });
  const progress = await b.input('ims-progress');
  assert.deepEqual(
    [progress.code, progress.sdp, progress.earlyMedia, progress.callWaiting],
    [183, OFFER, 'sendrecv', false],
  );
  const { sdp, calleeName } = await b.input('ims-answered');
  assert.deepEqual([sdp, calleeName], [OFFER, 'Bob']);

  const text = b.peer.texts.find(message => message.startsWith('INVITE')) ?? '';
  const called = `sip:+99910020002@${HOME};user=phone`;
  assert.equal(text.split('\r\n')[0], `INVITE ${called} SIP/2.0`);
  const got = fields(text);
  assert.equal(got.get('Route'), `<sip:orig-5a@${HOST}:${b.peer.port};lr>`);
  assert.match(got.get('From') ?? '', new RegExp(`^<sip:\\${NUMBER}@${HOME};user=phone>;tag=[0-9a-f]+$`));
  assert.equal(got.get('To'), `<${called}>`);
  assert.equal(
    got.get('Contact'),
    `<sip:${CALL}@${HOST}:${b.port}>;+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.mmtel"`,
  );
  assert.equal(got.get('P-Asserted-Identity'), `<sip:${NUMBER}@${HOME};user=phone>, <tel:${NUMBER}>`);
  assert.equal(got.get('P-Preferred-Service'), 'urn:urn-7:3gpp-service.ims.icsi.mmtel');
  assert.equal(got.get('Accept-Contact'), '*;+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.mmtel"');
  assert.equal(got.get('P-Early-Media'), 'supported');
  assert.match(got.get('P-Charging-Vector') ?? '', /^icid-value="[0-9a-f]{32}";/);
  assert.equal(got.get('Supported'), '100rel, timer, histinfo, 199');
  assert.equal(got.get('Allow'), 'INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, OPTIONS, INFO, NOTIFY');
  assert.equal(got.get('Session-Expires'), '1800');
  assert.equal(got.get('Min-SE'), '90');
  assert.equal(got.get('Accept'), 'application/sdp, application/3gpp-ims+xml');
  assert.equal(got.get('Content-Type'), 'application/sdp');
  for (const absent of ['Privacy', 'Record-Route', 'User-Agent', 'X-Correlator', 'P-Access-Network-Info'])
    assert.equal(got.has(absent), false, absent);
  assert.equal(text.endsWith(`\r\n\r\n${OFFER}`), true);

  b.mw.port.run({ type: 'ims.update', owner: CALL, ref: 9 as Ref, sdp: OFFER });
  assert.deepEqual(await b.input('ims-updated'), { type: 'ims-updated', owner: CALL, ref: 9, sdp: OFFER });
  b.mw.port.run({
    type: 'ims.end',
    owner: CALL,
    code: 0,
    phrase: '',
    reason: 'RELEASE_CAUSE;cause=1;text="User ends call"',
  });
  const bye = await eventually('BYE', () => b.peer.texts.find(message => message.startsWith('BYE')));
  assert.equal(bye.split('\r\n')[0], `BYE sip:ue-2@${HOST}:${b.peer.port} SIP/2.0`);
  assert.equal(fields(bye).get('Reason'), 'RELEASE_CAUSE;cause=1;text="User ends call"');
  const charged = b.peer.texts.filter(message => /^(INVITE|PRACK|BYE) /.test(message)).map(fields);
  assert.equal(charged.length, 4);
  for (const request of charged) assert.equal(request.get('P-Charging-Vector'), got.get('P-Charging-Vector'));
  const ack = b.peer.texts.find(message => message.startsWith('ACK '));
  assert.equal(fields(ack ?? '').get('P-Charging-Vector'), undefined);
  await eventually('the end', () => b.mw.sizes().calls === 0);
  assert.deepEqual(b.inputs, []);
  assert.ok(b.counted.includes('sip_requests_total INVITE out'));
  assert.ok(b.counted.includes('sip_responses_total INVITE 2xx in'));
});

test('ORG-04 anonymous call: From hides the caller, P-Asserted-Identity does not; settings add name and correlator', async t => {
  const b = await bench(t, {
    displayName: true,
    correlatorHeader: 'X-Correlator',
    ruriForm: 'tel',
    accessNetworkInfo: 'IEEE-802.11;network-provided',
  });
  const common = {
    type: 'ims.invite',
    binding: BINDING,
    from: NUMBER,
    to: 'tel:+99910020002',
    sdp: OFFER,
    correlator: 'c-3',
    location: null,
  } as const;
  b.mw.port.run({ ...common, owner: CALL, anonymous: true, displayName: 'Alice' });
  const anonymous = await b.request('INVITE');
  assert.match(anonymous.headers.get('From') ?? '', /^"Anonymous" <sip:anonymous@anonymous\.invalid>;tag=/);
  assert.equal(anonymous.headers.get('Privacy'), 'id');
  assert.match(anonymous.headers.get('P-Asserted-Identity') ?? '', /^<sip:\+99910020001@/);
  assert.equal(anonymous.uri, 'tel:+99910020002');
  assert.equal(anonymous.headers.get('X-Correlator'), 'c-3');
  assert.equal(anonymous.headers.get('P-Access-Network-Info'), 'IEEE-802.11;network-provided');
  b.mw.port.run({
    ...common,
    owner: 'cbbbbbbbbbbbbbbbbbbbbbbbbbb' as CallId,
    anonymous: false,
    displayName: 'Ali"ce\r\nX: y',
  });
  const named = await eventually('second INVITE', () => b.peer.texts.find(text => text.includes('Ali')));
  assert.match(named, /\r\nFrom: "Ali\\"ceX: y" <sip:\+99910020001@/);
});

test('ORG-22 a call out that is refused, cancelled, or answered across the CANCEL', async t => {
  const b = await bench(t);
  const invite = (owner: CallId) => b.mw.port.run({ ...INVITE, owner, correlator: '' });
  const replies = new Map<string, (bytes: Uint8Array) => void>();
  const requests: SipRequest[] = [];
  b.peer.onMessage = (message, reply) => {
    if (message.type !== 'request') return;
    requests.push(message);
    replies.set(message.method, reply);
    if (message.method === 'CANCEL' || message.method === 'BYE') b.peer.respond(message, reply, 200);
  };
  const got = (method: string, nth = 0) =>
    eventually(method, () => requests.filter(request => request.method === method)[nth]);
  const answer = (request: SipRequest, status: number, headers: Array<[string, string]> = [], body = '') =>
    b.peer.respond(request, replies.get('INVITE') ?? (() => {}), status, headers, body);

  invite(CALL);
  answer(await got('INVITE'), 486, [['Reason', 'Q.850;cause=17;text="User busy"']]);
  const busy = (await b.input('ims-rejected')).outcome;
  assert.deepEqual(busy, {
    code: 486,
    phrase: 'Busy Here',
    q850: 17,
    local: null,
    reason: 'Q.850;cause=17;text="User busy"',
  });

  const restore =
    '<ims-3gpp version="1"><alternative-service><type>restoration</type></alternative-service></ims-3gpp>';
  invite(CALL);
  answer(await got('INVITE', 1), 504, [['Content-Type', 'application/3gpp-ims+xml']], restore);
  assert.equal((await b.input('ims-state-lost')).outcome.code, 504);
  invite(CALL);
  answer(await got('INVITE', 2), 504);
  assert.equal((await b.input('ims-rejected')).outcome.code, 504);

  invite(CALL);
  const second = await got('INVITE', 3);
  b.mw.port.run({
    type: 'ims.end',
    owner: CALL,
    code: 0,
    phrase: '',
    reason: 'RELEASE_CAUSE;cause=1;text="User ends call"',
  });
  answer(second, 180);
  const cancel = await got('CANCEL');
  assert.equal(cancel.headers.get('Reason'), 'RELEASE_CAUSE;cause=1;text="User ends call"');
  assert.equal(cancel.headers.via()?.params.get('branch'), second.headers.via()?.params.get('branch'));
  answer(second, 487);
  assert.equal((await b.input('ims-rejected')).outcome.code, 487);

  invite(CALL);
  const third = await got('INVITE', 4);
  answer(third, 180);
  await b.input('ims-progress');
  b.mw.port.run({ type: 'ims.end', owner: CALL, code: 0, phrase: '', reason: null });
  answer(third, 200, [['Contact', `<sip:x@${HOST}:${b.peer.port}>`], SDP], OFFER);
  await b.input('ims-ended');
  await got('BYE');
  await eventually('the end', () => b.mw.sizes().calls === 0);
});

test('ARC-04 what a client writes adds no header field of the trust domain', async t => {
  const b = await bench(t, { displayName: true, correlatorHeader: 'X-Correlator' });
  const smuggled =
    'x"\r\nP-Access-Network-Info: IEEE-802.11;network-provided\r\nAuthorization: Digest integrity-protected="yes"';
  b.mw.port.run({ ...INVITE, displayName: smuggled, correlator: smuggled });
  const { headers } = await b.request('INVITE');
  for (const name of ['P-Access-Network-Info', 'Authorization']) assert.equal(headers.has(name), false, name);
  assert.equal(headers.from()?.uri, `sip:${NUMBER}@${HOME};user=phone`);
});
