/** Video in the SDP of a call: offered, answered, refused, added and dropped from both sides; the sound goes on through all of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextRef } from '../../test/support/media-inbox.ts';
import { A, LEG, mediaRig } from '../../test/support/media-rig.ts';
import { browserAnswer, chromiumOffer, OTHER_FINGERPRINT, phoneSdp } from '../../test/support/media-sdp.ts';
import { fc } from '../../test/support/property.ts';
import { SCALE } from '../../test/support/scale.ts';
import { type MediaDesc, parseSdp } from '../sdp/index.ts';
import { MEDIA_DEFAULTS } from './settings.ts';

const rig = () => mediaRig({ videoKbps: 690 });

/** A phone's line; payload type 99 is H.264 of one mode, 100 VP8. */
function phoneVideo(
  o: { port?: number; proto?: string; direction?: string; more?: string[]; mode?: number } = {},
): string {
  const { port = 49_200, proto = 'RTP/AVP', direction = 'sendrecv', more = [], mode = 0 } = o;
  return [
    `m=video ${port} ${proto} 99 100`,
    'b=AS:384',
    'a=rtpmap:99 H264/90000',
    `a=fmtp:99 profile-level-id=42800d;packetization-mode=${mode}`,
    'a=rtpmap:100 VP8/90000',
    ...more,
    `a=${direction}`,
    '',
  ].join('\r\n');
}

const phoneWith = (line: string, version = 1) => phoneSdp({ formats: [8], version }) + line;
const PHONE = phoneWith(phoneVideo());

function linesOf(sdp: string): MediaDesc[] {
  const parsed = parseSdp(sdp);
  assert.ok(parsed.ok, sdp);
  return parsed.value.media;
}

function videoOf(sdp: string): MediaDesc {
  const video = linesOf(sdp).find(media => media.kind === 'video');
  assert.ok(video, sdp);
  return video;
}

const names = (media: MediaDesc) => media.codecs.map(codec => codec.name);

/** A browser's answer to an offer of ours that has video: taken or not. */
function answerTo(offer: string, o: { video?: boolean; direction?: string } = {}): string {
  const video = videoOf(offer);
  const [codec] = video.codecs;
  const pt = codec?.pt ?? 0;
  const answer = browserAnswer({ laws: [8] });
  if (o.video === false) return `${answer}m=video 0 UDP/TLS/RTP/SAVPF ${pt}\r\na=mid:${video.mid}\r\n`;
  const line = [
    `m=video 9 UDP/TLS/RTP/SAVPF ${pt}`,
    `a=mid:${video.mid}`,
    `a=rtpmap:${pt} ${codec?.name}/90000`,
    ...(codec?.fmtp == null ? [] : [`a=fmtp:${pt} ${codec.fmtp}`]),
    `a=${o.direction ?? 'sendrecv'}`,
    '',
  ].join('\r\n');
  return `${answer.replace('a=group:BUNDLE 0', `a=group:BUNDLE 0 ${video.mid}`)}${line}`;
}

const withoutVideo = (offer: string) => offer.replace('m=video 9', 'm=video 0');

function talkingOut(phone = PHONE, offer = chromiumOffer({ more: true })) {
  const r = rig();
  r.offerOut(offer);
  const answer = r.answerOut(phone);
  r.open();
  return { ...r, answer };
}

function reofferWeb(r: ReturnType<typeof rig>, sdp: string): void {
  r.run({ type: 'media.reoffer', from: 'web', owner: A, ref: nextRef(), leg: LEG, sdp });
}

function agree(r: ReturnType<typeof rig>, sdp: string | null): string {
  r.run({ type: 'media.agree', owner: A, ref: nextRef(), sdp });
  return r.box.take('media-ready').sdp;
}

const commandsOf = (r: ReturnType<typeof rig>) => r.engine.commands.map(command => command.type);

test('SDP-13 SDP-15 a call out with video: a line of its own with its bandwidth, AVPF as a capability, H.264 first', () => {
  const offer = rig().offerOut();
  const video = videoOf(offer);
  assert.deepEqual([video.proto, video.port, video.bandwidth.as, video.avpfConfig], ['RTP/AVP', 21_002, 690, 1]);
  assert.deepEqual(names(video), ['H264', 'VP8']);
  assert.doesNotMatch(offer, /ice|fingerprint|ssrc|rtx|extmap|BUNDLE/);
});

test('a call out with video: the browser is answered with the codec taken, under its number, and both ways are relayed', () => {
  const { answer, route } = talkingOut();
  const [audio, video, data] = linesOf(answer);
  assert.deepEqual([audio?.live, video?.live, data?.live], [true, true, false]);
  assert.match(answer, /a=group:BUNDLE 0 1\r\n/);
  assert.deepEqual([video?.codecs.map(codec => codec.pt), video?.bandwidth.as], [[98], 384]);
  assert.match(answer, /a=rtcp-fb:98 nack pli\r\n/);
  assert.doesNotMatch(answer, /remb|transport-cc|rtx/);
  const relayed = route().video;
  assert.deepEqual([relayed?.toIms[0]?.in, relayed?.toIms[0]?.out, relayed?.toWeb[0]?.out], [98, 99, 98]);
  assert.deepEqual([relayed?.target?.port, relayed?.feedback, relayed?.toImsOpen], [49_200, false, true]);
});

test('SDP-02 SDP-21 a far end that refuses video, or cannot do it: port 0 for the browser, ports given back, the sound goes on', () => {
  for (const line of ['m=video 0 RTP/AVP 99\r\n', 'm=video 4000 RTP/AVP 99\r\na=rtpmap:99 H265/90000\r\n', '']) {
    const r = talkingOut(phoneWith(line));
    const [audio, video] = linesOf(r.answer);
    assert.deepEqual([audio?.live, video?.port], [true, 0], line);
    assert.match(r.answer, /a=group:BUNDLE 0\r\n/);
    assert.equal(r.route().video, null);
    assert.equal(commandsOf(r).includes('drop-video'), true);
  }
});

test('video is not offered when it is off, when there are no ports for it, or when the engine cannot carry it', () => {
  const off = mediaRig();
  assert.doesNotMatch(off.offerOut(), /m=video/);
  const unable = rig();
  unable.engine.able = { ...unable.engine.able, video: false };
  assert.doesNotMatch(unable.offerOut(), /m=video/);
});

test('SDP-15 AVPF that was agreed is kept, and its feedback relayed; AVPF that is offered is taken', () => {
  const avpf = { proto: 'RTP/AVPF', more: ['a=acfg:1 t=1', 'a=rtcp-fb:* nack pli'] };
  const out = talkingOut(phoneWith(phoneVideo(avpf)));
  assert.equal(out.route().video?.feedback, true);
  assert.equal(videoOf(out.hold(true)).proto, 'RTP/AVPF');
  const incoming = rig();
  const more = ['a=tcap:1 RTP/AVPF', 'a=pcfg:1 t=1', 'a=rtcp-fb:* nack pli'];
  const [offer = ''] = incoming.offerIn(phoneWith(phoneVideo({ more })));
  const answer = incoming.answerIn(answerTo(offer));
  assert.equal(videoOf(answer).proto, 'RTP/AVPF');
  assert.match(answer, /a=acfg:1 t=1\r\n/);
});

test('a call in with video: the browser is offered it in the bundle, and the far end answered under its own numbers', () => {
  const r = rig();
  const [offer = ''] = r.offerIn(PHONE);
  assert.match(offer, /a=group:BUNDLE 0 1\r\n/);
  assert.deepEqual(names(videoOf(offer)), ['H264', 'VP8']);
  const answer = r.answerIn(answerTo(offer));
  const video = videoOf(answer);
  assert.deepEqual([video.codecs.map(codec => codec.pt), video.port > 0, video.proto], [[99], true, 'RTP/AVP']);
  assert.match(answer, /profile-level-id=42800d/);
  r.run({ type: 'media.select', owner: A, leg: LEG });
  r.open();
  const pt = videoOf(offer).codecs[0]?.pt;
  assert.deepEqual([r.route().video?.toIms[0]?.in, r.route().video?.toIms[0]?.out], [pt, 99]);
});

test('SDP-21 a user who answers without camera: port 0 for the far end', () => {
  const r = rig();
  const [offer = ''] = r.offerIn(PHONE);
  assert.equal(videoOf(r.answerIn(answerTo(offer, { video: false }))).port, 0);
  assert.equal(commandsOf(r).at(-1) === 'drop-video' || commandsOf(r).includes('drop-video'), true);
});

test('SDP-21 the browser adds video: a line is appended, the browser answered when the far end has agreed', () => {
  const r = talkingOut(phoneSdp({ formats: [8] }), chromiumOffer());
  reofferWeb(r, chromiumOffer({ more: true, version: 3 }));
  const offer = r.box.take('media-asks').sdp;
  assert.deepEqual(
    linesOf(offer).map(media => media.kind),
    ['audio', 'video'],
  );
  assert.equal(r.route().video, null);
  const answer = agree(r, phoneWith(phoneVideo(), 2));
  assert.equal(videoOf(answer).live, true);
  assert.equal(r.route().video?.target?.port, 49_200);
});

test('SDP-21 the far end refuses video that the browser adds, by an answer or by no answer: the sound goes on, and it can be asked again', () => {
  const r = talkingOut(phoneSdp({ formats: [8] }), chromiumOffer());
  reofferWeb(r, chromiumOffer({ more: true, version: 3 }));
  r.box.take('media-asks');
  assert.equal(videoOf(agree(r, null)).port, 0);
  // The offer was refused, so it never was: our next one does not know of it.
  assert.doesNotMatch(r.hold(true), /m=video/);
  r.hold(false);
  reofferWeb(r, chromiumOffer({ more: true, version: 4 }));
  r.box.take('media-asks');
  assert.equal(videoOf(agree(r, phoneWith('m=video 0 RTP/AVP 96\r\n', 2))).port, 0);
  reofferWeb(r, chromiumOffer({ more: true, version: 5 }));
  const third = r.box.take('media-asks').sdp;
  assert.deepEqual([linesOf(third).length, videoOf(third).port > 0], [2, true]);
  assert.equal(videoOf(agree(r, phoneWith(phoneVideo(), 3))).live, true);
});

test('SDP-21 the browser drops video and revives it: the same place, new ports', () => {
  const r = talkingOut();
  const first = r.engine.commands.filter(command => command.type === 'add-video').length;
  reofferWeb(r, withoutVideo(chromiumOffer({ more: true, version: 3 })));
  const dropped = r.box.take('media-asks').sdp;
  assert.deepEqual([linesOf(dropped).length, videoOf(dropped).port], [2, 0]);
  assert.equal(videoOf(agree(r, phoneWith('m=video 0 RTP/AVP 99\r\n', 2))).port, 0);
  assert.equal(r.route().video, null);
  reofferWeb(r, chromiumOffer({ more: true, version: 4 }));
  const revived = r.box.take('media-asks').sdp;
  assert.deepEqual([linesOf(revived).length, videoOf(revived).live], [2, true]);
  assert.equal(videoOf(agree(r, phoneWith(phoneVideo(), 3))).live, true);
  assert.equal(r.engine.commands.filter(command => command.type === 'add-video').length, first + 1);
});

test('SDP-21 a new connection of the browser without video: the far end hears of it, the sound goes on', () => {
  const r = talkingOut();
  const other = { ufrag: 'nEw1', pwd: 'n'.repeat(24), fingerprint: OTHER_FINGERPRINT, version: 3 };
  reofferWeb(r, chromiumOffer({ more: true, ...other }));
  assert.equal(
    r.box.all.some(event => event.type === 'media-asks'),
    false,
    'with the same video nothing has changed',
  );
  r.box.all.length = 0;
  reofferWeb(r, withoutVideo(chromiumOffer({ more: true, version: 4 })));
  const told = r.box.take('media-asks').sdp;
  assert.deepEqual([linesOf(told).length, videoOf(told).port], [2, 0]);
  const answer = agree(r, phoneWith('m=video 0 RTP/AVP 99\r\n', 2));
  assert.deepEqual([videoOf(answer).port, linesOf(answer)[0]?.live], [0, true]);
  assert.equal(r.route().video, null);
  assert.equal(commandsOf(r).includes('drop-video'), true);
});

test('SDP-21 an ICE restart or a new connection that drops or adds video: the far end hears of it, the browser has its new credentials', () => {
  const connections = [{ fingerprint: OTHER_FINGERPRINT }, { fingerprint: `${'AB:'.repeat(31)}AB` }];
  for (const [first, second] of [[{}, {}], connections]) {
    const r = talkingOut();
    r.engine.restarts = true;
    const ufrag = linesOf(r.answer)[0]?.ice?.ufrag;
    reofferWeb(r, withoutVideo(chromiumOffer({ more: true, version: 3, ...first, ufrag: 'nEw1' })));
    assert.equal(videoOf(r.box.take('media-asks').sdp).port, 0);
    const dropped = agree(r, phoneWith('m=video 0 RTP/AVP 99\r\n', 2));
    assert.notEqual(linesOf(dropped)[0]?.ice?.ufrag, ufrag);
    assert.deepEqual([videoOf(dropped).port, r.route().video], [0, null]);
    reofferWeb(r, chromiumOffer({ more: true, version: 4, ...second, ufrag: 'nEw2' }));
    assert.equal(videoOf(r.box.take('media-asks').sdp).live, true);
    const added = agree(r, phoneWith(phoneVideo(), 3));
    assert.notEqual(linesOf(added)[0]?.ice?.ufrag, linesOf(dropped)[0]?.ice?.ufrag);
    assert.deepEqual([videoOf(added).live, r.route().video?.target?.port], [true, 49_200]);
  }
});

test('SDP-21 sixteen m-lines have no room for video: it is refused without a question, and the sound goes on', () => {
  const lines = (line: string) => line.repeat(15);
  const full = chromiumOffer() + lines('m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n');
  const r = talkingOut(phoneSdp({ formats: [8] }), full);
  const answer = r.reofferIms(phoneWith(phoneVideo(), 2));
  assert.deepEqual([videoOf(answer).port, linesOf(answer)[0]?.live], [0, true]);
  const own = phoneSdp({ formats: [8] }) + lines('m=application 0 TCP/MSRP *\r\n');
  const i = rig();
  i.offerIn(own);
  i.answerIn(browserAnswer({ laws: [8] }));
  i.run({ type: 'media.select', owner: A, leg: LEG });
  i.open();
  reofferWeb(i, chromiumOffer({ more: true, version: 3 }));
  assert.equal(videoOf(i.box.take('media-ready').sdp).port, 0);
  for (const { box } of [r, i])
    assert.equal(
      box.all.some(event => event.type === 'media-asks'),
      false,
    );
});

test('ports for video that come when nobody waits for them any more are given back', () => {
  const r = rig();
  r.offerOut(chromiumOffer());
  r.answerOut(phoneSdp({ formats: [8] }));
  r.open();
  r.engine.mute = true;
  reofferWeb(r, chromiumOffer({ more: true, version: 3 }));
  r.pass(MEDIA_DEFAULTS.operationMs);
  assert.equal(r.box.take('media-failed').failure, 'timeout');
  const asked = r.engine.commands.find(command => command.type === 'add-video');
  assert.ok(asked);
  const added = (op: number) =>
    r.engine.emit({ type: 'video-added', session: asked.session, op, ims: { address: '192.0.2.1', port: 21_100 } });
  reofferWeb(r, chromiumOffer({ more: true, version: 4 }));
  added(asked.op);
  assert.equal(commandsOf(r).includes('drop-video'), false, 'the ports that are asked for now would go with them');
  r.pass(MEDIA_DEFAULTS.operationMs);
  added(asked.op + 1);
  assert.equal(commandsOf(r).filter(type => type === 'drop-video').length, 1);
});

test('SDP-21 the far end adds video: the browser is asked, and its answer decides', () => {
  for (const [video, direction] of [
    [true, 'sendrecv'],
    [true, 'recvonly'],
    [false, 'inactive'],
    [false, null],
  ] as const) {
    const r = talkingOut(phoneSdp({ formats: [8] }), chromiumOffer());
    r.run({ type: 'media.reoffer', from: 'ims', owner: A, ref: nextRef(), sdp: phoneWith(phoneVideo(), 2) });
    const offer = r.box.take('media-asks').sdp;
    assert.deepEqual([linesOf(offer).length, linesOf(offer)[0]?.codecs[0]?.pt], [2, 8]);
    const answer = agree(r, answerTo(offer, direction === null ? { video } : { direction }));
    assert.equal(videoOf(answer).live, video);
    assert.equal(r.route().video !== null, video);
  }
});

test('SDP-21 the browser says nothing: the far end is answered without video, and the next offer of the browser fits', () => {
  const r = talkingOut(phoneSdp({ formats: [8] }), chromiumOffer());
  r.run({ type: 'media.reoffer', from: 'ims', owner: A, ref: nextRef(), sdp: phoneWith(phoneVideo(), 2) });
  r.box.take('media-asks');
  assert.equal(videoOf(agree(r, null)).port, 0);
  reofferWeb(r, chromiumOffer({ direction: 'sendonly', version: 4 }));
  assert.equal(linesOf(r.box.take('media-ready').sdp).length, 1);
});

test('SDP-21 the far end drops video: it is answered at once, and the browser offered the call without it', () => {
  const r = talkingOut();
  assert.equal(videoOf(r.reofferIms(phoneWith('m=video 0 RTP/AVP 99\r\n', 2))).port, 0);
  const renewed = r.box.take('media-renews').sdp;
  assert.deepEqual(
    linesOf(renewed).map(media => media.live),
    [true, false, false],
  );
  const answer = `${browserAnswer({ laws: [8], event: 126 })}m=video 0 UDP/TLS/RTP/SAVPF 98\r\nm=application 0 UDP/DTLS/SCTP x\r\n`;
  assert.equal(agree(r, answer), '');
  assert.equal(r.route().video, null);
  assert.equal(r.route().toIms[0]?.in, 8);
});

test('hold and the directions of each side close the gates of video as they do those of the sound', () => {
  const r = talkingOut(phoneWith(phoneVideo({ direction: 'sendonly' })));
  assert.deepEqual([r.route().video?.toImsOpen, r.route().video?.toWebOpen], [false, true]);
  const held = r.hold(true);
  assert.equal(videoOf(held).live, true);
  assert.deepEqual([r.route().video?.toImsOpen, r.route().video?.toWebOpen], [false, false]);
  const same = talkingOut();
  assert.equal(videoOf(same.reofferIms(phoneWith(phoneVideo(), 2))).live, true);
  assert.equal(videoOf(same.reofferIms(phoneWith(phoneVideo({ port: 50_000 }), 3))).live, true);
  assert.equal(same.route().video?.target?.port, 50_000);
});

test('a far end that points its video at a forbidden address has none', () => {
  const r = talkingOut(phoneWith(phoneVideo().replace('b=AS', 'c=IN IP4 198.51.100.1\r\nb=AS')));
  assert.deepEqual([linesOf(r.answer)[0]?.live, videoOf(r.answer).port], [true, 0]);
});

test('a page that comes back with a new connection has its video again', () => {
  const r = talkingOut();
  reofferWeb(r, chromiumOffer({ more: true, ufrag: 'Yy77', fingerprint: `${'AB:'.repeat(31)}AB`, version: 9 }));
  assert.equal(videoOf(r.box.take('media-ready').sdp).live, true);
  assert.equal(r.route().video?.toIms[0]?.in, 98);
});

test('SDP-22 video that the far end takes too late: our next offer has its line, refused', () => {
  const r = talkingOut(phoneSdp({ formats: [8] }), chromiumOffer());
  reofferWeb(r, chromiumOffer({ more: true, version: 3 }));
  r.box.take('media-asks');
  agree(r, null);
  r.run({ type: 'media.settle', owner: A, sdp: phoneWith(phoneVideo(), 2) });
  const offer = r.hold(false);
  assert.deepEqual([linesOf(offer).length, videoOf(offer).port], [2, 0]);
  assert.equal(r.route().video, null);
});

test('video that cannot be told from the sound of its bundle is refused, and the sound goes on', () => {
  const offer = chromiumOffer({ more: true });
  const [audio, video] = [linesOf(offer)[0], videoOf(offer)];
  const at = offer.indexOf('m=video');
  const [sound, picture] = [offer.slice(0, at), offer.slice(at)];
  const pts = audio?.codecs.map(codec => codec.pt) ?? [];
  // Every codec of the picture under a number of the sound.
  const shared = video.codecs.reduce(
    (text, { pt }, i) => text.replaceAll(new RegExp(`(?<=(rtpmap|fmtp):|SAVPF.* )${pt}\\b`, 'g'), `${pts[i]}`),
    picture,
  );
  for (const hostile of [sound + shared, offer.replace(`a=mid:${video.mid}`, `a=mid:${audio?.mid}`)]) {
    assert.deepEqual(names(videoOf(hostile)), names(video));
    const lines = linesOf(rig().offerOut(hostile));
    assert.deepEqual([lines[0]?.live, lines.some(line => line.kind === 'video' && line.live)], [true, false]);
  }
});

test('video of another family of addresses than the sound is refused: a call has sockets of one', () => {
  const both = mediaRig({
    videoKbps: 690,
    ims: {
      ...MEDIA_DEFAULTS.ims,
      other: { bind: '::1', advertise: '2001:db8::1' },
      mediaPrefixes: ['0.0.0.0/0', '::/0'],
    },
  });
  const [offer = ''] = both.offerIn(phoneWith(phoneVideo().replace('b=AS:384', 'c=IN IP6 2001:db8::9\r\nb=AS:384')));
  assert.equal(
    linesOf(offer).some(line => line.kind === 'video' && line.live),
    false,
  );
});

test('mutants of video in every SDP of a call: no throw, no port too many, and what we say parses', () => {
  const words = fc.constantFrom(
    '0',
    '65536',
    '255',
    '-1',
    '96',
    '111',
    'inactive',
    '0.0.0.0',
    'm=video 0 RTP/AVP 0',
    '',
  );
  const edits = fc.array(fc.tuple(fc.nat(60), fc.constantFrom('drop', 'copy', 'word'), fc.nat(8), words), {
    maxLength: 4,
  });
  const mutant = (sdp: string, list: ReadonlyArray<[number, string, number, string]>): string => {
    const lines = sdp.trimEnd().split('\r\n');
    const first = lines.findIndex(line => line.startsWith('m=video'));
    for (const [at, how, word, text] of list) {
      // The sound stays; all behind it, and the group, is theirs to spoil.
      const i = first + (at % Math.max(1, lines.length - first));
      if (how === 'word')
        lines[i] = (lines[i] ?? '')
          .split(/(?<=[ :=])/)
          .map((w, n) => (n === word ? text : w))
          .join('');
      else lines.splice(i, how === 'drop' ? 1 : 0, ...(how === 'copy' ? lines.slice(i, i + 2) : []));
    }
    return `${lines.join('\r\n')}\r\n`;
  };
  fc.assert(
    fc.property(edits, edits, edits, edits, (offer, answer, theirs, ours) => {
      const r = rig();
      const say = (run: () => void) => {
        run();
        for (const event of r.box.all.splice(0)) if ('sdp' in event && event.sdp !== '') linesOf(event.sdp ?? '');
      };
      const owner = A;
      say(() =>
        r.run({
          type: 'media.offer',
          from: 'web',
          owner,
          ref: nextRef(),
          leg: LEG,
          sdp: mutant(chromiumOffer({ more: true }), offer),
        }),
      );
      say(() =>
        r.run({ type: 'media.answer', from: 'ims', owner, ref: nextRef(), fork: 'f', sdp: mutant(PHONE, answer) }),
      );
      say(() => r.open());
      say(() =>
        r.run({
          type: 'media.reoffer',
          from: 'ims',
          owner,
          ref: nextRef(),
          sdp: mutant(phoneWith(phoneVideo(), 2), theirs),
        }),
      );
      say(() =>
        r.run({
          type: 'media.reoffer',
          from: 'web',
          owner,
          ref: nextRef(),
          leg: LEG,
          sdp: mutant(chromiumOffer({ more: true }), ours),
        }),
      );
      say(() => r.run({ type: 'media.agree', owner, ref: nextRef(), sdp: mutant(PHONE, answer) }));
      const ports = { 'add-video': 0, 'drop-video': 0 };
      for (const { type } of r.engine.commands) if (type === 'add-video' || type === 'drop-video') ports[type] += 1;
      assert.ok(ports['add-video'] - ports['drop-video'] <= 1);
      r.run({ type: 'media.release', owner });
      assert.deepEqual(r.sizes(), { sessions: 0, waiting: 0 });
    }),
    { numRuns: 150 * SCALE },
  );
});
