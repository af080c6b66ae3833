/** Preconditions on calls in: a caller that still reserves gets our answer first, and is rung when it says that it is ready. RFC 3312. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { eventually } from '../../test/support/core-peer.ts';
import { BINDING, bench, fields, HOME, HOST, NUMBER, SDP } from '../../test/support/mw-bench.ts';
import { standingOf } from './precondition-demand.ts';

const OURS =
  'v=0\r\no=- 7001 1 IN IP4 192.0.2.20\r\ns=-\r\nc=IN IP4 192.0.2.20\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\na=sendrecv\r\n';
const FAR = OURS.replace('7001 1', '9 1');
const CALLER: Array<[string, string]> = [
  ['From', `<sip:+99910020002@${HOME};user=phone>;tag=77e`],
  ['To', `<tel:${NUMBER}>`],
  ['Call-ID', 'reserving@scscf1.example.com'],
];
const SUPPORTED: [string, string] = ['Supported', '100rel, timer, precondition'];

/** Status lines of the caller's offer: how its own access stands, and what it demands. */
function lines(
  local: string,
  demands: string[] = ['qos mandatory local sendrecv', 'qos none remote sendrecv'],
): string {
  const rows = [`a=curr:qos local ${local}`, 'a=curr:qos remote none', ...demands.map(demand => `a=des:${demand}`)];
  return rows.map(row => `${row}\r\n`).join('');
}

async function call(t: TestContext, offer: string, extra: Array<[string, string]>) {
  const b = await bench(t);
  const send = (method: string, seq: number, more: Array<[string, string]> = [], body = '', to = CALLER[1]) =>
    b.peer.send(
      b.port,
      method,
      `sip:${BINDING}@${HOST}:${b.port}`,
      [
        CALLER[0] ?? SDP,
        to ?? SDP,
        CALLER[2] ?? SDP,
        ['Contact', `<sip:ue-2@${HOST}:${b.peer.port}>`],
        ['CSeq', `${seq} ${method}`],
        ...more,
        ...(body === '' ? [] : [SDP]),
      ],
      body,
    );
  const response = (status: number, cseq: string) =>
    eventually(`${status} to ${cseq}`, () =>
      b.peer.texts.find(text => text.startsWith(`SIP/2.0 ${status} `) && text.includes(`CSeq: ${cseq}\r\n`)),
    );
  send('INVITE', 1, extra, offer);
  return { b, send, response };
}

function bodyOf(message: string): string {
  return message.split('\r\n\r\n')[1] ?? '';
}

test('TRM-10 a caller that reserves: 183 with our answer and the wish to be told, UPDATE, and only then it may be rung', async t => {
  const required: Array<[string, string]> = [
    SUPPORTED,
    ['Require', 'precondition'],
    ['Allow', 'INVITE, UPDATE, PRACK'],
  ];
  const { b, send, response } = await call(t, FAR + lines('none'), required);
  const invited = await b.input('ims-invited');
  const { owner } = invited;
  assert.equal(invited.callerReady, false);
  b.mw.port.run({ type: 'ims.provisional', owner, code: 183, sdp: OURS });
  const progress = await response(183, '1 INVITE');
  assert.match(progress, /^Require: 100rel\r\n/m);
  assert.match(progress, /^Require: precondition\r\n/m);
  assert.equal(
    bodyOf(progress),
    `${OURS}a=curr:qos local sendrecv\r\na=curr:qos remote none\r\na=des:qos mandatory local sendrecv\r\na=des:qos mandatory remote sendrecv\r\na=conf:qos remote sendrecv\r\n`,
  );
  const to: [string, string] = ['To', fields(progress).get('To') ?? ''];
  send('PRACK', 2, [['RAck', `${fields(progress).get('RSeq')} 1 INVITE`]], '', to);
  await response(200, '2 PRACK');

  /** An UPDATE with this state of the caller's access; the core answers it as the media plane says. */
  const update = async (seq: number, local: string) => {
    const demands = ['qos mandatory local sendrecv', 'qos mandatory remote sendrecv'];
    send('UPDATE', seq, [], FAR.replace('9 1', `9 ${seq}`) + lines(local, demands), to);
    const { ref } = await b.input('ims-reoffered');
    b.mw.port.run({ type: 'ims.answer', owner, ref, sdp: OURS });
    return bodyOf(await response(200, `${seq} UPDATE`));
  };
  const halfway = await update(3, 'send');
  assert.match(halfway, /^a=curr:qos remote recv\r$/m);
  assert.match(halfway, /^a=conf:qos remote sendrecv\r$/m);
  assert.match(halfway, /^o=- 7001 2 /m, 'other lines are another version');
  assert.ok(!b.inputs.some(({ type }) => type === 'ims-caller-ready'), 'half a line is not ready');
  const whole = await update(4, 'sendrecv');
  assert.match(whole, /^a=curr:qos remote sendrecv\r$/m);
  assert.doesNotMatch(whole, /a=conf/);
  assert.equal((await b.input('ims-caller-ready')).owner, owner);

  b.mw.port.run({ type: 'ims.provisional', owner, code: 180, sdp: null });
  const ringing = await response(180, '1 INVITE');
  assert.equal(bodyOf(ringing), '');
  assert.doesNotMatch(ringing, /^Require: .*precondition/m, 'nothing is asked for any more');
  b.mw.port.run({ type: 'ims.answer', owner, ref: null, sdp: OURS });
  assert.equal(bodyOf(await response(200, '1 INVITE')), '', 'the answer was given');
});

test('TRM-10 a caller that is ready, or wishes without demanding, is rung at once and answered in kind', async t => {
  const { b, response } = await call(t, FAR + lines('sendrecv'), [SUPPORTED]);
  const { owner, callerReady } = await b.input('ims-invited');
  assert.equal(callerReady, true);
  b.mw.port.run({ type: 'ims.answer', owner, ref: null, sdp: OURS });
  const answer = await response(200, '1 INVITE');
  assert.equal(
    bodyOf(answer),
    `${OURS}a=curr:qos local sendrecv\r\na=curr:qos remote sendrecv\r\na=des:qos none local sendrecv\r\na=des:qos mandatory remote sendrecv\r\n`,
  );
});

test('TRM-10 a caller that speaks of no preconditions is rung whatever lines its offer has', async t => {
  const { b, response } = await call(t, FAR + lines('none'), [['Supported', '100rel']]);
  const { owner, callerReady } = await b.input('ims-invited');
  assert.equal(callerReady, true);
  b.mw.port.run({ type: 'ims.answer', owner, ref: null, sdp: OURS });
  assert.equal(bodyOf(await response(200, '1 INVITE')), OURS);
});

test('TRM-10 demands that nobody here can meet get 580 and which they were; a wait without reliable answers 421', async t => {
  const beyond = await call(t, FAR + lines('none', ['sec mandatory e2e sendrecv', 'qos mandatory e2e send']), [
    SUPPORTED,
  ]);
  const refused = await beyond.response(580, '1 INVITE');
  assert.equal(
    bodyOf(refused),
    'v=0\r\no=- 9 1 IN IP4 192.0.2.20\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\na=des:sec unknown e2e sendrecv\r\na=des:qos failure e2e send\r\n',
  );
  const unreliable = await call(t, FAR + lines('none'), [['Supported', 'precondition']]);
  assert.equal(fields(await unreliable.response(421, '1 INVITE')).get('Require'), '100rel');
  for (const { b } of [beyond, unreliable]) {
    assert.deepEqual(b.inputs, []);
    await eventually('nothing left', () => b.mw.sizes().calls === 0);
  }
});

test('TRM-10 a caller that never gets ready is told what was waited for', async t => {
  const { b, response } = await call(t, FAR + lines('none'), [SUPPORTED]);
  const { owner } = await b.input('ims-invited');
  b.mw.port.run({ type: 'ims.end', owner, code: 580, phrase: 'Precondition Failure', reason: null });
  assert.match(bodyOf(await response(580, '1 INVITE')), /^a=des:qos failure local sendrecv\r$/m);
});

test('TRM-10 how offers stand', () => {
  const direction = (has: string, wants: string) => standingOf(FAR + lines(has, [`qos mandatory local ${wants}`]));
  assert.equal(direction('none', 'send'), 'waiting');
  assert.equal(direction('recv', 'send'), 'waiting');
  assert.equal(direction('send', 'send'), 'ready');
  assert.equal(direction('sendrecv', 'recv'), 'ready');
  assert.equal(standingOf(FAR + lines('none', ['qos mandatory remote sendrecv'])), 'ready', 'our side always is');
  assert.equal(standingOf(FAR + lines('none', ['qos optional local sendrecv'])), 'ready');
  assert.equal(standingOf(FAR), 'ready');
  const video = `m=video 0 RTP/AVP 96\r\n${lines('none')}`;
  assert.equal(standingOf(FAR + video), 'ready', 'a stream out of use demands nothing');
  assert.equal(standingOf(`${FAR}${lines('sendrecv')}m=video 4002 RTP/AVP 96\r\n${lines('none')}`), 'waiting');
  assert.equal(
    standingOf(`${FAR}a=curr:qos e2e sendrecv\r\n${lines('sendrecv', ['qos mandatory e2e send'])}`),
    'ready',
  );
});
