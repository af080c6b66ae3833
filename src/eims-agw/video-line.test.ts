/** m=video lines read and written. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MediaDesc, parseSdp } from '../sdp/index.ts';
import { sdesLines } from './sdes.ts';
import { common, forIms, forWeb, readVideo, videoLines } from './video-line.ts';

function media(head: string, ...lines: string[]): MediaDesc | undefined {
  const parsed = parseSdp(`v=0\r\nm=video ${head}\r\n${lines.map(line => `${line}\r\n`).join('')}`);
  assert.ok(parsed.ok);
  return parsed.value.media[0];
}

const CHROMIUM = media(
  '9 UDP/TLS/RTP/SAVPF 96 97 102 104 106 108 45',
  'a=rtpmap:96 VP8/90000',
  'a=rtpmap:97 rtx/90000',
  'a=rtpmap:102 H264/90000',
  'a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f',
  'a=rtpmap:104 H264/90000',
  'a=fmtp:104 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f',
  'a=rtpmap:106 H264/90000',
  'a=fmtp:106 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f',
  'a=rtpmap:108 H264/90000',
  'a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d001f',
  'a=rtpmap:45 AV1/90000',
  'a=rtcp-fb:96 nack pli',
  'a=extmap:13 urn:3gpp:video-orientation',
);

test('of a browser Constrained Baseline comes first, then the rest of H.264, then VP8; profiles of others and rtx are not there', () => {
  const line = readVideo(CHROMIUM);
  assert.deepEqual(
    line?.codecs.map(codec => codec.pt),
    [106, 104, 102, 96],
  );
  assert.deepEqual([line?.orientation, line?.feedback, line?.sends], [13, 'agreed', true]);
});

test('a line that is refused, or has nothing that passes, is none', () => {
  assert.equal(readVideo(media('0 RTP/AVP 99', 'a=rtpmap:99 H264/90000')), null);
  assert.equal(readVideo(media('4000 RTP/AVP 99', 'a=rtpmap:99 H265/90000')), null);
  assert.equal(readVideo(media('4000 RTP/AVP 31')), null);
  assert.equal(readVideo(undefined), null);
});

test('packetization modes are codecs of their own, levels are not', () => {
  const phone = readVideo(
    media('4000 RTP/AVP 99', 'a=rtpmap:99 H264/90000', 'a=fmtp:99 profile-level-id=42800c; packetization-mode=0'),
  );
  const ours = readVideo(CHROMIUM)?.codecs ?? [];
  assert.equal(common(ours, phone?.codecs ?? [])?.pt, 104);
  assert.equal(common(phone?.codecs ?? [], ours.slice(0, 1)), null);
  const [codec] = phone?.codecs ?? [];
  assert.ok(codec);
  assert.equal(forWeb(codec).fmtp, 'level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e00c');
  assert.equal(forIms(codec, codec).fmtp, 'level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42800c');
  assert.equal(forIms({ ...codec, fmtp: null }, null).fmtp?.endsWith('42e01f'), true);
});

test('SDP-15 AVPF is offered as a capability, taken as a configuration, and nothing of it is said to who has not asked', () => {
  const text = { codecs: [], direction: 'sendrecv' as const, kbps: 690, orientation: null };
  assert.deepEqual(sdesLines(null, 'offered'), ['a=tcap:1 RTP/AVPF', 'a=pcfg:1 t=1']);
  assert.ok(videoLines({ ...text, feedback: 3 }).includes('a=acfg:3 t=1'));
  assert.equal(
    videoLines({ ...text, feedback: null }).some(line => /fb|cap|cfg/.test(line)),
    false,
  );
  const offer = (fb: string) =>
    readVideo(media('4000 RTP/AVP 99', 'a=rtpmap:99 VP8/90000', 'a=tcap:1 RTP/AVPF', 'a=pcfg:1 t=1', fb))?.feedback;
  assert.deepEqual([offer('a=rtcp-fb:* nack pli'), offer('a=x')], [1, null]);
});
