/** Preconditions on calls out: asked for by 421, confirmed by UPDATE, answered, refused. RFC 3312. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../test/support/core-peer.ts';
import { bench, CALL, HOST, INVITE, SDP } from '../../test/support/mw-bench.ts';
import type { Ref } from '../ep-cscf/ids.ts';
import type { SipRequest } from '../sip/index.ts';
import { offeringReadiness, offerStatus } from './precondition.ts';

const AUDIO = 'm=audio 4000 RTP/AVP 8\r\na=sendrecv\r\n';
const OFFER = `v=0\r\no=- 7001 1 IN IP4 192.0.2.20\r\ns=-\r\nc=IN IP4 192.0.2.20\r\nt=0 0\r\n${AUDIO}`;
const FAR = OFFER.replace('7001 1', '9 1');
const STATUS =
  'a=curr:qos local sendrecv\r\na=curr:qos remote none\r\na=des:qos optional local sendrecv\r\na=des:qos optional remote sendrecv\r\n';
const STRENGTHS = { preconditionLocal: 'optional', preconditionRemote: 'optional' } as const;
/** The answer of a callee that reserves and wants to be told. */
const WAITING = `${FAR}a=curr:qos local none\r\na=curr:qos remote none\r\na=des:qos mandatory local sendrecv\r\na=des:qos mandatory remote sendrecv\r\na=conf:qos remote sendrecv\r\n`;

const invite = { ...INVITE, sdp: OFFER, correlator: '' };

test('ORG-14 a 421 is answered with preconditions, the answer that waits with an UPDATE, and both sides go on from there', async t => {
  const b = await bench(t);
  const requests: SipRequest[] = [];
  const contact: [string, string] = ['Contact', `<sip:ue@${HOST}:${b.peer.port}>`];
  let respond = (_status: number, _headers: Array<[string, string]>, _body?: string) => {};
  b.peer.onMessage = (message, reply) => {
    if (message.type !== 'request') return;
    requests.push(message);
    const answer = (status: number, headers: Array<[string, string]> = [], body = '') =>
      b.peer.respond(message, reply, status, headers, body);
    if (message.method === 'PRACK' || message.method === 'BYE') answer(200);
    else if (message.method === 'UPDATE')
      answer(200, [contact, SDP], FAR.replace('9 1', '9 2').concat('a=curr:qos remote sendrecv\r\n'));
    else if (message.method === 'INVITE' && message.headers.hasToken('Supported', 'precondition')) {
      respond = answer;
      if (message.headers.to()?.params.has('tag') === true) answer(200, [contact, SDP], FAR);
      else answer(183, [contact, SDP, ['Require', '100rel, precondition'], ['RSeq', '1']], WAITING);
    } else if (message.method === 'INVITE') answer(421, [['Require', 'precondition']]);
  };
  b.mw.port.run(invite);
  assert.equal((await b.input('ims-progress')).code, 183);
  const update = await eventually('UPDATE', () => requests.find(({ method }) => method === 'UPDATE'));
  const [first, second] = requests.filter(({ method }) => method === 'INVITE');
  assert.equal(first?.headers.hasToken('Supported', 'precondition'), false);
  assert.equal(second?.headers.has('Require'), false);
  assert.equal(Buffer.from(second?.body ?? []).toString(), OFFER + STATUS);
  assert.ok(requests.indexOf(update) > requests.findIndex(({ method }) => method === 'PRACK'));
  assert.equal(Buffer.from(update.body).toString(), OFFER.replace('7001 1', '7001 2') + STATUS);

  respond(200, [contact, SDP, ['Allow', 'INVITE, UPDATE']], FAR);
  await b.input('ims-answered');
  b.mw.port.run({ type: 'ims.update', owner: CALL, ref: 3 as Ref, sdp: OFFER.replace('7001 1', '7001 2') });
  await b.input('ims-updated');
  const hold = requests.findLast(({ method }) => method === 'INVITE');
  assert.match(Buffer.from(hold?.body ?? []).toString(), /^o=- 7001 3 /m, 'its version stays ahead');
  b.mw.port.run({ type: 'ims.end', owner: CALL, code: 0, phrase: '', reason: null });
  await eventually('the end', () => b.mw.sizes().calls === 0);
  assert.deepEqual(b.inputs, []);
});

test('ORG-14 a second 421, and a 580, are failures', async t => {
  const b = await bench(t);
  let invites = 0;
  let final = 421;
  b.peer.onMessage = (message, reply) => {
    if (message.type !== 'request' || message.method !== 'INVITE') return;
    invites += 1;
    b.peer.respond(message, reply, final, final === 421 ? [['Require', 'precondition']] : []);
  };
  b.mw.port.run(invite);
  assert.equal((await b.input('ims-rejected')).outcome.code, 421);
  assert.equal(invites, 2);
  final = 580;
  b.mw.port.run(invite);
  assert.equal((await b.input('ims-rejected')).outcome.code, 580);
  assert.equal(invites, 3);
});

test('ORG-14 an offer of the far side is answered with its own wishes seen from here; a stream out of use has none', () => {
  const readiness = offeringReadiness(OFFER, STRENGTHS);
  const offer = `${FAR}a=curr:qos local sendrecv\r\na=curr:qos remote none\r\na=des:qos mandatory local sendrecv\r\na=des:qos optional remote sendrecv\r\n`;
  assert.equal(
    readiness.said(OFFER, offer),
    `${OFFER}a=curr:qos local sendrecv\r\na=curr:qos remote sendrecv\r\na=des:qos optional local sendrecv\r\na=des:qos mandatory remote sendrecv\r\n`,
  );
  assert.equal(readiness.said(OFFER, null), OFFER.replace('7001 1', '7001 2'), 'other lines are another version');
  assert.equal(offeringReadiness(OFFER, STRENGTHS).said(OFFER, FAR), OFFER);
  assert.equal(readiness.confirmation('a', FAR), null);
  assert.notEqual(readiness.confirmation('a', WAITING), null);
  assert.equal(readiness.confirmation('a', WAITING), null, 'once for a dialog');
  const video = 'm=video 0 RTP/AVP 96\r\n';
  assert.equal(offerStatus(OFFER + video, STRENGTHS), OFFER + STATUS + video);
});
