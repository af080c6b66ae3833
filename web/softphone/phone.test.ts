/** The softphone without its elements: which screen and which words it shows for what the SDK and the user do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FakeService, fakeService, NUMBER, settle } from '../client/fake-service.ts';
import { CallingClient, CallingError } from '../client/index.ts';
import { createPhone, type Phone } from './phone.ts';
import type { View } from './view.ts';
import { nameText, statusText } from './words.ts';

const ECHO = '+15550109000';

interface Page {
  service: FakeService;
  phone: Phone;
  shows: { screen: string; status: string; reason: string };
  /** From now on the sign-in counts for nothing. */
  endSignIn(): void;
}

async function open(service = fakeService()): Promise<Page> {
  const shows = { screen: '', status: '', reason: '' };
  const view: View = {
    show: ({ type }) => void Object.assign(shows, { screen: type }),
    status: status => void Object.assign(shows, { status }),
    reason: reason => void Object.assign(shows, { reason }),
    refresh: call => void Object.assign(shows, { status: statusText(call) }),
    number() {},
    play() {},
  };
  let signedIn = true;
  const client = new CallingClient({
    token: async () => {
      if (!signedIn) throw new CallingError('token-unavailable');
      return 'token';
    },
    environment: service.environment,
  });
  const sounds = { ring() {}, ringback() {}, stop() {} };
  const phone = createPhone({ client, view, sounds, after: service.environment.after });
  const started = phone.start();
  await service.ready();
  await started;
  const endSignIn = () => {
    signedIn = false;
  };
  return { service, phone, shows, endSignIn };
}

async function talking(): Promise<Page> {
  const page = await open();
  await page.phone.dial(ECHO, false);
  const news = { mediaSessionId: 'call-1', status: 'Connected', answer: { sdp: 'a' }, sequenceNumber: 1 };
  await page.service.event('session-status', news);
  page.service.peer().becomes('connected');
  return page;
}

test('the service goes away in a call: said so, and hanging up works at once', async () => {
  const { service, phone, shows } = await talking();
  for (const what of ['POST channels/*/tickets', 'PUT calls/*/status', 'DELETE calls/*'])
    service.on(what, () => 'no network');
  service.socket().drop(1006);
  assert.deepEqual(shows, {
    screen: 'talk',
    status: 'Connected',
    reason: 'The service cannot be reached; trying again. You can hang up all the same.',
  });
  service.peer().becomes('disconnected');
  assert.equal(shows.status, 'Reconnecting…');
  await phone.hangup();
  assert.deepEqual(shows, { screen: 'ready', status: 'Connection lost, trying again…', reason: 'You hung up.' });
  service.on('POST channels/*/tickets', () => ({ status: 201, body: { ticket: 't' } }));
  await service.pass(2000);
  await service.ready();
  assert.equal(shows.status, 'Ready');
});

test('the service comes back in a call: the sentence goes', async () => {
  const { service, shows } = await talking();
  service.offline();
  assert.match(shows.reason, /cannot be reached/);
  await service.pass(500);
  await service.ready({ sessions: [{ mediaSessionId: 'call-1', status: 'Connected' }] });
  assert.deepEqual(shows, { screen: 'talk', status: 'Connected', reason: '' });
});

test('a sign-in that is over shows the way back in, in a call only after it', async () => {
  const idle = await open();
  idle.endSignIn();
  await idle.phone.dial(ECHO, false);
  assert.deepEqual(idle.shows, {
    screen: 'signed-out',
    status: 'Signed out',
    reason: 'Your sign-in has ended. Sign in again.',
  });
  const busy = await talking();
  busy.endSignIn();
  await busy.phone.hold(true);
  assert.equal(busy.shows.screen, 'talk');
  assert.match(busy.shows.reason, /Sign in again/);
  await busy.phone.hangup();
  assert.deepEqual(busy.shows, { screen: 'signed-out', status: 'Signed out', reason: 'You hung up.' });
});

test('what cannot be dialled is explained, an emergency call too', async () => {
  const { service, phone, shows } = await open();
  await phone.dial('5550109000', false);
  assert.deepEqual(shows, {
    screen: 'ready',
    status: 'Ready',
    reason: 'This is not a number that can be dialled. Write it with + and the country code, like +15550109000.',
  });
  service.on('POST calls', () => ({ status: 501, body: { code: 'CALLTYPE_EMERGENCY_NOT_SUPPORTED' } }));
  for (const number of ['112', '911']) {
    await phone.dial(number, false);
    assert.equal(shows.reason, 'Emergency calls cannot be made here. Use a telephone.');
  }
});

test('a number that may not be called costs nobody the sign-in', async () => {
  const { service, phone, shows } = await open();
  const message = 'This receiver may not be called.';
  service.on('POST calls', () => ({ status: 403, body: { code: 'PERMISSION_DENIED', message } }));
  await phone.dial('+15550109999', false);
  assert.deepEqual(shows, { screen: 'ready', status: 'Ready', reason: message });
});

test('the page says who holds; what went wrong is forgotten with the next success', async () => {
  const { service, phone, shows } = await talking();
  await service.event('session-status', { mediaSessionId: 'call-1', status: 'Hold', sequenceNumber: 2 });
  assert.equal(shows.status, 'On hold by the other side');
  service.on('PUT calls/*/status', () => ({ status: 409, body: { code: 'INCOMPATIBLE_STATE' } }));
  await phone.hold(true);
  assert.deepEqual(
    [shows.status, shows.reason],
    ['On hold by the other side', 'The call is not in a state that allows this.'],
  );
  service.on('PUT calls/*/status', ({ body }) => ({ status: 200, body: { ...body, mediaSessionId: 'call-1' } }));
  await phone.hold(true);
  assert.deepEqual([shows.status, shows.reason], ['On hold by both sides', '']);
  await phone.hold(false);
  assert.equal(shows.status, 'Connected');
});

test('who signs out, here or in another tab, registers no more', async () => {
  const { service, phone, shows } = await talking();
  await service.event('registration-ends', { registrationId: 'reg-1', terminationReason: 'NETWORK_TERMINATED' });
  await phone.leave();
  assert.deepEqual(shows, { screen: 'waiting', status: 'Signing out…', reason: '' });
  const asked = service.asked.length;
  await service.pass(600_000);
  assert.deepEqual([service.asked.length, shows.status], [asked, 'Signing out…']);
});

test('a registration the network ended is made again; a call goes on meanwhile', async () => {
  const { service, shows } = await talking();
  await service.event('registration-ends', { registrationId: 'reg-1', terminationReason: 'NETWORK_TERMINATED' });
  assert.equal(shows.screen, 'talk');
  assert.match(shows.reason, /The network ended the registration/);
  await service.pass(5000);
  await service.ready({ sessions: [{ mediaSessionId: 'call-1', status: 'Connected' }] });
  await settle();
  assert.deepEqual([shows.screen, shows.status, shows.reason], ['talk', 'Connected', '']);
});

test('a call that ends while there is no registration: how it ended stays, also when there is one again', async () => {
  const { service, phone, shows } = await talking();
  await service.event('registration-ends', { registrationId: 'reg-1', terminationReason: 'NETWORK_TERMINATED' });
  await phone.hangup();
  assert.deepEqual(shows, { screen: 'waiting', status: 'Call ended', reason: 'You hung up.' });
  await service.pass(5000);
  await service.ready();
  assert.deepEqual(shows, { screen: 'ready', status: 'Ready', reason: 'You hung up.' });
});

test('a registration the network ended without a call: said so until there is one again', async () => {
  const { service, shows } = await open();
  await service.event('registration-ends', { registrationId: 'reg-1', terminationReason: 'NETWORK_TERMINATED' });
  const reason = 'The network ended the registration.';
  assert.deepEqual(shows, { screen: 'waiting', status: 'Not registered', reason });
  const refused = { status: 503, body: { code: 'UNAVAILABLE' } };
  service.on('POST registrations', () => refused);
  await service.pass(5000);
  await service.ready();
  await settle();
  assert.deepEqual(shows, {
    screen: 'waiting',
    status: 'Not registered',
    reason: 'The service is busy. Try again in a moment.',
  });
  const body = { registrationId: 'reg-2', regInfo: { phoneNumber: NUMBER }, expiresAt: '2026-01-01T02:00:00Z' };
  service.on('POST registrations', () => ({ status: 201, body }));
  await service.pass(5000);
  await service.ready();
  await settle();
  assert.deepEqual(shows, { screen: 'ready', status: 'Ready', reason: '' });
});

test('a page whose channel is refused says so, and is not ready', async () => {
  const { service, shows } = await open();
  const reason = 'This page may not open a notification channel.';
  service.socket().drop(4403);
  await settle();
  assert.deepEqual(shows, { screen: 'waiting', status: 'Not registered', reason });
  await service.pass(5000);
  service.socket().drop(4403);
  await settle();
  const asked = service.asked.length;
  await service.pass(600_000);
  assert.deepEqual(shows, { screen: 'waiting', status: 'Not registered', reason });
  assert.equal(service.asked.length, asked, 'it is not tried for ever');
});

test('a page that is refused while it calls is not ready when the call comes to nothing', async () => {
  const { service, phone, shows } = await open();
  const { promise: asked, resolve: answer } = Promise.withResolvers<void>();
  service.on('POST calls', () => asked.then(() => ({ status: 403, body: { code: 'PERMISSION_DENIED' } })));
  const dialled = phone.dial(ECHO, false);
  await settle();
  service.socket().drop(4403);
  await settle();
  answer();
  await dialled;
  assert.deepEqual([shows.screen, shows.status], ['waiting', 'Not registered']);
});

test('a second press on hang up leaves what was said of the end', async () => {
  const { phone, shows } = await talking();
  await Promise.all([phone.hangup(), phone.hangup()]);
  assert.equal(shows.reason, 'You hung up.');
});

test('a reloaded page that may not use the microphone any more can still call', async () => {
  const before = await talking();
  const { service } = before;
  service.leave();
  service.on('GET calls/*', () => ({
    status: 200,
    body: { mediaSessionId: 'call-1', status: 'Connected', receiverAddress: `tel:${ECHO}`, originatorAddress: NUMBER },
  }));
  service.microphone.refuse = 'NotAllowedError';
  const { shows } = await open(service);
  assert.deepEqual(shows, {
    screen: 'ready',
    status: 'Ready',
    reason: 'The microphone may not be used. Allow the microphone.',
  });
});

test('answered here and elsewhere at once: the one that lost says elsewhere, whatever the late answer gets', async () => {
  const { service, phone, shows } = await open();
  await service.event('session-invitation', {
    mediaSessionId: 'in-1',
    status: 'Initial',
    originatorAddress: 'tel:+15550100002',
    offer: { sdp: 'o' },
    sequenceNumber: 1,
  });
  service.on('PUT calls/*/status', ({ body }) => {
    if (body?.['status'] !== 'Connected') return { status: 200, body: {} };
    const reason = 'GW;cause=5;text="answered elsewhere"';
    void service.event('session-status', {
      mediaSessionId: 'in-1',
      status: 'SessionCancelled',
      reason,
      sequenceNumber: 2,
    });
    return { status: 404, body: { status: 404, code: 'NOT_FOUND', message: 'The specified resource is not found.' } };
  });
  await phone.answer();
  await settle();
  assert.deepEqual(shows, {
    screen: 'ready',
    status: 'Call ended',
    reason: 'The call was answered on another device.',
  });
});

test('the other side is a name, else a number, else what it is', () => {
  const party = { display: null, number: null, anonymous: false };
  assert.equal(nameText({ ...party, address: 'tel:+15550109000', number: '+15550109000', display: 'Bela' }), 'Bela');
  assert.equal(nameText({ ...party, address: 'tel:+15550109000', number: '+15550109000' }), '+15550109000');
  assert.equal(nameText({ ...party, address: 'sip:bob@example.com' }), 'bob@example.com');
  assert.equal(nameText({ ...party, address: 'urn:service:sos' }), 'Emergency call');
  assert.equal(nameText({ ...party, address: 'sip:a@anonymous.invalid', anonymous: true }), 'Number withheld');
});
