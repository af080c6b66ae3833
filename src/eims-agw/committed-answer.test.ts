/** The IMS side answered before any device has: RFC 3312, media digest 4.5. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { legId, nextRef } from '../../test/support/media-inbox.ts';
import { A, audioOf, LEG, mediaRig } from '../../test/support/media-rig.ts';
import { browserAnswer, phoneSdp } from '../../test/support/media-sdp.ts';

test('TRM-10 the answer of the IMS side comes with the offers to the devices, and whichever device answers fits it', () => {
  const rig = mediaRig();
  const offer = phoneSdp({ formats: [0, 8] });
  rig.run({
    type: 'media.offer',
    from: 'ims',
    owner: A,
    ref: nextRef(),
    legs: [LEG, legId('b')],
    sdp: offer,
    commit: true,
  });
  const { answer, offers } = rig.box.take('media-offers');
  assert.ok(answer !== null);
  assert.match(answer, /^m=audio 21000 RTP\/AVP 0 101\r$/m);
  assert.match(answer, /^a=sendrecv\r$/m);
  for (const { sdp } of offers) assert.equal(audioOf(sdp).codecs[0]?.name, 'PCMU', 'the codec said comes first');

  const later = rig.reofferIms(offer.replace(/^(o=\S+ \S+ )\d+/m, '$19'));
  assert.equal(later, answer, 'the caller says it is ready: nothing changes for us');
  assert.equal(
    rig.answerIn(browserAnswer({ laws: [8] }), legId('b')),
    answer,
    'a device of the other law is converted',
  );
  rig.run({ type: 'media.select', owner: A, leg: legId('b') });
  rig.run({ type: 'media.gate', owner: A, fromIms: true, fromWeb: true });
  const { toIms, toWeb, leg } = rig.route();
  assert.equal(leg, 2);
  assert.deepEqual(
    [toIms, toWeb].map(rules => rules.filter(rule => rule.kind === 'speech').map(rule => [rule.in, rule.out])),
    [[[8, 0]], [[0, 8]]],
  );
});
