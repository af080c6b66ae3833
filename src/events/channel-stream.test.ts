/** Notification channels over server-sent events and plain CloudEvents, over real sockets, their timers on a manual clock. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, it } from 'node:test';
import { WebSocket } from 'ws';
import {
  alice,
  CHANNELS,
  createRig,
  DEVICE,
  type Rig,
  type RigOptions,
  serveChannels,
  session,
} from '../../test/support/event-rig.ts';
import { settled } from '../../test/support/manual-clock.ts';
import type { ChannelOpened } from '../ep-cscf/event-word.ts';
import { createMemoryStore } from '../store/memory.ts';

const running: Array<{ rig: Rig; server: Server }> = [];
after(async () => {
  for (const { rig, server } of running) {
    await rig.events.close(0);
    server.closeAllConnections();
    server.close();
  }
});

async function listen(options: RigOptions = {}): Promise<{ rig: Rig; port: number }> {
  const rig = createRig(options);
  const server = createServer((incoming, response) => {
    const id = incoming.url?.slice(1) ?? '';
    const last = incoming.headers['last-event-id'];
    const write = rig.events.channels.stream(alice, id, last === undefined ? null : Number(last));
    response.writeHead(write === null ? 404 : 200);
    if (write === null) response.end();
    else write(response);
  });
  serveChannels(server, rig);
  server.listen(0, '127.0.0.1');
  running.push({ rig, server });
  await once(server, 'listening');
  return { rig, port: (server.address() as AddressInfo).port };
}

async function open(rig: Rig): Promise<ChannelOpened> {
  const types = ['session-invitation', 'session-status'] as never;
  const made = await rig.events.channels.create(alice, { deviceId: DEVICE, types, expiresAt: null }, 'c');
  if (!made.ok) throw new Error(made.error);
  return made.channel;
}

interface Reader {
  /** Blocks so far: `id event data` texts. */
  blocks: string[];
  until(count: number): Promise<void>;
  end: Promise<void>;
  cut(): void;
}

async function read(port: number, id: string, lastEventId?: number): Promise<Reader> {
  const headers = lastEventId === undefined ? {} : { 'last-event-id': String(lastEventId) };
  const asked = request({ host: '127.0.0.1', port, path: `/${id}`, headers }).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  const blocks: string[] = [];
  let rest = '';
  let wake = () => {};
  response.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n\n');
    rest = parts.pop() ?? '';
    blocks.push(...parts);
    wake();
  });
  response.on('error', () => {});
  return {
    blocks,
    async until(count) {
      while (blocks.length < count) {
        await new Promise<void>(resolve => {
          wake = resolve;
        });
      }
    },
    end: new Promise(resolve => response.on('close', () => resolve())),
    cut: () => asked.destroy(),
  };
}

const ids = (reader: Reader) => reader.blocks.flatMap(block => /^id: (\d+)/.exec(block)?.[1] ?? []).map(Number);

async function gone(rig: Rig, id: string): Promise<void> {
  while (rig.events.channels.get(alice, id)?.state === 'CONNECTED') await settled();
}

describe('11a server-sent events', () => {
  it('begin with retry and what the device holds, then bring each event with its number', async () => {
    const { rig, port } = await listen({ snapshot: async () => ({ registrations: [1], sessions: [] }) });
    const { channelId, sseUrl } = await open(rig);
    assert.ok(sseUrl.endsWith(`/channels/${channelId}/events`));
    const page = await read(port, channelId);
    await page.until(2);
    assert.deepEqual(page.blocks, [
      'retry: 2000',
      'event: ready\ndata: {"snapshot":{"sessions":[],"registrations":[1]}}',
    ]);
    assert.equal(rig.events.channels.get(alice, channelId)?.transport, 'SSE');
    rig.publish(session('m1', 1));
    rig.publish(session('m1', 2));
    await page.until(4);
    assert.deepEqual(ids(page), [1, 2]);
    const event = JSON.parse(page.blocks[2]?.split('data: ')[1] ?? '');
    assert.equal(event.data.mediaSessionId, 'm1');
    // Written is as much as can be known: the invitation counts as delivered.
    while (rig.told.length === 0) await settled();
    assert.deepEqual(rig.told, [{ type: 'invitation-accepted', owner: 'c1', leg: 'm1' }]);
    assert.equal(rig.events.sizes().backlog, 0);
  });

  it('beat every 20 s', async () => {
    const { rig, port } = await listen();
    const { channelId } = await open(rig);
    const page = await read(port, channelId);
    await page.until(2);
    await rig.clock.advance(40_000);
    await page.until(4);
    assert.deepEqual(page.blocks.slice(2), [':', ':']);
  });

  it('go on after Last-Event-ID, with what was written and not received too', async () => {
    const { rig, port } = await listen();
    const { channelId } = await open(rig);
    const first = await read(port, channelId);
    await first.until(2);
    for (let n = 1; n <= 5; n += 1) rig.publish(session('m1', n));
    await first.until(7);
    first.cut();
    await gone(rig, channelId);
    rig.publish(session('m1', 6));
    // Of the five it wrote, the page got two.
    const second = await read(port, channelId, 2);
    await second.until(2 + 4);
    assert.deepEqual(ids(second), [3, 4, 5, 6]);
    assert.ok(!second.blocks.some(block => block.startsWith('event: reset')));
  });

  it('say reset when a part is not kept any more', async () => {
    const { rig, port } = await listen();
    const { channelId } = await open(rig);
    const first = await read(port, channelId);
    await first.until(2);
    rig.publish(session('m1', 1));
    rig.publish(session('m1', 2));
    await first.until(4);
    first.cut();
    await gone(rig, channelId);
    await rig.clock.advance(300_000);
    const second = await read(port, channelId, 1);
    await second.until(3);
    assert.match(second.blocks[2] ?? '', /^event: reset/);
    // A page that has seen everything goes on as if nothing were.
    const third = await read(port, channelId, 2);
    await third.until(2);
    rig.publish(session('m1', 3));
    await third.until(3);
    assert.deepEqual(ids(third), [3]);
  });

  it('go on after a restart, with what was written before and not received', async () => {
    const store = createMemoryStore();
    const one = await listen({ store });
    const { channelId } = await open(one.rig);
    const first = await read(one.port, channelId);
    await first.until(2);
    for (const n of [1, 2, 3]) one.rig.publish(session('m1', n));
    await first.until(5);
    // What nobody waits for is kept within 100 ms.
    await one.rig.clock.advance(100);
    assert.deepEqual([store.load('outbox').length, store.load('written').length], [0, 3]);
    const two = await listen({ store, clock: one.rig.clock });
    const second = await read(two.port, channelId, 1);
    await second.until(4);
    two.rig.publish(session('m1', 4));
    await second.until(5);
    assert.deepEqual(ids(second), [2, 3, 1001]);
    // It has the first one, which is not kept any more; all is forgotten with the channel.
    await two.rig.clock.advance(100);
    assert.equal(store.load('written').length, 3);
    await two.rig.events.channels.remove(alice, channelId);
    await two.rig.clock.advance(100);
    assert.deepEqual([store.load('written'), store.load('channel')], [[], []]);
  });

  it('say reset after a restart when a part was not kept any more, or an older version did not keep it', async () => {
    const store = createMemoryStore();
    const one = await listen({ store });
    const { channelId } = await open(one.rig);
    const first = await read(one.port, channelId);
    await first.until(2);
    for (let n = 1; n <= 201; n += 1) {
      one.rig.publish(session('m1', n));
      await first.until(n + 2);
    }
    await one.rig.clock.advance(100);
    for (const [lastSeq, reset] of [
      [0, true],
      [1, false],
    ] as const) {
      const two = await listen({ store, clock: one.rig.clock });
      const second = await read(two.port, channelId, lastSeq);
      await second.until(3);
      assert.equal(/^event: reset/.test(second.blocks[2] ?? ''), reset, `${lastSeq}`);
    }
    const older = { ...(store.load('channel')[0]?.value as object), floor: undefined };
    store.commit([{ op: 'put', kind: 'channel', key: channelId, value: older }]);
    const three = await listen({ store, clock: one.rig.clock });
    const third = await read(three.port, channelId, 201);
    await third.until(3);
    assert.match(third.blocks[2] ?? '', /^event: reset/);
  });

  it('end for the older page when a newer one comes, and when the channel is deleted', async () => {
    const { rig, port } = await listen();
    const { channelId } = await open(rig);
    const first = await read(port, channelId);
    await first.until(2);
    const second = await read(port, channelId);
    await first.end;
    assert.match(first.blocks.at(-1) ?? '', /^event: close\ndata: \{"code":4409/);
    await second.until(2);
    await rig.events.channels.remove(alice, channelId);
    await second.end;
    assert.match(second.blocks.at(-2) ?? '', /subscription-ended/);
    assert.match(second.blocks.at(-1) ?? '', /"code":4410/);
  });

  it('are opened once by a ticket, and by nothing else', async () => {
    const { rig } = await listen();
    const { channelId, ticket, resumeToken } = await open(rig);
    const { channels } = rig.events;
    assert.equal(channels.redeem(channelId, resumeToken), null);
    assert.equal(channels.redeem('unknown', ticket), null);
    assert.equal(channels.redeem(channelId, ticket)?.subject, 'alice');
    assert.equal(channels.redeem(channelId, ticket), null);
  });
});

describe('11a the resume token', () => {
  it('opens the WebSocket again and again, and after a restart', async () => {
    const store = createMemoryStore();
    const one = await listen({ store });
    const { channelId, resumeToken } = await open(one.rig);
    assert.doesNotMatch(JSON.stringify(store.load('channel')), new RegExp(resumeToken));
    for (const { port } of [one, one, await listen({ store, clock: one.rig.clock })]) {
      const socket = new WebSocket(`ws://127.0.0.1:${port}${CHANNELS}/channels/${channelId}/ws`, 'webrtc-gateway.v1');
      await once(socket, 'open');
      socket.send(JSON.stringify({ op: 'hello', resumeToken, lastSeq: 0 }));
      const [data] = await once(socket, 'message');
      assert.equal(JSON.parse(String(data)).op, 'ready');
      socket.terminate();
    }
    const socket = new WebSocket(`ws://127.0.0.1:${one.port}${CHANNELS}/channels/${channelId}/ws`, 'webrtc-gateway.v1');
    await once(socket, 'open');
    socket.send(JSON.stringify({ op: 'hello', resumeToken: `${resumeToken}x` }));
    assert.equal((await once(socket, 'close'))[0], 4401);
  });
});

describe('11a cloudevents.json', () => {
  it('takes the ticket as the second protocol, and sends bare events', async () => {
    const { rig, port } = await listen();
    const { channelId, ticket } = await open(rig);
    const url = `ws://127.0.0.1:${port}${CHANNELS}/channels/${channelId}/ws`;
    const socket = new WebSocket(url, ['cloudevents.json', ticket]);
    await once(socket, 'open');
    assert.equal(socket.protocol, 'cloudevents.json');
    while (rig.events.channels.get(alice, channelId)?.state !== 'CONNECTED') await settled();
    rig.publish(session('m1', 1));
    const [data] = await once(socket, 'message');
    assert.equal(JSON.parse(String(data)).specversion, '1.0');
    socket.send('what?');
    assert.equal((await once(socket, 'close'))[0], 4400);
    for (const protocols of [['cloudevents.json', ticket], ['cloudevents.json']]) {
      const again = new WebSocket(url, protocols);
      assert.equal((await once(again, 'close'))[0], 4401);
    }
  });
});
