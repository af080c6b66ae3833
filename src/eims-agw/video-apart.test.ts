/** Video over an engine that does not bundle: a transport of its own beside that of the sound, and one payload type on both sides. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TRANSCODER } from '../../test/support/media-caps.ts';
import { nextRef } from '../../test/support/media-inbox.ts';
import { A, LEG, mediaRig } from '../../test/support/media-rig.ts';
import { browserAnswer, chromiumOffer, OTHER_FINGERPRINT, phoneSdp } from '../../test/support/media-sdp.ts';
import { parseSdp } from '../sdp/index.ts';
import type { EngineCommand } from './engine.ts';

const rig = () => {
  const r = mediaRig({ videoKbps: 690 });
  r.engine.able = TRANSCODER;
  return r;
};
const linesOf = (sdp: string) => {
  const parsed = parseSdp(sdp);
  assert.ok(parsed.ok, sdp);
  return parsed.value.media;
};
/** A phone that takes VP8 under this number. */
const vp8 = (pt: number, version = 1) =>
  `${phoneSdp({ formats: [8], version })}m=video 49200 RTP/AVP ${pt}\r\na=rtpmap:${pt} VP8/90000\r\n`;
/** A browser's answer that has the offer's video under VP8, this way. */
const webVideo = (direction: string, port = 9) =>
  browserAnswer({ laws: [8] }) +
  `m=video ${port} UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=rtpmap:96 VP8/90000\r\n` +
  `a=ice-ufrag:vid0\r\na=ice-pwd:vid00000000000000000000\r\na=fingerprint:sha-256 ${OTHER_FINGERPRINT}\r\na=${direction}\r\n`;
const lastConnect = (commands: EngineCommand[]) => commands.findLast(command => command.type === 'connect');

test('SDP-21 the picture has credentials and a candidate of its own, outside the bundle, and the engine hears of both ends', () => {
  const r = rig();
  assert.deepEqual(
    linesOf(r.offerOut())[1]?.codecs.map(({ pt, name }) => [pt, name]),
    [
      [98, 'H264'],
      [96, 'VP8'],
    ],
  );
  const answer = r.answerOut(vp8(96));
  r.open();
  const [audio, video] = linesOf(answer);
  assert.ok(audio?.ice && video?.ice && video.live);
  assert.notEqual(audio.ice.ufrag, video.ice.ufrag);
  assert.equal(video.candidates.length, 1);
  assert.doesNotMatch(answer, /BUNDLE/);
  assert.equal(lastConnect(r.engine.commands)?.remote.video?.mid, '1');
  assert.deepEqual([r.route().video?.toIms[0]?.in, r.route().video?.toIms[0]?.out], [96, 96]);
});

test('SDP-21 a far end with another number for the codec, and a browser whose line is only to be had in the bundle: the sound alone', () => {
  const other = rig();
  other.offerOut();
  const [audio, video] = linesOf(other.answerOut(vp8(101)));
  assert.deepEqual([audio?.live, video?.live, other.route().video], [true, false, null]);
  const bundled = chromiumOffer({ more: true })
    .replace('m=video 9 ', 'm=video 0 ')
    .replace('a=mid:1', 'a=bundle-only\r\na=mid:1');
  assert.doesNotMatch(rig().offerOut(bundled), /m=video/);
});

test('SDP-21 a picture added in a call is connected before the browser is answered', () => {
  const r = rig();
  r.offerOut(chromiumOffer({ more: true }).replace('m=video 9', 'm=video 0'));
  assert.match(r.answerOut(phoneSdp({ formats: [8] })), /a=group:BUNDLE 0\r\n/);
  r.open();
  const { commands } = r.engine;
  const sdp = chromiumOffer({ more: true, version: 3 });
  r.run({ type: 'media.reoffer', from: 'web', owner: A, ref: nextRef(), leg: LEG, sdp });
  r.box.take('media-asks');
  const before = commands.length;
  r.run({ type: 'media.agree', owner: A, ref: nextRef(), sdp: vp8(96, 2) });
  const answer = r.box.take('media-ready').sdp;
  assert.equal(linesOf(answer)[1]?.live, true);
  assert.doesNotMatch(answer, /BUNDLE/);
  assert.deepEqual(
    commands.slice(before).map(({ type }) => type),
    ['connect', 'route'],
  );
  assert.equal(lastConnect(commands)?.remote.video?.mid, '1');
});

test('SDP-21 a browser that refuses a picture, and not its line, is offered the next in the transport that it keeps, as long as no SDP of ours has ended the line', () => {
  const r = rig();
  r.offerIn(phoneSdp({ formats: [8] }));
  r.answerIn(browserAnswer({ laws: [8] }));
  r.run({ type: 'media.select', owner: A, leg: LEG });
  r.open();
  let version = 1;
  /** The far end asks for video: what the engine is asked for, and told once the browser has answered. */
  const asked = (answer: string | null) => {
    const from = r.engine.commands.length;
    version += 1;
    r.run({ type: 'media.reoffer', from: 'ims', owner: A, ref: nextRef(), sdp: vp8(96, version) });
    r.box.take('media-asks');
    r.run({ type: 'media.agree', owner: A, ref: nextRef(), sdp: answer });
    r.box.take('media-ready');
    return r.engine.commands
      .slice(from)
      .flatMap(c => (c.type === 'add-video' || c.type === 'drop-video' ? [`${c.type} ${c.kept ?? false}`] : []));
  };
  assert.deepEqual(asked(null), ['add-video false', 'drop-video false']);
  assert.deepEqual(asked(webVideo('inactive')), ['add-video false', 'drop-video true']);
  assert.deepEqual(asked(webVideo('inactive', 0)), ['add-video true', 'drop-video false']);
  assert.deepEqual(asked(webVideo('inactive')), ['add-video false', 'drop-video true']);
  // Video is not what the browser offers now.
  const sdp = webVideo('inactive').replace('a=setup:active', 'a=setup:actpass');
  r.run({ type: 'media.reoffer', from: 'web', owner: A, ref: nextRef(), leg: LEG, sdp });
  assert.equal(linesOf(r.box.take('media-ready').sdp)[1]?.live, false);
  assert.deepEqual(asked(webVideo('sendrecv')), ['add-video false']);
});
