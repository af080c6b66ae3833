/** Notification channels over real WebSockets on loopback, their timers on a manual clock. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, it } from 'node:test';
import { WebSocket } from 'ws';
import {
  alice,
  CHANNELS,
  createRig,
  DEVICE,
  PUBLIC_URL,
  type Rig,
  type RigOptions,
  serveChannels,
  session,
} from '../../test/support/event-rig.ts';
import { settled } from '../../test/support/manual-clock.ts';
import { checkRefusal, talk } from '../../test/support/raw-http.ts';
import type { ChannelOpened } from '../ep-cscf/event-word.ts';
import type { Principal } from '../ep-cscf/words.ts';
import { createMemoryStore } from '../store/memory.ts';

const running: Array<{ rig: Rig; server: Server }> = [];
after(async () => {
  for (const { rig, server } of running) {
    await rig.events.close(0);
    server.close();
  }
});

interface Page {
  socket: WebSocket;
  /** The next message, waited for. */
  next(): Promise<Record<string, unknown>>;
  /** Messages that came and were not asked for. */
  pending: Array<Record<string, unknown>>;
  say(message: unknown): void;
  /** The close code, waited for. */
  closed: Promise<number>;
}

async function listen(options: RigOptions = {}): Promise<{ rig: Rig; port: number }> {
  const rig = createRig(options);
  const server = createServer();
  serveChannels(server, rig);
  server.listen(0, '127.0.0.1');
  running.push({ rig, server });
  await once(server, 'listening');
  return { rig, port: (server.address() as AddressInfo).port };
}

async function open(
  rig: Rig,
  types = ['session-invitation', 'session-status'],
  who: Principal = alice,
): Promise<ChannelOpened> {
  const made = await rig.events.channels.create(who, { deviceId: DEVICE, types: types as never, expiresAt: null }, 'c');
  if (!made.ok) throw new Error(made.error);
  return made.channel;
}

function connect(port: number, id: string, origin?: string, protocol = 'webrtc-gateway.v1'): Page {
  const url = `ws://127.0.0.1:${port}${CHANNELS}/channels/${id}/ws`;
  const socket = new WebSocket(url, protocol, origin === undefined ? {} : { origin });
  const pending: Array<Record<string, unknown>> = [];
  let wake: (() => void) | null = null;
  socket.on('message', data => {
    pending.push(JSON.parse(String(data)));
    wake?.();
  });
  socket.on('error', () => {});
  return {
    socket,
    pending,
    async next() {
      while (pending.length === 0) await new Promise<void>(resolve => (wake = resolve));
      return pending.shift() ?? {};
    },
    say: message => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    closed: new Promise(resolve => socket.on('close', code => resolve(code))),
  };
}

async function hello(rig: Rig, port: number, id: string, lastSeq?: number): Promise<Page> {
  const page = connect(port, id);
  await once(page.socket, 'open');
  page.say({ op: 'hello', ticket: rig.events.channels.ticket(alice, id)?.ticket, lastSeq });
  return page;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setTimeout(resolve, 2));
}

describe('11a a notification channel', { timeout: 120_000 }, () => {
  it('hands events to its page and counts an invitation as accepted on ack', async () => {
    const { rig, port } = await listen({
      snapshot: async () => ({ registrations: [{ registrationId: 'r' }], sessions: [] }),
    });
    const channel = await open(rig);
    assert.equal(channel.sink, `https://gateway.example.com:9091${CHANNELS}/channels/${channel.channelId}/sink`);
    assert.equal(channel.websocketUrl, `ws://gateway.example.com:9091${CHANNELS}/channels/${channel.channelId}/ws`);
    const page = connect(port, channel.channelId, PUBLIC_URL);
    await once(page.socket, 'open');
    page.say({ op: 'hello', ticket: channel.ticket });
    assert.deepEqual(await page.next(), {
      op: 'ready',
      snapshot: { registrations: [{ registrationId: 'r' }], sessions: [] },
      heartbeat: 25,
    });
    assert.equal(rig.events.channels.get(alice, channel.channelId)?.state, 'CONNECTED');
    rig.publish(session('m1', 1));
    const event = (await page.next()) as { op: string; seq: number; event: { type: string; data: unknown } };
    assert.equal(event.op, 'event');
    assert.equal(event.event.type, 'org.camaraproject.webrtc-events-subscriptions.v0.session-invitation');
    assert.deepEqual(rig.told, []);
    assert.equal(rig.store.load('outbox').length, 1);
    page.say({ op: 'ack', seq: event.seq });
    await until(() => rig.told.length > 0);
    assert.deepEqual(rig.told, [{ type: 'invitation-accepted', owner: 'c1', leg: 'm1' }]);
    await rig.clock.advance(200);
    assert.deepEqual(rig.store.load('outbox'), []);
    assert.equal(rig.counted.get('events_total{session-invitation,websocket,delivered}'), 1);
    assert.equal(rig.tried.length, 0);
  });

  it('skips a device that was away for more than a minute, unless another sink takes the call', async () => {
    const { rig, port } = await listen();
    const channel = await open(rig);
    await rig.clock.advance(60_000);
    rig.publish(session('m1', 1));
    await settled();
    assert.deepEqual(rig.told, []);
    await rig.clock.advance(1);
    rig.publish(session('m2', 1));
    await settled();
    assert.deepEqual(rig.told, [{ type: 'invitation-undeliverable', owner: 'c1', leg: 'm2' }]);
    await rig.subscribe();
    rig.publish(session('m3', 1));
    await settled();
    assert.deepEqual(rig.told[1], { type: 'invitation-accepted', owner: 'c1', leg: 'm3' });
    const page = await hello(rig, port, channel.channelId);
    await page.next();
    assert.equal(((await page.next())['event'] as { data: { mediaSessionId: string } }).data.mediaSessionId, 'm1');
  });

  it('takes each ticket once, for half a minute, and says so with 4401', async () => {
    const { rig, port } = await listen();
    const channel = await open(rig);
    const first = connect(port, channel.channelId);
    await once(first.socket, 'open');
    first.say({ op: 'hello', ticket: channel.ticket });
    assert.equal((await first.next())['op'], 'ready');
    const again = connect(port, channel.channelId);
    await once(again.socket, 'open');
    again.say({ op: 'hello', ticket: channel.ticket });
    assert.equal(await again.closed, 4401);
    const late = rig.events.channels.ticket(alice, channel.channelId)?.ticket;
    await rig.clock.advance(1000);
    const page = connect(port, channel.channelId);
    await once(page.socket, 'open');
    const silent = connect(port, channel.channelId);
    await once(silent.socket, 'open');
    await rig.clock.advance(5000);
    assert.equal(await silent.closed, 4401);
    assert.equal(await page.closed, 4401);
    await rig.clock.advance(24_000);
    const expired = connect(port, channel.channelId);
    await once(expired.socket, 'open');
    expired.say({ op: 'hello', ticket: late });
    assert.equal(await expired.closed, 4401);
    assert.equal(first.socket.readyState, first.socket.OPEN);
    assert.equal(rig.events.channels.ticket({ ...alice, subject: 'eve' }, channel.channelId), null);
  });

  it('resumes after the last event the page has seen, and resets a page that missed some', async () => {
    const { rig, port } = await listen({ events: { channelBufferLength: 8 } });
    const channel = await open(rig);
    for (let n = 1; n <= 4; n += 1) rig.publish(session('m1', n));
    const page = await hello(rig, port, channel.channelId, 2);
    assert.equal((await page.next())['op'], 'ready');
    assert.equal((await page.next())['seq'], 3);
    assert.equal((await page.next())['seq'], 4);
    page.socket.close();
    await until(() => rig.events.sizes().connected === 0);
    for (let n = 5; n <= 14; n += 1) rig.publish(session('m1', n));
    const back = await hello(rig, port, channel.channelId, 4);
    assert.equal((await back.next())['op'], 'ready');
    assert.equal((await back.next())['op'], 'reset');
    assert.equal((await back.next())['seq'], 7);
    await rig.clock.advance(301_000);
    assert.equal(rig.events.sizes().backlog, 0);
  });

  it('gives the channel to the latest connection', async () => {
    const { rig, port } = await listen();
    const channel = await open(rig);
    const first = await hello(rig, port, channel.channelId);
    await first.next();
    const second = await hello(rig, port, channel.channelId);
    assert.equal((await second.next())['op'], 'ready');
    assert.equal(await first.closed, 4409);
    assert.equal(rig.events.sizes().connected, 1);
    rig.publish(session('m1', 1));
    assert.equal((await second.next())['op'], 'event');
  });

  it('refuses foreign origins, other subprotocols, unknown channels and nonsense', async () => {
    const { rig, port } = await listen({ origins: ['https://good.example'] });
    const channel = await open(rig);
    assert.equal(await connect(port, channel.channelId, 'https://evil.example').closed, 4403);
    assert.equal(await connect(port, channel.channelId.replaceAll(/[0-9]/g, '0')).closed, 4410);
    assert.equal(await connect(port, channel.channelId, undefined, 'other').closed, 1006);
    assert.equal(await connect(port, 'nonsense').closed, 4410);
    const good = connect(port, channel.channelId, 'https://good.example');
    await once(good.socket, 'open');
    good.say('not json');
    assert.equal(await good.closed, 4400);
    for (const bad of [
      { op: 'ack', seq: 1 },
      { op: 'hello', ticket: 7 },
      { op: 'hello', ticket: 'x', lastSeq: -1 },
      [],
      null,
    ]) {
      const page = connect(port, channel.channelId);
      await once(page.socket, 'open');
      page.say(bad);
      assert.equal(await page.closed, 4400);
    }
    const page = await hello(rig, port, channel.channelId);
    page.say('x'.repeat(5000));
    assert.equal(await page.closed, 1009);
  });

  it('refuses a handshake it cannot take, in the form of all refusals', async () => {
    const { rig, port } = await listen();
    const { channelId } = await open(rig);
    const good = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
      'sec-websocket-version': '13',
      'sec-websocket-protocol': 'webrtc-gateway.v1',
    };
    for (const change of [
      { 'sec-websocket-protocol': 'other' },
      { 'sec-websocket-version': '12' },
      { 'sec-websocket-key': 'short' },
      { 'sec-websocket-protocol': 'webrtc-gateway.v1,,' },
    ]) {
      const lines = Object.entries({ ...good, ...change }).map(line => line.join(': '));
      const path = `${CHANNELS}/channels/${channelId}/ws`;
      const got = await talk(port, [`GET ${path} HTTP/1.1`, 'host: a', ...lines, '', ''].join('\r\n'));
      checkRefusal(got, 400, 'INVALID_ARGUMENT');
      assert.match(got, /\r\nSec-WebSocket-Version: 13\r\n/);
    }
    assert.equal(rig.events.sizes().connected, 0);
  });

  it('keeps the pages of entry points to the channels of visitors, and those to them', async () => {
    const [CLIENT, SHOP, PORTAL] = ['https://client.example', 'https://shop.example', 'https://portal.example'];
    const visitor = { ...alice, subject: 'visit', number: null, legs: 2 } as const;
    const takenFrom = async (rig: Rig, port: number, who: Principal) => {
      const { channelId } = await open(rig, undefined, who);
      const codes = await Promise.all(
        [CLIENT, SHOP, PORTAL].map(async origin => {
          const page = connect(port, channelId, origin);
          // A page whose origin is good is asked for its ticket.
          page.socket.on('open', () => page.say({ op: 'hello', ticket: 'wrong' }));
          return page.closed;
        }),
      );
      return codes.map(code => code === 4401);
    };
    const origins = { origins: [CLIENT], visitorOrigins: [SHOP] };
    const byClient = await listen(origins);
    assert.deepEqual(await takenFrom(byClient.rig, byClient.port, alice), [true, false, false]);
    assert.deepEqual(await takenFrom(byClient.rig, byClient.port, visitor), [false, true, false]);
    const bySetting = await listen({ ...origins, events: { channelOrigins: [PORTAL] } });
    assert.deepEqual(await takenFrom(bySetting.rig, bySetting.port, alice), [false, false, true]);
    assert.deepEqual(await takenFrom(bySetting.rig, bySetting.port, visitor), [false, true, false]);
  });

  it('cuts a page that does not answer the heartbeat', async () => {
    const { rig, port } = await listen();
    const channel = await open(rig);
    const page = await hello(rig, port, channel.channelId);
    await page.next();
    await rig.clock.advance(25_000);
    assert.equal((await page.next())['op'], 'ping');
    page.say({ op: 'pong' });
    // What the page said is heard before the next beat: a loop that comes late runs its timers first, then looks at its sockets.
    await new Promise(resolve => setTimeout(resolve, 20));
    await settled();
    await rig.clock.advance(25_000);
    assert.equal((await page.next())['op'], 'ping');
    await rig.clock.advance(25_000);
    assert.equal(await page.closed, 1006);
    await until(() => rig.events.channels.get(alice, channel.channelId)?.state === 'DISCONNECTED');
  });

  it('closes a page that reads too slowly, and replays a long ring to one that is only late', async () => {
    const { rig, port } = await listen();
    const channel = await open(rig);
    const big = { offer: 'x'.repeat(60_000) };
    for (let n = 1; n <= 150; n += 1) rig.publish(session('m1', n, big));
    const page = await hello(rig, port, channel.channelId);
    for (let n = 0; n <= 150; n += 1) await page.next();
    page.say({ op: 'ack', seq: 150 });
    await until(() => rig.events.sizes().backlog === 0);
    page.socket.pause();
    // More than the system's own buffers on both sides ever hold.
    for (let n = 151; n <= 600; n += 1) {
      rig.publish(session('m1', n, big));
      await settled();
    }
    page.socket.resume();
    assert.equal(await page.closed, 1013);
  });

  it('ends its subscriptions with it and tells the page', async () => {
    const { rig, port } = await listen();
    const channel = await open(rig);
    const page = await hello(rig, port, channel.channelId);
    await page.next();
    assert.equal(await rig.events.channels.remove({ ...alice, clientId: 'eve' }, channel.channelId), false);
    assert.equal(await rig.events.channels.remove(alice, channel.channelId), true);
    const told = (await page.next())['event'] as { data: Record<string, unknown> };
    assert.equal(told.data['terminationReason'], 'NETWORK_TERMINATED');
    assert.equal(told.data['subscriptionId'], channel.subscriptionId);
    assert.equal(await page.closed, 4410);
    await rig.clock.advance(200);
    assert.deepEqual(rig.store.load('channel'), []);
    assert.deepEqual(rig.store.load('subscription'), []);
    assert.deepEqual(rig.events.sizes(), { subscriptions: 0, channels: 0, connected: 0, backlog: 0, invitations: 0 });
    assert.equal(rig.clock.waiting(), 0);
  });

  it('is a sink only for the client and user that made it', async () => {
    const { rig } = await listen();
    const channel = await open(rig, []);
    assert.equal(channel.subscriptionId, null);
    const { sink } = channel;
    await assert.rejects(rig.subscribe({ sink }, { ...alice, subject: 'eve' }), /invalid-sink/);
    await assert.rejects(rig.subscribe({ sink: sink.replace(/[0-9a-f-]{36}/, '0') }), /invalid-sink/);
    await rig.subscribe({ sink });
    await assert.rejects(rig.subscribe({ sink }), /subscription-exists/);
  });

  it('survives a restart: a fresh ticket, then what was owed, with numbers that go on', async () => {
    const store = createMemoryStore();
    const { rig, port } = await listen({ store });
    const channel = await open(rig);
    const page = await hello(rig, port, channel.channelId);
    await page.next();
    for (let n = 1; n <= 3; n += 1) rig.publish(session('m1', n));
    for (let n = 1; n <= 3; n += 1) await page.next();
    page.say({ op: 'ack', seq: 2 });
    await until(() => rig.events.sizes().backlog === 1);
    await rig.events.close(100);
    assert.equal(await page.closed, 1012);
    const next = await listen({ store, clock: rig.clock });
    const back = await hello(next.rig, next.port, channel.channelId, 2);
    assert.equal((await back.next())['op'], 'ready');
    assert.equal((await back.next())['seq'], 3);
    next.rig.publish(session('m1', 4));
    assert.ok(Number((await back.next())['seq']) > 3);
    assert.equal(next.rig.events.sizes().subscriptions, 1);
  });

  it('clears away channels of the device that nobody came back to, and has a quota', async () => {
    const { rig } = await listen({ events: { subscriptionsPerUser: 2 } });
    const first = await open(rig);
    await open(rig);
    const third = await rig.events.channels.create(alice, { deviceId: DEVICE, types: [], expiresAt: null }, 'c');
    assert.deepEqual(third, { ok: false, error: 'channel-quota' });
    await rig.clock.advance(60_001);
    await open(rig);
    assert.equal(rig.events.channels.get(alice, first.channelId), null);
    assert.equal(rig.events.sizes().channels, 1);
    await rig.clock.advance(86_400_000);
    assert.equal(rig.events.sizes().channels, 0);
    assert.equal(rig.clock.waiting(), 0);
  });
});
