/** What every engine must do with the video of a call; part of its contract. The far ends are SDP alone. */
import assert from 'node:assert/strict';
import type { MediaPlane } from '../../src/eims-agw/media-plane.ts';
import type { CallId } from '../../src/ep-cscf/ids.ts';
import { type MediaDesc, parseSdp } from '../../src/sdp/index.ts';
import { type Inbox, legId, nextRef } from './media-inbox.ts';
import { browserAnswer, chromiumOffer, OTHER_FINGERPRINT, phoneSdp } from './media-sdp.ts';

const LEG = legId('leg-1');
/** The browser keeps these for the call. */
const BROWSER = { ufrag: 'kW3f', pwd: 'q0dL9Jx2pS7vN4hR6tYb1mZk' };
const OFFER = chromiumOffer({ more: true, ...BROWSER })
  .replace(/m=application[\s\S]*/, '')
  .replace('BUNDLE 0 1 2', 'BUNDLE 0 1');

function linesOf(sdp: string): { sound: MediaDesc; picture: MediaDesc } {
  const parsed = parseSdp(sdp);
  assert.ok(parsed.ok, sdp);
  const [sound, picture] = parsed.value.media;
  assert.ok(sound && picture?.kind === 'video', sdp);
  return { sound, picture };
}

const vp8Of = ({ codecs }: MediaDesc): number => codecs.find(({ name }) => name === 'VP8')?.pt ?? -1;

/** The far end with VP8 at this port; 0: it has none any more. With a suite it is SRTP. */
function phoneWith(address: string, pt: number, port: number, version: number, suite: string | null = null): string {
  const sound = phoneSdp({ address, port: 40_020, formats: [8], version });
  const crypto = suite === null ? '' : `a=crypto:3 ${suite} inline:${Buffer.alloc(30, version).toString('base64')}\r\n`;
  return `${sound}m=video ${port} RTP/${crypto && 'S'}AVP ${pt}\r\na=rtpmap:${pt} VP8/90000\r\n${crypto}`;
}

/** The browser's answer to an offer of ours, the picture this way; `rejected`: the line is dead. */
function answerTo(offer: string, direction: 'sendrecv' | 'inactive', rejected = false): string {
  const { sound, picture } = linesOf(offer);
  const [, inBundle] = /a=group:BUNDLE 0 (\S+)/.exec(offer) ?? [];
  const laws = sound.codecs.filter(({ name }) => name === 'PCMA').map(({ pt }) => pt);
  const pt = vp8Of(picture);
  return [
    browserAnswer({ ...BROWSER, laws, event: null }).replace(
      'BUNDLE 0',
      `BUNDLE 0${inBundle === undefined ? '' : ' 1'}`,
    ),
    `m=video ${rejected ? 0 : 9} UDP/TLS/RTP/SAVPF ${pt}\r\na=mid:${picture.mid}\r\na=rtpmap:${pt} VP8/90000\r\n`,
    `a=ice-ufrag:vid0\r\na=ice-pwd:vid00000000000000000000\r\na=fingerprint:sha-256 ${OTHER_FINGERPRINT}\r\n`,
    `a=setup:active\r\na=rtcp-mux\r\na=${direction}\r\n`,
  ].join('');
}

/** Video in a call out of `owner`: taken, dropped and asked for again by the far end, refused and taken at the browser. */
export async function videoComesAndGoes(
  { plane, box }: { plane: MediaPlane; box: Inbox },
  owner: CallId,
  phoneHost: string,
  apart: boolean,
): Promise<void> {
  const { run } = plane.port;
  const leg = LEG;
  run({ type: 'media.offer', from: 'web', owner, ref: nextRef(), leg, sdp: OFFER });
  const offer = linesOf((await box.wait('media-ready')).sdp);
  assert.equal(new Set([offer.sound.port, offer.picture.port, 0]).size, 3);
  assert.equal(offer.picture.port % 2, 0);
  const pt = vp8Of(offer.picture);
  const sdp = phoneWith(phoneHost, pt, 40_022, 1);
  run({ type: 'media.answer', from: 'ims', owner, ref: nextRef(), fork: 'f', sdp });
  const answer = linesOf((await box.wait('media-ready')).sdp);
  assert.ok(answer.picture.live && vp8Of(answer.picture) === 96);
  assert.equal(answer.picture.ice?.ufrag !== answer.sound.ice?.ufrag, apart);
  run({ type: 'media.gate', owner, fromIms: true, fromWeb: true });

  const fromIms = (port: number, version: number, suite?: string) => {
    const text = phoneWith(phoneHost, pt, port, version, suite);
    run({ type: 'media.reoffer', from: 'ims', owner, ref: nextRef(), sdp: text });
  };
  const agree = async (text: string) => {
    run({ type: 'media.agree', owner, ref: nextRef(), sdp: text });
    return (await box.wait('media-ready')).sdp;
  };
  fromIms(0, 2);
  assert.equal(linesOf((await box.wait('media-ready')).sdp).picture.port, 0);
  const without = (await box.wait('media-renews')).sdp;
  assert.equal(linesOf(without).picture.live, false);
  await agree(answerTo(without, 'inactive', true));
  fromIms(40_024, 3, 'AES_CM_128_HMAC_SHA1_32');
  const asked = (await box.wait('media-asks')).sdp;
  assert.equal(linesOf(await agree(answerTo(asked, 'inactive'))).picture.port, 0);
  // Each time it says anew how it is protected.
  fromIms(40_026, 4, 'AES_CM_128_HMAC_SHA1_80');
  const again = (await box.wait('media-asks')).sdp;
  // The browser holds on to what it was offered.
  assert.deepEqual(linesOf(again).picture.ice, linesOf(asked).picture.ice);
  const { picture } = linesOf(await agree(answerTo(again, 'sendrecv')));
  assert.ok(picture.port > 0 && picture.proto === 'RTP/SAVP');
  assert.deepEqual(
    picture.crypto.map(({ tag, suite }) => [tag, suite]),
    [[3, 'AES_CM_128_HMAC_SHA1_80']],
  );
  run({ type: 'media.release', owner });
  await box.wait('media-stats');
  assert.equal(plane.health().sessions, 0);
}
