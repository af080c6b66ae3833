/** What strangers send to the media ports leaves a figure and one line for each reason, and nothing they could learn from. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { test } from 'node:test';
import { callId, legId, nextRef } from '../../../test/support/media-inbox.ts';
import { bindingRequest } from '../../../test/support/media-light.ts';
import { phone } from '../../../test/support/media-phone.ts';
import { realMedia } from '../../../test/support/media-real.ts';
import { chromiumOffer } from '../../../test/support/media-sdp.ts';

const HOST = '127.0.44.220';
const EACH = 20;

test('RTP-08 SEC-03 broken and foreign datagrams on both sides: one line for each reason, without addresses or secrets', async t => {
  const media = await realMedia(HOST);
  const far = await phone('127.0.44.221');
  const stranger = createSocket('udp4');
  await new Promise<void>(resolve => stranger.bind(0, '127.0.44.222', resolve));
  t.after(async () => {
    stranger.close();
    far.close();
    await media.close();
  });
  const owner = callId('strangers');
  const { run } = media.plane.port;
  run({ type: 'media.offer', from: 'web', owner, ref: nextRef(), leg: legId('leg'), sdp: chromiumOffer() });
  const imsOffer = (await media.box.wait('media-ready')).sdp;
  far.learn(imsOffer);
  run({ type: 'media.answer', from: 'ims', owner, ref: nextRef(), fork: 'f', sdp: far.sdp({ laws: [8] }) });
  const answer = (await media.box.wait('media-ready')).sdp;
  const webPort = Number(/a=candidate:1 1 udp \d+ [\d.]+ (\d+)/.exec(answer)?.[1]);
  const imsPort = Number(/m=audio (\d+)/.exec(imsOffer)?.[1]);
  const ufrag = /a=ice-ufrag:(\S+)/.exec(answer)?.[1] ?? '';
  const rtp = Buffer.concat([Buffer.from([0x80, 8]), Buffer.alloc(170, 1)]);
  const stun = bindingRequest('nobody:x', 'pwd');
  const toWeb: ReadonlyArray<[string, Buffer]> = [
    ['port-kind', Buffer.alloc(40, 0x45)],
    ['port-size', Buffer.alloc(2_049, 0x80)],
    ['port-unknown-source', rtp],
    ['port-stun-malformed', stun.subarray(0, stun.length - 1)],
    ['port-stun-unknown-user', stun],
    ['leg-check-refused', bindingRequest(`${ufrag}:x`, 'not the password')],
  ];
  for (let i = 0; i < EACH; i += 1) {
    for (const [, datagram] of toWeb) stranger.send(datagram, webPort, HOST);
    stranger.send(rtp, imsPort, HOST);
    stranger.send(rtp.subarray(0, 11), imsPort, HOST);
    stranger.send(Buffer.alloc(7), imsPort + 1, HOST);
    // The kernel's queue is short, and every one shall count.
    await new Promise(resolve => setImmediate(resolve));
  }
  const reasons = [...toWeb.map(([reason]) => reason), 'ims-wrong-source', 'ims-malformed'];
  for (const reason of reasons) assert.ok((await media.figure(reason, EACH)) >= EACH, reason);
  const lines = media.lines.filter(([level]) => level === 'warn');
  assert.deepEqual(lines.map(([, , fields]) => fields['reason']).sort(), reasons.sort());
  assert.ok(lines.every(([, message]) => message === 'media input thrown away'));
  const text = JSON.stringify(media.lines);
  for (const secret of [ufrag, '127.0.44.222', 'password']) assert.equal(text.includes(secret), false, secret);
  run({ type: 'media.release', owner });
  await media.box.wait('media-stats');
});
