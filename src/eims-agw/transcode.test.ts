/** Offer and answer over an engine that transcodes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TRANSCODER } from '../../test/support/media-caps.ts';
import { nextRef } from '../../test/support/media-inbox.ts';
import { A, audioOf, LEG, mediaRig } from '../../test/support/media-rig.ts';
import {
  browserAnswer,
  chromiumOffer,
  firefoxOffer,
  OTHER_FINGERPRINT,
  phoneSdp,
  volteOffer,
} from '../../test/support/media-sdp.ts';
import type { PtRule } from './engine.ts';
import type { MediaSettings } from './settings.ts';

function transcoding(settings: Partial<MediaSettings> = {}) {
  const rig = mediaRig(settings);
  rig.engine.able = TRANSCODER;
  return rig;
}

/** m-line, bandwidth and codec lines of the audio section. */
const codecPart = (sdp: string) =>
  sdp
    .slice(sdp.indexOf('m=audio'))
    .split('\r\n')
    .filter(line => /^(m=audio|b=AS|a=rtpmap|a=fmtp|a=ptime|a=maxptime)/.test(line));
const short = (rules: readonly PtRule[]) => rules.map(r => `${r.in} ${r.from.name} > ${r.out} ${r.to.name}`);
const VOLTE_ANSWER = [
  'a=rtpmap:96 AMR-WB/16000',
  'a=fmtp:96 mode-set=0,1,2;max-red=0',
  'a=rtpmap:98 telephone-event/16000',
];
const volteAnswer = (more: { version?: number } = {}) =>
  phoneSdp({ formats: [96, 98], event: null, maps: VOLTE_ANSWER, ...more });

test('SDP-13 SDP-14 SDP-16 SDP-17 SDP-18 SDP-19 a call out: AMR-WB and AMR by transcoding, in both layouts, G.711 as it is, events for each clock', () => {
  assert.deepEqual(codecPart(transcoding().offerOut()), [
    'm=audio 21000 RTP/AVP 96 97 98 99 8 0 100 126',
    'b=AS:80',
    'a=rtpmap:96 AMR-WB/16000',
    'a=fmtp:96 mode-change-capability=2;max-red=0',
    'a=rtpmap:97 AMR-WB/16000',
    'a=fmtp:97 octet-align=1;mode-change-capability=2;max-red=0',
    'a=rtpmap:98 AMR/8000',
    'a=fmtp:98 mode-change-capability=2;max-red=0',
    'a=rtpmap:99 AMR/8000',
    'a=fmtp:99 octet-align=1;mode-change-capability=2;max-red=0',
    'a=rtpmap:8 PCMA/8000',
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:100 telephone-event/16000',
    'a=fmtp:100 0-15',
    'a=rtpmap:126 telephone-event/8000',
    'a=fmtp:126 0-15',
    'a=ptime:20',
    'a=maxptime:240',
  ]);
});

test('SDP-18 the far end takes AMR-WB: the browser has Opus and events at its clock', () => {
  const { offerOut, answerOut, route } = transcoding();
  offerOut();
  const answer = answerOut(volteAnswer());
  assert.deepEqual(codecPart(answer), [
    'm=audio 9 UDP/TLS/RTP/SAVPF 111 110',
    'a=rtpmap:111 opus/48000/2',
    'a=fmtp:111 useinbandfec=1;stereo=0',
    'a=rtpmap:110 telephone-event/48000',
    'a=fmtp:110 0-15',
    'a=ptime:20',
  ]);
  assert.deepEqual(short(route().toIms), ['111 opus > 96 AMR-WB', '110 telephone-event > 98 telephone-event']);
  assert.deepEqual(short(route().toWeb), ['96 AMR-WB > 111 opus', '100 telephone-event > 110 telephone-event']);
  // What they limit stands in the format they are sent, what we can in the one they send.
  assert.deepEqual(
    [route().toIms[0]?.to.fmtp, route().toWeb[0]?.from.fmtp],
    ['mode-set=0,1,2;max-red=0', 'mode-change-capability=2;max-red=0'],
  );
});

test('SDP-23 what the far end has too little bandwidth for is not sent, until it has more', () => {
  const { offerOut, answerOut, reofferIms, route } = transcoding();
  offerOut();
  const narrow = (kbps: number, version: number) =>
    phoneSdp({ formats: [96], event: null, maps: [`b=AS:${kbps}`, 'a=rtpmap:96 AMR-WB/16000'], version });
  answerOut(narrow(30, 1));
  assert.equal(route().toIms[0]?.to.fmtp, 'mode-set=0,1,2');
  // It says nothing of what we are sent.
  assert.equal(route().toWeb[0]?.from.fmtp, 'mode-change-capability=2;max-red=0');
  reofferIms(narrow(41, 2));
  assert.equal(route().toIms[0]?.to.fmtp, null);
});

test('ANN-01 an answer of ours presumes the first codec that was offered, until the far end says what it has', () => {
  const { offerOut, answerOut, run, box, route } = transcoding();
  offerOut();
  run({ type: 'media.pre-answer', owner: A, ref: nextRef() });
  const answer = box.all.findLast(input => input.type === 'media-ready')?.sdp ?? '';
  assert.match(answer, /SAVPF 111 110\r\n/);
  assert.deepEqual(short(route().toWeb), ['96 AMR-WB > 111 opus', '100 telephone-event > 110 telephone-event']);
  assert.equal(route().target, null);
  assert.equal(answerOut(phoneSdp({ formats: [0] })), answer);
  assert.equal(short(route().toWeb)[0], '0 PCMU > 111 opus');
});

test('SDP-24 an engine that sends under SSRCs of its own: none is announced, the stream and its name stay', () => {
  const { engine, offerOut, answerOut } = transcoding();
  engine.anySsrc = true;
  offerOut();
  const answer = answerOut(volteAnswer());
  assert.doesNotMatch(answer, /a=ssrc/);
  assert.match(answer, /a=msid:gw gw-audio\r\n/);
});

test('SDP-19 Firefox has events at 8 kHz alone, with Opus too', () => {
  const { offerOut, answerOut, route } = transcoding();
  offerOut(firefoxOffer());
  assert.match(answerOut(volteAnswer()), /m=audio 9 UDP\/TLS\/RTP\/SAVPF 109 101\r\n/);
  assert.equal(short(route().toIms)[1], '101 telephone-event > 98 telephone-event');
});

test('where the far end has nothing better than G.711 the browser has G.711 too', () => {
  const { offerOut, answerOut, route } = transcoding();
  offerOut();
  assert.match(answerOut(phoneSdp({ formats: [0] })), /m=audio 9 UDP\/TLS\/RTP\/SAVPF 0 126\r\n/);
  assert.deepEqual(short(route().toIms), ['0 PCMU > 0 PCMU', '126 telephone-event > 101 telephone-event']);
  const { offerIn } = transcoding();
  assert.match(offerIn(phoneSdp({ formats: [8] }))[0] ?? '', /m=audio 9 UDP\/TLS\/RTP\/SAVPF 8 0 96 101 97\r\n/);
});

test('SDP-13 SDP-16 SDP-17 a VoLTE terminal calls: its first codec, its numbers, its parameters', () => {
  const { offerIn, answerIn, run, route } = transcoding();
  const [offer = ''] = offerIn(volteOffer());
  assert.deepEqual(codecPart(offer), [
    'm=audio 9 UDP/TLS/RTP/SAVPF 96 8 0 97 100',
    'a=rtpmap:96 opus/48000/2',
    'a=fmtp:96 useinbandfec=1;stereo=0',
    'a=rtpmap:8 PCMA/8000',
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:97 telephone-event/48000',
    'a=fmtp:97 0-15',
    'a=rtpmap:100 telephone-event/8000',
    'a=fmtp:100 0-15',
    'a=ptime:20',
  ]);
  const maps = ['a=rtpmap:96 opus/48000/2', 'a=rtpmap:97 telephone-event/48000', 'a=rtpmap:100 telephone-event/8000'];
  const answer = answerIn(browserAnswer({ laws: [96, 8, 0, 97, 100], event: null, maps }));
  assert.deepEqual(codecPart(answer), [
    'm=audio 21000 RTP/AVP 104 105',
    'b=AS:41',
    'a=rtpmap:104 AMR-WB/16000',
    'a=fmtp:104 mode-change-capability=2;max-red=0',
    'a=rtpmap:105 telephone-event/16000',
    'a=fmtp:105 0-15',
    'a=ptime:20',
    'a=maxptime:240',
  ]);
  run({ type: 'media.select', owner: A, leg: LEG });
  assert.deepEqual(short(route().toIms), [
    '96 opus > 104 AMR-WB',
    '8 PCMA > 104 AMR-WB',
    '0 PCMU > 104 AMR-WB',
    '97 telephone-event > 105 telephone-event',
    '100 telephone-event > 105 telephone-event',
  ]);
  assert.deepEqual(short(route().toWeb), ['104 AMR-WB > 96 opus', '105 telephone-event > 97 telephone-event']);
});

test('a browser that prefers a codec of the caller has it as it is', () => {
  const { offerIn, answerIn } = transcoding();
  offerIn(volteOffer());
  assert.match(answerIn(browserAnswer({ laws: [8], event: 101 })), /m=audio 21000 RTP\/AVP 8 100\r\n/);
});

test('SDP-16 layouts of AMR that nobody can code are passed over, those that can be are kept', () => {
  const offer = (fmtp: string, more = '') =>
    phoneSdp({ formats: [104], event: null, maps: ['a=rtpmap:104 AMR-WB/16000', `a=fmtp:104 ${fmtp}`] }).replace(
      'AVP 104',
      `AVP 104${more}`,
    );
  const { run, box } = transcoding();
  for (const fmtp of ['octet-align=1;crc=1', 'octet-align=1;robust-sorting=1', 'octet-align=1;interleaving=30']) {
    run({ type: 'media.offer', from: 'ims', owner: A, ref: nextRef(), legs: [LEG], sdp: offer(fmtp), commit: false });
    assert.equal(box.take('media-failed').failure, 'no-codec', fmtp);
    const { offerIn, answerIn } = transcoding();
    offerIn(offer(fmtp, ' 8'));
    assert.match(answerIn(), /m=audio 21000 RTP\/AVP 8\r\n/);
  }
  const { offerIn, answerIn } = transcoding();
  offerIn(offer('octet-align=1;mode-set=0,2'));
  assert.match(
    answerIn(),
    /RTP\/AVP 104\r\nb=AS:30[\s\S]*a=fmtp:104 octet-align=1;mode-set=0,2;mode-change-capability=2\r\n/,
  );
});

test('an answer that changes the layout of what was offered is no answer', () => {
  const { offerOut, run, box } = transcoding();
  offerOut();
  const sdp = volteAnswer().replace('max-red=0', 'crc=1');
  run({ type: 'media.answer', from: 'ims', owner: A, ref: nextRef(), fork: 'f', sdp });
  assert.equal(box.take('media-failed').failure, 'no-codec');
});

test('the far end changes its codec in the call: the browser is left alone', () => {
  const { offerOut, answerOut, reofferIms, route, engine } = transcoding();
  offerOut();
  answerOut(volteAnswer());
  const asked = engine.commands.length;
  const answer = reofferIms(phoneSdp({ formats: [0], version: 2 }));
  assert.match(answer, /m=audio 21000 RTP\/AVP 0 101\r\nb=AS:80\r\n/);
  assert.deepEqual(short(route().toIms), ['111 opus > 0 PCMU', '110 telephone-event > 101 telephone-event']);
  assert.deepEqual(short(route().toWeb), ['0 PCMU > 111 opus', '101 telephone-event > 110 telephone-event']);
  assert.deepEqual(
    engine.commands.slice(asked).map(c => c.type),
    ['route'],
  );
  // Then it has the call on hold, with all its codecs: the one in use is kept.
  const held = reofferIms(phoneSdp({ formats: [8, 0], version: 3, direction: 'sendonly' }));
  assert.match(held, /m=audio 21000 RTP\/AVP 0 101\r\n/);
});

test('SDP-17 a hold and an INVITE without offer: the codec in use first, every number as it was', () => {
  const { offerOut, answerOut, hold, reofferIms } = transcoding();
  const first = offerOut();
  answerOut(phoneSdp({ formats: [98], event: null, maps: ['a=rtpmap:98 AMR/8000'] }));
  assert.match(first, /RTP\/AVP 96 97 98 99 8 0 100 126\r\n/);
  assert.match(hold(true), /RTP\/AVP 98 96 97 99 8 0 126 100\r\n/);
  assert.match(reofferIms(null), /RTP\/AVP 98 96 97 99 8 0 126 100\r\n/);
});

test('a browser with a new connection keeps what the far end has', () => {
  const { offerOut, answerOut, run, box, route } = transcoding();
  offerOut(chromiumOffer());
  answerOut(volteAnswer());
  const sdp = firefoxOffer({ fingerprint: OTHER_FINGERPRINT });
  run({ type: 'media.reoffer', from: 'web', owner: A, ref: nextRef(), leg: LEG, sdp });
  assert.match(box.all.find(i => i.type === 'media-ready')?.sdp ?? '', /SAVPF 109 101\r\n/);
  assert.deepEqual(short(route().toIms), ['109 opus > 96 AMR-WB', '101 telephone-event > 98 telephone-event']);
});

test('SDP-20 an INVITE without offer over an engine that transcodes', () => {
  const { offerIn, answerIn, run, route } = transcoding();
  assert.match(offerIn(null)[0] ?? '', /SAVPF 96 8 0 97 101\r\n/);
  const maps = ['a=rtpmap:96 opus/48000/2', 'a=rtpmap:97 telephone-event/48000'];
  const ours = answerIn(browserAnswer({ laws: [96, 97], event: null, maps }));
  assert.match(ours, /m=audio 21000 RTP\/AVP 96 97 98 99 8 0 100 101\r\n/);
  run({ type: 'media.select', owner: A, leg: LEG });
  const answer = ['a=rtpmap:98 AMR/8000', 'a=rtpmap:101 telephone-event/8000'];
  run({ type: 'media.settle', owner: A, sdp: phoneSdp({ formats: [98, 101], event: null, maps: answer }) });
  assert.deepEqual(short(route().toIms), ['96 opus > 98 AMR', '97 telephone-event > 101 telephone-event']);
});

test('SDP-10 nothing in common: a call out fails with the reason, a call in before any device is asked', () => {
  const out = mediaRig({ webCodecs: ['opus'], imsCodecs: ['AMR-WB'] });
  out.run({ type: 'media.offer', from: 'web', owner: A, ref: nextRef(), leg: LEG, sdp: chromiumOffer() });
  assert.equal(out.box.take('media-failed').failure, 'no-codec');
  assert.deepEqual(out.engine.commands, []);
  const incoming = transcoding({ webCodecs: ['PCMA'], imsCodecs: ['PCMA'] });
  incoming.run({
    type: 'media.offer',
    from: 'ims',
    owner: A,
    ref: nextRef(),
    legs: [LEG],
    sdp: volteOffer(false),
    commit: false,
  });
  assert.equal(incoming.box.take('media-failed').failure, 'no-codec');
  assert.deepEqual(incoming.engine.commands, []);
});

test('SDP-10 settings that cannot meet: an INVITE without offer rings nobody', () => {
  const { run, box, engine } = mediaRig({ webCodecs: ['opus'], imsCodecs: ['AMR-WB'] });
  run({ type: 'media.offer', from: 'ims', owner: A, ref: nextRef(), legs: [LEG], sdp: null, commit: false });
  assert.equal(box.take('media-failed').failure, 'no-codec');
  assert.deepEqual(engine.commands, []);
});

test('SDP-16 the layout in use is what our later offers begin with', () => {
  const { offerIn, answerIn, run, hold } = transcoding();
  const maps = ['a=rtpmap:104 AMR-WB/16000', 'a=fmtp:104 octet-align=1;mode-set=0,2'];
  offerIn(phoneSdp({ formats: [104], event: null, maps }));
  answerIn();
  run({ type: 'media.select', owner: A, leg: LEG });
  assert.match(
    hold(true),
    /RTP\/AVP 104 96 97 98 8 0\r\n[\s\S]*a=fmtp:104 octet-align=1;mode-set=0,2;mode-change-capability=2\r\na=rtpmap:96 AMR-WB\/16000\r\na=fmtp:96 mode-change-capability=2;max-red=0\r\n/,
  );
});

test('the settings decide the order and what is never offered', () => {
  const { offerOut, answerOut } = transcoding({ webCodecs: ['PCMU', 'opus'], imsCodecs: ['PCMU', 'AMR'] });
  assert.match(offerOut(), /RTP\/AVP 0 96 97 126\r\n/);
  const answer = answerOut(phoneSdp({ formats: [96], event: null, maps: ['a=rtpmap:96 AMR/8000'] }));
  assert.equal(audioOf(answer).codecs[0]?.name, 'PCMU');
});

test('SDP-15 our offers are plain AVP, and one of AVP that could be AVPF is answered as AVP', () => {
  for (const rig of [mediaRig(), transcoding()]) {
    const offer = rig.offerOut();
    assert.match(offer, /m=audio 21000 RTP\/AVP /);
    assert.doesNotMatch(offer, /AVPF|rtcp-fb/);
  }
  const capable = phoneSdp().replace('a=ptime:20', 'a=tcap:1 RTP/AVPF\r\na=pcfg:1 t=1\r\na=ptime:20');
  const { offerIn, answerIn } = mediaRig();
  offerIn(capable);
  assert.doesNotMatch(answerIn(), /AVPF|acfg/);
  // Who says AVPF without asking is answered in kind.
  const bare = mediaRig();
  bare.offerIn(phoneSdp().replace('RTP/AVP', 'RTP/AVPF'));
  assert.match(bare.answerIn(), /m=audio 21000 RTP\/AVPF 8 101\r\n/);
});
