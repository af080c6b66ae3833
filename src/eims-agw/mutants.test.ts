/** Mutated STUN, DTLS, SRTP, RTCP, video and SDP: nothing is thrown, kept, sent or agreed that may not be. `npm run fuzz` plays a million. */
import { test } from 'node:test';
import { MEDIA_ROUNDS } from '../../test/support/media-mutants.ts';
import { SCALE } from '../../test/support/scale.ts';

for (const [name, round] of Object.entries(MEDIA_ROUNDS)) {
  test(`${name}: mutants by the thousand`, () => {
    for (let turn = 0; turn < SCALE; turn += 1) round(2000 + turn, 2500);
  });
}
