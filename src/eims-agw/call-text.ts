/** The four SDPs of a call, sound and video together: offer and answer for either side. */
import type { CallMedia } from './call-media.ts';
import { wishOf } from './call-media.ts';
import { answerIms, answerWeb, offerIms, offerWeb } from './call-video.ts';
import { type Codecs, type Formats, NO_CODECS } from './codec.ts';
import type { PayloadFormat } from './engine.ts';
import { writeImsAnswer, writeImsOffer } from './ims-side.ts';
import { type WebLeg, writeWebAnswer, writeWebOffer } from './web-leg.ts';

/** `web`: codecs of the browser, null for any by the settings. */
export function imsOffer(call: CallMedia, leg: WebLeg | null, web: Codecs | null): string {
  offerIms(call, leg);
  return writeImsOffer(call.ims, wishOf(call, leg), call.policy, web);
}

/** `wanted`: the speech codec to take when they offered it. */
export function imsAnswer(call: CallMedia, leg: WebLeg | null, wanted: PayloadFormat | null): string {
  answerIms(call, leg);
  return writeImsAnswer(call.ims, wishOf(call, leg), wanted);
}

export function webAnswer(call: CallMedia, leg: WebLeg): string {
  answerWeb(call, leg);
  return writeWebAnswer(leg, call.policy, call.ims.to?.speech ?? []);
}

/** `formats`: the speech, under the numbers of `reuse` where they are free. */
export function webOffer(call: CallMedia, leg: WebLeg, formats: Formats, reuse: Codecs): string {
  offerWeb(call, leg);
  return writeWebOffer(leg, formats, reuse);
}

/** A later offer to a browser: the speech stays as it is. */
export function webReoffer(call: CallMedia, leg: WebLeg): string {
  return webOffer(call, leg, leg.from ?? NO_CODECS, NO_CODECS);
}
