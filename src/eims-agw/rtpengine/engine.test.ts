/** The engine over daemons in memory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FakeDaemon } from '../../../test/support/rtpengine-fake.ts';
import { REMOTE, ROUTE, rtpengineRig as rig } from '../../../test/support/rtpengine-rig.ts';
import { NO_TOTALS } from '../engine.ts';
import { PCMA } from '../payload-format.ts';
import { MEDIA_DEFAULTS } from '../settings.ts';

/** Everything the engine may ever say. */
const OPTIONS = new Set(
  'command,call-id,from-tag,to-tag,sdp,replace,flags,ICE,ICE-lite,transport protocol,rtcp-mux,SDES,direction,address family,codec,delete delay'.split(
    ',',
  ),
);

test('RTE-03 RTE-07 each daemon is asked what it is and can code before it gets calls', async () => {
  const { engine, daemons, lines } = rig(1);
  daemons[0]?.codecs.delete('amr-wb/16000');
  await engine.start();
  const speech = engine.caps().transcode.map(({ name }) => name);
  assert.ok(speech.includes('opus') && !speech.includes('AMR-WB') && !speech.includes('G722'));
  assert.deepEqual(
    daemons.map(daemon => daemon.calls.size),
    [0],
  );
  assert.ok(lines.some(line => line.includes('rtpengine-10-5-3-5-1-deb12u1')));
  const faulty = rig(1);
  if (faulty.daemons[0] !== undefined) faulty.daemons[0].software = 'rtpengine-10-5-3-5-1';
  await assert.rejects(faulty.engine.start(), /127\.0\.0\.1:2223 is rtpengine-10-5-3-5-1, .*CVE-2025-53399/);
});

test('RTE-20 a call that was promised a codec comes to a daemon that has it, however busy; without one the promise is smaller', async () => {
  const { engine, daemons, events } = rig(2);
  const [able, unable] = daemons;
  assert.ok(able && unable);
  unable.codecs.delete('amr-wb/16000');
  await engine.start();
  const place = { realm: null, family: 'IP4' as const };
  const calls = (daemon: FakeDaemon) => [...daemon.calls].length;
  const promised = engine.caps().transcode;
  assert.ok(promised.some(({ name }) => name === 'AMR-WB'));
  for (const session of [1, 2])
    engine.send({ type: 'open', session, op: session, place, legs: [], transcode: promised });
  assert.deepEqual([calls(able), calls(unable)], [2, 0]);
  // It is full now.
  engine.send({ type: 'open', session: 4, op: 4, place, legs: [], transcode: promised });
  assert.equal(events.at(-1)?.type, 'refused');
  const { transcode } = engine.caps();
  assert.ok(!transcode.some(({ name }) => name === 'AMR-WB'));
  engine.send({ type: 'open', session: 5, op: 5, place, legs: [], transcode });
  assert.equal(calls(unable), 1);
});

test('RTE-24 it is told whose kernel passes packets on, as each daemon last said', async () => {
  const { engine, daemons, clock } = rig(2);
  const [able, userspace] = daemons;
  assert.ok(able && userspace);
  able.streams = { media_kernel: 5, media_userspace: 2, media_mixed: 1 };
  userspace.streams = { media_kernel: 0, media_userspace: 4, media_mixed: 0 };
  await engine.start();
  const told = () => engine.health().daemons?.map(({ streams }) => streams);
  assert.deepEqual(told(), [
    { kernel: 5, userspace: 2, mixed: 1 },
    { kernel: 0, userspace: 4, mixed: 0 },
  ]);
  able.dead = true;
  able.streams.media_kernel = 6;
  await clock.advance(10_000);
  assert.deepEqual(told()?.[0], { kernel: 0, userspace: 0, mixed: 0 });
});

test('RTE-01 RTE-06 a call has two constant names on its daemon, which hears no option but the known ones', async () => {
  const { engine, daemons, events, talk, types, clock } = rig(1);
  await engine.start();
  talk(1);
  assert.deepEqual(types(), ['opened', 'connecting']);
  const opened = events[0];
  assert.ok(opened?.type === 'opened' && opened.legs[0]?.iceLite === true && opened.legs[0].anySsrc === true);
  assert.deepEqual(opened.ims, { address: '127.0.0.1', port: 20_004 });
  const [daemon] = daemons;
  assert.ok(daemon);
  daemon.verified = true;
  await clock.advance(100);
  assert.deepEqual(types(), ['opened', 'connecting', 'leg-up']);
  engine.send({ type: 'close', session: 1 });
  assert.equal(types().at(-1), 'closed');
  assert.equal(daemon.calls.size, 0);
  const pairs = daemon.requests.filter(request => request.command === 'offer' || request.command === 'answer').slice(3);
  assert.ok(pairs.length >= 4, `${pairs.length}`);
  for (const request of pairs) assert.deepEqual([request['from-tag'], request['to-tag']], ['ims', 'web']);
  for (const request of daemon.requests)
    for (const name of Object.keys(request)) assert.ok(OPTIONS.has(name), `${request.command} ${name}`);
});

test('RTE-02 a codec that the daemon left out ends the call with a word in the log', async () => {
  const { engine, daemons, lines, types, open, clock } = rig(1);
  await engine.start();
  const [daemon] = daemons;
  assert.ok(daemon);
  daemon.codecs.clear();
  daemon.verified = true;
  open(1);
  const opus = { name: 'opus', clock: 48_000, channels: 2, fmtp: null };
  const toIms = [{ in: 111, out: 8, kind: 'speech' as const, from: opus, to: PCMA }];
  const toWeb = [{ in: 8, out: 111, kind: 'speech' as const, from: PCMA, to: opus }];
  engine.send({ type: 'connect', session: 1, op: 2, leg: 1, remote: REMOTE });
  engine.send({ type: 'route', session: 1, route: { ...ROUTE, toIms, toWeb } });
  await clock.advance(100);
  assert.deepEqual(types(), ['opened', 'connecting', 'leg-up', 'lost']);
  assert.ok(lines.some(line => line.includes('the reply lacks a codec')));
  assert.equal(daemon.calls.size, 0);
});

test('RTE-05 every datagram may be lost twice: each request is done once, and the call is set up', async () => {
  const { engine, daemons, types, talk, clock } = rig(1);
  await engine.start();
  const [daemon] = daemons;
  assert.ok(daemon);
  daemon.loses = datagram => datagram % 3 !== 0;
  talk(1);
  for (let i = 0; i < 20; i += 1) await clock.advance(500);
  assert.ok(types().includes('connecting'), types().join());
  assert.equal(daemon.requests.filter(request => request.command === 'block media').length, 0);
});

test('RTE-05 a daemon that says nothing: the call is on another in time; after three questions its calls are lost', async () => {
  const { engine, daemons, events, open, clock } = rig();
  await engine.start();
  open(1);
  const [first, second] = daemons;
  assert.ok(first && second && first.calls.size === 1);
  first.loses = () => true;
  await clock.advance(1);
  // The second has the smaller load; with a call on it both have one, and the silent one is asked first.
  open(2);
  open(3);
  await clock.advance(750);
  assert.deepEqual([second.calls.size, events.filter(event => event.type === 'opened').length], [2, 3]);
  await clock.advance(15_000);
  assert.deepEqual(
    events.filter(event => event.type === 'lost').map(event => event.session),
    [1],
  );
  assert.equal(engine.health().workers, 1);
  open(4);
  const last = events.at(-1);
  assert.ok(last?.type === 'refused' && last.failure === 'overload');
});

test('RTE-05 nobody listens: its calls are lost at once, new ones are refused with a reason, and it is used again when it is back', async () => {
  const { engine, daemons, events, open, clock } = rig(1);
  await engine.start();
  open(1);
  const [daemon] = daemons;
  assert.ok(daemon);
  daemon.dead = true;
  await clock.advance(2_500);
  assert.deepEqual(events.at(-1), { type: 'lost', session: 1, ...NO_TOTALS });
  open(2);
  assert.deepEqual(
    [events.at(-1), engine.health().ok],
    [{ type: 'refused', session: 2, op: 2, failure: 'driver' }, false],
  );
  daemon.dead = false;
  await clock.advance(2_500);
  open(3);
  assert.equal(events.at(-1)?.type, 'opened');
});

test('RTE-05 a daemon that was started again is known by its age', async () => {
  const { engine, daemons, events, open, clock } = rig(1);
  await engine.start();
  await clock.advance(10_000);
  open(1);
  const [daemon] = daemons;
  assert.ok(daemon);
  daemon.bornAt = clock.now();
  daemon.calls.clear();
  await clock.advance(2_500);
  assert.deepEqual([events.at(-1), engine.health().ok], [{ type: 'lost', session: 1, ...NO_TOTALS }, true]);
});

test('RTP-07 a side that never spoke is told, a browser that falls silent is down and comes up again, silence of the IMS side is told once', async () => {
  const { engine, daemons, events, types, talk, clock } = rig(1);
  await engine.start();
  const [daemon] = daemons;
  assert.ok(daemon);
  daemon.verified = true;
  talk(1);
  for (let second = 0; second < 30; second += 1) {
    daemon.heard.web += 50;
    await clock.advance(1_000);
  }
  assert.deepEqual(types().slice(2), ['leg-up', 'one-way']);
  await clock.advance(60_000);
  assert.deepEqual(types().slice(4), ['leg-down', 'ims-silent']);
  daemon.heard.web += 50;
  await clock.advance(2_000);
  assert.deepEqual(types().slice(6), ['leg-up']);
  engine.send({ type: 'close', session: 1 });
  const closed = events.at(-1);
  assert.ok(closed?.type === 'closed');
  assert.deepEqual([closed.fromWeb.packets, closed.fromIms.packets, closed.oneWay], [1_550, 0, 'ims']);
});

test('RTE-09 what a call carried is told though its daemon has ended it by itself, says nothing at its end, or dies', async () => {
  for (const end of ['forgets', 'hangs', 'dies'] as const) {
    const { engine, daemons, events, talk, clock } = rig(1);
    await engine.start();
    const [daemon] = daemons;
    assert.ok(daemon);
    daemon.verified = true;
    talk(1);
    daemon.heard = { web: 50, ims: 49 };
    await clock.advance(100);
    if (end === 'forgets') daemon.calls.clear();
    else if (end === 'hangs') daemon.loses = () => true;
    else daemon.dead = true;
    if (end !== 'dies') engine.send({ type: 'close', session: 1 });
    await clock.advance(2_500);
    const closed = events.find(event => event.type === (end === 'dies' ? 'lost' : 'closed'));
    assert.ok(closed?.type === 'closed' || closed?.type === 'lost', end);
    assert.deepEqual(
      [closed.fromWeb.packets, closed.fromIms.packets, closed.path],
      [50, 49, 'udp4 AEAD_AES_128_GCM'],
      end,
    );
  }
});

test('RTE-10 a check asks each daemon once, for 2 s at most, and tells which is down, hangs, is faulty or lacks a codec', async () => {
  const { engine, daemons, clock, lines } = rig(5);
  const [dead, hung, faulty, poor, whole] = daemons;
  assert.ok(dead && hung && faulty && poor && whole);
  dead.dead = true;
  hung.loses = () => true;
  faulty.software = 'rtpengine-10-5-3-5-1';
  whole.codecs.add('amr/8000');
  const checked = engine.check?.();
  await clock.advance(2_000);
  const { faults = [], notes } = (await checked) ?? {};
  assert.deepEqual(faults.slice(0, 2), [
    'The rtpengine 127.0.0.1:2223 does not answer.',
    'The rtpengine 127.0.0.2:2223 does not answer.',
  ]);
  assert.match(faults[2] ?? '', /127\.0\.0\.3:2223 is rtpengine-10-5-3-5-1, .*CVE-2025-53399\)\.$/);
  assert.equal(faults.length, 3);
  assert.deepEqual(notes, ['The rtpengine 127.0.0.4:2223 cannot code AMR: see docs/rtpengine.md.']);
  assert.deepEqual(
    daemons.map(({ calls }) => calls.size),
    [0, 0, 0, 0, 0],
  );
  assert.deepEqual([engine.health().ok, lines], [false, []]);
});

test('RTE-13 calls of a realm meet the core on its interface and with its address family; a daemon that has no such address is refused', async () => {
  const core = { bind: '2001:db8::1', advertise: '2001:db8::1', mediaPrefixes: ['2001:db8::/32'], natLatch: true };
  const settings = {
    realms: { partner: core },
    rtpengine: { ...MEDIA_DEFAULTS.rtpengine, realmInterfaces: { partner: 'peering' } },
  };
  const { engine, daemons, events } = rig(1, settings);
  const [daemon] = daemons;
  assert.ok(daemon);
  await assert.rejects(engine.start(), /127\.0\.0\.1:2223 has no IPv6 address for "peering"/);
  assert.deepEqual((await engine.check?.())?.faults, [
    'The rtpengine 127.0.0.1:2223 has no IPv6 address for "peering".',
  ]);
  const able = rig(1, settings);
  const [six] = able.daemons;
  assert.ok(six);
  six.host6 = '2001:db8::7';
  await able.engine.start();
  const place = { realm: 'partner', family: 'IP6' as const };
  able.engine.send({ type: 'open', session: 1, op: 1, place, legs: [{ leg: 1, ssrc: 1, cname: 'c' }] });
  able.engine.send({ type: 'connect', session: 1, op: 2, leg: 1, remote: REMOTE });
  const opened = able.events[0];
  assert.ok(opened?.type === 'opened');
  assert.equal(opened.ims.address, '2001:db8::7');
  const offers = six.requests.filter(
    ({ command, direction }) => command === 'offer' && String(direction) === 'peering,web',
  );
  const ofCall = offers.filter(request => !request['call-id'].includes('probe'));
  assert.ok(ofCall.length >= 2);
  for (const { sdp, flags } of ofCall) {
    assert.match(String(sdp), /c=IN IP6 ::\r\n/);
    assert.ok(Array.isArray(flags) && !flags.includes('asymmetric'));
  }
  assert.deepEqual(events, []);
});
