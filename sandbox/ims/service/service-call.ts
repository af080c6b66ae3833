/** One call to a service number, from its INVITE to its end. RFC 3261 13.3, RFC 3264. */
import type { Call, CallUser, Refusal, Reoffer, SipTimers } from '../../../src/sip/index.ts';
import { type Audio, type AudioKind, openAudio } from './audio.ts';
import { answerOffer, hasVideo, type LocalAudio, makeOffer, readAnswer } from './description.ts';
import { openVideo, type Video } from './video.ts';

/** What a service number does. Times in ms. */
export type Service =
  | { type: 'media'; audio: AudioKind; hangUpMs: number | null }
  /** Session progress with media for so long, then the answer. */
  | { type: 'early'; audio: AudioKind; answerMs: number }
  | { type: 'refuse'; refusal: Refusal }
  | { type: 'ring' };

export interface ServiceCallOptions {
  id: string;
  service: Service;
  /** Offer of the INVITE, or null. */
  sdp: string | null;
  host: string;
  timers: SipTimers;
  /** The call is over and its ports are free. */
  onGone(): void;
}

const NOT_ACCEPTABLE: Refusal = { status: 488, reason: 'Not Acceptable Here' };
const NO_PORTS: Refusal = { status: 503, reason: 'Service Unavailable' };
/** Nobody listens to a sandbox tone for longer. */
const LONGEST_MS = 3_600_000;
/** RFC 3261 13.3.1.1: a proxy on the way forgets a call that rings in silence for three minutes. */
const RING_AGAIN_MS = 60_000;

/** Serves the call; the result is its listener, or a refusal. */
export function serveCall(call: Call, options: ServiceCallOptions): CallUser | Refusal {
  const { service, timers, id, host, sdp } = options;
  if (service.type === 'refuse') return service.refusal;
  const sessionId = Math.floor(Date.now() / 1000);
  let version = 1;
  let audio: Audio | null = null;
  let video: Video | null = null;
  let gone = false;

  function finish(): void {
    if (gone) return;
    gone = true;
    for (const name of ['limit', 'ring', 'next']) timers.stop(`${id}.${name}`);
    audio?.close();
    video?.close();
    options.onGone();
  }

  function refuse(refusal: Refusal): void {
    call.reject(refusal);
    finish();
  }

  function ring(): void {
    call.provisional({ status: 180, reason: 'Ringing', reliable: false });
    timers.start(`${id}.ring`, RING_AGAIN_MS, ring);
  }

  async function open(kind: AudioKind): Promise<void> {
    const opened = await openAudio(host).catch(() => null);
    if (opened === null) {
      if (!gone) refuse(NO_PORTS);
      return;
    }
    if (gone) {
      opened.close();
      return;
    }
    audio = opened;
    if (sdp !== null) await prepareVideo(sdp, kind);
    if (!gone) begin(opened, kind);
  }

  /** Ports for video when it is offered to an echo; without them the sound goes on. */
  async function prepareVideo(offer: string, kind: AudioKind): Promise<void> {
    if (kind !== 'echo' || video !== null || !hasVideo(offer)) return;
    const opened = await openVideo(host).catch(() => null);
    if (gone) opened?.close();
    else video = opened;
  }

  function localOf(opened: Audio): LocalAudio {
    return { host, port: opened.port, videoPort: video?.port ?? null, sessionId, version };
  }

  function begin(opened: Audio, kind: AudioKind): void {
    const local = localOf(opened);
    if (sdp === null) {
      call.answer({ contentType: 'application/sdp', content: makeOffer(local) });
      opened.start(kind);
      return;
    }
    const answer = answerOffer(sdp, local);
    if (answer === null) {
      refuse(NOT_ACCEPTABLE);
      return;
    }
    opened.connect(answer.remote);
    video?.connect(answer.video);
    opened.start(kind);
    const body = { contentType: 'application/sdp', content: answer.sdp };
    if (service.type !== 'early') call.answer(body);
    else {
      call.provisional({ status: 183, reason: 'Session Progress', body });
      timers.start(`${id}.next`, service.answerMs, () => call.answer(body));
    }
  }

  async function onReoffer(reoffer: Reoffer): Promise<void> {
    if (reoffer.sdp !== null && service.type === 'media') await prepareVideo(reoffer.sdp, service.audio);
    if (audio === null || gone) {
      reoffer.reject(NOT_ACCEPTABLE);
      return;
    }
    version++;
    const local = localOf(audio);
    if (reoffer.sdp === null) {
      reoffer.accept({ contentType: 'application/sdp', content: makeOffer(local) });
      return;
    }
    const answer = answerOffer(reoffer.sdp, local);
    if (answer === null) {
      reoffer.reject(NOT_ACCEPTABLE);
      return;
    }
    audio.connect(answer.remote);
    video?.connect(answer.video);
    reoffer.accept({ contentType: 'application/sdp', content: answer.sdp });
  }

  function takeAnswer(answer: string): void {
    const remote = readAnswer(answer);
    if (remote !== null) audio?.connect(remote);
    else {
      call.end();
      finish();
    }
  }

  function hangUp(): void {
    call.end();
    finish();
  }

  timers.start(`${id}.limit`, LONGEST_MS, hangUp);
  if (service.type === 'ring') ring();
  else void open(service.audio);

  return {
    onProgress() {},
    onAnswered() {},
    onRejected: finish,
    onCancelled: finish,
    onAcked(answer) {
      if (answer !== null) takeAnswer(answer);
      if (service.type === 'media' && service.hangUpMs !== null) timers.start(`${id}.next`, service.hangUpMs, hangUp);
    },
    onEnded: finish,
    onReoffer,
    onUpdated() {},
    onUpdateFailed() {},
  };
}
