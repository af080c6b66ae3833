/** The session view of SDP: fixtures of both browsers, limits, and mutations of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browserAnswer, chromiumOffer, firefoxOffer, phoneSdp, volteOffer } from '../../test/support/media-sdp.ts';
import { fc } from '../../test/support/property.ts';
import { SCALE } from '../../test/support/scale.ts';
import { checkOffer, findCodec, isZeroAddress, parseLines, parseSdp, type SessionDesc, writeLines } from './index.ts';

const SAMPLES = [chromiumOffer({ more: true }), firefoxOffer(), browserAnswer(), phoneSdp(), volteOffer()];

function parsed(text: string): SessionDesc {
  const result = parseSdp(text);
  if (!result.ok) throw new Error(result.reason);
  return result.value;
}

function reasonOf(text: string): string {
  const result = parseSdp(text);
  return result.ok ? 'parsed' : result.reason;
}

test('lines are split and joined without loss, also from LF and without a last line end', () => {
  for (const sample of SAMPLES) {
    const lines = parseLines(sample);
    assert.ok(lines.ok);
    assert.equal(writeLines(lines.value), sample);
    assert.deepEqual(parseLines(sample.replaceAll('\r\n', '\n').trimEnd()), lines);
  }
});

test('an offer of Chromium gives its audio, video and data lines', () => {
  const session = parsed(chromiumOffer({ more: true, candidates: ['1 1 udp 2122260223 192.0.2.50 51000 typ host'] }));
  assert.deepEqual(session.groups, [{ semantics: 'BUNDLE', mids: ['0', '1', '2'] }]);
  assert.deepEqual(
    session.media.map(m => [m.kind, m.mid, m.live, m.setup, m.ssrc]),
    [
      ['audio', '0', true, 'actpass', 3377001],
      ['video', '1', true, 'actpass', 5001],
      ['application', '2', true, 'actpass', null],
    ],
  );
  const [audio] = session.media;
  assert.ok(audio);
  assert.deepEqual(
    audio.codecs.map(c => `${c.pt} ${c.name}/${c.clock}/${c.channels}`),
    [
      '111 opus/48000/2',
      '63 red/48000/2',
      '9 G722/8000/1',
      '0 PCMU/8000/1',
      '8 PCMA/8000/1',
      '13 CN/8000/1',
      '110 telephone-event/48000/1',
      '126 telephone-event/8000/1',
    ],
  );
  assert.equal(findCodec(audio, 'OPUS', 48000)?.fmtp, 'minptime=10;useinbandfec=1');
  assert.equal(findCodec(audio, 'telephone-event', 8000)?.pt, 126);
  assert.deepEqual(audio.ice, { ufrag: 'kW3f', pwd: 'q0dL9Jx2pS7vN4hR6tYb1mZk' });
  assert.equal(audio.fingerprint?.algorithm, 'sha-256');
  assert.equal(audio.rtcpMux, true);
  assert.deepEqual(audio.candidates, ['1 1 udp 2122260223 192.0.2.50 51000 typ host']);
});

test('session-level attributes of Firefox hold for its m-line, and names are no candidates', () => {
  const [audio] = parsed(firefoxOffer({ direction: 'x' })).media;
  assert.ok(audio);
  assert.equal(audio.fingerprint?.value.length, 95);
  assert.equal(audio.direction, 'sendrecv');
  assert.deepEqual(audio.candidates, []);
  assert.equal(findCodec(audio, 'telephone-event', 8000)?.pt, 101);
});

test('media level wins over session level', () => {
  const text =
    'v=0\r\nc=IN IP4 192.0.2.1\r\na=inactive\r\nb=AS:10\r\nm=audio 4000 RTP/AVP 0\r\nc=IN IP6 2001:db8::1\r\na=sendonly\r\nb=RR:2000\r\n';
  const [audio] = parsed(text).media;
  assert.ok(audio);
  assert.equal(audio.address, '2001:db8::1');
  assert.equal(audio.direction, 'sendonly');
  assert.deepEqual(audio.bandwidth, { as: 10, rs: null, rr: 2000 });
});

test('port 0 is a dead line, unless it is bundle-only', () => {
  const dead = parsed('v=0\r\nm=audio 0 UDP/TLS/RTP/SAVPF 0\r\n').media[0];
  const bundled = parsed('v=0\r\nm=audio 0 UDP/TLS/RTP/SAVPF 0\r\na=bundle-only\r\n').media[0];
  assert.deepEqual([dead?.live, bundled?.live], [false, true]);
});

test('RTCP address, and packet times are read', () => {
  const [audio] = parsed(
    'v=0\r\nm=audio 4000 RTP/SAVP 0\r\na=rtcp:4011 IN IP4 192.0.2.9\r\na=ptime:40\r\na=maxptime:80\r\n',
  ).media;
  assert.deepEqual(audio?.rtcp, { port: 4011, address: '192.0.2.9' });
  // Nothing can be sent to port 0: the line counts as absent.
  assert.equal(parsed('v=0\r\nm=audio 4000 RTP/AVP 0\r\na=rtcp:0\r\n').media[0]?.rtcp, null);
  assert.deepEqual([audio?.ptime, audio?.maxptime], [40, 80]);
});

test('weak, broken and lower-case fingerprints are judged', () => {
  const at = (line: string) => parsed(`v=0\r\nm=audio 9 X 0\r\n${line}\r\n`).media[0]?.fingerprint ?? null;
  const hex = Array(32).fill('ab').join(':');
  assert.equal(at(`a=fingerprint:SHA-256 ${hex}`)?.value, hex.toUpperCase());
  assert.equal(at(`a=fingerprint:sha-1 ${Array(20).fill('AB').join(':')}`), null);
  assert.equal(at(`a=fingerprint:sha-256 ${hex.replace('ab', 'aO')}`), null);
  assert.equal(at(`a=fingerprint:sha-256 ${hex}:AB`), null);
  const both = `a=fingerprint:sha-512 ${Array(64).fill('CD').join(':')}\r\na=fingerprint:sha-256 ${hex}`;
  assert.equal(at(both)?.algorithm, 'sha-256');
});

test('credentials of illegal length or letters are none', () => {
  const at = (ufrag: string, pwd: string) =>
    parsed(`v=0\r\nm=audio 9 X 0\r\na=ice-ufrag:${ufrag}\r\na=ice-pwd:${pwd}\r\n`).media[0]?.ice ?? null;
  assert.notEqual(at('abcd', 'a'.repeat(22)), null);
  assert.equal(at('abc', 'a'.repeat(22)), null);
  assert.equal(at('abcd', 'a'.repeat(21)), null);
  assert.equal(at('ab-d', 'a'.repeat(22)), null);
  assert.equal(at('a'.repeat(257), 'a'.repeat(22)), null);
});

test('ICE-03 only UDP candidates with a numeric address are kept', () => {
  const candidates = [
    '1 1 udp 1 192.0.2.1 5000 typ host',
    '1 1 UDP 1 2001:db8::5 5000 typ host',
    '1 2 udp 1 192.0.2.1 5001 typ host',
    '1 1 tcp 1 192.0.2.1 9 typ host tcptype active',
    '1 1 udp 1 host.example 5000 typ host',
    '1 1 udp 1 abc.local 5000 typ host',
    '1 1 udp 1 192.0.2.1 0 typ host',
    '1 1 udp 1 192.0.2.1',
    '1 1 udp 1 192.0.2.1 5000',
    '1 1 udp 1 192.0.2.1 5000 typ odd',
    '1 1 udp 1 999.0.2.1 5000 typ host',
    '1 1 udp 1 ::::: 5000 typ host',
  ];
  assert.deepEqual(parsed(chromiumOffer({ candidates })).media[0]?.candidates, candidates.slice(0, 2));
});

test('SDP-05 every limit is kept and named', () => {
  const audio = (more: string) => `v=0\r\nm=audio 9 X 0\r\n${more}`;
  assert.match(reasonOf('x'.repeat(65_537)), /65536/);
  assert.match(reasonOf(audio(`a=${'x'.repeat(2_047)}\r\n`)), /2048/);
  assert.match(reasonOf(audio('a=x\r\n'.repeat(4_100))), /4096/);
  assert.match(reasonOf(`v=0\r\n${'m=audio 9 X 0\r\n'.repeat(17)}`), /16 m-lines/);
  assert.match(reasonOf(`v=0\r\nm=audio 9 X ${Array(65).fill('0').join(' ')}\r\n`), /64 formats/);
  assert.match(reasonOf(audio('a=candidate:1 1 udp 1 192.0.2.1 5000 typ host\r\n'.repeat(31))), /30 candidates/);
  assert.match(reasonOf(audio([1, 2, 3, 4, 5].map(n => `a=ssrc:${n} cname:x\r\n`).join(''))), /4 SSRCs/);
  assert.equal(reasonOf(audio([1, 2, 3, 4].map(n => `a=ssrc:${n} cname:x\r\n`).join(''))), 'parsed');
});

test('text that is not SDP gives a reason', () => {
  for (const text of [
    '',
    '\r\n',
    'hello',
    'v=1\r\n',
    's=-\r\nv=0\r\n',
    'v=0\r\nmaudio\r\n',
    'v=0\r\nA=x\r\n',
    'v=0\r\nm=audio 9\r\n',
  ]) {
    assert.notEqual(reasonOf(text), 'parsed', JSON.stringify(text));
  }
  assert.match(reasonOf('v=0\r\nm=audio x RTP/AVP 0\r\n'), /port/);
  assert.match(reasonOf('v=0\r\nm=audio 65536 RTP/AVP 0\r\n'), /port/);
});

test('an offer needs an audio line, no more', () => {
  assert.deepEqual(checkOffer(chromiumOffer()), { ok: true });
  assert.deepEqual(checkOffer('v=0\r\nm=audio 9 RTP/SAVPF 96\r\na=crypto:1 X inline:a\r\n'), { ok: true });
  assert.equal(checkOffer('v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n').ok, false);
  assert.equal(checkOffer('nonsense').ok, false);
});

test('the unspecified address is known in both families', () => {
  assert.deepEqual(['0.0.0.0', '::', '0:0:0:0:0:0:0:0', '127.0.0.1', '::1'].map(isZeroAddress), [
    true,
    true,
    true,
    false,
    false,
  ]);
});

test('no mutation of real SDP makes the parser throw, and what it gives keeps the limits', () => {
  const mutated = fc
    .tuple(
      fc.constantFrom(...SAMPLES),
      fc.array(
        fc.tuple(
          fc.nat(),
          fc.nat(40),
          fc.oneof(fc.string({ maxLength: 60 }), fc.constantFrom('\r\n', '\nm=', 'a=', ' ', ':')),
        ),
        {
          maxLength: 8,
        },
      ),
    )
    .map(([text, edits]) =>
      edits.reduce((t, [at, cut, put]) => t.slice(0, at % t.length) + put + t.slice((at % t.length) + cut), text),
    );
  fc.assert(
    fc.property(fc.oneof(mutated, fc.string({ maxLength: 300 })), text => {
      const result = parseSdp(text);
      if (!result.ok) return assert.ok(result.reason.length > 0);
      assert.ok(result.value.media.length <= 16);
      for (const media of result.value.media) {
        assert.ok(media.codecs.length <= 64 && media.candidates.length <= 30);
        assert.ok(media.port >= 0 && media.port <= 65_535);
        for (const candidate of media.candidates) assert.match(candidate, /^[ -~]*$/);
      }
    }),
    { numRuns: 2_000 * SCALE },
  );
});

test('SDP-15 extensions, feedback and the offer of AVPF are read; what asks for more than AVPF is none', () => {
  const video = (...lines: string[]) => {
    const parsed = parseSdp(`v=0\r\nm=video 4000 RTP/AVP 99\r\n${lines.map(line => `a=${line}\r\n`).join('')}`);
    assert.ok(parsed.ok);
    return parsed.value.media[0];
  };
  const given = video('extmap:7/sendonly urn:3gpp:video-orientation', 'extmap:0 x', 'extmap:9', 'rtcp-fb:* nack pli');
  assert.deepEqual(given?.extensions, [{ id: 7, uri: 'urn:3gpp:video-orientation' }]);
  assert.deepEqual([given?.feedback, given?.avpfConfig], [['nack pli'], null]);
  assert.equal(video('tcap:1 RTP/AVPF', 'pcfg:1 t=1')?.avpfConfig, 1);
  assert.equal(video('tcap:4 RTP/SAVP RTP/AVPF', 'pcfg:2 t=4', 'pcfg:3 t=6|5')?.avpfConfig, 3);
  assert.equal(video('tcap:1 RTP/AVPF', 'pcfg:1 t=1 a=2')?.avpfConfig, null);
  assert.equal(video('tcap:1 RTP/SAVPF', 'pcfg:1 t=1')?.avpfConfig, null);
  assert.equal(video('pcfg:1 t=1')?.avpfConfig, null);
});
