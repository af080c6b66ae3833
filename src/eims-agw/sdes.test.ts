/** SRTP towards the core with keys in SDP: what each policy offers, takes and refuses, and what the engine hears of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TRANSCODER } from '../../test/support/media-caps.ts';
import { fakeKey } from '../../test/support/media-fake.ts';
import { nextRef } from '../../test/support/media-inbox.ts';
import { A, audioOf, LEG, mediaRig } from '../../test/support/media-rig.ts';
import { browserAnswer, chromiumOffer, phoneSdp } from '../../test/support/media-sdp.ts';
import { RELAY_CAPS } from './rtp/caps.ts';
import type { SrtpPolicy } from './sdes.ts';
import { type ImsMedia, MEDIA_DEFAULTS } from './settings.ts';

const S80 = 'AES_CM_128_HMAC_SHA1_80';
const S32 = 'AES_CM_128_HMAC_SHA1_32';
const THEIRS = Buffer.alloc(30, 0xa1).toString('base64');
const OTHER = Buffer.alloc(30, 0xb2).toString('base64');

function rigOf(srtp: SrtpPolicy, more: Partial<ImsMedia> = {}) {
  return mediaRig({ ims: { ...MEDIA_DEFAULTS.ims, srtp, ...more }, videoKbps: 690 });
}

/** The phone's SDP as SRTP, with these lines of keys. */
function secure(sdp: string, ...crypto: string[]): string {
  const lines = crypto.map(line => `a=crypto:${line}\r\n`).join('');
  return sdp.replace(/(m=audio \d+ RTP\/)AVP (.*\r\n)/, (_, head, rest) => `${head}SAVP ${rest}${lines}`);
}

const refusal = (rig: ReturnType<typeof rigOf>) => rig.box.take('media-failed').failure;

test('SDP-25 where SRTP is required our offer has nothing else, and an answer in plain RTP is refused', () => {
  const rig = rigOf('require');
  const offer = rig.offerOut();
  const port = audioOf(offer).port;
  assert.match(offer, /m=audio \d+ RTP\/SAVP 8 0 126\r\n/);
  assert.ok(offer.includes(`a=crypto:1 ${S80} inline:${fakeKey(port)}\r\n`));
  assert.ok(!/acap|RTP\/AVPF? /.test(offer));
  rig.run({ type: 'media.answer', from: 'ims', owner: A, ref: nextRef(), fork: 'f', sdp: phoneSdp() });
  assert.equal(refusal(rig), 'srtp');
  for (const line of [`2 ${S80} inline:${THEIRS}`, `1 ${S32} inline:${THEIRS}`, `1 ${S80} inline:${THEIRS.slice(4)}`]) {
    const sdp = secure(phoneSdp(), line);
    rig.run({ type: 'media.answer', from: 'ims', owner: A, ref: nextRef(), fork: 'f', sdp });
    assert.equal(refusal(rig), 'srtp', line);
  }
  // The browser hears nothing of keys.
  assert.match(rig.answerOut(secure(phoneSdp(), `1 ${S80} inline:${THEIRS}`)), /^((?!crypto)[\s\S])+$/);
  assert.deepEqual(rig.route().target?.sdes, { suite: S80, key: THEIRS });
});

test('SDP-25 offered beside plain RTP it is a capability that the far end takes or leaves', () => {
  for (const taken of [true, false]) {
    const rig = rigOf('offer');
    const offer = rig.offerOut();
    assert.match(offer, /m=audio \d+ RTP\/AVP 8 0 126\r\n/);
    const key = fakeKey(audioOf(offer).port);
    const lines = ['a=tcap:1 RTP/SAVP', `a=acap:1 crypto:1 ${S80} inline:${key}`, 'a=pcfg:1 t=1 a=1'];
    for (const line of lines) assert.ok(offer.includes(`${line}\r\n`), line);
    rig.answerOut(taken ? secure(phoneSdp(), `1 ${S80} inline:${THEIRS}`) : phoneSdp());
    rig.open();
    assert.equal(rig.route().target?.sdes?.key, taken ? THEIRS : undefined);
    // What was agreed is all that later offers say.
    const held = rig.hold(true);
    assert.match(held, taken ? /RTP\/SAVP / : /RTP\/AVP /);
    assert.equal(held.includes(`a=crypto:1 ${S80} inline:${key}\r\n`), taken);
    assert.ok(!/[tap]c[af][pg]:/.test(held));
  }
});

test('SDP-25 an offer with keys is answered in kind, under its tag and with the first suite that is to be had', () => {
  for (const policy of ['accept', 'offer', 'require'] as const) {
    const rig = rigOf(policy);
    rig.offerIn(
      secure(
        phoneSdp(),
        `3 AEAD_AES_256_GCM inline:${THEIRS}`,
        `5 ${S32} inline:${THEIRS}`,
        `6 ${S80} inline:${OTHER}`,
      ),
    );
    const answer = rig.answerIn();
    assert.match(answer, /m=audio \d+ RTP\/SAVP 8 101\r\n/);
    assert.ok(answer.includes(`a=crypto:5 ${S32} inline:${fakeKey(audioOf(answer).port)}\r\n`));
    assert.equal(answer.split('a=crypto').length, 2);
    rig.run({ type: 'media.select', owner: A, leg: LEG });
    assert.deepEqual(rig.route().target?.sdes, { suite: S32, key: THEIRS });
  }
});

test('SDP-25 refused: keys where they are off, plain RTP where they are required, no suite of ours, no key at all', () => {
  const offers = (policy: SrtpPolicy, sdp: string) => {
    const rig = rigOf(policy);
    rig.run({ type: 'media.offer', from: 'ims', owner: A, ref: nextRef(), legs: [LEG], sdp });
    return rig.box.all.some(input => input.type === 'media-failed') ? refusal(rig) : 'taken';
  };
  const keyed = secure(phoneSdp(), `1 ${S80} inline:${THEIRS}`);
  assert.equal(offers('off', keyed), 'srtp');
  assert.equal(offers('require', phoneSdp()), 'srtp');
  assert.equal(offers('accept', secure(phoneSdp(), `1 F8_128_HMAC_SHA1_80 inline:${THEIRS}`)), 'srtp');
  assert.equal(offers('accept', secure(phoneSdp())), 'srtp');
  // Thirty bytes have one text: other padding, alphabet or length is no key, so that a key of ours cannot come back as another.
  for (const key of [`${THEIRS}=`, THEIRS.replaceAll('o', '-'), `${THEIRS}AAAA`, THEIRS.slice(4), 'A'.repeat(1_900)])
    assert.equal(offers('accept', secure(phoneSdp(), `1 ${S80} inline:${key}`)), 'srtp', key);
  assert.equal(offers('accept', phoneSdp()), 'taken');
  assert.equal(offers('accept', keyed.replace('SAVP', 'SAVPF')), 'taken');
});

test('SDP-25 in a call a new key of the far end is taken and ours stays; suite and protection do not change', () => {
  const rig = rigOf('accept');
  rig.offerIn(secure(phoneSdp(), `1 ${S80} inline:${THEIRS}`));
  const first = rig.answerIn();
  rig.run({ type: 'media.select', owner: A, leg: LEG });
  rig.open();
  const again = rig.reofferIms(
    secure(phoneSdp({ version: 2 }), `1 ${S32} inline:${THEIRS}`, `9 ${S80} inline:${OTHER}|2^31`),
  );
  assert.ok(again.includes(`a=crypto:9 ${S80} inline:${fakeKey(audioOf(first).port)}\r\n`));
  assert.deepEqual(rig.route().target?.sdes, { suite: S80, key: OTHER });
  for (const sdp of [phoneSdp({ version: 3 }), secure(phoneSdp({ version: 3 }), `1 ${S32} inline:${THEIRS}`)]) {
    rig.run({ type: 'media.reoffer', from: 'ims', owner: A, ref: nextRef(), sdp });
    assert.equal(refusal(rig), 'srtp');
  }
  assert.deepEqual(rig.route().target?.sdes, { suite: S80, key: OTHER });
  const plain = rigOf('accept');
  plain.offerIn();
  plain.answerIn();
  plain.open();
  plain.run({
    type: 'media.reoffer',
    from: 'ims',
    owner: A,
    ref: nextRef(),
    sdp: secure(phoneSdp(), `1 ${S80} inline:${THEIRS}`),
  });
  assert.equal(refusal(plain), 'srtp');
});

test('SDP-25 an offer of ours to an INVITE without one has keys where they are offered or required', () => {
  for (const [policy, wanted] of [
    ['off', /^((?!crypto)[\s\S])*$/],
    ['accept', /^((?!crypto)[\s\S])*$/],
    ['offer', /a=acap:1 crypto:1 /],
    ['require', /a=crypto:1 /],
  ] as const) {
    const rig = rigOf(policy);
    rig.offerIn(null);
    assert.match(rig.answerIn(), wanted, policy);
  }
});

test('SDP-25 an ACK that answers our offer in plain RTP where SRTP is required: nothing is sent to it, nor heard of it', () => {
  const rig = rigOf('require');
  rig.offerIn(null);
  rig.answerIn();
  rig.run({ type: 'media.select', owner: A, leg: LEG });
  rig.open();
  rig.run({ type: 'media.settle', owner: A, sdp: phoneSdp() });
  assert.deepEqual([rig.route().target, rig.route().supervise], [null, true]);
  assert.ok(rig.counted.includes('media_failures_total media.settle srtp'));
});

test('SDP-25 an answer takes what was offered: later offers of a protected call are not answered in plain RTP, nor those of a plain one with keys', () => {
  for (const policy of ['accept', 'offer', 'require'] as const) {
    const rig = rigOf(policy);
    rig.offerIn(secure(phoneSdp(), `1 ${S80} inline:${THEIRS}`));
    rig.answerIn();
    rig.run({ type: 'media.select', owner: A, leg: LEG });
    rig.open();
    assert.match(rig.hold(true), /RTP\/SAVP /);
    rig.run({ type: 'media.settle', owner: A, sdp: phoneSdp({ version: 2 }) });
    rig.hold(false);
    assert.deepEqual(rig.route().target?.sdes, { suite: S80, key: THEIRS }, policy);
    rig.hold(true);
    rig.run({ type: 'media.settle', owner: A, sdp: secure(phoneSdp({ version: 2 }), `1 ${S80} inline:${OTHER}`) });
    assert.deepEqual(rig.route().target?.sdes, { suite: S80, key: OTHER }, policy);
  }
  const plain = rigOf('offer');
  plain.offerOut();
  plain.answerOut();
  plain.open();
  plain.hold(true);
  plain.run({ type: 'media.settle', owner: A, sdp: secure(phoneSdp({ version: 2 }), `1 ${S80} inline:${THEIRS}`) });
  assert.equal(plain.route().target?.sdes, undefined);
});

test('SDP-25 a far end that gives our own key back is refused: whoever sends us our own packets would be believed', () => {
  const rig = rigOf('require');
  const ours = fakeKey(audioOf(rig.offerOut(chromiumOffer())).port);
  const sdp = secure(phoneSdp(), `1 ${S80} inline:${ours}`);
  rig.run({ type: 'media.answer', from: 'ims', owner: A, ref: nextRef(), fork: 'f', sdp });
  assert.equal(refusal(rig), 'srtp');
  rig.answerOut(secure(phoneSdp(), `1 ${S80} inline:${THEIRS}`));
  rig.run({ type: 'media.reoffer', from: 'ims', owner: A, ref: nextRef(), sdp });
  assert.equal(refusal(rig), 'srtp');
});

test('SDP-25 RFC 4568 6.1 a key of ours is none of theirs on any line, nor is that of a picture which is no more', () => {
  const rig = rigOf('require');
  const offer = rig.offerOut(chromiumOffer({ more: true }));
  const [sound, picture] = [...offer.matchAll(/m=\w+ (\d+)/g)].map(([, port]) => fakeKey(Number(port)));
  const pt = /m=video \d+ \S+ (\d+)/.exec(offer)?.[1] ?? '';
  const line = (key = '') => `${VIDEO.replaceAll('98', pt)}a=crypto:1 ${S80} inline:${key}\r\n`;
  const crossed = `${secure(phoneSdp(), `1 ${S80} inline:${picture}`)}${line(OTHER)}`;
  rig.run({ type: 'media.answer', from: 'ims', owner: A, ref: nextRef(), fork: 'f', sdp: crossed });
  assert.equal(refusal(rig), 'srtp');
  rig.answerOut(`${secure(phoneSdp(), `1 ${S80} inline:${THEIRS}`)}${line(sound)}`);
  assert.deepEqual([rig.route().target?.sdes?.key, rig.route().video], [THEIRS, null]);
  rig.open();
  const again = `${secure(phoneSdp({ version: 2 }), `1 ${S80} inline:${picture}`)}m=video 0 RTP/SAVPF ${pt}\r\nm=application 0 UDP/DTLS/SCTP 0\r\n`;
  rig.run({ type: 'media.reoffer', from: 'ims', owner: A, ref: nextRef(), sdp: again });
  assert.equal(refusal(rig), 'srtp');
});

test('SDP-25 one key of theirs on two lines is taken on both: what comes under it is counted by line, and ours differ', () => {
  const rig = rigOf('accept');
  const keyed = `${VIDEO}a=crypto:1 ${S80} inline:${THEIRS}\r\n`;
  const [offer] = rig.offerIn(`${secure(phoneSdp(), `1 ${S80} inline:${THEIRS}`)}${keyed}`);
  const own = /m=video \d+ \S+ (\d+)/.exec(offer ?? '')?.[1];
  const video = `m=video 9 UDP/TLS/RTP/SAVPF ${own}\r\na=mid:1\r\na=rtpmap:${own} H264/90000\r\na=rtcp-fb:${own} nack pli\r\n`;
  const answer = rig.answerIn(`${browserAnswer().replace('BUNDLE 0', 'BUNDLE 0 1')}${video}`);
  assert.equal(new Set([...answer.matchAll(/inline:(\S+)/g)].map(([, key]) => key)).size, 2);
  rig.run({ type: 'media.select', owner: A, leg: LEG });
  assert.deepEqual([rig.route().target?.sdes?.key, rig.route().video?.target?.sdes?.key], [THEIRS, THEIRS]);
});

test('SDP-25 forks that answer one offer, protected and plain by turns: the media follows; an engine that loses its key with plain RTP refuses what comes after', () => {
  const keyed = secure(phoneSdp(), `1 ${S80} inline:${THEIRS}`);
  for (const able of [RELAY_CAPS, TRANSCODER]) {
    const rig = rigOf('offer');
    rig.engine.able = able;
    rig.offerOut(chromiumOffer());
    rig.answerOut(keyed, 'a');
    assert.equal(rig.route().target?.sdes?.key, THEIRS);
    rig.answerOut(phoneSdp(), 'b');
    assert.equal(rig.route().target?.sdes, undefined);
    rig.answerOut(phoneSdp(), 'b');
    if (able.keyLasts) {
      rig.answerOut(keyed, 'a');
      assert.equal(rig.route().target?.sdes?.key, THEIRS);
      continue;
    }
    rig.run({ type: 'media.answer', from: 'ims', owner: A, ref: nextRef(), fork: 'a', sdp: keyed });
    assert.equal(refusal(rig), 'srtp');
    // What stands goes on.
    assert.equal(rig.route().target?.sdes, undefined);
    assert.ok(!rig.hold(true).includes('crypto'));
  }
});

test('SDP-25 TRM-10 who has to be answered before a device has, by an engine that has no key until one connects, is refused; others are answered with it', () => {
  const sdp = secure(phoneSdp(), `1 ${S80} inline:${THEIRS}`);
  for (const keysLater of [true, false]) {
    const rig = rigOf('accept');
    rig.engine.keysLater = keysLater;
    rig.run({ type: 'media.offer', from: 'ims', owner: A, ref: nextRef(), legs: [LEG], sdp, commit: true });
    if (keysLater) assert.equal(refusal(rig), 'srtp');
    else assert.match(rig.box.take('media-offers').answer ?? '', /RTP\/SAVP 8 [\s\S]*a=crypto:1 /);
  }
  const rig = rigOf('accept');
  rig.engine.keysLater = true;
  rig.offerIn(sdp);
  const answer = rig.answerIn();
  assert.ok(answer.includes(`a=crypto:1 ${S80} inline:${fakeKey(audioOf(answer).port)}\r\n`));
});

test('SDP-25 RFC 5939 an offer of SRTP as a capability of plain RTP is answered as the plain RTP it is, and refused where SRTP is required', () => {
  const capable = phoneSdp().replace(
    'a=ptime',
    `a=tcap:1 RTP/SAVP RTP/SAVPF\r\na=acap:1 crypto:1 ${S80} inline:${THEIRS}\r\na=pcfg:1 t=1 a=1\r\na=crypto:1 ${S80} inline:${THEIRS}\r\na=ptime`,
  );
  for (const policy of ['off', 'accept', 'offer'] as const) {
    const rig = rigOf(policy);
    rig.offerIn(capable);
    const answer = rig.answerIn();
    assert.match(answer, /m=audio \d+ RTP\/AVP 8 101\r\n/);
    assert.ok(!/crypto|acfg|acap|pcfg|tcap/.test(answer));
    rig.run({ type: 'media.select', owner: A, leg: LEG });
    assert.equal(rig.route().target?.sdes, undefined);
  }
  const rig = rigOf('require');
  rig.run({ type: 'media.offer', from: 'ims', owner: A, ref: nextRef(), legs: [LEG], sdp: capable });
  assert.equal(refusal(rig), 'srtp');
});

test('SDP-25 of two lines of sound, protected and plain, the first that fits the realm is answered', () => {
  const plain = 'm=audio 49156 RTP/AVP 8\r\n';
  const both = `${secure(phoneSdp(), `1 ${S80} inline:${THEIRS}`)}${plain}`;
  for (const [policy, taken] of [
    ['off', 1],
    ['accept', 0],
    ['require', 0],
  ] as const) {
    const rig = rigOf(policy);
    rig.offerIn(both);
    const ports = [...rig.answerIn().matchAll(/m=audio (\d+)/g)].map(([, port]) => Number(port) > 0);
    assert.deepEqual(ports, [taken === 0, taken === 1], policy);
  }
});

const VIDEO = 'm=video 49154 RTP/SAVPF 98\r\na=rtpmap:98 H264/90000\r\na=rtcp-fb:98 nack pli\r\n';

test('SDP-25 a picture has a key of its own, and all that its line may become is offered at once', () => {
  const rig = rigOf('offer');
  const offer = rig.offerOut(chromiumOffer({ more: true }));
  const video = offer.slice(offer.indexOf('m=video'));
  assert.match(video, /^m=video \d+ RTP\/AVP /);
  const port = Number(/m=video (\d+)/.exec(video)?.[1]);
  for (const line of [
    'a=tcap:1 RTP/SAVPF RTP/SAVP RTP/AVPF',
    `a=acap:1 crypto:1 ${S80} inline:${fakeKey(port)}`,
    'a=pcfg:1 t=1 a=1',
    'a=pcfg:2 t=2 a=1',
    'a=pcfg:3 t=3',
  ])
    assert.ok(video.includes(`${line}\r\n`), `${line} in ${video}`);
  rig.answerOut(
    `${secure(phoneSdp(), `1 ${S80} inline:${THEIRS}`)}${VIDEO.replaceAll('98', /m=video \d+ \S+ (\d+)/.exec(video)?.[1] ?? '')}a=crypto:1 ${S80} inline:${OTHER}\r\n`,
  );
  const route = rig.route();
  assert.deepEqual([route.target?.sdes?.key, route.video?.target?.sdes?.key], [THEIRS, OTHER]);
  assert.equal(route.video?.feedback, true);
});

test('SDP-25 where SRTP is required a plain picture is refused and the sound goes on; a secure one is answered', () => {
  for (const plain of [true, false]) {
    const rig = rigOf('require');
    const line = plain ? VIDEO.replace('SAVPF', 'AVPF') : `${VIDEO}a=crypto:4 ${S80} inline:${OTHER}\r\n`;
    const [offer] = rig.offerIn(`${secure(phoneSdp(), `1 ${S80} inline:${THEIRS}`)}${line}`);
    assert.equal(/m=video [1-9]/.test(offer ?? ''), !plain);
    const own = /m=video \d+ \S+ (\d+)/.exec(offer ?? '')?.[1];
    const video = `m=video 9 UDP/TLS/RTP/SAVPF ${own}\r\na=mid:1\r\na=rtpmap:${own} H264/90000\r\na=rtcp-fb:${own} nack pli\r\n`;
    const answer = rig.answerIn(
      plain ? browserAnswer() : `${browserAnswer().replace('BUNDLE 0', 'BUNDLE 0 1')}${video}`,
    );
    assert.match(answer, /m=audio [1-9]\d* RTP\/SAVP /);
    const port = Number(/m=video (\d+)/.exec(answer)?.[1]);
    if (plain) assert.equal(port, 0);
    else {
      assert.match(answer, /m=video \d+ RTP\/SAVPF /);
      assert.ok(answer.includes(`a=crypto:4 ${S80} inline:${fakeKey(port)}\r\n`));
    }
  }
});
