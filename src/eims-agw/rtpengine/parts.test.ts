/** The small parts of the engine: messages, versions, the pool, the lines of an SDP. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PayloadFormat, PtRule } from '../engine.ts';
import { PCMA, PCMU } from '../payload-format.ts';
import { describeIms, describeWeb } from './describe.ts';
import { linesOf, specOf } from './formats.ts';
import { readReply, writeRequest } from './ng.ts';
import { choose, type Member } from './pool.ts';
import { readSight } from './reply.ts';
import { versionFault } from './version.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const format = (name: string, clock: number, fmtp: string | null = null, channels = 1): PayloadFormat => ({
  name,
  clock,
  channels,
  fmtp,
});
const OPUS = format('opus', 48_000, null, 2);
const WIDE = format('AMR-WB', 16_000, 'max-red=0');
const event = (clock: number) => format('telephone-event', clock, '0-15');
const speech = (from: PayloadFormat, pt: number, to: PayloadFormat, out: number): PtRule => ({
  in: pt,
  out,
  kind: 'speech',
  from,
  to,
});
const digit = (pt: number, clock: number, out: number, to = clock): PtRule => ({
  in: pt,
  out,
  kind: 'event',
  from: event(clock),
  to: event(to),
});

test('a request bears its cookie; replies of others and broken ones are nothing', () => {
  assert.equal(writeRequest('c1', { command: 'statistics' }), 'c1 {"command":"statistics"}');
  const reply = readReply(bytes('c1 {"result":"error","error-reason":"Unknown call-id"}'));
  assert.deepEqual([reply?.cookie, reply?.reply.ok, reply?.reply.reason], ['c1', false, 'Unknown call-id']);
  for (const broken of ['', 'c1', ' {"result":"ok"}', 'c1 {', 'c1 []', 'c1 null', 'c1 {"result":1}', 'c1 "ok"'])
    assert.equal(readReply(bytes(broken)), null, broken);
});

test('RTE-07 versions from which strangers take media are refused, corrected and vouched ones are not', () => {
  for (const sound of [
    'rtpengine-10-5-3-5-1-deb12u1',
    'rtpengine-10-5-3-5-1-deb12u2',
    'rtpengine-11-5-1-41-1',
    'rtpengine-13-4-1-1',
    'rtpengine-26-1-0-0',
    'mine',
  ])
    assert.equal(versionFault(sound, ['mine']), null, sound);
  for (const faulty of [
    'rtpengine-10-5-3-5-1',
    'rtpengine-10-5-6-2-1',
    'rtpengine-11-5-1-40',
    'rtpengine-12-5-1-9',
    'rtpengine-13-4-1-0',
  ])
    assert.match(versionFault(faulty, []) ?? '', /CVE-2025-53399/, faulty);
  assert.match(versionFault('ours', []) ?? '', /rtpengine\.versions/);
  assert.match(versionFault(null, []) ?? '', /does not tell/);
});

test('a call goes to the daemon with the least load for its weight; one that owes a reply is the last resort', () => {
  const member = (o: Partial<Member> = {}): Member => ({
    state: 'up',
    sessions: 0,
    ours: 0,
    limit: 10,
    weight: 1,
    ...o,
  });
  const none = new Set<number>();
  assert.equal(choose([member({ sessions: 4, weight: 2 }), member({ sessions: 2 })], none), 0);
  assert.equal(choose([member({ state: 'doubtful' }), member({ sessions: 9 })], none), 1);
  assert.equal(choose([member({ state: 'doubtful' }), member({ state: 'down' })], none), 0);
  assert.equal(choose([member({ ours: 10 }), member({ state: 'down' })], none), 'overload');
  assert.equal(choose([member(), member({ state: 'down' })], new Set([0])), 'driver');
  assert.equal(choose([], none), 'driver');
});

test('what passes as it is needs no transcoder; numbers that only the browser has are held open in the offer', () => {
  const lines = linesOf({
    toIms: [speech(PCMA, 8, PCMA, 8), digit(126, 8000, 101)],
    toWeb: [speech(PCMA, 8, PCMA, 8), digit(101, 8000, 126)],
  });
  assert.deepEqual(lines.transcode, []);
  assert.deepEqual(
    lines.web.map(({ pt }) => pt),
    [8, 126],
  );
  assert.deepEqual(
    lines.ims.map(({ pt, format: { name } }) => [pt, name]),
    [
      [8, 'PCMA'],
      [101, 'telephone-event'],
      [126, 'x-lineside'],
    ],
  );
  const apart = linesOf({ toIms: [speech(OPUS, 111, OPUS, 96)], toWeb: [speech(OPUS, 96, OPUS, 111)] });
  assert.deepEqual(
    apart.ims.map(({ pt }) => pt),
    [96],
  );
});

test('RTE-04 what does not is made of the browser’s codecs, AMR always with its parameters', () => {
  const lines = linesOf({
    toIms: [speech(OPUS, 111, WIDE, 104), digit(110, 48_000, 105, 16_000)],
    toWeb: [speech(WIDE, 104, OPUS, 111), digit(105, 16_000, 110, 48_000)],
  });
  assert.deepEqual(lines.transcode, ['opus/48000/2', 'telephone-event/48000']);
  assert.deepEqual(
    lines.ims.map(({ pt }) => pt),
    [104, 105, 111, 110],
  );
  const laws = linesOf({
    toIms: [speech(PCMA, 8, PCMU, 0), digit(126, 8000, 101)],
    toWeb: [speech(PCMU, 0, PCMA, 8), digit(101, 8000, 126)],
  });
  assert.deepEqual(
    laws.ims.map(({ pt }) => pt),
    [0, 101, 126],
  );
  assert.deepEqual(
    [specOf(WIDE), specOf(format('AMR', 8000))],
    ['AMR-WB/16000/1///max-red=0', 'AMR/8000/1///octet-align=0'],
  );
});

test('SDP for the daemon says what it needs and nothing else', () => {
  const line = [{ pt: 8, format: PCMA, kind: 'speech' as const }];
  const target = { address: '203.0.113.77', port: 4000, rtcpAddress: '203.0.113.77', rtcpPort: 4005 };
  assert.equal(
    describeIms('audio', { feedback: false, sdes: null }, target, line),
    'v=0\r\no=- 1 1 IN IP4 203.0.113.77\r\ns=-\r\nc=IN IP4 203.0.113.77\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\na=rtcp:4005 IN IP4 203.0.113.77\r\na=rtpmap:8 PCMA/8000\r\na=sendrecv\r\na=ptime:20\r\n',
  );
  assert.match(describeIms('audio', { feedback: false, sdes: null }, null, line), /c=IN IP4 0\.0\.0\.0\r\n/);
  const remote = {
    ice: { ufrag: 'u', pwd: 'p' },
    fingerprint: { algorithm: 'sha-256' as const, value: 'AB' },
    setup: 'actpass' as const,
  };
  assert.match(
    describeWeb('audio', remote, line),
    /a=ice-ufrag:u\r\na=ice-pwd:p\r\na=fingerprint:sha-256 AB\r\na=setup:active\r\n/,
  );
  assert.doesNotMatch(describeWeb('audio', null, line), /fingerprint|ice-/);
});

test('a query of any shape is read without harm', () => {
  for (const tags of [undefined, null, [], 1]) assert.equal(readSight({ tags }), null);
  const nothing = readSight({ tags: {} })?.totals;
  assert.deepEqual([nothing?.fromWeb.packets, nothing?.path], [0, null]);
  for (const tags of [
    { web: 1 },
    { web: { medias: [] } },
    { web: { medias: [{ streams: [{ stats: { packets: -1 } }] }] } },
  ])
    assert.deepEqual(readSight({ tags })?.heard, { web: 0, ims: 0 });
});

/** A stream as 10.5.3.5 writes it. */
const stream = (port: number, packets: number, flags: string[], more = {}) => ({
  'local port': port,
  'local address': '198.51.100.7',
  family: 'IPv4',
  endpoint: { family: 'IPv4', address: '203.0.113.9', port: 36_257 },
  'advertised endpoint': { family: 'IPv4', address: '203.0.113.9', port: 36_257 },
  'last packet': 1_796_007_680,
  flags,
  SSRC: 111,
  stats: { packets, bytes: packets * 172, errors: 0 },
  ...more,
});

test('RTE-09 a delete tells packets and bytes of both sides and how the browser was reached; of loss and jitter it knows nothing', () => {
  const media = (tag: string, protocol: string, streams: object[]) => ({
    tag,
    created: 1_796_007_671,
    subscriptions: [{ tag: tag === 'web' ? 'ims' : 'web', type: 'offer/answer' }],
    medias: [
      { index: 1, type: 'audio', protocol, codec: 'PCMA/8000', streams, flags: ['initialized', 'send', 'recv'] },
    ],
  });
  const webFlags = ['RTP', 'RTCP', 'filled', 'confirmed', 'DTLS fingerprint verified', 'ICE'];
  const sight = readSight({
    created: 1_796_007_671,
    'last signal': 1_796_007_671,
    SSRC: {},
    tags: {
      ims: media('ims', 'RTP/AVP', [
        stream(27_010, 288, ['RTP', 'filled', 'confirmed', 'strict source address']),
        stream(27_011, 3, ['RTCP', 'filled', 'confirmed', 'strict source address']),
      ]),
      web: media('web', 'UDP/TLS/RTP/SAVPF', [
        stream(27_000, 320, webFlags, { 'crypto suite': 'AEAD_AES_256_GCM' }),
        stream(0, 0, ['RTCP', 'fallback RTCP', 'filled', 'ICE']),
      ]),
    },
    totals: { RTP: { packets: 608, bytes: 104_576, errors: 0 }, RTCP: { packets: 3, bytes: 96, errors: 0 } },
    result: 'ok',
  });
  const unknown = { lost: null, jitterMs: null, farLost: null, roundTripMs: null };
  assert.deepEqual(sight?.totals, {
    fromWeb: { packets: 320, bytes: 55_040, ...unknown },
    fromIms: { packets: 288, bytes: 49_536, ...unknown },
    path: 'udp4 AEAD_AES_256_GCM',
    oneWay: null,
  });
  assert.deepEqual([sight?.verified, sight?.heard], [true, { web: 320, ims: 291 }]);
});

test('RTE-21 what each side reports of the packets it got is read with its totals', () => {
  const side = (SSRC: number) => ({ medias: [{ streams: [{ SSRC, stats: { packets: 100, bytes: 17_200 } }] }] });
  const of = (loss: number, us: number) => ({ 'cumulative loss': loss, 'average MOS': { 'round-trip time leg': us } });
  const SSRC = { 11: of(3, 42_500), 22: of(0, 0) };
  const totals = readSight({ tags: { web: side(11), ims: side(22) }, SSRC })?.totals;
  assert.deepEqual([totals?.fromWeb.farLost, totals?.fromWeb.roundTripMs], [3, 42.5]);
  assert.deepEqual([totals?.fromIms.farLost, totals?.fromIms.roundTripMs], [0, null]);
  assert.deepEqual([totals?.fromWeb.packets, totals?.fromWeb.lost], [100, null]);
});

test('RTE-04 the daemon makes up no number that the browser has for something else', () => {
  const opus = { name: 'opus', clock: 48_000, channels: 2, fmtp: null };
  const wideband = { name: 'AMR-WB', clock: 16_000, channels: 1, fmtp: null };
  const events = (clock: number) => ({ name: 'telephone-event', clock, channels: 1, fmtp: '0-15' });
  const toIms: PtRule[] = [
    { in: 96, out: 96, kind: 'speech', from: opus, to: wideband },
    { in: 97, out: 100, kind: 'event', from: events(48_000), to: events(16_000) },
  ];
  const { ims } = linesOf({ toIms, toWeb: [] });
  assert.deepEqual(
    ims.map(({ pt, format }) => [pt, format.name]),
    [
      [96, 'AMR-WB'],
      [100, 'telephone-event'],
      [97, 'x-lineside'],
    ],
  );
});
