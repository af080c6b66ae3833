/** Pictures of calls on daemons in memory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REMOTE, ROUTE, rtpengineRig as rig } from '../../../test/support/rtpengine-rig.ts';
import type { WebRemote } from '../engine.ts';

test('SDP-21 a picture is a call of its own on the daemon: added, gated, connected with the leg, and gone without the sound', async () => {
  const { engine, daemons, events, talk, types, clock } = rig(1);
  await engine.start();
  const [daemon] = daemons;
  assert.ok(daemon);
  talk(1);
  const before = daemon.calls.size;
  engine.send({ type: 'add-video', session: 1, op: 7 });
  const added = events.at(-1);
  assert.ok(added?.type === 'video-added' && added.transport !== undefined);
  assert.equal(daemon.calls.size, before + 1);
  engine.send({ type: 'connect', session: 1, op: 8, leg: 1, remote: { ...REMOTE, video: { ...REMOTE, mid: '1' } } });
  assert.deepEqual(events.at(-1), { type: 'connecting', session: 1, op: 8 });
  const vp8 = { name: 'VP8', clock: 90_000, channels: 1, fmtp: null };
  const rules = [{ in: 96, out: 96, kind: 'video' as const, from: vp8, to: vp8 }];
  const target = { address: '127.0.0.9', port: 4000, rtcpAddress: '127.0.0.9', rtcpPort: 4001 };
  const video = {
    target,
    toIms: rules,
    toWeb: rules,
    toImsOpen: true,
    toWebOpen: true,
    feedback: false,
    orientation: null,
  };
  engine.send({ type: 'route', session: 1, route: { ...ROUTE, video } });
  daemon.verified = true;
  await clock.advance(1_000);
  // What came before its keys is lost: the far end, which takes no feedback, is asked another way.
  assert.ok(types().includes('key-frame-wanted'));
  assert.ok(
    daemon.requests.some(({ command, sdp }) => command === 'offer' && /m=video 4000 RTP\/AVP 96\r\n/.test(String(sdp))),
  );
  engine.send({ type: 'drop-video', session: 1 });
  assert.equal(daemon.calls.size, before);
  assert.ok(!types().includes('lost'));
  engine.send({ type: 'close', session: 1 });
  assert.equal(daemon.calls.size, 0);
});

test('SDP-21 a picture that a browser refused waits on its daemon for the next one; used, unwanted or lost there, that is a new one', async () => {
  const { engine, daemons, events, talk } = rig(1);
  await engine.start();
  const [daemon] = daemons;
  assert.ok(daemon);
  talk(1);
  const pictures = () => [...daemon.calls].filter(id => /v\d$/.test(id)).map(id => id.slice(-2));
  const add = (op: number, kept: { kept?: true } = {}) => engine.send({ type: 'add-video', session: 1, op, ...kept });
  const drop = () => engine.send({ type: 'drop-video', session: 1, kept: true });
  add(7);
  const added = events.at(-1);
  drop();
  assert.deepEqual(pictures(), ['v1']);
  add(8, { kept: true });
  assert.deepEqual(events.at(-1), { ...added, op: 8 });
  drop();
  // The browser has not kept it after all.
  add(9);
  assert.deepEqual(pictures(), ['v2']);
  drop();
  for (const id of pictures()) daemon.calls.delete([...daemon.calls].find(call => call.endsWith(id)) ?? '');
  add(10, { kept: true });
  assert.equal(events.at(-1)?.type, 'video-added');
  assert.equal(pictures().length, 1);
  engine.send({ type: 'connect', session: 1, op: 11, leg: 1, remote: { ...REMOTE, video: { ...REMOTE, mid: '1' } } });
  drop();
  assert.deepEqual(pictures(), [], 'a browser was connected to it');
  add(12);
  drop();
  engine.send({ type: 'close', session: 1 });
  assert.deepEqual([daemon.calls.size, events.at(-1)?.type], [0, 'closed']);
});

test('RTE-22 an engine that closes leaves nothing on its daemons, pictures neither, though their ends are lost once', async () => {
  const { engine, daemons, talk, clock } = rig(1);
  await engine.start();
  const [daemon] = daemons;
  assert.ok(daemon);
  for (const session of [1, 2]) {
    talk(session);
    engine.send({ type: 'add-video', session, op: 10 + session });
  }
  assert.equal(daemon.calls.size, 4);
  const lost = new Set<string>();
  daemon.loses = (_, text) => /-1v1"/.test(text) && lost.size < lost.add(text).size;
  const closed = engine.close();
  await clock.advance(500);
  await closed;
  assert.equal(daemon.calls.size, 0);
});

test('RTE-22 what a daemon hears of a picture after its end is taken back: it was lost on the way and sent again', async () => {
  for (const end of ['close', 'drop-video'] as const) {
    const { engine, daemons, talk, clock } = rig(1);
    await engine.start();
    const [daemon] = daemons;
    assert.ok(daemon);
    talk(1);
    engine.send({ type: 'add-video', session: 1, op: 7 });
    let lost = 0;
    daemon.loses = (_, text) => /"offer".*-1v1"/.test(text) && lost++ === 0;
    engine.send({ type: 'connect', session: 1, op: 8, leg: 1, remote: { ...REMOTE, video: { ...REMOTE, mid: '1' } } });
    engine.send({ type: end, session: 1 });
    await clock.advance(1_000);
    assert.equal(lost, 2, 'it came');
    assert.deepEqual(
      [...daemon.calls].filter(id => /v\d$/.test(id)),
      [],
    );
  }
});

test('RTP-11 a key frame that a far end asks for by signalling is asked of no browser: each is counted, and a call tells it once', async () => {
  const { engine, talk, counted, lines } = rig(1);
  await engine.start();
  for (const session of [1, 2]) {
    talk(session);
    engine.send({ type: 'add-video', session, op: 7 });
    for (let i = 0; i < 3; i += 1) engine.send({ type: 'key-frame', session });
  }
  const unasked = 'rtpengine_key_frames_unasked_total 127.0.0.1:2223';
  assert.equal(counted.filter(name => name === unasked).length, 6);
  assert.equal(lines.filter(line => line.includes('key frame')).length, 2);
});

test('SDP-21 a picture that its daemon has lost leaves the sound', async () => {
  const { engine, daemons, events, talk, types, clock } = rig(1);
  await engine.start();
  const [daemon] = daemons;
  assert.ok(daemon);
  talk(1);
  engine.send({ type: 'add-video', session: 1, op: 7 });
  for (const id of daemon.calls) if (/v1$/.test(id)) daemon.calls.delete(id);
  daemon.refuses = 'Ran out of ports';
  engine.send({ type: 'connect', session: 1, op: 8, leg: 1, remote: { ...REMOTE, video: { ...REMOTE, mid: '1' } } });
  assert.deepEqual(events.at(-1), { type: 'connecting', session: 1, op: 8 });
  await clock.advance(1_000);
  assert.ok(!types().includes('lost'));
});

test('SDP-21 a browser that connects anew with its picture, or restarts ICE, is told both transports, and both hear of its new end', async () => {
  const { engine, daemons, events, talk, clock } = rig(1);
  await engine.start();
  const [daemon] = daemons;
  assert.ok(daemon);
  talk(1);
  engine.send({ type: 'add-video', session: 1, op: 7 });
  const added = events.at(-1);
  assert.ok(added?.type === 'video-added' && added.transport !== undefined);
  const end = (ufrag: string, byte: string): WebRemote => {
    const value = Array<string>(32).fill(byte).join(':');
    const sound = { ...REMOTE, ice: { ...REMOTE.ice, ufrag }, fingerprint: { algorithm: 'sha-256' as const, value } };
    return { ...sound, video: { ...sound, mid: '1' } };
  };
  engine.send({ type: 'connect', session: 1, op: 8, leg: 1, remote: end('first000', 'B2') });
  engine.send({ type: 'add-leg', session: 1, op: 9, leg: { leg: 2, ssrc: 1, cname: 'c' } });
  const leg = events.at(-1);
  assert.ok(leg?.type === 'leg-added');
  assert.deepEqual(leg.transport.video, added.transport);
  const told = (ufrag: string) =>
    new Set(
      daemon.requests
        .filter(({ command, sdp }) => command === 'answer' && String(sdp).includes(`a=ice-ufrag:${ufrag}`))
        .map(request => request['call-id']),
    );
  engine.send({ type: 'connect', session: 1, op: 10, leg: 2, remote: end('second00', 'C3') });
  engine.send({ type: 'drop-leg', session: 1, leg: 1 });
  await clock.advance(1_000);
  assert.equal(events.filter(event => event.type === 'connecting' && event.op === 10).length, 1);
  assert.deepEqual(told('second00'), daemon.calls);
  engine.send({ type: 'restart', session: 1, op: 11, leg: 2, remote: end('third000', 'C3') });
  await clock.advance(1_000);
  const restarted = events.find(event => event.type === 'restarted');
  assert.ok(restarted?.type === 'restarted' && restarted.transport.video !== undefined);
  assert.deepEqual(told('third000'), daemon.calls);
  const fresh = daemon.requests.filter(({ flags }) => Array.isArray(flags) && flags.includes('reset'));
  assert.deepEqual(new Set(fresh.map(request => request['call-id'])), daemon.calls);
  assert.equal(daemon.calls.size, 2);
});
