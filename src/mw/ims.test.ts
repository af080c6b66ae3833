/** The Mw side on real loopback sockets against a scripted core: every field of REGISTER and INVITE, both ways of a call. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type CorePeer, createCorePeer, eventually } from '../../test/support/core-peer.ts';
import { checkSettings } from '../config/settings.ts';
import type { BindingId, CallId, E164, Ref } from '../ep-cscf/ids.ts';
import type { ImsInput } from '../ep-cscf/ports.ts';
import { createIds } from '../runtime/ids.ts';
import { silentLog } from '../runtime/log.ts';
import { createSystemTimers, type SipRequest } from '../sip/index.ts';
import { createMw, type Mw } from './ims.ts';

const HOST = '127.0.0.1';
const HOME = 'ims.mnc001.mcc001.3gppnetwork.org';
const NUMBER = '+99910020001' as E164;
const BINDING = 'baaaaaaaaaaaaaaaaaaaaaaaaaa' as BindingId;
const CALL = 'caaaaaaaaaaaaaaaaaaaaaaaaaa' as CallId;
const IDENTITY = { impu: `sip:${NUMBER}@${HOME}`, impi: `web-99910020001@${HOME}`, home: HOME };
const OFFER = 'v=0\r\no=- 7001 1 IN IP4 192.0.2.20\r\ns=-\r\nt=0 0\r\n';
const SDP: [string, string] = ['Content-Type', 'application/sdp'];

interface Bench {
  mw: Mw;
  peer: CorePeer;
  inputs: ImsInput[];
  counted: string[];
  port: number;
  /** The next input of this type. */
  input<T extends ImsInput['type']>(type: T): Promise<Extract<ImsInput, { type: T }>>;
  /** The next request of this method the core has got. */
  request(method: string): Promise<SipRequest>;
}

async function bench(
  t: TestContext,
  ims: Record<string, unknown> = {},
  sip: Record<string, unknown> = {},
): Promise<Bench> {
  const peer = await createCorePeer(HOST);
  const inputs: ImsInput[] = [];
  const counted: string[] = [];
  const requests: SipRequest[] = [];
  const timers = createSystemTimers();
  const settings = checkSettings({
    sip: { host: HOST, port: 0, ...sip },
    ims: { home: HOME, entry: `${HOST}:${peer.port}`, transport: 'udp', ...ims },
  });
  const mw = createMw({
    settings,
    emit: input => inputs.push(input as ImsInput),
    ids: createIds(size => new Uint8Array(size).fill(7)),
    shardOfBinding: id => (id === BINDING ? 5 : null),
    timers,
    clock: { now: () => performance.now() },
    log: silentLog,
    count: (name, labels) => counted.push(`${name} ${Object.values(labels).join(' ')}`),
  });
  await mw.start();
  t.after(async () => {
    peer.onMessage = (message, reply) => {
      if (message.type === 'request' && message.method !== 'ACK') peer.respond(message, reply, 200);
    };
    await mw.close();
    await peer.close();
    timers.close();
  });
  peer.onMessage = message => {
    if (message.type === 'request') requests.push(message);
  };
  const input = async <T extends ImsInput['type']>(type: T) => {
    const at = await eventually(type, () => {
      const index = inputs.findIndex(item => item.type === type);
      return index < 0 ? null : { index };
    });
    return inputs.splice(at.index, 1)[0] as Extract<ImsInput, { type: T }>;
  };
  const request = async (method: string) => {
    const at = await eventually(method, () => {
      const index = requests.findIndex(item => item.method === method);
      return index < 0 ? null : { index };
    });
    const [found] = requests.splice(at.index, 1);
    assert.ok(found);
    return found;
  };
  return { mw, peer, inputs, counted, port: mw.listening()?.port ?? 0, input, request };
}

function register(b: Bench, ref: number, initial = true): void {
  const correlator = 'c-1';
  b.mw.port.run({
    type: 'ims.register',
    owner: BINDING,
    ref: ref as Ref,
    number: NUMBER,
    identity: IDENTITY,
    expiresS: 3600,
    correlator,
    initial,
  });
}

/** Answers every REGISTER with 200, this Service-Route and the granted time. */
function registrar(b: Bench, expires = 600, onOther: CorePeer['onMessage'] = () => {}): void {
  b.peer.onMessage = (message, reply) => {
    if (message.type !== 'request' || message.method !== 'REGISTER') {
      onOther(message, reply);
      return;
    }
    const contact = (message.headers.get('Contact') ?? '').replace(/expires=\d+/, `expires=${expires}`);
    b.peer.respond(message, reply, 200, [
      ['Contact', `<sip:sim@192.0.2.9>;expires=77, ${contact}`],
      ['Path', message.headers.get('Path') ?? ''],
      ['Service-Route', `<sip:orig-5a@${HOST}:${b.peer.port};lr>`],
      ['P-Associated-URI', `<${IDENTITY.impu}>, <tel:${NUMBER}>`],
    ]);
  };
}

/** Header lines of a message by name; the values of lists as one text. */
function fields(text: string): Map<string, string> {
  const lines = (text.split('\r\n\r\n')[0] ?? '').split('\r\n').slice(1);
  return new Map(lines.map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]));
}

for (const transport of ['udp', 'tcp'] as const) {
  test(`REGISTER of a trusted node by ${transport}, field by field`, async t => {
    const b = await bench(t, { transport });
    registrar(b);
    register(b, 1);
    assert.deepEqual(await b.input('ims-registered'), {
      type: 'ims-registered',
      owner: BINDING,
      ref: 1,
      expiresS: 600,
      associated: [IDENTITY.impu, `tel:${NUMBER}`],
    });
    const text = b.peer.texts[0] ?? '';
    assert.equal(text.split('\r\n')[0], `REGISTER sip:${HOME} SIP/2.0`);
    const own = `${HOST}:${b.port}${transport === 'tcp' ? ';transport=tcp' : ''}`;
    const got = fields(text);
    assert.match(
      got.get('Via') ?? '',
      new RegExp(`^SIP/2.0/${transport.toUpperCase()} ${HOST}:${b.port};branch=z9hG4bK[0-9a-f]{16,};rport$`),
    );
    assert.equal(got.get('Max-Forwards'), '70');
    assert.match(got.get('From') ?? '', new RegExp(`^<${IDENTITY.impu.replace('+', '\\+')}>;tag=[0-9a-f]+$`));
    assert.equal(got.get('To'), `<${IDENTITY.impu}>`);
    assert.equal(got.get('CSeq'), '1 REGISTER');
    assert.match(
      got.get('Contact') ?? '',
      /^<sip:[^>]+>;\+sip\.instance="<urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}>";\+g\.3gpp\.icsi-ref="urn%3Aurn-7%3A3gpp-service\.ims\.icsi\.mmtel";audio;expires=3600$/,
    );
    assert.ok(got.get('Contact')?.startsWith(`<sip:${BINDING}@${own}>`));
    assert.equal(got.get('Expires'), '3600');
    assert.equal(
      got.get('Authorization'),
      `Digest username="${IDENTITY.impi}", realm="${HOME}", uri="sip:${HOME}", nonce="", response="", integrity-protected="auth-done"`,
    );
    assert.equal(got.get('Path'), `<sip:${BINDING}@${own};lr>`);
    assert.equal(got.get('Require'), 'path');
    assert.equal(got.get('Supported'), 'path, gruu');
    assert.equal(got.get('P-Visited-Network-ID'), `"${HOME}"`);
    assert.match(
      got.get('P-Charging-Vector') ?? '',
      new RegExp(`^icid-value="[0-9a-f]{32}";icid-generated-at=${HOST};orig-ioi="Type 1${HOME}"$`),
    );
    assert.equal(got.get('Content-Length'), '0');
    assert.equal(got.has('Route'), false);
  });
}

test('a refresh keeps Call-ID and auth-done and counts CSeq on; the last REGISTER has expires 0', async t => {
  const b = await bench(t);
  registrar(b);
  register(b, 1);
  await b.input('ims-registered');
  register(b, 2, false);
  await b.input('ims-registered');
  b.mw.port.run({ type: 'ims.deregister', owner: BINDING, ref: 3 as Ref, correlator: '' });
  assert.deepEqual(await b.input('ims-deregistered'), { type: 'ims-deregistered', owner: BINDING, ref: 3 });
  const sent = b.peer.texts.map(fields);
  assert.deepEqual(
    sent.map(got => got.get('CSeq')),
    ['1 REGISTER', '2 REGISTER', '3 REGISTER'],
  );
  assert.equal(new Set(sent.map(got => got.get('Call-ID'))).size, 1);
  assert.equal(new Set(sent.map(got => got.get('P-Charging-Vector'))).size, 3);
  for (const got of sent) assert.match(got.get('Authorization') ?? '', /integrity-protected="auth-done"$/);
  assert.match(sent[2]?.get('Contact') ?? '', /;expires=0$/);
  assert.equal(sent[2]?.get('Expires'), '0');
  assert.equal(b.mw.sizes().bindings, 0);
});

test('REGISTER refused: 423 once, a challenge, 403, 503 with Retry-After', async t => {
  const b = await bench(t);
  const answers: Array<[number, Array<[string, string]>]> = [
    [423, [['Min-Expires', '7200']]],
    [423, [['Min-Expires', '9000']]],
    [401, [['WWW-Authenticate', `Digest realm="${HOME}", nonce="n1", algorithm=MD5`]]],
    [403, []],
    [503, [['Retry-After', '120']]],
  ];
  b.peer.onMessage = (message, reply) => {
    const [status, headers] = answers.shift() ?? [500, []];
    if (message.type === 'request') b.peer.respond(message, reply, status, headers);
  };
  const codes: number[] = [];
  for (let ref = 1; ref <= 4; ref += 1) {
    register(b, ref);
    const failed = await b.input('ims-register-failed');
    codes.push(failed.outcome.code);
    assert.equal(failed.ref, ref);
    assert.equal(failed.retryAfterS, failed.outcome.code === 503 ? 120 : null);
  }
  assert.deepEqual(codes, [423, 401, 403, 503]);
  assert.equal(fields(b.peer.texts[1] ?? '').get('Expires'), '7200');
});

test('a 200 that does not list our contact has not registered us', async t => {
  const b = await bench(t);
  b.peer.onMessage = (message, reply) => {
    if (message.type === 'request')
      b.peer.respond(message, reply, 200, [['Contact', '<sip:other@192.0.2.9>;expires=60']]);
  };
  register(b, 1);
  assert.equal((await b.input('ims-register-failed')).outcome.local, 'internal');
});

test('INVITE of a call out, field by field, by the Service-Route; ring, answer, re-INVITE, BYE', async t => {
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
    b.peer.respond(message, reply, 200, [contact, SDP], OFFER);
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
    [183, OFFER, 'open', false],
  );
  assert.equal((await b.input('ims-answered')).sdp, OFFER);

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
  await eventually('the end', () => b.mw.sizes().calls === 0);
  assert.deepEqual(b.inputs, []);
  assert.ok(b.counted.includes('sip_requests_total INVITE out'));
  assert.ok(b.counted.includes('sip_responses_total INVITE 2xx in'));
});

test('anonymous call: From hides the caller, P-Asserted-Identity does not; settings add name and correlator', async t => {
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

test('a call out that is refused, cancelled, or answered across the CANCEL', async t => {
  const b = await bench(t);
  const invite = (owner: CallId) =>
    b.mw.port.run({
      type: 'ims.invite',
      owner,
      binding: BINDING,
      from: NUMBER,
      anonymous: false,
      displayName: null,
      to: 'tel:+99910020002',
      sdp: OFFER,
      correlator: '',
      location: null,
    });
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

  invite(CALL);
  const second = await got('INVITE', 1);
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
  const third = await got('INVITE', 2);
  answer(third, 180);
  await b.input('ims-progress');
  b.mw.port.run({ type: 'ims.end', owner: CALL, code: 0, phrase: '', reason: null });
  answer(third, 200, [['Contact', `<sip:x@${HOST}:${b.peer.port}>`], SDP], OFFER);
  await b.input('ims-ended');
  await got('BYE');
  await eventually('the end', () => b.mw.sizes().calls === 0);
});

const INCOMING: Array<[string, string]> = [
  ['From', `<sip:+99910020002@${HOME};user=phone>;tag=77e`],
  ['To', `<tel:${NUMBER}>`],
  ['Call-ID', '0f3a77@scscf1.example.com'],
  ['P-Asserted-Identity', `"Bob" <sip:+99910020002@${HOME};user=phone>, <tel:+99910020002>`],
  ['P-Called-Party-ID', `<${IDENTITY.impu}>`],
  ['Supported', '100rel, timer, precondition, histinfo'],
  ['Session-Expires', '1800'],
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

test('a call in: identities, reliable 183, 200, ACK, re-INVITE, BYE with its Reason', async t => {
  const b = await bench(t);
  const heard = listen(b);
  invite(b);
  const invited = await b.input('ims-invited');
  assert.equal(invited.binding, BINDING);
  assert.deepEqual(
    [invited.caller, invited.callerName, invited.called, invited.sdp],
    ['tel:+99910020002', 'Bob', `tel:${NUMBER}`, OFFER],
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
  assert.equal(fields(ok).get('Session-Expires'), '1800;refresher=uac');
  assert.equal(fields(ok).get('Require'), 'timer');
  inDialog('ACK', 1);
  assert.deepEqual(await b.input('ims-acked'), { type: 'ims-acked', owner, sdp: null });
  inDialog('INVITE', 3, [['Contact', `<sip:ue-3@${HOST}:${b.peer.port}>`], SDP], OFFER);
  const { ref } = await b.input('ims-reoffered');
  b.mw.port.run({ type: 'ims.reject', owner, ref, code: 488, phrase: 'Not Acceptable Here' });
  await heard.response(488);
  inDialog('ACK', 3);
  inDialog('BYE', 4, [['Reason', 'Q.850;cause=16;text="Normal call clearing"']]);
  const ended = await b.input('ims-ended');
  assert.deepEqual([ended.outcome.code, ended.outcome.q850, ended.outcome.local], [0, 16, null]);
  assert.equal(b.mw.sizes().calls, 0);
});

test('a call in that is cancelled tells the Reason; one we refuse gets our code', async t => {
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

test('hidden and unknown callers, unknown tokens, drained node', async t => {
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

test('OPTIONS is answered with what we can do', async t => {
  const b = await bench(t);
  const heard = listen(b);
  b.peer.send(b.port, 'OPTIONS', `sip:${HOST}:${b.port}`, [...INCOMING.slice(0, 3), ['CSeq', '1 OPTIONS']]);
  const got = fields(await heard.response(200));
  assert.equal(got.get('Accept'), 'application/sdp');
  assert.match(got.get('Allow') ?? '', /^INVITE, /);
});

test('who is no peer of the core is not heard', async t => {
  const b = await bench(t, {}, { trustedPeers: ['192.0.2.0/24'] });
  b.peer.send(b.port, 'OPTIONS', `sip:${HOST}:${b.port}`, [...INCOMING.slice(0, 3), ['CSeq', '1 OPTIONS']]);
  await eventually('the count', () => b.counted.includes('sip_discarded_total address'));
  assert.deepEqual(b.peer.texts, []);
});

test('settings that cannot be used are refused at start with one sentence', async () => {
  for (const [area, wrong] of [
    ['sip', { trustedPeers: ['nonsense'] }],
    ['ims', { entry: 'host:port:more' }],
    ['sip', { transports: ['sctp'] }],
  ] as const) {
    const settings = checkSettings({ sip: { port: 0 }, [area]: { ...(area === 'sip' ? { port: 0 } : {}), ...wrong } });
    const ids = createIds(size => new Uint8Array(size));
    const timers = createSystemTimers();
    const mw = createMw({
      settings,
      emit() {},
      ids,
      shardOfBinding: () => null,
      timers,
      clock: { now: () => 0 },
      log: silentLog,
      count() {},
    });
    await assert.rejects(mw.start(), /^Error: The .*\.$/);
  }
});
