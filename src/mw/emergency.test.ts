/** Emergency and located calls on real loopback sockets: where they go, what they carry, what is heard of a caller's place. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCorePeer, eventually } from '../../test/support/core-peer.ts';
import { BINDING, bench, CALL, fields, HOME, HOST, INVITE, NUMBER, OFFER, SDP } from '../../test/support/mw-bench.ts';
import type { ImsEffect } from '../ep-cscf/effect.ts';
import type { DeviceId } from '../ep-cscf/ids.ts';
import type { SipRequest } from '../sip/index.ts';

const LOCATION = {
  details: { shape: 'Circle', coordinates: { latitude: 40.4, longitude: -3.7, radius: 35 } },
  deviceId: '3f2504e0-4f89-41d3-9a0c-0305e82c3301' as DeviceId,
};
const SOS: ImsEffect = {
  ...INVITE,
  to: 'urn:service:sos.fire',
  correlator: '',
  location: LOCATION,
};

test('EMG-01 EMG-02 LOC-03 LOC-04 an emergency call goes to the E-CSCF that answers, with the place of the caller', async t => {
  const psap = await createCorePeer(HOST);
  t.after(() => psap.close());
  psap.onMessage = (message, reply) => {
    const contact: [string, string] = ['Contact', `<sip:psap@${HOST}:${psap.port}>`];
    if (message.type === 'request' && message.method === 'INVITE')
      psap.respond(message, reply, 200, [contact, SDP], OFFER);
    else if (message.type === 'request' && message.method !== 'ACK') psap.respond(message, reply, 200);
  };
  const cscfs = (port: number) => ({ route: 'ecscf', cscfs: [`${HOST}:${port}`, `${HOST}:${psap.port}`] });
  const broken = await createCorePeer(HOST);
  t.after(() => broken.close());
  broken.onMessage = (message, reply) => {
    if (message.type === 'request' && message.method === 'INVITE') broken.respond(message, reply, 503);
  };
  const b = await bench(t, {}, {}, { emergency: cscfs(broken.port) });
  b.mw.drain();
  b.mw.port.run(SOS);
  await b.input('ims-answered');
  assert.deepEqual(b.peer.texts, [], 'the S-CSCF hears nothing');
  const text = psap.texts[0] ?? '';
  assert.equal(text.split('\r\n')[0], 'INVITE urn:service:sos.fire SIP/2.0');
  const got = fields(text);
  assert.equal(got.get('To'), '<urn:service:sos.fire>');
  assert.equal(got.get('Route'), `<sip:${HOST}:${psap.port};lr>`);
  assert.equal(got.get('P-Asserted-Identity'), `<sip:${NUMBER}@${HOME};user=phone>, <tel:${NUMBER}>`);
  assert.equal(got.get('Contact'), `<sip:${CALL}@${HOST}:${b.port}>`);
  assert.equal(got.get('Priority'), 'emergency');
  assert.equal(got.get('Geolocation-Routing'), 'yes');
  assert.equal(got.get('Supported'), '100rel, timer', 'no precondition, no 199');
  assert.equal(got.get('Session-Expires'), '1800');
  assert.match(got.get('From') ?? '', new RegExp(`^<sip:\\${NUMBER}@${HOME};user=phone>;tag=`));
  for (const absent of ['Privacy', 'P-Preferred-Service', 'Accept-Contact']) assert.equal(got.has(absent), false);
  const cid = /^<cid:(.+)>$/.exec(got.get('Geolocation') ?? '')?.[1];
  assert.ok(cid && text.includes(`Content-ID: <${cid}>`));
  assert.ok(text.indexOf('application/sdp\r\n\r\nv=0') < text.indexOf('application/pidf+xml\r\n'));
  assert.ok(text.includes('retransmission-allowed>true') && text.includes(`entity="pres:${NUMBER}@${HOME}"`));
  assert.ok(!(broken.texts[0] ?? '').includes(cid), 'each message names its document anew');

  b.mw.port.run({ type: 'ims.locate', owner: CALL, number: NUMBER, location: LOCATION });
  // What goes out behind it has come: an UPDATE would have come before.
  b.mw.port.run({ type: 'ims.end', owner: CALL, code: 0, phrase: '', reason: null });
  await eventually('BYE', () => psap.texts.find(message => message.startsWith('BYE')));
  assert.ok(!psap.texts.some(message => message.startsWith('UPDATE')), 'its Allow did not name UPDATE');
});

test('a 380 that names the emergency service is told as that, any other as a refusal', async t => {
  const b = await bench(t);
  for (const type of ['emergency', 'other']) {
    b.peer.onMessage = (message, reply) => {
      const xml = `<ims-3gpp version="1"><alternative-service><type>${type}</type><reason/></alternative-service></ims-3gpp>`;
      if (message.type === 'request' && message.method === 'INVITE')
        b.peer.respond(message, reply, 380, [['Content-Type', 'application/3gpp-ims+xml']], xml);
    };
    b.mw.port.run({ ...SOS, to: 'tel:+99910020002', location: null });
    await b.input(type === 'emergency' ? 'ims-is-emergency' : 'ims-rejected');
    assert.deepEqual(b.inputs, []);
  }
});

test('EMG-03 who is asserted to ring or answer as an emergency service is told before, once', async t => {
  const b = await bench(t);
  for (const [asserted, told] of [
    ['<urn:service:sos.police>', true],
    ['<sip:alice@home.example>, <tel:112;phone-context=home.example>', true],
    ['<sip:911@psap.example;user=phone>', true],
    ['<tel:+99911220112>', false],
    ['<sip:1123@psap.example>', false],
  ] as const) {
    const asserts: [string, string] = ['P-Asserted-Identity', asserted];
    b.peer.onMessage = (message, reply) => {
      if (message.type !== 'request' || message.method === 'ACK') return;
      const contact: [string, string] = ['Contact', `<sip:far@${HOST}:${b.peer.port}>`];
      if (message.method !== 'INVITE') return b.peer.respond(message, reply, 200);
      b.peer.respond(message, reply, 180, [contact, asserts]);
      b.peer.respond(message, reply, 200, [contact, asserts, SDP], OFFER);
    };
    b.mw.port.run({ ...SOS, to: 'tel:+99910020002', location: null });
    if (told) await b.input('ims-emergency-answers');
    await b.input('ims-progress');
    await b.input('ims-answered');
    assert.deepEqual(b.inputs, [], asserted);
    b.mw.port.run({ type: 'ims.end', owner: CALL, code: 0, phrase: '', reason: null });
  }
});

test('a place that changes is told by UPDATE once the call stands, to a peer that takes UPDATE', async t => {
  const b = await bench(t);
  const requests: SipRequest[] = [];
  b.peer.onMessage = (message, reply) => {
    if (message.type !== 'request') return;
    requests.push(message);
    const contact: [string, string] = ['Contact', `<sip:far@${HOST}:${b.peer.port}>`];
    if (message.method === 'INVITE')
      b.peer.respond(message, reply, 200, [contact, SDP, ['Allow', 'INVITE, UPDATE']], OFFER);
    else if (message.method !== 'ACK') b.peer.respond(message, reply, 200);
  };
  b.mw.port.run({ ...SOS, to: 'tel:+99910020002', anonymous: true, location: null });
  b.mw.port.run({ type: 'ims.locate', owner: CALL, number: NUMBER, location: LOCATION });
  await b.input('ims-answered');
  const update = await eventually('UPDATE', () => requests.find(({ method }) => method === 'UPDATE'));
  const body = Buffer.from(update.body).toString();
  assert.equal(update.headers.get('Geolocation-Routing'), 'no');
  assert.ok(body.includes('<gs:Circle') && !body.includes('application/sdp') && !body.includes(NUMBER));
  assert.deepEqual(b.inputs, []);
});

test('the place of a caller is heard from the INVITE, unless the caller hides', async t => {
  const b = await bench(t);
  const { locationFields, locationOut, withLocation } = await import('./location.ts');
  const located = { entity: 'pres:x@y', device: 'urn:uuid:1', mayPassOn: false };
  const sent = locationOut(LOCATION.details, located, 'u1', 'far.example', performance.now());
  assert.ok(sent);
  const body = withLocation(OFFER, sent);
  for (const [index, privacy] of ['none', 'id'].entries()) {
    b.peer.send(
      b.port,
      'INVITE',
      `sip:${BINDING}@${HOST}:${b.port}`,
      [
        ['From', `<sip:+99910020002@${HOME}>;tag=f${index}`],
        ['To', `<tel:${NUMBER}>`],
        ['Call-ID', `located-${index}`],
        ['CSeq', '1 INVITE'],
        ['Contact', `<sip:far@${HOST}:${b.peer.port}>`],
        ['P-Asserted-Identity', '<tel:+99910020002>'],
        ['Privacy', privacy],
        ...locationFields(sent),
        ['Content-Type', body.contentType],
      ] as Array<[string, string]>,
      body.content,
    );
    const invited = await b.input('ims-invited');
    assert.equal(invited.sdp, OFFER);
    assert.equal(invited.location?.['shape'] ?? null, privacy === 'none' ? 'Circle' : null, privacy);
    b.mw.port.run({ type: 'ims.end', owner: invited.owner, code: 480, phrase: 'x', reason: null });
  }
});
