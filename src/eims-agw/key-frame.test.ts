/** A key frame asked for by signalling: from the core to the engine, and from the engine to the core. RFC 5168. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { A, mediaRig } from '../../test/support/media-rig.ts';
import { chromiumOffer, phoneSdp } from '../../test/support/media-sdp.ts';

const VIDEO = 'm=video 49200 RTP/AVP 100\r\na=rtpmap:100 VP8/90000\r\n';

test('RTP-11 a wish for a key frame goes through, where there is video', () => {
  for (const video of [true, false]) {
    const r = mediaRig({ videoKbps: 690 });
    r.offerOut(chromiumOffer({ more: true }));
    r.answerOut(phoneSdp({ formats: [8] }) + (video ? VIDEO : ''));
    r.open();
    r.run({ type: 'media.key-frame', owner: A });
    assert.equal(r.engine.commands.filter(({ type }) => type === 'key-frame').length, video ? 1 : 0);
    r.engine.emit({ type: 'key-frame-wanted', session: 1 });
    assert.deepEqual(r.box.take('media-key-frame'), { type: 'media-key-frame', owner: A });
  }
});
