/** The engine over daemons in memory: a clock that stands still, a network that loses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createManualClock } from '../../../test/support/manual-clock.ts';
import { type FakeDaemon, fakeDaemon } from '../../../test/support/rtpengine-fake.ts';
import { type Engine, type EngineEvent, NO_TOTALS, type Route, type WebRemote } from '../engine.ts';
import { PCMA } from '../payload-format.ts';
import { MEDIA_DEFAULTS, type MediaSettings } from '../settings.ts';
import { createRtpengine } from './engine.ts';

const REMOTE: WebRemote = {
  mid: '0',
  ice: { ufrag: 'theirs00', pwd: 'theirs000000000000000000' },
  fingerprint: { algorithm: 'sha-256', value: Array<string>(32).fill('B2').join(':') },
  setup: 'actpass',
  candidates: [],
};
const TARGET = { address: '127.0.0.9', port: 4000, rtcpAddress: '127.0.0.9', rtcpPort: 4001 };
const RULE = { in: 8, out: 8, kind: 'speech' as const, from: PCMA, to: PCMA };
const ROUTE: Route = {
  leg: 1,
  target: TARGET,
  toIms: [RULE],
  toWeb: [RULE],
  toImsOpen: true,
  toWebOpen: true,
  supervise: true,
  video: null,
};
/** Everything the engine may ever say. */
const OPTIONS = new Set(
  'command,call-id,from-tag,to-tag,sdp,replace,flags,ICE,ICE-lite,transport protocol,rtcp-mux,SDES,direction,address family,codec,delete delay'.split(
    ',',
  ),
);

async function rig(count = 2, more: Partial<MediaSettings> = {}) {
  const clock = createManualClock(0);
  const daemons = Array.from({ length: count }, (_, i) => fakeDaemon(`127.0.0.${i + 1}`, clock.now));
  const events: EngineEvent[] = [];
  const lines: string[] = [];
  const counted: string[] = [];
  const engine: Engine = createRtpengine({
    settings: {
      ...MEDIA_DEFAULTS,
      ...more,
      rtpengine: {
        ...MEDIA_DEFAULTS.rtpengine,
        ...more.rtpengine,
        daemons: daemons.map((_, i) => ({ host: `127.0.0.${i + 1}`, port: 2223, weight: 1, calls: 2 })),
      },
    },
    onEvent: event => events.push(event),
    clock: {
      now: clock.now,
      after(ms, run) {
        const timer = clock.setTimer(ms, run);
        return () => clock.clearTimer(timer);
      },
    },
    log: (_level, message, fields) => lines.push(`${message} ${JSON.stringify(fields)}`),
    count: (name, labels) => counted.push(`${name} ${Object.values(labels)}`),
    wire: (host, _port, wireEvents) =>
      (daemons.find((_, i) => host === `127.0.0.${i + 1}`) as FakeDaemon).wire(wireEvents),
  });
  const open = (session: number) => {
    const place = { realm: null, family: 'IP4' as const };
    engine.send({ type: 'open', session, op: session, place, legs: [{ leg: 1, ssrc: 1, cname: 'c' }] });
  };
  const talk = (session: number) => {
    open(session);
    engine.send({ type: 'connect', session, op: 100 + session, leg: 1, remote: REMOTE });
    engine.send({ type: 'route', session, route: ROUTE });
  };
  return { clock, daemons, engine, events, lines, counted, open, talk, types: () => events.map(event => event.type) };
}

test('RTE-03 RTE-07 each daemon is asked what it is and can code before it gets calls', async () => {
  const { engine, daemons, lines } = await rig(1);
  daemons[0]?.codecs.delete('amr-wb/16000');
  await engine.start();
  const speech = engine.caps().transcode.map(({ name }) => name);
  assert.ok(speech.includes('opus') && !speech.includes('AMR-WB') && !speech.includes('G722'));
  assert.deepEqual(
    daemons.map(daemon => daemon.calls.size),
    [0],
  );
  assert.ok(lines.some(line => line.includes('rtpengine-10-5-3-5-1-deb12u1')));
  const faulty = await rig(1);
  if (faulty.daemons[0] !== undefined) faulty.daemons[0].software = 'rtpengine-10-5-3-5-1';
  await assert.rejects(faulty.engine.start(), /127\.0\.0\.1:2223 is rtpengine-10-5-3-5-1, .*CVE-2025-53399/);
});

test('RTE-20 a call that was promised a codec comes to a daemon that has it, however busy; without one the promise is smaller', async () => {
  const { engine, daemons, events } = await rig(2);
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

test('SDP-21 a picture is a call of its own on the daemon: added, gated, connected with the leg, and gone without the sound', async () => {
  const { engine, daemons, events, talk, types, clock } = await rig(1);
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
  const { engine, daemons, events, talk } = await rig(1);
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
  const { engine, daemons, talk, clock } = await rig(1);
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

test('RTP-11 a key frame that a far end asks for by signalling is asked of no browser: each is counted, and a call tells it once', async () => {
  const { engine, talk, counted, lines } = await rig(1);
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

test('RTE-24 it is told whose kernel passes packets on, as each daemon last said', async () => {
  const { engine, daemons, clock } = await rig(2);
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

test('SDP-21 a picture that its daemon has lost leaves the sound', async () => {
  const { engine, daemons, talk, types, clock } = await rig(1);
  await engine.start();
  const [daemon] = daemons;
  assert.ok(daemon);
  talk(1);
  engine.send({ type: 'add-video', session: 1, op: 7 });
  for (const id of daemon.calls) if (/v1$/.test(id)) daemon.calls.delete(id);
  engine.send({ type: 'connect', session: 1, op: 8, leg: 1, remote: { ...REMOTE, video: { ...REMOTE, mid: '1' } } });
  await clock.advance(1_000);
  assert.equal(types().filter(type => type === 'connecting').length, 2);
  assert.ok(!types().includes('lost'));
});

test('SDP-21 a browser that connects anew with its picture, or restarts ICE, is told both transports, and both hear of its new end', async () => {
  const { engine, daemons, events, talk, clock } = await rig(1);
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

test('RTE-01 RTE-06 a call has two constant names on its daemon, which hears no option but the known ones', async () => {
  const { engine, daemons, events, talk, types, clock } = await rig(1);
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
  const { engine, daemons, lines, types, open, clock } = await rig(1);
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
  const { engine, daemons, types, talk, clock } = await rig(1);
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
  const { engine, daemons, events, open, clock } = await rig();
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
  const { engine, daemons, events, open, clock } = await rig(1);
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
  const { engine, daemons, events, open, clock } = await rig(1);
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
  const { engine, daemons, events, types, talk, clock } = await rig(1);
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
    const { engine, daemons, events, talk, clock } = await rig(1);
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
  const { engine, daemons, clock, lines } = await rig(5);
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
  const { engine, daemons, events } = await rig(1, settings);
  const [daemon] = daemons;
  assert.ok(daemon);
  await assert.rejects(engine.start(), /127\.0\.0\.1:2223 has no IPv6 address for "peering"/);
  assert.deepEqual((await engine.check?.())?.faults, [
    'The rtpengine 127.0.0.1:2223 has no IPv6 address for "peering".',
  ]);
  const able = await rig(1, settings);
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
