/** Calls in on real loopback sockets: identities, answers, CANCEL, and who is not heard. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../test/support/core-peer.ts';
import {
  type Bench,
  BINDING,
  bench,
  fields,
  HOME,
  HOST,
  IDENTITY,
  NUMBER,
  OFFER,
  SDP,
} from '../../test/support/mw-bench.ts';

const INCOMING: Array<[string, string]> = [
  ['From', `<sip:+99910020002@${HOME};user=phone>;tag=77e`],
  ['To', `<tel:${NUMBER}>`],
  ['Call-ID', '0f3a77@scscf1.example.com'],
  ['P-Asserted-Identity', `"Bob" <sip:+99910020002@${HOME};user=phone>, <tel:+99910020002>`],
  ['P-Called-Party-ID', `<${IDENTITY.impu}>`],
  ['P-Charging-Vector', 'icid-value="7f;9c";icid-generated-at=192.0.2.7;orig-ioi="Type 1far.example";transit-ioi="t"'],
  ['Supported', '100rel, timer, precondition, histinfo'],
  ['Session-Expires', '1800'],
  ['Allow', 'INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, INFO'],
];

function invite(b: Bench, extra: Array<[string, string]> = [], token: string = BINDING): void {
  const contact: [string, string] = ['Contact', `<sip:ue-2@${HOST}:${b.peer.port}>`];
  b.peer.send(
    b.port,
    'INVITE',
    `sip:${token}@${HOST}:${b.port}`,
    [...INCOMING, contact, ['CSeq', '1 INVITE'], ...extra, SDP],
    OFFER,
  );
}

/** Collects responses; the ACK and what follows in the dialog are sent by the test. */
function listen(b: Bench): { statuses: number[]; to: () => string; response: (status: number) => Promise<string> } {
  const texts = () => b.peer.texts.filter(text => text.startsWith('SIP/2.0'));
  return {
    get statuses() {
      return texts().map(text => Number(text.slice(8, 11)));
    },
    to: () => fields(texts().find(text => text.includes(';tag=') && /^To:.*;tag=/m.test(text)) ?? '').get('To') ?? '',
    response: status => eventually(`${status}`, () => texts().find(text => text.startsWith(`SIP/2.0 ${status}`))),
  };
}

test('TRM-02 TRM-14 TRM-20 ORG-21 a call in: identities, reliable 183, 200, ACK, re-INVITE, BYE with its Reason', async t => {
  const b = await bench(t);
  const heard = listen(b);
  invite(b);
  const invited = await b.input('ims-invited');
  assert.equal(invited.binding, BINDING);
  assert.deepEqual(
    [invited.caller, invited.callerName, invited.called, invited.identity, invited.sdp],
    ['tel:+99910020002', 'Bob', `tel:${NUMBER}`, `tel:${NUMBER}`, OFFER],
  );
  const { owner } = invited;
  b.mw.port.run({ type: 'ims.provisional', owner, code: 183, sdp: OFFER });
  const progress = fields(await heard.response(183));
  assert.equal(progress.get('Require'), '100rel');
  assert.equal(
    progress.get('Contact'),
    `<sip:${owner}@${HOST}:${b.port}>;+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.mmtel"`,
  );
  const inDialog = (method: string, seq: number, extra: Array<[string, string]> = [], body = '') =>
    b.peer.send(
      b.port,
      method,
      `sip:${owner}@${HOST}:${b.port}`,
      [INCOMING[0] ?? SDP, ['To', heard.to()], INCOMING[2] ?? SDP, ['CSeq', `${seq} ${method}`], ...extra],
      body,
    );
  inDialog('PRACK', 2, [['RAck', `${progress.get('RSeq')} 1 INVITE`]]);
  b.mw.port.run({ type: 'ims.answer', owner, ref: null, sdp: OFFER });
  const ok = await eventually('200', () =>
    b.peer.texts.find(text => text.startsWith('SIP/2.0 200') && text.includes('1 INVITE')),
  );
  assert.equal(fields(ok).get('To'), progress.get('To'), 'one dialog, one tag');
  const charging = 'icid-value="7f;9c";icid-generated-at=192.0.2.7';
  for (const answer of [progress, fields(ok)]) {
    assert.equal(answer.get('P-Asserted-Identity'), `<sip:${NUMBER}@${HOME};user=phone>, <tel:${NUMBER}>`);
    const vector = `${charging};orig-ioi="Type 1far.example";term-ioi="Type 1${HOME}"`;
    assert.equal(answer.get('P-Charging-Vector'), vector);
  }
  assert.equal(fields(ok).get('Session-Expires'), '1800;refresher=uac');
  assert.equal(fields(ok).get('Require'), 'timer');
  inDialog('ACK', 1);
  assert.deepEqual(await b.input('ims-acked'), { type: 'ims-acked', owner, sdp: null });
  inDialog('INVITE', 3, [['Contact', `<sip:ue-3@${HOST}:${b.peer.port}>`], SDP], OFFER);
  const { ref } = await b.input('ims-reoffered');
  b.mw.port.run({ type: 'ims.reject', owner, ref, code: 488, phrase: 'Not Acceptable Here' });
  assert.match(await heard.response(488), /^Warning: 305 lineside "Incompatible media format"\r$/m);
  inDialog('ACK', 3);
  const control: [string, string] = ['Content-Type', 'application/media_control+xml'];
  const wish = (word: string) => `<media_control><vc_primitive><to_encoder><${word}/></to_encoder></vc_primitive>`;
  inDialog('INFO', 4, [control], wish('something_else'));
  inDialog('INFO', 5, [control], wish('picture_fast_update'));
  assert.deepEqual(await b.input('ims-key-frame'), { type: 'ims-key-frame', owner });
  await eventually('200', () => b.peer.texts.find(text => text.startsWith('SIP/2.0 200') && text.includes('5 INFO')));
  b.mw.port.run({ type: 'ims.key-frame', owner });
  const asked = await eventually('INFO', () => b.peer.texts.find(text => text.startsWith('INFO ')));
  assert.equal(fields(asked).get('P-Charging-Vector'), charging);
  assert.match(asked, /^Content-Type: application\/media_control\+xml\r\n[\s\S]*<picture_fast_update\/>/m);
  inDialog('BYE', 6, [['Reason', 'Q.850;cause=16;text="Normal call clearing"']]);
  const ended = await b.input('ims-ended');
  assert.deepEqual([ended.outcome.code, ended.outcome.q850, ended.outcome.local], [0, 16, null]);
  assert.equal(b.mw.sizes().calls, 0);
});

test('TRM-17 a call in that is cancelled tells the Reason; one we refuse gets our code', async t => {
  const b = await bench(t);
  const heard = listen(b);
  invite(b);
  const first = await b.input('ims-invited');
  const reason: [string, string] = ['Reason', 'SIP;cause=200;text="Call completed elsewhere"'];
  b.peer.send(b.port, 'CANCEL', `sip:${BINDING}@${HOST}:${b.port}`, [
    ...INCOMING.slice(0, 3),
    ['CSeq', '1 CANCEL'],
    reason,
  ]);
  const { owner, outcome } = await b.input('ims-cancelled');
  assert.deepEqual([owner, outcome.code, outcome.reason], [first.owner, 200, reason[1]]);
  await heard.response(487);
  b.mw.port.run({ type: 'ims.end', owner: first.owner, code: 603, phrase: 'Decline', reason: null });
  invite(b);
  const second = await b.input('ims-invited');
  b.mw.port.run({ type: 'ims.end', owner: second.owner, code: 603, phrase: 'Decline', reason: null });
  await heard.response(603);
  assert.equal(b.mw.sizes().calls, 0);
});

test('SDP-10 a call in without a codec in common is refused with 488 and what was wrong', async t => {
  const b = await bench(t);
  const heard = listen(b);
  invite(b);
  const { owner } = await b.input('ims-invited');
  b.mw.port.run({ type: 'ims.end', owner, code: 488, phrase: 'Not Acceptable Here', reason: null });
  assert.equal(fields(await heard.response(488)).get('Warning'), '305 lineside "Incompatible media format"');
  assert.deepEqual(heard.statuses, [100, 488]);
});

test('CTC-13 a call in for a leased number is sent to the business: 302 with its Contact', async t => {
  const b = await bench(t);
  const heard = listen(b);
  invite(b);
  const { owner } = await b.input('ims-invited');
  const contact = 'tel:+99910027000';
  b.mw.port.run({ type: 'ims.end', owner, code: 302, phrase: 'Moved Temporarily', reason: null, contact });
  assert.equal(fields(await heard.response(302)).get('Contact'), `<${contact}>`);
  assert.equal(b.mw.sizes().calls, 0);
});

test('TRM-03 hidden and unknown callers, unknown tokens, drained node', async t => {
  const b = await bench(t);
  const heard = listen(b);
  invite(b, [['Privacy', 'id']]);
  const hidden = await b.input('ims-invited');
  assert.deepEqual([hidden.caller, hidden.callerName], ['sip:anonymous@anonymous.invalid', null]);
  invite(b, [], 'bzzzzzzzzzzzzzzzzzzzzzzzzzz');
  // The same Call-ID and From-tag by another path is refused before its token is looked at.
  await heard.response(482);
  b.mw.port.run({ type: 'ims.end', owner: hidden.owner, code: 480, phrase: 'Temporarily Unavailable', reason: null });
  await heard.response(480);
  invite(b, [], 'bzzzzzzzzzzzzzzzzzzzzzzzzzz');
  await heard.response(404);
  b.mw.drain();
  invite(b);
  await heard.response(503);
  assert.ok(b.counted.includes('overload_shed_total draining'));
});

test('EMG-06 a drained node still takes a call back by an emergency centre', async t => {
  const b = await bench(t);
  b.mw.drain();
  invite(b, [['Priority', 'psap-callback']]);
  const { owner, emergency } = await b.input('ims-invited');
  assert.equal(emergency, true);
  b.mw.port.run({ type: 'ims.end', owner, code: 486, phrase: 'Busy Here', reason: null });
});

test('OPTIONS is answered with what we can do', async t => {
  const b = await bench(t);
  const heard = listen(b);
  b.peer.send(b.port, 'OPTIONS', `sip:${HOST}:${b.port}`, [...INCOMING.slice(0, 3), ['CSeq', '1 OPTIONS']]);
  const got = fields(await heard.response(200));
  assert.equal(got.get('Accept'), 'application/sdp');
  assert.match(got.get('Allow') ?? '', /^INVITE, /);
});

test('TRM-04 who is no peer of the core is not heard', async t => {
  const b = await bench(t, {}, { trustedPeers: ['192.0.2.0/24'] });
  b.peer.send(b.port, 'OPTIONS', `sip:${HOST}:${b.port}`, [...INCOMING.slice(0, 3), ['CSeq', '1 OPTIONS']]);
  await eventually('the count', () => b.counted.includes('sip_discarded_total address'));
  assert.deepEqual(b.peer.texts, []);
});
