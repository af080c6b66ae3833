/** Codecs that pass as they are over an engine that does not transcode. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextRef } from '../../test/support/media-inbox.ts';
import { A, mediaRig } from '../../test/support/media-rig.ts';
import { chromiumOffer, phoneSdp } from '../../test/support/media-sdp.ts';
import type { PtRule } from './engine.ts';

const short = (rules: readonly PtRule[]) => rules.map(r => `${r.in} ${r.from.name} > ${r.out} ${r.to.name}`);

test('without a transcoder Opus and G.722 pass as they are where the settings have them on both sides', () => {
  const wide = { webCodecs: ['opus', 'G722', 'PCMA'], imsCodecs: ['opus', 'G722', 'PCMA'] } as const;
  const settings = { webCodecs: [...wide.webCodecs], imsCodecs: [...wide.imsCodecs] };
  const { offerOut, answerOut, route, hold } = mediaRig(settings);
  const offer = offerOut();
  assert.match(offer, /m=audio 21000 RTP\/AVP 111 9 8 110 126\r\n/);
  assert.match(offer, /a=rtpmap:111 opus\/48000\/2\r\na=fmtp:111 useinbandfec=1;stereo=0\r\n/);
  const opus = ['a=rtpmap:111 opus/48000/2', 'a=rtpmap:110 telephone-event/48000'];
  const answer = answerOut(phoneSdp({ formats: [111, 110], event: null, maps: opus }));
  assert.match(answer, /SAVPF 111 110\r\n/);
  assert.deepEqual(short(route().toWeb), ['111 opus > 111 opus', '110 telephone-event > 110 telephone-event']);
  // Nothing else can be made of it.
  assert.match(hold(true), /m=audio 21000 RTP\/AVP 111 110\r\n/);
  const incoming = mediaRig(settings);
  assert.match(incoming.offerIn(phoneSdp({ formats: [9, 18] }))[0] ?? '', /SAVPF 9 101\r\n/);
});

test('without a transcoder a fork and a re-INVITE with a codec that cannot pass are refused, and the call goes on', () => {
  const { offerOut, answerOut, run, box, route } = mediaRig({
    webCodecs: ['opus', 'PCMA', 'PCMU'],
    imsCodecs: ['opus', 'PCMA'],
  });
  offerOut();
  const opus = phoneSdp({ formats: [111], event: null, maps: ['a=rtpmap:111 opus/48000/2'] });
  const answer = answerOut(opus);
  const before = route();
  run({ type: 'media.answer', from: 'ims', owner: A, ref: nextRef(), fork: 'g', sdp: phoneSdp({ formats: [8] }) });
  assert.equal(box.take('media-failed').failure, 'no-codec');
  run({ type: 'media.reoffer', from: 'ims', owner: A, ref: nextRef(), sdp: phoneSdp({ formats: [8], version: 2 }) });
  assert.equal(box.take('media-failed').failure, 'no-codec');
  assert.deepEqual(route(), before);
  assert.equal(answerOut(opus), answer);
});

test('a native client with AMR-WB talks to AMR-WB without a transcoder', () => {
  const rig = mediaRig({ webCodecs: ['AMR-WB', 'PCMA'], imsCodecs: ['AMR-WB', 'PCMA'] });
  const native = chromiumOffer()
    .replace('SAVPF 111 ', 'SAVPF 99 ')
    .replace('a=rtpmap:111 opus/48000/2', 'a=rtpmap:99 AMR-WB/16000')
    .replace('a=fmtp:111 minptime=10;useinbandfec=1', 'a=fmtp:99 octet-align=1;mode-set=0,1,2');
  assert.match(rig.offerOut(native), /RTP\/AVP 99 8 126\r\nb=AS:80[\s\S]*a=fmtp:99 octet-align=1;mode-set=0,1,2\r\n/);
});
