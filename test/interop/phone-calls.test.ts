/** A real SIP phone as a subscriber's SIM phone: it registers, and the web side and it call each other. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Device } from '../support/camara.ts';
import { ADA, BELA, CHIDI, DOLORES } from '../support/number.ts';
import type { Phone } from '../support/phone.ts';
import { heardBy, keysAt, press, talk, until } from '../support/talk.ts';
import { type Floor, type Line, openFloor, seen } from './phone-support.ts';

const HOST = '127.0.0.41';
const PHONE_HZ = 800;

let floor: Floor;
let phone: Phone;

before(async () => {
  const realms = [
    { name: 'open', prefixes: ['+'] },
    { name: 'secret', prefixes: [CHIDI], media: { imsSrtp: 'require' } },
  ];
  floor = await openFloor(HOST, { ims: { realms } });
  phone = await floor.phone(BELA, PHONE_HZ);
});
after(async () => {
  await floor?.close();
});

/** Calls the phone, which answers; both hear each other. */
async function talking(ada: Device): Promise<Line> {
  const from = phone.events.length;
  const line = await floor.call(ada, BELA, ADA);
  const incoming = await phone.waitFor('CALL_INCOMING', from);
  assert.match(incoming.peeruri ?? '', new RegExp(`^sip:\\${ADA}@`));
  await ada.waitStatus(line.id, 'Ringing');
  await phone.accept();
  await ada.waitStatus(line.id, 'Connected');
  await until(() => line.peer.connected(), 'the media connection');
  await phone.waitFor('CALL_ESTABLISHED', from);
  return line;
}

test('the phone registers by digest with the account line of the README', () => {
  const [answered] = seen(phone.wire(), /^REGISTER /, /^Authorization: Digest /m);
  assert.match(answered?.text ?? '', /^Authorization: Digest username="\+15550100002"/m);
});

test('a phone registers over TCP and refuses a call there', async () => {
  const other = await floor.phone('+15550100004', PHONE_HZ, { transport: 'tcp' });
  const ada = await floor.device(ADA);
  const from = other.events.length;
  const { id, peer } = await floor.call(ada, '+15550100004', ADA);
  await other.waitFor('CALL_INCOMING', from);
  await other.hangUp();
  const event = await ada.waitFor(e => e.data.mediaSessionId === id && ['Busy', 'Declined'].includes(e.data.status));
  assert.match(event.data.reason, /^SIP;cause=(486|603)/);
  await peer.close();
  await floor.leave(ada, other);
});

test('an API client calls the phone: tones both ways, digits both ways, the caller hangs up', async () => {
  const ada = await floor.device(ADA);
  const from = phone.events.length;
  const { id, peer } = await talking(ada);
  await talk(peer, 1000, 2500);
  const atPhone = phone.heard();
  assert.equal(atPhone.hz, 1000);
  assert.ok(atPhone.share > 0.9, `share ${atPhone.share}`);
  const atWeb = heardBy(peer);
  assert.equal(atWeb.hz, PHONE_HZ);
  assert.ok(atWeb.share > 0.9, `share ${atWeb.share}`);

  for (const [i, digit] of ['4', '2', '#'].entries()) {
    await press(peer, digit, 2000 + 20 * i);
    await until(
      () => phone.events.slice(from).filter(e => e.type === 'CALL_DTMF_START').length === i + 1,
      `digit ${digit} at the phone`,
    );
  }
  const keys = phone.events.slice(from).filter(e => e.type === 'CALL_DTMF_START');
  assert.equal(keys.map(e => e.param).join(''), '42#');
  await phone.press('19*');
  await until(() => keysAt(peer) === '19*', 'digits at the API client').catch(error => {
    throw new Error(`${String(error)}; there were "${keysAt(peer)}"`);
  });

  assert.equal((await ada.hangUp(id)).status, 204);
  await ada.waitStatus(id, 'Terminated');
  await phone.waitFor('CALL_CLOSED', from);
  assert.equal(seen(phone.wire(), /^BYE /).length, 1);
  await peer.close();
  await floor.leave(ada);
  await floor.quiet();
});

test('a phone whose sound comes from another address than its SDP names is heard', async () => {
  const astray = await floor.phone('+15550100005', 700, { host: '127.0.0.46' });
  const ada = await floor.device(ADA);
  const from = astray.events.length;
  const { id, peer } = await floor.call(ada, '+15550100005', ADA);
  await astray.waitFor('CALL_INCOMING', from);
  await astray.accept();
  await ada.waitStatus(id, 'Connected');
  await until(() => peer.connected(), 'the media connection');
  await talk(peer, 1000, 2500);
  assert.equal(heardBy(peer).hz, 700);
  assert.equal(astray.heard().hz, 1000);
  await ada.hangUp(id);
  await ada.waitStatus(id, 'Terminated');
  await peer.close();
  await floor.leave(ada, astray);
  await floor.quiet();
});

test('the phone hangs up', async () => {
  const ada = await floor.device(ADA);
  const { id, peer } = await talking(ada);
  await phone.hangUp();
  await ada.waitStatus(id, 'Terminated');
  assert.deepEqual(
    ada.statuses(id).filter(status => status === 'Terminated'),
    ['Terminated'],
  );
  await peer.close();
  await floor.leave(ada);
  await floor.quiet();
});

test('the phone calls an API client, which answers and hangs up', async () => {
  const ada = await floor.device(ADA);
  const from = phone.events.length;
  await phone.dial(ADA);
  const rung = await floor.rung(ada);
  assert.equal(rung.invitation.data.originatorAddress, `tel:${BELA}`);
  assert.equal(rung.invitation.data.originatorName, 'Bela');
  assert.equal((await ada.putStatus(rung.id, { status: 'Ringing' })).status, 200);
  await phone.waitFor('CALL_RINGING', from);
  const { id, peer } = await floor.answer(rung);
  await phone.waitFor('CALL_ESTABLISHED', from);
  await talk(peer, 1200, 2000);
  assert.equal(phone.heard().hz, 1200);
  assert.equal(heardBy(peer).hz, PHONE_HZ);
  await ada.hangUp(id);
  await ada.waitStatus(id, 'Terminated');
  await phone.waitFor('CALL_CLOSED', from);
  await peer.close();
  await floor.leave(ada);
  await floor.quiet();
});

test('SDP-25 where SRTP is required phones with keys in SDP are called and call, and both sides hear; one without is refused 488 either way', async () => {
  const [chidi, called, calling] = await Promise.all([
    floor.device(CHIDI),
    floor.phone(DOLORES, 700, { srtp: 'srtp' }),
    floor.phone('+15550100005', 700, { srtp: 'srtp-mand' }),
  ]);
  const hears = async (far: Phone, { id, peer }: Line) => {
    await talk(peer, 1000, 2000);
    assert.deepEqual([far.heard().hz, heardBy(peer).hz], [1000, 700]);
    const keyed = far
      .wire()
      .filter(({ body }) => /^m=audio \d+ RTP\/SAVP [\s\S]*^a=crypto:\d+ \S+ inline:/m.test(body));
    assert.equal(new Set(keyed.map(({ from }) => from)).size, 2, 'offer and answer have keys');
    await chidi.hangUp(id);
    await chidi.waitStatus(id, 'Terminated');
    await far.waitFor('CALL_CLOSED');
    await peer.close();
  };
  const out = await floor.call(chidi, DOLORES, CHIDI);
  await called.waitFor('CALL_INCOMING');
  await called.accept();
  await chidi.waitStatus(out.id, 'Connected');
  await until(() => out.peer.connected(), 'the media connection');
  await hears(called, out);

  await calling.dial(CHIDI);
  const line = await floor.answer(await floor.rung(chidi));
  await calling.waitFor('CALL_ESTABLISHED');
  await hears(calling, line);

  const from = phone.events.length;
  const refused = await floor.call(chidi, BELA, CHIDI);
  const event = await chidi.waitFor(({ data }) => data.mediaSessionId === refused.id && data.status === 'Failed');
  assert.match(event.data.reason, /^SIP;cause=488/);
  await phone.waitFor('CALL_CLOSED', from);
  const at = phone.events.length;
  await phone.dial(CHIDI);
  assert.match((await phone.waitFor('CALL_CLOSED', at)).param ?? '', /^488/);
  await floor.leave(chidi, called, calling);
  await floor.quiet();
});
