/** The proxy over real sockets: forks, CANCEL, identities, routing. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { afterEach, beforeEach, test } from 'node:test';
import { parseMessage } from '../../src/sip/index.ts';
import { type Ims, startIms } from './ims.ts';
import { DOMAIN, openPhone, type Phone, SDP } from './test-phone.ts';

const HOST = '127.31.7.11';
const GATEWAY = '127.31.7.12';
const [A, B, C, D] = ['+15550100001', '+15550100002', '+15550100003', '+15550100004'] as const;

let ims: Ims;
const open: Phone[] = [];

beforeEach(async () => {
  const subscribers = [A, B, C, D].map(number => ({
    number,
    phonePassword: `pw-phone-${number.slice(1)}`,
    ...(number === D ? { name: 'Dolores' } : {}),
  }));
  ims = await startIms({ host: HOST, port: 0, domain: DOMAIN, subscribers, trustedNodes: [GATEWAY], timerCMs: 300 });
});

afterEach(async () => {
  for (const phone of open.splice(0)) await phone.close();
  await ims.close();
});

async function phoneOf(number: string): Promise<Phone> {
  const phone = await openPhone({ ims, host: HOST, number });
  open.push(phone);
  phone.register();
  await phone.next('registered');
  return phone;
}

const PATH = `<sip:token@${GATEWAY}:`;

async function gatewayOf(number: string): Promise<Phone> {
  const phone = await openPhone({ ims, host: GATEWAY, number });
  open.push(phone);
  const port = phone.contact.split(':').at(-1)?.slice(0, -1);
  const impi = `web-${number.slice(1)}@${DOMAIN}`;
  phone.register({
    digest: false,
    headers: [
      [
        'Authorization',
        `Digest username="${impi}", realm="${DOMAIN}", uri="sip:${DOMAIN}", nonce="", response="", integrity-protected="auth-done"`,
      ],
      ['Path', `${PATH}${port};lr>`],
    ],
  });
  await phone.next('registered');
  return phone;
}

const settled = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 20));

test('a call rings every contact; the first to answer wins, the others are told where it went', async () => {
  const [caller, first, second] = [await phoneOf(A), await phoneOf(B), await phoneOf(B)];
  const call = caller.call(B);
  const [one, two] = [await first.next('invite'), await second.next('invite')];
  one.call.provisional({ status: 180, reason: 'Ringing' });
  await caller.next('progress');
  two.call.provisional({ status: 180, reason: 'Ringing' });
  await caller.next('progress');
  two.call.answer(SDP(HOST, 40_010));
  await caller.next('answered');
  await second.next('acked');
  const { request } = await first.next('cancelled');
  assert.equal(request.headers.get('Reason'), 'SIP;cause=200;text="Call completed elsewhere"');
  call.end();
  assert.equal((await second.next('ended')).cause, 'bye');
  await settled();
  assert.equal(ims.sizes().forks, 0);
});

test('the callee can hang up too: requests in the dialog pass both ways', async () => {
  const [caller, callee] = [await phoneOf(A), await phoneOf(B)];
  caller.call(B);
  const invite = await callee.next('invite');
  invite.call.answer(SDP(HOST, 40_010));
  await caller.next('answered');
  await callee.next('acked');
  invite.call.end();
  assert.equal((await caller.next('ended')).cause, 'bye');
});

test('a request too large for UDP goes by TCP on every hop', async () => {
  const [caller, callee] = [await phoneOf(A), await phoneOf(B)];
  const call = caller.call(B, { headers: [['Subject', 'x'.repeat(1400)]] });
  const invite = await callee.next('invite');
  assert.deepEqual(
    invite.request.headers.all('Via').map(via => via.slice(0, 12)),
    ['SIP/2.0/TCP ', 'SIP/2.0/TCP '],
  );
  invite.call.answer(SDP(HOST, 40_010));
  await caller.next('answered');
  await callee.next('acked');
  call.end();
  assert.equal((await callee.next('ended')).cause, 'bye');
});

test('a call to the own number rings the other devices, never the calling one', async () => {
  const [caller, other] = [await phoneOf(A), await phoneOf(A)];
  caller.call(A);
  const invite = await other.next('invite');
  invite.call.reject({ status: 486, reason: 'Busy Here' });
  assert.equal((await caller.next('rejected')).status, 486);
  assert.equal(caller.events.length, 0);
});

test('unknown numbers get 404, known ones without a device 480', async () => {
  const caller = await phoneOf(A);
  caller.call('+15550177777');
  assert.equal((await caller.next('rejected')).status, 404);
  caller.call(C);
  assert.equal((await caller.next('rejected')).status, 480);
  caller.call(A);
  assert.equal((await caller.next('rejected')).status, 480);
  caller.call(B, { uri: `sip:${B}@elsewhere.example` });
  assert.equal((await caller.next('rejected')).status, 404);
});

test('numbers are found however they are written', async () => {
  const [caller, callee] = [await phoneOf(A), await phoneOf(B)];
  for (const uri of [
    `tel:+1-555-010-0002`,
    'tel:0100002;phone-context=+1555',
    `sip:0015550100002@${DOMAIN}`,
    `sip:%2B15550100002@${HOST}:${ims.port}`,
  ]) {
    caller.call(B, { uri });
    const invite = await callee.next('invite');
    invite.call.reject({ status: 486, reason: 'Busy Here' });
    assert.equal((await caller.next('rejected')).status, 486, uri);
  }
});

test('the best refusal goes back when all have refused: busy beats unavailable', async () => {
  const [caller, first, second] = [await phoneOf(A), await phoneOf(B), await phoneOf(B)];
  caller.call(B);
  (await first.next('invite')).call.reject({ status: 486, reason: 'Busy Here' });
  (await second.next('invite')).call.reject({ status: 480, reason: 'Temporarily Unavailable' });
  assert.equal((await caller.next('rejected')).status, 486);
});

test('a 6xx ends the other branches', async () => {
  const [caller, first, second] = [await phoneOf(A), await phoneOf(B), await phoneOf(B)];
  caller.call(B);
  const [one, two] = [await first.next('invite'), await second.next('invite')];
  two.call.provisional({ status: 180, reason: 'Ringing' });
  await caller.next('progress');
  one.call.reject({ status: 603, reason: 'Decline' });
  await second.next('cancelled');
  assert.equal((await caller.next('rejected')).status, 603);
});

test('the caller gives up: every branch is cancelled', async () => {
  const [caller, first, second] = [await phoneOf(A), await phoneOf(B), await phoneOf(B)];
  const call = caller.call(B);
  for (const phone of [first, second]) {
    (await phone.next('invite')).call.provisional({ status: 180, reason: 'Ringing' });
    await caller.next('progress');
  }
  call.end();
  await first.next('cancelled');
  await second.next('cancelled');
  assert.equal((await caller.next('rejected')).status, 487);
  await settled();
  assert.equal(ims.sizes().forks, 0);
});

test('timer C ends a branch that rings for ever', async () => {
  const [caller, callee] = [await phoneOf(A), await phoneOf(B)];
  caller.call(B);
  (await callee.next('invite')).call.provisional({ status: 180, reason: 'Ringing' });
  await caller.next('progress');
  await callee.next('cancelled');
  assert.equal((await caller.next('rejected')).status, 487);
});

test('a phone that is not registered proves itself by digest; its claim of identity is replaced', async () => {
  const callee = await phoneOf(B);
  const caller = await openPhone({ ims, host: HOST, number: A });
  open.push(caller);
  caller.call(B, { headers: [['P-Asserted-Identity', `<sip:${C}@${DOMAIN}>`]] });
  const { request, call } = await callee.next('invite');
  assert.deepEqual(request.headers.all('P-Asserted-Identity'), [`<sip:${A}@${DOMAIN};user=phone>`, `<tel:${A}>`]);
  assert.equal(request.headers.has('Proxy-Authorization'), false);
  call.reject({ status: 486, reason: 'Busy Here' });
  assert.equal((await caller.next('rejected')).status, 486);
  caller.call(B, { credentials: { username: A, password: 'wrong' } });
  assert.equal((await caller.next('rejected')).status, 403);
});

test('the name of a subscriber goes with the number', async () => {
  const [caller, callee] = [await phoneOf(D), await phoneOf(B)];
  caller.call(B);
  const { request, call } = await callee.next('invite');
  assert.equal(request.headers.nameAddrs('P-Asserted-Identity')[0]?.display, 'Dolores');
  call.reject({ status: 486, reason: 'Busy Here' });
  await caller.next('rejected');
});

test('the name of a subscriber comes back with the answer; what the phone says of itself counts nowhere', async () => {
  const [caller, callee] = [await phoneOf(B), await phoneOf(D)];
  caller.call(D);
  const { call } = await callee.next('invite');
  const claim = [['P-Asserted-Identity', `"Mayor" <tel:${C}>`]] as const;
  call.answer({ contentType: 'application/sdp', content: 'v=0' }, claim);
  const { response } = await caller.next('answered');
  assert.deepEqual(response.headers.all('P-Asserted-Identity'), [
    `"Dolores" <sip:${D}@${DOMAIN};user=phone>`,
    `<tel:${D}>`,
  ]);
  await callee.next('acked');
  caller.call(D);
  const again = await callee.next('invite');
  again.call.answer({ contentType: 'application/sdp', content: 'v=0' }, [['Privacy', 'id']]);
  assert.equal((await caller.next('answered')).response.headers.has('P-Asserted-Identity'), false);
});

test('a phone may not call in the name of another subscriber', async () => {
  const caller = await phoneOf(A);
  caller.call(B, { from: `<sip:${C}@${DOMAIN}>` });
  assert.equal((await caller.next('rejected')).status, 403);
});

test('a trusted node calls as a number it registered, under the name the network knows, and as no other', async () => {
  const [gateway, callee] = [await gatewayOf(D), await phoneOf(B)];
  gateway.call(B, { headers: [['P-Asserted-Identity', `"Mayor" <sip:${D}@${DOMAIN}>, <tel:${D}>`]] });
  const { request, call } = await callee.next('invite');
  const asserted = request.headers.nameAddrs('P-Asserted-Identity');
  assert.deepEqual(
    asserted.map(({ uri, display }) => [uri, display]),
    [
      [`sip:${D}@${DOMAIN};user=phone`, 'Dolores'],
      [`tel:${D}`, null],
    ],
  );
  call.reject({ status: 486, reason: 'Busy Here' });
  assert.equal((await gateway.next('rejected')).status, 486);
  gateway.call(B, { headers: [['P-Asserted-Identity', `<sip:${C}@${DOMAIN}>`]] });
  assert.equal((await gateway.next('rejected')).status, 403);
});

test('a phone does not learn who calls with privacy', async () => {
  const [gateway, callee] = [await gatewayOf(C), await phoneOf(B)];
  gateway.call(B, {
    headers: [
      ['P-Asserted-Identity', `<tel:${C}>`],
      ['Privacy', 'id'],
    ],
  });
  const { request, call } = await callee.next('invite');
  assert.equal(request.headers.has('P-Asserted-Identity'), false);
  call.reject({ status: 486, reason: 'Busy Here' });
  await gateway.next('rejected');
});

test('a call to the gateway takes its Path and names the number called', async () => {
  const [caller, gateway] = [await phoneOf(A), await gatewayOf(B)];
  caller.call(B);
  const { request, call } = await gateway.next('invite');
  assert.equal(`<${request.uri}>`, gateway.contact);
  assert.equal(request.headers.get('Route')?.startsWith(PATH), true);
  assert.equal(request.headers.get('P-Called-Party-ID'), `<sip:${B}@${DOMAIN};user=phone>`);
  assert.equal(request.headers.number('Max-Forwards'), 69);
  call.reject({ status: 486, reason: 'Busy Here' });
  await caller.next('rejected');
});

test('as an E-CSCF it connects the emergency calls of trusted nodes to its emergency centre, and no others', async () => {
  const phone = await phoneOf(A);
  phone.call(A, { uri: 'urn:service:sos' });
  assert.equal((await phone.next('rejected')).status, 403);
  const gateway = await gatewayOf(B);
  gateway.call(B, { uri: 'urn:service:counselling' });
  assert.equal((await gateway.next('rejected')).status, 404);
  const call = gateway.call(B, { uri: 'urn:service:sos.fire' });
  await gateway.next('answered');
  call.end();
  await settled();
  assert.equal(ims.sizes().serviceCalls, 0);
});

test('a request in no dialog of ours, and odd demands, are refused', async () => {
  const caller = await phoneOf(A);
  const uri = `sip:${B}@${DOMAIN}`;
  assert.equal((await caller.send('MESSAGE', uri, [], { to: `<${uri}>;tag=none` })).status, 481);
  const refused = await caller.send('MESSAGE', uri, [['Proxy-Require', 'magic']]);
  assert.equal(refused.status, 420);
  assert.equal(refused.headers.get('Unsupported'), 'magic');
  assert.equal((await caller.send('OPTIONS', `sip:${DOMAIN}`, [])).status, 200);
  assert.equal((await caller.send('MESSAGE', `sip:${DOMAIN}`, [])).status, 404);
  assert.equal((await caller.send('MESSAGE', 'mailto:a@b', [])).status, 416);
});

/** Sends a datagram as it stands and gives the status of what comes back. */
async function raw(uri: string, fields: string): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>(resolve => socket.bind(0, HOST, resolve));
  const { port } = socket.address();
  const text =
    `OPTIONS ${uri} SIP/2.0\r\nVia: SIP/2.0/UDP ${HOST}:${port};branch=z9hG4bKraw${port};rport\r\n${fields}` +
    `From: <sip:raw@ims.test>;tag=r\r\nTo: <${uri}>\r\nCall-ID: raw${port}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n`;
  const answer = new Promise<Buffer>(resolve => socket.once('message', resolve));
  socket.send(text, ims.port, HOST);
  const result = parseMessage(await answer);
  socket.close();
  return result.ok && result.message.type === 'response' ? result.message.status : 0;
}

test('a request out of hops, and one that passed us before, go no further', async () => {
  const uri = `sip:${B}@${DOMAIN}`;
  assert.equal(await raw(uri, 'Max-Forwards: 0\r\n'), 483);
  assert.equal(await raw(uri, `Via: SIP/2.0/UDP ${HOST}:${ims.port};branch=z9hG4bKloop\r\n`), 482);
  assert.equal(await raw(uri, ''), 407);
});

test('a Route of ours that we did not give out opens no door', async () => {
  const fields = `Route: <sip:d00000000000000000000@${HOST}:${ims.port};lr>\r\n`;
  assert.equal(await raw(`sip:x@${GATEWAY}:9`, fields), 407);
});
