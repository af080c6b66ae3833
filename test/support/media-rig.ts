/** A call on the media plane in memory, with short words for what the core asks of it. */
import assert from 'node:assert/strict';
import type { EngineCommand, Route } from '../../src/eims-agw/engine.ts';
import type { MediaSettings } from '../../src/eims-agw/settings.ts';
import { parseSdp } from '../../src/sdp/index.ts';
import { fakeMedia } from './media-fake.ts';
import { callId, inbox, legId, nextRef } from './media-inbox.ts';
import { browserAnswer, chromiumOffer, phoneSdp } from './media-sdp.ts';

export const A = callId('c1');
export const LEG = legId('leg-1');

export function mediaRig(settings: Partial<MediaSettings> = {}) {
  const box = inbox();
  const timers: Array<{ at: number; run: () => void }> = [];
  let now = 0;
  const clock = {
    now: () => now,
    after(ms: number, run: () => void) {
      const timer = { at: now + ms, run };
      timers.push(timer);
      return () => {
        const index = timers.indexOf(timer);
        if (index >= 0) timers.splice(index, 1);
      };
    },
  };
  const media = fakeMedia({ emit: box.emit, clock, settings });
  const run = media.port.run;
  return {
    ...media,
    box,
    timers,
    run,
    pass(ms: number) {
      now += ms;
      for (const timer of timers.filter(t => t.at <= now)) {
        timers.splice(timers.indexOf(timer), 1);
        timer.run();
      }
    },
    route(): Route {
      const routes = media.engine.commands.filter(
        (c): c is Extract<EngineCommand, { type: 'route' }> => c.type === 'route',
      );
      const last = routes.at(-1);
      if (last === undefined) throw new Error('no route was sent');
      return last.route;
    },
    offerOut(sdp = chromiumOffer({ more: true }), owner = A): string {
      run({ type: 'media.offer', from: 'web', owner, ref: nextRef(), leg: LEG, sdp });
      return box.take('media-ready').sdp;
    },
    answerOut(sdp = phoneSdp(), fork = 'f1'): string {
      run({ type: 'media.answer', from: 'ims', owner: A, ref: nextRef(), fork, sdp });
      return box.take('media-ready').sdp;
    },
    offerIn(sdp: string | null = phoneSdp(), legs = [LEG]): string[] {
      run({ type: 'media.offer', from: 'ims', owner: A, ref: nextRef(), legs, sdp });
      return box.take('media-offers').offers.map(o => o.sdp);
    },
    answerIn(sdp = browserAnswer(), leg = LEG): string {
      run({ type: 'media.answer', from: 'web', owner: A, ref: nextRef(), leg, sdp });
      return box.take('media-ready').sdp;
    },
    hold(held: boolean): string {
      run({ type: 'media.hold', owner: A, ref: nextRef(), held });
      return box.take('media-ready').sdp;
    },
    reofferIms(sdp: string | null): string {
      run({ type: 'media.reoffer', from: 'ims', owner: A, ref: nextRef(), sdp });
      return box.take('media-ready').sdp;
    },
    open() {
      run({ type: 'media.gate', owner: A, fromIms: true, fromWeb: true });
    },
  };
}

export function audioOf(sdp: string) {
  const parsed = parseSdp(sdp);
  assert.ok(parsed.ok);
  const audio = parsed.value.media.find(m => m.kind === 'audio');
  assert.ok(audio);
  return audio;
}

export const directionOf = (sdp: string) => audioOf(sdp).direction;
export const versionOf = (sdp: string) => Number(/^o=- \d+ (\d+) /m.exec(sdp)?.[1]);
