/** One call on a daemon in memory, request by request. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REMOTE, ROUTE, rtpengineRig as rig } from '../../../test/support/rtpengine-rig.ts';

const OPUS = { name: 'opus', clock: 48_000, channels: 2, fmtp: null };
const AMR_WB = { name: 'AMR-WB', clock: 16_000, channels: 1, fmtp: null };

/** A call that talks on the only daemon. */
async function talking() {
  const r = rig(1);
  await r.engine.start();
  const [daemon] = r.daemons;
  assert.ok(daemon);
  daemon.verified = true;
  r.talk(1);
  await r.clock.advance(100);
  assert.equal(r.types().at(-1), 'leg-up');
  daemon.requests.length = 0;
  return { ...r, daemon, heard: () => daemon.requests.map(({ command, 'from-tag': tag }) => `${command} ${tag}`) };
}

test('RTE-02 an encoder that the daemon lacks after all is missed in its answer: the call ends with a word in the log', async () => {
  const { engine, daemon, clock, lines, types } = await talking();
  daemon.readOnly.add('amr-wb/16000');
  const toIms = [{ in: 111, out: 97, kind: 'speech' as const, from: OPUS, to: AMR_WB }];
  const toWeb = [{ in: 97, out: 111, kind: 'speech' as const, from: AMR_WB, to: OPUS }];
  engine.send({ type: 'route', session: 1, route: { ...ROUTE, toIms, toWeb } });
  await clock.advance(100);
  assert.equal(types().at(-1), 'lost');
  assert.ok(lines.some(line => line.includes('"what":"answer"') && line.includes('lacks a codec')));
  assert.equal(daemon.calls.size, 0);
});

test('RTE-12 a gate that closes is closed before the daemon hears anything else, one that opens is opened after it', async () => {
  const { engine, clock, heard } = await talking();
  const target = { address: '127.0.0.9', port: 5000, rtcpAddress: '127.0.0.9', rtcpPort: 5001 };
  engine.send({ type: 'route', session: 1, route: { ...ROUTE, target, toImsOpen: false } });
  await clock.advance(10);
  assert.deepEqual(heard(), ['block media web', 'offer ims', 'answer ims']);
  engine.send({ type: 'route', session: 1, route: ROUTE });
  await clock.advance(10);
  assert.deepEqual(heard().slice(3), ['offer ims', 'answer ims', 'unblock media web']);
});

test('RTE-01 the newest connection has the transport, also one of the same certificate, for which DTLS has to begin anew', async () => {
  const { engine, daemon, clock, types } = await talking();
  const remote = { ...REMOTE, ice: { ...REMOTE.ice, ufrag: 'second00' } };
  engine.send({ type: 'add-leg', session: 1, op: 7, leg: { leg: 2, ssrc: 1, cname: 'c' } });
  engine.send({ type: 'connect', session: 1, op: 8, leg: 2, remote });
  await clock.advance(100);
  assert.deepEqual(types().slice(-3), ['leg-added', 'connecting', 'leg-up']);
  const told = daemon.requests.flatMap(({ command, sdp }) => (command === 'answer' ? [String(sdp)] : []));
  assert.deepEqual(
    told.map(sdp => sdp.includes(REMOTE.fingerprint.value)),
    [false, true],
  );
  assert.ok(told.every(sdp => sdp.includes('a=ice-ufrag:second00')));
});

test('RTE-05 a look that nobody answers ends no call, and is taken again', async () => {
  const { daemon, clock, heard, types } = await talking();
  daemon.loses = (_, text) => text.includes('"query"');
  await clock.advance(13_000);
  daemon.loses = () => false;
  assert.ok(!heard().some(request => request.startsWith('query')));
  await clock.advance(10_000);
  assert.ok(!types().includes('lost'));
  assert.ok(heard().some(request => request.startsWith('query')));
});

test('RTE-05 no daemon has a port, or all are full: the call is refused with that', async () => {
  for (const [words, failure] of [
    ['Ran out of ports', 'no-port'],
    ['Parallel session limit reached', 'overload'],
    ['Incomplete SDP', 'driver'],
  ] as const) {
    const { engine, daemons, events, open } = rig(2);
    await engine.start();
    for (const daemon of daemons) daemon.refuses = words;
    open(1);
    assert.deepEqual(events, [{ type: 'refused', session: 1, op: 1, failure }]);
  }
});

test('RTE-05 a daemon that is full when it is first asked is used once it has room, and no start fails because of it', async () => {
  for (const words of ['Parallel session limit reached', 'Ran out of ports']) {
    const { engine, daemons, events, open, clock } = rig(1);
    const [daemon] = daemons;
    assert.ok(daemon);
    daemon.refuses = words;
    await engine.start();
    assert.equal(engine.health().ok, false);
    daemon.refuses = null;
    await clock.advance(2_500);
    assert.ok(engine.caps().transcode.some(({ name }) => name === 'AMR-WB'));
    open(1);
    assert.equal(events.at(-1)?.type, 'opened');
  }
});

test('RTE-13 a daemon behind a NAT: the far end is told the address that the daemon writes, not the one it has', async () => {
  const { engine, daemons, events, open } = rig(1);
  const [daemon] = daemons;
  assert.ok(daemon);
  daemon.outside = '198.51.100.10';
  await engine.start();
  open(1);
  const [opened] = events;
  assert.ok(opened?.type === 'opened');
  assert.deepEqual(opened.ims, { address: '198.51.100.10', port: 20_004 });
});
