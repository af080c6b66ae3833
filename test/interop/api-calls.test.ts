/** Calls by the APIs alone: a plain HTTP client, a second WebRTC stack (werift) as the browser, the sandbox's IMS behind SIP. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { Device, EVENT_TYPES, fetchToken } from '../support/camara.ts';
import { SINK_CA, startEventSink } from '../support/event-sink.ts';
import { type BrowserPeer, browserPeer as newPeer } from '../support/media-browser.ts';
import { ADA, BELA } from '../support/number.ts';
import { talk, until } from '../support/talk.ts';
import { measureTone } from '../support/tone.ts';

const HOST = '127.0.0.31';

let sandbox: Sandbox;
const logLines: string[] = [];
const peers: BrowserPeer[] = [];
const devices: Device[] = [];

before(async () => {
  process.env['NODE_EXTRA_CA_CERTS'] = SINK_CA;
  sandbox = await startSandbox({ host: HOST, dataDir: null, onLog: text => logLines.push(text) });
});
after(async () => {
  for (const peer of peers) await peer.close();
  for (const device of devices) device.close();
  await sandbox?.close();
});

async function registered(number: string): Promise<Device> {
  const device = new Device(sandbox.pages, await fetchToken(sandbox.issuer, number));
  devices.push(device);
  await device.register();
  return device;
}

function browserPeer(): BrowserPeer {
  const peer = newPeer();
  peers.push(peer);
  return peer;
}

/** Places a call, applies the first answer an event brings, waits until it is connected on both layers. */
async function connect(device: Device, receiver: string): Promise<{ id: string; peer: BrowserPeer }> {
  const peer = browserPeer();
  const created = await device.startCall(receiver, await peer.offer(), ADA);
  assert.equal(created.status, 201, JSON.stringify(created.body));
  assert.equal(created.body.status, 'Initial');
  const id: string = created.body.mediaSessionId;
  const event = await device.waitFor(e => e.data.mediaSessionId === id && e.data.answer !== undefined);
  await peer.accept(event.data.answer.sdp);
  await device.waitStatus(id, 'Connected');
  await until(() => peer.connected(), 'the media connection');
  return { id, peer };
}

test('the echo number sends the own tone back, and a hang-up ends it', async () => {
  const device = await registered(ADA);
  const { id, peer } = await connect(device, '+15550109000');
  const { hz, share } = measureTone((await talk(peer, 1000, 2000)).slice(-50));
  assert.equal(hz, 1000);
  assert.ok(share > 0.9, `share ${share}`);
  assert.equal((await device.hangUp(id)).status, 204);
  const ended = await device.waitStatus(id, 'Terminated');
  assert.match(ended.data.reason, /GW;cause=1/);
  assert.equal((await device.call('GET', `/webrtc-call-handling/v0.4rc1/sessions/${id}`)).status, 404);
  const numbers = device.events.filter(e => e.data.mediaSessionId === id).map(e => e.data.sequenceNumber);
  assert.deepEqual(
    numbers,
    numbers.map((_, i) => i + 1),
  );
  await peer.close();
  await device.leave();
});

test('the tone number is heard as 440 Hz', async () => {
  const device = await registered(ADA);
  const { id, peer } = await connect(device, '+15550109001');
  await talk(peer, 700, 1500);
  assert.equal(measureTone(peer.rtp.slice(-50).map(packet => packet.payload)).hz, 440);
  await until(() => peer.rtcp.length > 0, 'RTCP from the gateway');
  await device.hangUp(id);
  await device.waitStatus(id, 'Terminated');
  await peer.close();
  await device.leave();
});

test('early media is heard before the answer', async () => {
  const device = await registered(ADA);
  const peer = browserPeer();
  const created = await device.startCall('+15550109002', await peer.offer(), ADA);
  const id: string = created.body.mediaSessionId;
  const event = await device.waitStatus(id, 'InProgress');
  await peer.accept(event.data.answer.sdp);
  await until(() => peer.rtp.length > 20, 'early media');
  assert.ok(!device.statuses(id).includes('Connected'));
  await device.waitStatus(id, 'Connected', 20_000);
  await device.hangUp(id);
  await device.waitStatus(id, 'Terminated');
  await peer.close();
  await device.leave();
});

for (const [receiver, status] of [
  ['+15550109003', 'Busy'],
  ['+15550109004', 'Declined'],
  ['+15550109099', 'NotReachable'],
] as const) {
  test(`${receiver} ends as ${status}`, async () => {
    const device = await registered(ADA);
    const peer = browserPeer();
    const created = await device.startCall(receiver, await peer.offer(), ADA);
    const event = await device.waitStatus(created.body.mediaSessionId, status);
    assert.match(event.data.reason, /^SIP;cause=\d{3}/);
    await peer.close();
    await device.leave();
  });
}

test('a call nobody answers is cancelled', async () => {
  const device = await registered(ADA);
  const peer = browserPeer();
  const created = await device.startCall('+15550109005', await peer.offer(), ADA);
  const id: string = created.body.mediaSessionId;
  await device.waitStatus(id, 'Ringing');
  await device.hangUp(id);
  await device.waitStatus(id, 'SessionCancelled');
  await peer.close();
  await device.leave();
});

test('the far end hangs up after five seconds', async () => {
  const device = await registered(ADA);
  const { id, peer } = await connect(device, '+15550109006');
  const event = await device.waitStatus(id, 'Terminated');
  assert.ok(event.data.reason);
  await peer.close();
  await device.leave();
});

test('an offer without fingerprint ends as Failed with 488, and the next call works', async () => {
  const device = await registered(ADA);
  const peer = browserPeer();
  const sdp = (await peer.offer()).replaceAll(/a=fingerprint:.*\r\n/g, '');
  const created = await device.startCall('+15550109000', sdp, ADA);
  assert.equal(created.status, 201);
  const event = await device.waitStatus(created.body.mediaSessionId, 'Failed');
  assert.match(event.data.reason, /488/);
  const next = await connect(device, '+15550109001');
  await device.hangUp(next.id);
  await device.waitStatus(next.id, 'Terminated');
  await Promise.all([peer.close(), next.peer.close()]);
  await device.leave();
});

test('one subscriber calls another through the core: invitation, ringing, answer, sound both ways', async () => {
  const ada = await registered(ADA);
  const bela = await registered(BELA);
  const caller = browserPeer();
  const created = await ada.startCall(BELA, await caller.offer(), ADA);
  const id: string = created.body.mediaSessionId;
  const invitation = await bela.waitFor(e => e.type.endsWith('.session-invitation'));
  assert.equal(invitation.data.originatorAddress, `tel:${ADA}`);
  assert.equal(invitation.data.sequenceNumber, 1);
  const legId: string = invitation.data.mediaSessionId;
  assert.equal((await bela.putStatus(legId, { status: 'Ringing' })).status, 200);
  await ada.waitStatus(id, 'Ringing');
  const callee = browserPeer();
  // werift lists PCMU first; the tones of this test are A-law.
  const answer = { sdp: (await callee.answer(invitation.data.offer.sdp)).replace('SAVPF 0 8', 'SAVPF 8 0') };
  assert.equal((await bela.putStatus(legId, { status: 'Connected', answer })).status, 200);
  const connected = await ada.waitFor(e => e.data.mediaSessionId === id && e.data.answer !== undefined);
  await caller.accept(connected.data.answer.sdp);
  await until(() => caller.connected() && callee.connected(), 'both media connections');
  await Promise.all([talk(caller, 600, 1500), talk(callee, 900, 1500)]);
  assert.equal(measureTone(callee.rtp.slice(-40).map(packet => packet.payload)).hz, 600);
  assert.equal(measureTone(caller.rtp.slice(-40).map(packet => packet.payload)).hz, 900);
  await bela.hangUp(legId);
  await ada.waitStatus(id, 'Terminated');
  await bela.waitStatus(legId, 'Terminated');
  await Promise.all([caller.close(), callee.close()]);
  await Promise.all([ada.leave(), bela.leave()]);
});

test('a declined call tells the caller', async () => {
  const ada = await registered(ADA);
  const bela = await registered(BELA);
  const caller = browserPeer();
  const created = await ada.startCall(BELA, await caller.offer(), ADA);
  const invitation = await bela.waitFor(e => e.type.endsWith('.session-invitation'));
  await bela.hangUp(invitation.data.mediaSessionId);
  await bela.waitStatus(invitation.data.mediaSessionId, 'Declined');
  await ada.waitStatus(created.body.mediaSessionId, 'Busy');
  await caller.close();
  await Promise.all([ada.leave(), bela.leave()]);
});

test('2.2, 8.4 one x-correlator leads from the request to its answer, the log of the API and of SIP, and each event', async () => {
  const device = await registered(ADA);
  const sink = await startEventSink();
  try {
    const made = await device.call('POST', '/webrtc-events-subscriptions/v0.3rc1/subscriptions', {
      protocol: 'HTTP',
      sink: sink.url,
      types: EVENT_TYPES,
      config: { subscriptionDetail: { deviceId: device.deviceId } },
    });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    const correlator = `shop:order/4711-${device.deviceId}`;
    const body = {
      originatorAddress: `tel:${ADA}`,
      receiverAddress: 'tel:+15550109003',
      offer: { sdp: await browserPeer().offer() },
    };
    const headers = { registrationId: device.registrationId, 'x-correlator': correlator };
    const call = await device.call('POST', '/webrtc-call-handling/v0.4rc1/sessions', body, headers);
    assert.equal(call.headers.get('x-correlator'), correlator);
    await device.waitStatus(call.body.mediaSessionId, 'Busy');
    await until(() => sink.taken.at(-1)?.data.status === 'Busy', 'the event at the sink');
    assert.deepEqual([...new Set(sink.correlators)], [correlator]);
    const lines = logLines
      .join('')
      .split('\n')
      .filter(line => line.includes(correlator))
      .map(line => JSON.parse(line));
    assert.ok(
      lines.some(line => line.api === 'webrtc-call-handling' && line.status === 201),
      'the request in the log',
    );
    const [sip] = lines.filter(line => line.part === 'mw' && line.msg === 'call out');
    assert.match(sip?.sip_call_id ?? '', /./, 'the SIP call in the log');
    assert.ok(
      lines.some(line => line.sip_call_id === sip.sip_call_id && line.outcome === 486),
      'the end of the SIP call in the log',
    );
  } finally {
    await sink.close();
  }
});

test('the log holds no token, no SDP and no full number', () => {
  const log = logLines.join('');
  assert.match(log, /"level":"info"/);
  assert.doesNotMatch(log, /eyJ[A-Za-z0-9_-]{20}|a=fingerprint|ice-pwd|\+1555010\d{4}|1555010\d{4}/);
});
