/** The service numbers over real SIP and RTP. */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { afterEach, beforeEach, test } from 'node:test';
import { parseSdp } from '../../../src/sdp/index.ts';
import { type Ims, startIms } from '../ims.ts';
import { DOMAIN, openPhone, type Phone, SDP } from '../test-phone.ts';
import { encodeUlaw } from './g711.ts';
import { parseRtp, type RtpPacket, writeRtp } from './rtp.ts';

const HOST = '127.31.7.21';
const A = '+15550100001';

let ims: Ims;
let phone: Phone;
let media: Socket;
let heard: RtpPacket[] = [];

beforeEach(async () => {
  const subscribers = [{ number: A, phonePassword: `pw-phone-${A.slice(1)}` }];
  ims = await startIms({ host: HOST, port: 0, domain: DOMAIN, subscribers, earlyMs: 100, hangUpMs: 50 });
  phone = await openPhone({ ims, host: HOST, number: A });
  phone.register();
  await phone.next('registered');
  media = createSocket('udp4');
  heard = [];
  media.on('message', bytes => {
    const packet = parseRtp(bytes);
    if (packet !== null) heard.push({ ...packet, payload: Buffer.from(packet.payload) });
  });
  await new Promise<void>(resolve => media.bind(0, HOST, resolve));
});

afterEach(async () => {
  media.close();
  await phone.close();
  await ims.close();
});

function call(service: string) {
  return phone.call(`+1555010${service}`, { body: SDP(HOST, media.address().port) });
}

function audioOf(sdp: string | null) {
  const parsed = parseSdp(sdp ?? '');
  assert.ok(parsed.ok);
  const audio = parsed.value.media[0];
  assert.ok(audio);
  return audio;
}

async function until(done: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !done(); i++) await new Promise(resolve => setTimeout(resolve, 5));
  assert.ok(done(), 'nothing came in 2 s');
}

test('the echo sends back every packet, events too, under its own name', async () => {
  const outgoing = call('9000');
  const { sdp } = await phone.next('answered');
  const audio = audioOf(sdp);
  assert.deepEqual(
    audio.codecs.map(c => c.pt),
    [0, 101],
  );
  const sent: RtpPacket[] = [0, 160, 320].map((timestamp, i) => ({
    marker: i === 0,
    payloadType: i === 2 ? 101 : 0,
    sequence: 500 + i,
    timestamp,
    ssrc: 7,
    payload: Buffer.from(i === 2 ? [5, 10, 0, 160] : Array.from({ length: 160 }, (_, k) => (k * 3 + i) & 0xff)),
  }));
  for (const packet of sent) media.send(writeRtp(packet), audio.port, HOST);
  await until(() => heard.length === 3);
  assert.deepEqual(
    heard.map(p => Buffer.from(p.payload).toString('hex')),
    sent.map(p => Buffer.from(p.payload).toString('hex')),
  );
  assert.deepEqual(
    heard.map(p => p.payloadType),
    [0, 0, 101],
  );
  const [first, second, third] = heard;
  assert.ok(first && second && third);
  assert.notEqual(first.ssrc, 7);
  assert.equal((second.timestamp - first.timestamp) >>> 0, 160);
  assert.equal((third.sequence - first.sequence) & 0xffff, 2);
  outgoing.end();
  await until(() => ims.sizes().serviceCalls === 0);
});

test('9001 plays 440 Hz', async () => {
  const outgoing = call('9001');
  await phone.next('answered');
  await until(() => heard.length >= 3);
  const payload = heard[0]?.payload ?? new Uint8Array(0);
  assert.equal(payload.length, 160);
  const expected = Array.from({ length: 160 }, (_, i) =>
    encodeUlaw(Math.round(8000 * Math.sin((2 * Math.PI * 440 * i) / 8000))),
  );
  assert.deepEqual([...payload], expected);
  outgoing.end();
});

test('9002 plays before it answers', async () => {
  const outgoing = call('9002');
  const { response, sdp } = await phone.next('progress');
  assert.equal(response.status, 183);
  assert.equal(audioOf(sdp).live, true);
  await until(() => heard.length > 0);
  await phone.next('answered');
  outgoing.end();
});

test('9003 is busy, 9004 declines', async () => {
  call('9003');
  assert.equal((await phone.next('rejected')).status, 486);
  call('9004');
  assert.equal((await phone.next('rejected')).status, 603);
});

test('9005 rings until the caller gives up', async () => {
  const outgoing = call('9005');
  assert.equal((await phone.next('progress')).response.status, 180);
  outgoing.end();
  assert.equal((await phone.next('rejected')).status, 487);
  await until(() => ims.sizes().serviceCalls === 0);
});

test('9006 hangs up by itself', async () => {
  call('9006');
  await phone.next('answered');
  assert.equal((await phone.next('ended')).cause, 'bye');
  assert.equal(ims.sizes().serviceCalls, 0);
});

test('an offer without G.711 gets 488, no offer gets one', async () => {
  phone.call('+15550109000', {
    body: { contentType: 'application/sdp', content: SDP(HOST, 4000).content.replace('RTP/AVP 0 8 101', 'RTP/AVP 18') },
  });
  assert.equal((await phone.next('rejected')).status, 488);
  const outgoing = phone.call('+15550109001', { body: null });
  const { sdp } = await phone.next('answered');
  assert.deepEqual(
    audioOf(sdp).codecs.map(c => c.name),
    ['PCMA', 'PCMU', 'telephone-event'],
  );
  outgoing.ack({ contentType: 'application/sdp', content: SDP(HOST, media.address().port).content });
  await until(() => heard.length > 0);
  outgoing.end();
});

test('close frees every port although calls are up', async () => {
  call('9000');
  await phone.next('answered');
  assert.equal(ims.sizes().serviceCalls, 1);
  await ims.close();
  assert.equal(ims.sizes().transactions, 0);
});
