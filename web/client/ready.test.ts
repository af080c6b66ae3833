/** A page that says it is registered can be called, whatever was lost, late or refused before. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/property.ts';
import { SCALE } from '../../test/support/scale.ts';
import { CallingClient } from './client.ts';
import { fakeService, NUMBER, settle } from './fake-service.ts';

const deeds = [
  'ready',
  'drop',
  'offline',
  'online',
  'wait',
  'expire',
  'other tab',
  'fail',
  'heal',
  'late',
  'answer',
  'refuse',
  'leave',
] as const;
type Deed = (typeof deeds)[number];

/** A page and its service; after each deed the page is asked whether it can be called, and held to its word. */
async function play(list: readonly Deed[]): Promise<void> {
  const service = fakeService();
  const client = new CallingClient({ token: async () => 'token', environment: service.environment });
  const rung = new Set<string>();
  client.on('incoming', call => rung.add(call.id));
  let late: Array<() => void> = [];
  let mode: 'well' | 'failing' | 'late' = 'well';
  let made = 0;
  let registered = '';
  let dead = new Set<unknown>();
  const bodyOf = () => ({
    registrationId: registered,
    regInfo: { phoneNumber: NUMBER },
    expiresAt: '2026-01-01T06:00:00Z',
  });
  const routed = (what: string, body: () => object) =>
    service.on(what, () => {
      if (mode === 'failing') return { status: 503, body: { code: 'UNAVAILABLE' } };
      const answer = () => ({ status: 201, body: body() });
      return mode === 'well' ? answer() : new Promise<void>(resolve => late.push(resolve)).then(answer);
    });
  routed('POST registrations', () => {
    made += 1;
    registered = `reg-${made}`;
    return bodyOf();
  });
  routed('POST channels', () => ({ channelId: 'ch', websocketUrl: 'ws://host/ch', ticket: 't' }));
  routed('POST channels/*/tickets', () => ({ ticket: 't' }));
  const isKnown = (path: string) => registered !== '' && path.endsWith(`/${registered}`);
  service.on('PUT registrations/*', ({ path }) => (isKnown(path) ? { status: 200, body: bodyOf() } : { status: 404 }));
  service.on('DELETE registrations/*', ({ path }) => {
    if (isKnown(path)) registered = '';
    return { status: 204 };
  });
  // As the softphone page does.
  const register = (): void => {
    client.register().catch(() => service.environment.after(5000, register));
  };
  client.on('unregistered', ({ error }) => {
    if (error !== null) service.environment.after(5000, register);
  });
  register();
  let invited = 0;
  let opened: unknown = null;

  const isOpen = () =>
    service.sockets.length > 0 && opened === service.socket() && !dead.has(opened) && service.socket().closed === null;
  const ready = async () => {
    if (service.sockets.length === 0 || dead.has(service.socket()) || service.socket().closed !== null || isOpen())
      return;
    opened = service.socket();
    await service.ready({ registrations: registered === '' ? [] : [{ registrationId: registered }] });
  };
  async function calledOrSo(after: string): Promise<void> {
    await settle();
    if (client.state !== 'registered') return;
    assert.ok(isOpen(), `${after}: registered without a channel`);
    assert.ok(registered !== '', `${after}: registered without a registration`);
    invited += 1;
    const mediaSessionId = `in-${invited}`;
    await service.event('session-invitation', {
      mediaSessionId,
      status: 'Initial',
      offer: { sdp: 'o' },
      sequenceNumber: 1,
    });
    assert.ok(rung.has(mediaSessionId), `${after}: not rung`);
  }

  function end(code: number): void {
    if (service.sockets.length === 0) return;
    dead = dead.add(service.socket());
    service.socket().drop(code);
  }

  const acts: Record<Deed, () => unknown> = {
    ready,
    drop: () => end(1006),
    offline: service.offline,
    online: service.online,
    wait: () => service.pass(3000),
    expire() {
      const ends = { registrationId: registered, terminationReason: 'REGISTRATION_EXPIRED' };
      registered = '';
      // Who does not listen is shown it later.
      return isOpen() ? service.event('registration-ends', ends) : undefined;
    },
    'other tab'() {
      service.tabSays(registered);
    },
    fail: () => {
      mode = 'failing';
    },
    heal: () => {
      mode = 'well';
    },
    late: () => {
      mode = 'late';
    },
    answer() {
      for (const go of late.splice(0)) go();
    },
    refuse: () => end(4403),
    leave() {
      client.unregister().catch(() => {});
      register();
    },
  };
  for (const deed of list) {
    await acts[deed]();
    await calledOrSo(deed);
  }
  // In the end all goes well, and the page comes back by itself.
  mode = 'well';
  for (let turn = 0; turn < 12 && client.state !== 'registered'; turn += 1) {
    acts.answer();
    await service.pass(20_000);
    await ready();
  }
  assert.equal(client.state, 'registered');
  await calledOrSo('the end');
  late = [];
}

test('a page that says it is registered can be called', async () => {
  // What lets something happen comes more often than what may happen to it.
  const deed = fc.oneof(
    { weight: 2, arbitrary: fc.constantFrom('ready', 'answer', 'drop') },
    fc.constantFrom(...deeds),
  );
  const list = fc.array(deed, { maxLength: 25 });
  await fc.assert(fc.asyncProperty(list, play), { numRuns: 100 * SCALE });
});
