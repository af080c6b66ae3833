/** Who the phone is and who calls: digest with both algorithms, names, and callers that stay unknown. RFC 3325, RFC 8760. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { after, before, test } from 'node:test';
import { openPhone, type Phone as RawPhone } from '../../sandbox/ims/test-phone.ts';
import { DOMAIN } from '../../sandbox/subscribers.ts';
import type { Device } from '../support/camara.ts';
import { ADA, BELA, CHIDI } from '../support/number.ts';
import type { Phone } from '../support/phone.ts';
import { type Floor, openFloor, seen } from './phone-support.ts';

const HOST = '127.0.0.45';
const NOBODY = 'sip:anonymous@anonymous.invalid';

let floor: Floor;
let phone: Phone;
let ada: Device;
/** A phone that can ask for privacy. */
let shy: RawPhone;

before(async () => {
  floor = await openFloor(HOST);
  phone = await floor.phone(BELA, 800);
  ada = await floor.device(ADA);
  shy = await openPhone({ ims: { host: HOST, port: 5070 }, host: HOST, number: CHIDI, domain: DOMAIN });
  shy.register();
  await shy.next('registered');
});
after(async () => {
  await shy?.close();
  await floor?.close();
});

const hash = (name: 'md5' | 'sha256', text: string) => createHash(name).update(text).digest('hex');

/** One REGISTER by UDP, written and read by hand; the response as text. */
function exchange(authorization: string): Promise<string> {
  const socket = createSocket('udp4');
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no response within 3 s')), 3000);
    const done = (text: string) => {
      clearTimeout(timer);
      socket.close();
      resolve(text);
    };
    socket.on('message', message => done(message.toString()));
    socket.bind(0, HOST, () => {
      const { port } = socket.address();
      const lines = [
        `REGISTER sip:${DOMAIN} SIP/2.0`,
        `Via: SIP/2.0/UDP ${HOST}:${port};branch=z9hG4bK${port}${Date.now()};rport`,
        'Max-Forwards: 70',
        `From: <sip:${CHIDI}@${DOMAIN}>;tag=a${port}`,
        `To: <sip:${CHIDI}@${DOMAIN}>`,
        `Call-ID: ${port}@hand.invalid`,
        'CSeq: 1 REGISTER',
        `Contact: <sip:hand@${HOST}:${port}>;expires=60`,
        ...(authorization === '' ? [] : [`Authorization: ${authorization}`]),
        'Content-Length: 0',
      ];
      socket.send(`${lines.join('\r\n')}\r\n\r\n`, 5070, HOST);
    });
  });
}

for (const [algorithm, name] of [
  ['MD5', 'md5'],
  ['SHA-256', 'sha256'],
] as const) {
  test(`a phone registers with ${algorithm}`, async () => {
    const challenge = await exchange('');
    assert.match(challenge, /^SIP\/2\.0 401 /);
    const line = challenge.split('\r\n').find(text => text.includes(`algorithm=${algorithm},`)) ?? '';
    const nonce = /nonce="([^"]+)"/.exec(line)?.[1] ?? '';
    const realm = /realm="([^"]+)"/.exec(line)?.[1] ?? '';
    const uri = `sip:${DOMAIN}`;
    const answer = (password: string) => {
      const secret = hash(name, `${CHIDI}:${realm}:${password}`);
      const response = hash(name, `${secret}:${nonce}:00000001:c0ffee:auth:${hash(name, `REGISTER:${uri}`)}`);
      return `Digest username="${CHIDI}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}", algorithm=${algorithm}, cnonce="c0ffee", qop=auth, nc=00000001`;
    };
    assert.match(await exchange(answer('wrong')), /^SIP\/2\.0 403 /);
    assert.match(await exchange(answer('pw-phone-15550100003')), /^SIP\/2\.0 200 /);
  });
}

test('a call from the web shows its number and the name the network knows', async () => {
  const at = { events: phone.events.length, wire: phone.wire().length };
  const { id, peer } = await floor.call(ada, BELA, ADA);
  await phone.waitFor('CALL_INCOMING', at.events);
  const [invite] = seen(phone.wire().slice(at.wire), /^INVITE /);
  assert.match(invite?.text ?? '', /^P-Asserted-Identity: "?Ada"? <sip:\+15550100001@/m);
  await ada.hangUp(id);
  await ada.waitStatus(id, 'SessionCancelled');
  await peer.close();
});

test('an anonymous call from the web tells the phone nothing of the caller', async () => {
  const at = { events: phone.events.length, wire: phone.wire().length };
  const peer = floor.peer();
  const body = { originatorAddress: NOBODY, receiverAddress: `tel:${BELA}`, offer: { sdp: await peer.offer() } };
  const headers = { registrationId: ada.registrationId };
  const created = await ada.call('POST', '/webrtc-call-handling/v0.4rc1/sessions', body, headers);
  assert.equal(created.status, 201, JSON.stringify(created.body));
  const incoming = await phone.waitFor('CALL_INCOMING', at.events);
  assert.match(incoming.peeruri ?? '', /^sip:anonymous@anonymous\.invalid/);
  const [invite] = seen(phone.wire().slice(at.wire), /^INVITE /);
  assert.match(invite?.text ?? '', /^Privacy: id$/m);
  assert.doesNotMatch(invite?.text ?? '', /15550100001/);
  assert.doesNotMatch(invite?.text ?? '', /^P-Asserted-Identity/m);
  await phone.hangUp();
  await ada.waitFor(({ data }) => data.mediaSessionId === created.body.mediaSessionId && data.status === 'Busy');
  await peer.close();
});

test('an anonymous call from a phone is anonymous on the web and at another phone', async () => {
  const bela = await floor.device(BELA);
  const at = { events: phone.events.length, wire: phone.wire().length };
  const call = shy.call(BELA, { from: `"Anonymous" <${NOBODY}>`, headers: [['Privacy', 'id']] });
  const { invitation, id } = await floor.rung(bela);
  assert.equal(invitation.data.originatorAddress, NOBODY);
  assert.equal(invitation.data.originatorName ?? null, null);
  const session = await bela.call('GET', `/webrtc-call-handling/v0.4rc1/sessions/${id}`);
  assert.doesNotMatch(JSON.stringify(session.body), /15550100003/);
  const incoming = await phone.waitFor('CALL_INCOMING', at.events);
  assert.match(incoming.peeruri ?? '', /anonymous\.invalid/);
  const [invite] = seen(phone.wire().slice(at.wire), /^INVITE /);
  assert.doesNotMatch(invite?.text ?? '', /^P-Asserted-Identity/m);
  call.end();
  await bela.waitStatus(id, 'SessionCancelled');
  await floor.leave(bela);
  await floor.quiet();
});

test('what a phone says in From does not change the name the web shows', async () => {
  const bela = await floor.device(BELA);
  const call = shy.call(BELA, { from: `"Mayor" <sip:${CHIDI}@${DOMAIN}>` });
  const { invitation, id } = await floor.rung(bela);
  assert.equal(invitation.data.originatorAddress, `tel:${CHIDI}`);
  assert.equal(invitation.data.originatorName, 'Chidi');
  call.end();
  await bela.waitStatus(id, 'SessionCancelled');
  await floor.leave(bela);
  await floor.quiet();
});
