/** Every SDP example of the media design, and offers as Chromium and Firefox write them: text in, text out, and nothing of one side in the SDP of the other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TRANSCODER } from '../../test/support/media-caps.ts';
import { A, mediaRig } from '../../test/support/media-rig.ts';
import { fc } from '../../test/support/property.ts';
import { SCALE } from '../../test/support/scale.ts';
import { sdpFixture } from '../../test/support/sdp-fixture.ts';
import type { SrtpPolicy } from './sdes.ts';
import { MEDIA_DEFAULTS, type MediaSettings } from './settings.ts';

const WEB = '198.51.100.10';
const IMS = '203.0.113.10';
const WEB_SIDE: MediaSettings['web'] = { bind: WEB, advertise: WEB, ports: { min: 43_111, max: 43_111 } };
const IMS_SIDE: MediaSettings['ims'] = {
  ...MEDIA_DEFAULTS.ims,
  bind: IMS,
  advertise: IMS,
  ports: { min: 44_118, max: 44_199 },
  mediaPrefixes: ['203.0.113.0/24'],
};

type Rig = ReturnType<typeof mediaRig>;
type Step = 'offerOut' | 'answerOut' | 'hold' | 'settle' | 'offerIn' | 'answerIn';

/** What a side says, and what the other is told for it, by the names of their files; null: nothing. */
type Turn = [step: Step, takes: string | null, gives: string | null];

interface Example {
  title: string;
  coded?: true;
  srtp?: SrtpPolicy;
  videoKbps?: number;
  turns: Turn[];
}

const EXAMPLES: readonly Example[] = [
  {
    title: 'SDP-01 SDP-13 SDP-14 ICE-01 2.1, 2.5, 4.3, 4.11: Chromium calls, is answered, and holds',
    turns: [
      ['offerOut', '2.1-chromium-sound', '4.3-ims-offer'],
      ['answerOut', '2.5-phone-answer', '2.5-browser-answer'],
      ['hold', null, '4.11-ims-hold'],
      ['settle', '4.11-phone-hold-answer', null],
    ],
  },
  {
    title: 'SDP-04 2.1, 2.5, 4.3: Firefox calls and is answered',
    turns: [
      ['offerOut', '2.1-firefox-sound', '4.3-ims-offer-firefox'],
      ['answerOut', '2.5-phone-answer', '2.5-browser-answer-firefox'],
    ],
  },
  {
    title: 'SDP-17 4.3: what Chromium offers, with a transcoder',
    coded: true,
    turns: [['offerOut', '2.1-chromium-sound', '4.3-ims-offer-coded']],
  },
  {
    title: 'SDP-17 4.3: what Firefox offers, with a transcoder',
    coded: true,
    turns: [['offerOut', '2.1-firefox-sound', '4.3-ims-offer-coded-firefox']],
  },
  {
    title: 'SDP-02 DC-01 4.11: Chromium offers picture and data where there are none',
    turns: [
      ['offerOut', '2.1-chromium-all', '4.3-ims-offer'],
      ['answerOut', '2.5-phone-answer', '4.11-browser-answer'],
    ],
  },
  {
    title: 'SDP-02 DC-01 4.11: Firefox offers picture and data where there are none',
    turns: [
      ['offerOut', '2.1-firefox-all', '4.3-ims-offer-firefox'],
      ['answerOut', '2.5-phone-answer', '4.11-browser-answer-firefox'],
    ],
  },
  {
    title: 'SDP-15 SDP-21 3.1, 3.4, 4.11: Chromium offers a picture, which the far end refuses',
    videoKbps: 690,
    turns: [
      ['offerOut', '2.1-chromium-all', '4.11-ims-offer-video'],
      ['answerOut', '4.11-phone-refusal', '4.11-browser-answer'],
    ],
  },
  {
    title: 'SDP-15 3.1, 4.11: Firefox offers a picture',
    videoKbps: 690,
    turns: [['offerOut', '2.1-firefox-all', '4.11-ims-offer-video-firefox']],
  },
  {
    title: 'SDP-25 3.5: Chromium calls where SRTP is offered beside plain RTP, and holds; of the keys it hears nothing',
    srtp: 'offer',
    turns: [
      ['offerOut', '2.1-chromium-sound', '3.5-ims-offer'],
      ['answerOut', '3.5-phone-answer', '2.5-browser-answer'],
      ['hold', null, '3.5-ims-hold'],
      ['settle', '3.5-phone-hold-answer', null],
    ],
  },
  {
    title: 'SDP-25 3.5: Chromium calls where SRTP is required',
    srtp: 'require',
    turns: [
      ['offerOut', '2.1-chromium-sound', '3.5-ims-offer-required'],
      ['answerOut', '3.5-phone-answer', '2.5-browser-answer'],
    ],
  },
  {
    title: 'SDP-25 3.5: a terminal calls with keys: the first suite that is to be had, under its tag',
    srtp: 'accept',
    turns: [
      ['offerIn', '3.5-phone-offer', '4.5-browser-offer'],
      ['answerIn', '4.5-browser-answer', '3.5-ims-answer'],
    ],
  },
  {
    title: 'SDP-16 4.5: a VoLTE terminal calls, without a transcoder',
    turns: [
      ['offerIn', '4.5-volte-offer', '4.5-browser-offer'],
      ['answerIn', '4.5-browser-answer', '4.5-ims-answer'],
    ],
  },
  {
    title: 'SDP-16 SDP-18 4.5: a VoLTE terminal calls, with a transcoder',
    coded: true,
    turns: [
      ['offerIn', '4.5-volte-offer', '4.5-browser-offer-coded'],
      ['answerIn', '4.5-browser-answer-coded', '4.5-ims-answer-coded'],
    ],
  },
  {
    title: 'DC-01 10.3: a far end offers a data channel of the IMS',
    turns: [
      ['offerIn', '10.3-data-offer', '10.3-browser-offer'],
      ['answerIn', '10.3-browser-answer', '10.3-ims-answer'],
    ],
  },
];

function rigOf({ coded, srtp = 'off', videoKbps = 0 }: Example): Rig {
  const r = mediaRig({ web: WEB_SIDE, ims: { ...IMS_SIDE, srtp }, videoKbps });
  if (coded) r.engine.able = TRANSCODER;
  return r;
}

function say(r: Rig, step: Step, sdp: string): string | null {
  if (step === 'settle') r.run({ type: 'media.settle', owner: A, sdp });
  return step === 'settle'
    ? null
    : step === 'offerIn'
      ? (r.offerIn(sdp)[0] ?? '')
      : step === 'hold'
        ? r.hold(true)
        : r[step](sdp);
}

for (const example of EXAMPLES) {
  test(example.title, () => {
    const r = rigOf(example);
    for (const [step, takes, gives] of example.turns) {
      const said = say(r, step, takes === null ? '' : sdpFixture(takes));
      assert.equal(said, gives === null ? null : sdpFixture(gives), gives ?? step);
    }
  });
}

/** All that we write: what is not here comes from the other side. */
const BOTH = ['rtpmap', 'fmtp', 'ptime', 'rtcp-fb', 'extmap', 'sendrecv', 'sendonly', 'recvonly', 'inactive'];
const OF_WEB = new Set([
  ...BOTH,
  ...['group', 'msid-semantic', 'ice-lite', 'rtcp', 'mid', 'rtcp-mux', 'ice-ufrag', 'ice-pwd', 'ice-options'],
  ...['fingerprint', 'setup', 'msid', 'ssrc', 'candidate', 'end-of-candidates'],
]);
const OF_IMS = new Set([...BOTH, 'maxptime', 'tcap', 'pcfg', 'acfg']);
const OF_SECURE_IMS = new Set([...OF_IMS, 'crypto', 'acap']);
/** Attributes of the one side, and of neither, that somebody may write; each says `ALIEN`, which we never do. */
const ALIENS = [
  'candidate:1 1 udp 1 203.0.113.66 7 typ host generation ALIEN',
  ...['ice-ufrag:', 'msid:', 'identity:', 'tls-id:', 'rtcp-xr:', 'extmap:7 ', 'ssrc:7 cname:', 'label:'].map(
    name => `${name}ALIEN`,
  ),
  ...['curr:qos ', 'des:qos ', 'conf:qos ', 'crypto:1 ', 'tra-contact:', 'omr-s-cksum:', 'anbr:', 'sqn:', 'cdsc:'].map(
    name => `${name}ALIEN`,
  ),
  ...['3gpp-qos-hint:', 'key-mgmt:', 'silenceSupp:', 'framesize:', 'content:', 'lang:', 'visited-realm:'].map(
    name => `${name}ALIEN`,
  ),
  ...['bundle-only', 'rtcp-rsize', 'extmap-allow-mixed', 'unheard-of'],
  ...['fmtp:8 x=ALIEN', 'fmtp:96 x=ALIEN;ALIEN', 'fmtp:104 x=ALIEN', 'fmtp:111 ALIEN', 'fmtp:126 ALIEN'],
].map(text => `a=${text}`);

test('SDP-06 SDP-07 whatever attributes come with an SDP, the other side sees only those we write ourselves', () => {
  const exampleOf = fc.constantFrom(...EXAMPLES);
  const added = fc.array(fc.tuple(fc.nat(), fc.constantFrom(...ALIENS)), { maxLength: 12 });
  fc.assert(
    fc.property(exampleOf, fc.array(added, { minLength: 4, maxLength: 4 }), (example, alien) => {
      const r = rigOf(example);
      example.turns.forEach(([step, takes], i) => {
        const sdp = takes === null ? '' : withAliens(sdpFixture(takes), alien[i] ?? []);
        const said = say(r, step, sdp);
        const toWeb = step === 'answerOut' || step === 'offerIn';
        if (said !== null) assertOurs(said, toWeb ? 'web' : example.srtp === undefined ? 'ims' : 'secure ims');
      });
    }),
    { numRuns: 200 * SCALE },
  );
});

/** Lines put in behind the `n`-th, after those that open a session. */
function withAliens(sdp: string, added: ReadonlyArray<[number, string]>): string {
  const lines = sdp.trimEnd().split('\r\n');
  const head = lines.findIndex(line => line.startsWith('t=')) + 1;
  for (const [n, line] of added) lines.splice(head + (n % (lines.length - head + 1)), 0, line);
  return `${lines.join('\r\n')}\r\n`;
}

function assertOurs(sdp: string, side: 'web' | 'ims' | 'secure ims'): void {
  const ofIms = side === 'ims' ? OF_IMS : OF_SECURE_IMS;
  const [may, far, own] = side === 'web' ? [OF_WEB, /203\.0\.113\./, WEB] : [ofIms, /198\.51\.100\.|\.local/, IMS];
  assert.doesNotMatch(sdp, /ALIEN/);
  assert.doesNotMatch(sdp, far);
  for (const [, name = ''] of sdp.matchAll(/^a=([^:\r]+)/gm)) assert.ok(may.has(name), `${name} in:\n${sdp}`);
  for (const [, kind = ''] of sdp.matchAll(/^b=(\w+)/gm)) assert.ok(side !== 'web' || kind === 'AS', kind);
  for (const [, address = ''] of sdp.matchAll(/^[oc]=.*IP[46] (\S+)/gm)) assert.ok([own, '0.0.0.0'].includes(address));
}
