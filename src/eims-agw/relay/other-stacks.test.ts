/** Our DTLS and SRTP against OpenSSL with libsrtp (libdatachannel) and against werift: real packets both ways, under each profile. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { browserPeer } from '../../../test/support/media-browser.ts';
import { callId, legId, nextRef } from '../../../test/support/media-inbox.ts';
import { endNative, nativePeer } from '../../../test/support/media-ndc.ts';
import { phone } from '../../../test/support/media-phone.ts';
import { realMedia } from '../../../test/support/media-real.ts';

const HOST = '127.0.44.210';
const PACKETS = 40;
const SPEECH = Uint8Array.from({ length: 160 }, (_, i) => (i * 5) & 0xff);

after(endNative);

const CM = ['AES_CM_128_HMAC_SHA1_80', 'leg-profile-cm'] as const;
const GCM = ['AEAD_AES_128_GCM', 'leg-profile-gcm'] as const;

for (const [stack, peer, [srtp, event]] of [
  ['libdatachannel', nativePeer, CM],
  ['libdatachannel', nativePeer, GCM],
  ['werift', browserPeer, CM],
  ['werift', browserPeer, GCM],
] as const) {
  test(`${stack}, ${srtp}: every packet and report passes both ways, over a wrap of the sequence number`, async t => {
    const media = await realMedia(HOST, { srtp: [srtp], rtcpMs: 200 });
    const browser = peer();
    const far = await phone('127.0.44.211');
    t.after(async () => {
      await browser.close();
      far.close();
      await media.close();
    });
    const owner = callId('native');
    const { run } = media.plane.port;
    run({ type: 'media.offer', from: 'web', owner, ref: nextRef(), leg: legId('leg'), sdp: await browser.offer() });
    far.learn((await media.box.wait('media-ready')).sdp);
    run({ type: 'media.answer', from: 'ims', owner, ref: nextRef(), fork: 'f', sdp: far.sdp({ laws: [8] }) });
    await browser.accept((await media.box.wait('media-ready')).sdp);
    await media.box.wait('media-connected');
    run({ type: 'media.gate', owner, fromIms: true, fromWeb: true });
    const full = () => far.rtp.length >= PACKETS && browser.rtp.length >= PACKETS && browser.rtcp.length > 0;
    for (let i = 0; i < 3000 && !full(); i += 1) {
      const packet = { pt: 8, seq: (65_520 + i) & 0xffff, ts: i * 160, payload: SPEECH };
      await browser.send(packet);
      far.send(packet);
      await new Promise(resolve => setTimeout(resolve, 10));
    }
    assert.ok(full(), `${far.rtp.length} ${browser.rtp.length} ${browser.rtcp.length}`);
    assert.ok(far.rtp.every(p => p.subarray(12).equals(SPEECH)));
    assert.ok(browser.rtp.every(p => p.payload.equals(Buffer.from(SPEECH))));
    run({ type: 'media.release', owner });
    await media.box.wait('media-stats');
    assert.equal(await media.figure(event, 1), 1);
    const counted = (name: string) => media.counted.get(`media_events_total ${name}`) ?? 0;
    assert.deepEqual([counted('leg-tag'), counted('leg-replay'), counted('leg-malformed')], [0, 0, 0]);
    // Nothing of an honest call is thrown away, but for a flight that a slow machine made the peer send twice.
    const lost = media.lines.filter(
      ([level, , fields]) => level === 'warn' && fields['reason'] !== 'dtls-dropped-records',
    );
    assert.deepEqual(lost, []);
  });
}
