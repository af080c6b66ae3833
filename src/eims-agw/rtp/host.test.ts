/** The sessions of one worker on a clock of the test: legs that do not come up, and figures that outlive their legs. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { type EngineEvent, NO_TOTALS, type SdesSuite } from '../engine.ts';
import { PCMA } from '../payload-format.ts';
import { mediaRealms } from '../realm.ts';
import { srtpSession } from '../relay/srtp/session.ts';
import { MEDIA_DEFAULTS } from '../settings.ts';
import { createHost } from './host.ts';
import { createPortPool } from './port-pool.ts';
import type { WebEvents } from './web-end.ts';

const HOST = '127.0.44.230';
const FAR = '127.0.44.235';
const REMOTE = {
  mid: '0',
  ice: { ufrag: 'abcd', pwd: 'p'.repeat(24) },
  fingerprint: { algorithm: 'sha-256' as const, value: 'AA' },
  setup: 'actpass' as const,
  candidates: [],
};

async function rig(onFault: (error: unknown) => void = error => assert.fail(String(error))) {
  const settings = { ...MEDIA_DEFAULTS, ims: { ...MEDIA_DEFAULTS.ims, bind: HOST, advertise: HOST } };
  const events: EngineEvent[] = [];
  const legs: Array<{ events: WebEvents; closed: boolean }> = [];
  const state = { now: 0 };
  const broken = { connect: false, make: false, path: false };
  /** What happens while ports are taken, once. */
  const busy: { meanwhile: () => void; heard: (packet: Buffer) => void } = {
    meanwhile: () => undefined,
    heard: () => undefined,
  };
  let opened: () => void = () => undefined;
  const pool = createPortPool(
    settings.ims.ports,
    () => state.now,
    () => 1,
  );
  const host = createHost({
    settings,
    realms: mediaRealms(settings),
    pool: {
      ...pool,
      take() {
        const { meanwhile } = busy;
        busy.meanwhile = () => undefined;
        meanwhile();
        return pool.take();
      },
    },
    makeWebEnd: (_request, legEvents) => {
      if (broken.make) throw new Error('a leg that cannot be made');
      const leg = { events: legEvents, closed: false };
      legs.push(leg);
      return {
        transport: {
          address: HOST,
          port: 1,
          ufrag: 'u',
          pwd: 'p',
          fingerprint: 'AA',
          iceLite: true,
          answerSetup: 'passive',
        },
        connect: () => {
          if (broken.connect) throw new Error('a leg that cannot be connected');
          return true;
        },
        addCandidates: () => undefined,
        send: packet => {
          busy.heard(Buffer.from(packet));
          return true;
        },
        counts: () => ({ 'leg-tag': 2 }),
        path() {
          if (broken.path) throw new Error('a leg that cannot tell its path');
          return null;
        },
        close() {
          leg.closed = true;
        },
      };
    },
    send: event => {
      events.push(event);
      if (event.type === 'opened' || event.type === 'lost') opened();
    },
    onFault,
    now: () => state.now,
    wall: () => 0,
    random: () => 1,
  });
  const request = (leg: number) => ({ leg, ssrc: leg, cname: 'c' });
  const open = async (session: number, sdes?: SdesSuite) => {
    const ready = new Promise<void>(resolve => {
      opened = resolve;
    });
    const place = { realm: null, family: 'IP4' as const };
    host.handle({ type: 'open', session, op: 1, place, legs: [request(1), request(2)], ...(sdes && { sdes }) });
    await ready;
  };
  await open(1);
  return { host, events, legs, state, broken, busy, open };
}

test('SEC-04 a leg that has not come up 10 s after it was answered is told, after 60 s closed; one that is up stays', async () => {
  const { host, events, legs, state } = await rig();
  host.handle({ type: 'connect', session: 1, op: 2, leg: 1, remote: REMOTE });
  host.handle({ type: 'connect', session: 1, op: 3, leg: 2, remote: REMOTE });
  legs[1]?.events.up();
  events.length = 0;
  const at = (ms: number) => {
    state.now = ms;
    host.tick();
    return [events.splice(0), legs.map(leg => leg.closed)];
  };
  assert.deepEqual(at(9_999), [[], [false, false]]);
  assert.deepEqual(at(10_000), [[{ type: 'leg-down', session: 1, leg: 1, cause: 'web' }], [false, false]]);
  assert.deepEqual(at(59_999), [[], [false, false]]);
  assert.deepEqual(at(60_000), [[], [true, false]]);
  host.close();
});

test('a leg that comes up late is told, and no longer closed', async () => {
  const { host, events, legs, state } = await rig();
  host.handle({ type: 'connect', session: 1, op: 2, leg: 1, remote: REMOTE });
  state.now = 12_000;
  host.tick();
  legs[0]?.events.up();
  assert.deepEqual(events.at(-1), { type: 'leg-up', session: 1, leg: 1 });
  state.now = 70_000;
  host.tick();
  assert.equal(legs[0]?.closed, false);
  host.close();
});

test('of two wishes for video at once the later has it, and each is answered; one that ends before its ports are there has none', async () => {
  const { host, events, busy } = await rig();
  const told = () => events.splice(0).map(event => [event.type, 'op' in event ? event.op : null]);
  told();
  const addVideo = (op: number) => host.handle({ type: 'add-video', session: 1, op });
  busy.meanwhile = () => addVideo(6);
  addVideo(5);
  assert.deepEqual(told(), [
    ['video-added', 6],
    ['refused', 5],
  ]);
  busy.meanwhile = () => host.handle({ type: 'drop-video', session: 1 });
  addVideo(7);
  assert.deepEqual(told(), [['refused', 7]]);
  addVideo(8);
  assert.deepEqual(told(), [['video-added', 8]]);
  host.close();
});

test('a fault of ours in the supervision of a session ends that one and leaves the others theirs', async () => {
  const faults: unknown[] = [];
  const { host, events, legs, state, open } = await rig(fault => faults.push(fault));
  await open(2);
  for (const session of [1, 2]) host.handle({ type: 'connect', session, op: 2, leg: 1, remote: REMOTE });
  Object.defineProperty(legs[0] ?? {}, 'closed', { set: () => assert.fail('it cannot be closed') });
  events.length = 0;
  state.now = 60_000;
  host.tick();
  assert.deepEqual(events, [
    { type: 'lost', session: 1, ...NO_TOTALS },
    { type: 'leg-down', session: 2, leg: 1, cause: 'web' },
  ]);
  assert.equal(faults.length, 1);
  assert.deepEqual([legs[1]?.closed, host.sessions()], [true, 1], 'the rest of that session is freed');
  assert.equal(host.counts()['host-fault'], 1);
  host.close();
});

test('a session whose figures cannot be told is closed with all that it holds', async () => {
  const faults: unknown[] = [];
  const { host, events, legs, broken } = await rig(fault => faults.push(fault));
  const gates = { toIms: [], toWeb: [], toImsOpen: true, toWebOpen: true, supervise: false, video: null };
  host.handle({ type: 'route', session: 1, route: { leg: 1, target: null, ...gates } });
  events.length = 0;
  broken.path = true;
  host.handle({ type: 'close', session: 1 });
  assert.deepEqual(events, [{ type: 'closed', session: 1, ...NO_TOTALS }]);
  assert.deepEqual([host.sessions(), legs.every(leg => leg.closed), faults.length > 0], [0, true, true]);
  host.close();
});

test('a command or the making of a leg that meets a fault of ours ends its session; its ports go to the next', async () => {
  const faults: unknown[] = [];
  const { host, events, legs, broken, open } = await rig(fault => faults.push(fault));
  await open(2);
  events.length = 0;
  broken.connect = true;
  host.handle({ type: 'connect', session: 1, op: 2, leg: 1, remote: REMOTE });
  broken.connect = false;
  assert.deepEqual(events.splice(0), [{ type: 'lost', session: 1, ...NO_TOTALS }]);
  host.handle({ type: 'close', session: 1 });
  assert.deepEqual(events.splice(0), [{ type: 'closed', session: 1, ...NO_TOTALS }]);
  host.handle({ type: 'connect', session: 2, op: 2, leg: 1, remote: REMOTE });
  assert.deepEqual(events.splice(0), [{ type: 'connecting', session: 2, op: 2 }]);
  broken.make = true;
  await open(3);
  broken.make = false;
  assert.deepEqual(events.splice(0), [{ type: 'lost', session: 3, ...NO_TOTALS }]);
  assert.equal(faults.length, 2);
  assert.deepEqual(
    legs.map(leg => leg.closed),
    [true, true, false, false],
  );
  assert.deepEqual([host.sessions(), host.counts()['host-fault']], [1, 2]);
  await open(3);
  assert.equal(host.sessions(), 2);
  host.close();
});

test('a device that rings is not hurried', async () => {
  const { host, events, state } = await rig();
  events.length = 0;
  state.now = 100_000;
  host.tick();
  assert.deepEqual(events, []);
  host.close();
});

test('figures of legs and calls that are gone stay counted', async () => {
  const { host } = await rig();
  assert.equal(host.counts()['leg-tag'], 4);
  host.handle({ type: 'drop-leg', session: 1, leg: 1 });
  assert.equal(host.counts()['leg-tag'], 4);
  host.handle({ type: 'close', session: 1 });
  assert.deepEqual(host.counts(), { 'leg-tag': 4 });
});

test('SDP-25 over sockets: both ways are opened and protected, and strangers are not heard', async t => {
  const { host, events, legs, busy, open } = await rig();
  const suite = 'AES_CM_128_HMAC_SHA1_80';
  await open(2, suite);
  const opened = events.find(event => event.type === 'opened' && event.session === 2);
  assert.ok(opened?.type === 'opened' && opened.ims.key !== undefined);
  const sockets = [createSocket('udp4'), createSocket('udp4')] as const;
  t.after(() => {
    for (const socket of sockets) socket.close();
  });
  const [phone, stranger] = sockets;
  await Promise.all([FAR, HOST].map((address, i) => once(sockets[i]?.bind(0, address) ?? phone, 'listening')));
  const { port } = phone.address();
  const theirs = Buffer.alloc(30, 7);
  const target = { address: FAR, port, rtcpAddress: FAR, rtcpPort: port + 1 };
  const rule = { in: 8, out: 8, kind: 'speech' as const, from: PCMA, to: PCMA };
  const sdes = { suite, key: theirs.toString('base64') } as const;
  const gates = { toImsOpen: true, toWebOpen: true, supervise: false, video: null };
  const route = { leg: 1, target: { ...target, sdes }, toIms: [rule], toWeb: [rule], ...gates };
  host.handle({ type: 'connect', session: 2, op: 2, leg: 1, remote: REMOTE });
  legs[2]?.events.up();
  host.handle({ type: 'route', session: 2, route });
  const halves = (bytes: Buffer) => ({ key: bytes.subarray(0, 16), salt: bytes.subarray(16) });
  const far = srtpSession('SRTP_AES128_CM_HMAC_SHA1_80', {
    local: halves(theirs),
    remote: halves(Buffer.from(opened.ims.key, 'base64')),
  });
  const sound = (fill: number) =>
    Buffer.concat([Buffer.from('800800010000000000000005', 'hex'), Buffer.alloc(160, fill)]);
  const [out] = await Promise.all([once(phone, 'message'), legs[2]?.events.packet(sound(1))]);
  assert.equal(far.unprotectRtp(out[0]), 172);
  assert.deepEqual(out[0].subarray(12, 172), sound(1).subarray(12));
  const sealed = (clear: Buffer): Buffer => {
    const room = Buffer.concat([clear, Buffer.alloc(20)]);
    return room.subarray(0, far.protectRtp(room, clear.length));
  };
  const hears = () =>
    new Promise<Buffer>(resolve => {
      busy.heard = resolve;
    });
  const bytes = sealed(sound(2));
  const heard = hears();
  stranger.send(bytes, opened.ims.port, HOST);
  stranger.send(sound(3), opened.ims.port, HOST);
  phone.send(bytes, opened.ims.port, HOST);
  assert.deepEqual((await heard).subarray(12), sound(2).subarray(12));
  // A flood from its address: another stream of it is heard again when a second has gone by.
  const [known, other, junk] = [sound(4), sound(5), sound(6)];
  known.writeUInt16BE(2, 2);
  other.writeUInt32BE(6, 8);
  junk.writeUInt32BE(7, 8);
  const afterwards = sealed(other);
  const next = hears();
  for (let i = 0; i <= 100; i += 1) phone.send(junk, opened.ims.port, HOST);
  for (const packet of [afterwards, sealed(known)]) phone.send(packet, opened.ims.port, HOST);
  assert.deepEqual((await next).subarray(12), known.subarray(12));
  host.tick();
  const last = hears();
  phone.send(afterwards, opened.ims.port, HOST);
  assert.deepEqual((await last).subarray(12), other.subarray(12));
  for (const session of [2, 1]) host.handle({ type: 'close', session });
  const closed = events.find(event => event.type === 'closed');
  assert.ok(closed?.type === 'closed');
  assert.equal(closed.fromIms.packets, 3);
});
