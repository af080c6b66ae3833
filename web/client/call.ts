/** One call as an application sees it: its status, its sound, what can be done with it. */

import type { CallEvents, CallOptions, Holder } from './call-parts.ts';
import { type CallRequests, createCallRequests } from './call-requests.ts';
import { count, holderOf, move, newStanding, type Standing } from './call-standing.ts';
import { type CallVideo, createCallVideo } from './call-video.ts';
import { offersVideo, type VideoState } from './camera.ts';
import { createEmitter, type Listener } from './emitter.ts';
import { type CallEnd, endOf } from './end.ts';
import { CallingError } from './errors.ts';
import type { KeptCall } from './kept-call.ts';
import { type CallMedia, dtmfTones, type MediaState } from './media.ts';
import { createNegotiation, type Negotiation } from './negotiation.ts';
import { createRecovery, type Recovery } from './recovery.ts';
import { type CallStatus, type FinalStatus, isAnswered, isFinal, type Party, type SessionNews } from './session.ts';

const DEFAULT_GAP_MS = 70;

export class Call {
  readonly id: string;
  readonly direction: 'inbound' | 'outbound';
  readonly local: Party;
  readonly #options: CallOptions;
  readonly #emitter = createEmitter<CallEvents>();
  readonly #emptyStream: MediaStream;
  #media: CallMedia | null;
  #mediaState: MediaState = 'new';
  #muted = false;
  #remote: Party;
  readonly #standing: Standing;
  readonly #requests: CallRequests;
  readonly #negotiation: Negotiation;
  readonly #video: CallVideo;
  readonly #recovery: Recovery;

  /** Calls are made by CallingClient. */
  constructor(options: CallOptions) {
    this.id = options.id;
    this.direction = options.direction;
    this.local = options.local;
    this.#remote = options.remote;
    this.#options = options;
    this.#media = options.media;
    this.#emptyStream = options.environment.newStream();
    this.#standing = newStanding(options.kept);
    this.#requests = createCallRequests(options);
    this.#recovery = createRecovery(options.environment, () => this.#renewMedia());
    this.#video = createCallVideo({
      media: () => this.#media,
      negotiation: () => this.#negotiation,
      camera: options.camera,
      held: () => this.#standing.heldHere,
      changed: state => this.#emitter.emit('videoChanged', state),
    });
    this.#negotiation = createNegotiation({
      direction: options.direction,
      answered: options.kept !== null,
      media: () => (this.end === null ? this.#media : null),
      put: this.#requests.put,
      failed: () => this.#leave('Failed', { method: 'DELETE', tail: '' }, null),
      settled: this.#video.settled,
      asked: on => this.#emitter.emit('videoAsked', on),
    });
    if (options.kept !== null) this.mute(options.kept.muted);
  }

  /** Its name may become known only when it answers. */
  get remote(): Party {
    return this.#remote;
  }

  /** The CAMARA status, unchanged. */
  get status(): CallStatus {
    return this.#standing.status;
  }

  get media(): MediaState {
    return this.#mediaState;
  }

  get muted(): boolean {
    return this.#muted;
  }

  /** Which pictures are agreed on. */
  get video(): VideoState {
    return this.#video.state;
  }

  get videoMuted(): boolean {
    return this.#video.muted;
  }

  /** Whether the far end offers video that was neither taken nor refused: in an incoming call, or in the middle of one. */
  get asksVideo(): boolean {
    return this.#negotiation.asksVideo || offersVideo(this.#negotiation.waiting ?? '');
  }

  /** ms since the epoch, or null before the answer. */
  get answeredAt(): number | null {
    return this.#standing.answeredAt;
  }

  /** Null while nobody holds it. */
  get heldBy(): Holder | null {
    return holderOf(this.#standing);
  }

  /** How it ended, or null while it lives. */
  get end(): CallEnd | null {
    return this.#standing.end;
  }

  /** What the far end sends; an empty stream before there is any. */
  get remoteStream(): MediaStream {
    return this.#media?.remoteStream ?? this.#emptyStream;
  }

  get localStream(): MediaStream {
    return this.#media?.localStream ?? this.#emptyStream;
  }

  on<Name extends keyof CallEvents>(name: Name, listener: Listener<CallEvents[Name]>): () => void {
    return this.#emitter.on(name, listener);
  }

  /** Answers an incoming call, with `video` to see and to be seen if it is offered; without a camera to see. Rejects with CallingError; the call rings on when the microphone is refused. */
  async answer({ video = false }: { video?: boolean } = {}): Promise<void> {
    const offer = this.#negotiation.waiting;
    this.#check(this.direction === 'inbound' && offer !== null);
    this.#negotiation.answered = true;
    let media: CallMedia;
    try {
      media = await this.#options.openMedia(state => this.mediaChanged(state));
    } catch (error) {
      this.#negotiation.answered = false;
      throw error;
    }
    if (this.end !== null) {
      media.close();
      throw new CallingError('call-over');
    }
    this.#media = media;
    media.mute(this.#muted);
    try {
      if (video && offersVideo(offer ?? '')) await media.addVideo(this.#options.camera()).catch(() => {});
      await this.#put('Connected', { answer: { sdp: await media.answer(offer ?? '') } });
      this.#video.settled();
    } catch (error) {
      media.close();
      this.#media = null;
      this.#negotiation.answered = false;
      if (error instanceof CallingError && error.httpStatus === 404) void this.refresh();
      throw error;
    }
  }

  /** Refuses an incoming call. Over here at once; a service that cannot be reached is told when it can. */
  async reject(reason: 'busy' | 'decline' = 'decline'): Promise<void> {
    this.#check(this.direction === 'inbound' && !isAnswered(this.status));
    if (reason === 'decline') return this.#leave('Declined', { method: 'DELETE', tail: '' });
    await this.#leave('Busy', { method: 'PUT', tail: '/status', body: { status: 'Busy' } });
  }

  /** Ends the call, or gives up calling. Over here at once; a service that cannot be reached is told when it can. */
  async hangup(): Promise<void> {
    if (this.end !== null) return;
    if (this.direction === 'inbound' && !isAnswered(this.status)) return this.reject();
    await this.#leave(isAnswered(this.status) ? 'Terminated' : 'SessionCancelled', { method: 'DELETE', tail: '' });
  }

  /** Also a call that the far end holds can be held. */
  async hold(): Promise<void> {
    this.#check(isAnswered(this.status) && !this.#standing.heldHere);
    await this.#holdHere(true, 'Hold');
  }

  /** Only who holds can resume. */
  async unhold(): Promise<void> {
    this.#check(this.#standing.heldHere);
    await this.#holdHere(false, 'Resume');
  }

  mute(on = true): void {
    this.#muted = on;
    this.#media?.mute(on);
    this.#emitter.emit('muted', on);
  }

  /** Goes on with another microphone. Rejects with CallingError; the old one is kept then. For CallingClient. */
  async useMicrophone(audio: MediaTrackConstraints | boolean): Promise<void> {
    await this.#media?.useMicrophone(audio);
  }

  /** Adds the camera to an answered call. Rejects with CallingError: without camera, and when the far end takes no video. */
  async addVideo(): Promise<void> {
    const media = this.#media;
    this.#check(media !== null && isAnswered(this.status) && !this.video.local && this.heldBy === null);
    if (media !== null) await this.#video.add(media);
  }

  /** Ends the video of both sides; the sound goes on. */
  async removeVideo(): Promise<void> {
    const media = this.#media;
    this.#check(media !== null && (this.video.local || this.video.remote));
    if (media !== null) await this.#video.remove(media);
  }

  /** Answers a far end that asks for video in an answered call. Without a camera one sees and is not seen. */
  async answerVideo(accept: boolean): Promise<void> {
    this.#check(this.#negotiation.asksVideo);
    await this.#video.answer(accept);
  }

  /** Sends black in place of the picture. */
  muteVideo(on = true): void {
    this.#video.mute(on);
  }

  /** Goes on with another camera. Rejects with CallingError. For CallingClient. */
  async useCamera(video: MediaTrackConstraints | boolean): Promise<void> {
    await this.#media?.useCamera(video);
  }

  /** Sends 0-9, *, #, A-D as RFC 4733 events in the sound; `w` waits two seconds. */
  async sendDigits(digits: string, options: { gapMs?: number } = {}): Promise<void> {
    const tones = dtmfTones(digits);
    this.#check(this.#media !== null);
    this.#media?.sendDigits(tones, options.gapMs ?? DEFAULT_GAP_MS);
    this.#emitter.emit('digits', digits);
  }

  async getStats(): Promise<RTCStatsReport> {
    this.#check(this.#media !== null);
    return (this.#media as CallMedia).stats();
  }

  /** Takes what an event, an answer or a snapshot says. For CallingClient. */
  apply(news: SessionNews): void {
    if (this.end !== null) return;
    const number = count(this.#standing, news.sequenceNumber);
    if (number === 'old') return;
    if (number === 'gap' && !isFinal(news.status)) void this.refresh();
    if (this.direction === 'outbound' && news.receiverName !== undefined)
      this.#remote = { ...this.#remote, display: news.receiverName };
    this.#negotiation.take(news, this.status);
    this.#moveTo(news.status, news.reason ?? null, news.answer?.sdp !== undefined);
  }

  /** Asks the service how the call stands; one it no longer knows is over. For CallingClient. */
  async refresh(): Promise<void> {
    try {
      const news = await this.#requests.read();
      if (news !== null) this.apply(news);
    } catch (error) {
      if (error instanceof CallingError && error.httpStatus === 404) {
        this.#finish(this.answeredAt === null ? 'SessionCancelled' : 'Terminated', null, 'network');
      }
    }
  }

  /** Tells the caller that it rings here. For CallingClient. */
  async alert(): Promise<void> {
    if (this.status === 'Initial') await this.#put('Ringing', {});
  }

  /** For CallingClient. */
  mediaChanged(state: MediaState): void {
    const before = this.#mediaState;
    if (this.end !== null || before === state) return;
    this.#mediaState = state;
    if (isAnswered(this.status)) this.#recovery.mediaChanged(state);
    const broken = before === 'recovering' || before === 'lost';
    if (state === 'flowing' && broken) this.#emitter.emit('reconnected', { layer: 'media' });
    if (state !== 'flowing' && before === 'flowing') this.#emitter.emit('reconnecting', { layer: 'media' });
  }

  /** Brings the sound of an answered call over a new connection: the network or the page is another one. For CallingClient. */
  async reconnect(): Promise<void> {
    if (this.end === null && isAnswered(this.status)) await this.#recovery.now();
  }

  /** What the next page of this tab needs to go on with an answered call; null when there is none. For CallingClient. */
  keep(): KeptCall | null {
    const { id, direction, muted, answeredAt } = this;
    if (this.end !== null || answeredAt === null) return null;
    return { id, direction, heldHere: this.#standing.heldHere, muted, answeredAt, video: this.video.local };
  }

  /** One attempt. The far end notices nothing: the service answers the new offer by itself. */
  async #renewMedia(): Promise<void> {
    const media = this.#media;
    await this.#negotiation.idle();
    if (media === null || this.end !== null) return;
    if (this.#mediaState !== 'new') {
      media.renew();
      this.mediaChanged('recovering');
    }
    try {
      await this.#negotiation.offer(media, this.#standing.heldHere);
    } catch (error) {
      if (error instanceof CallingError && error.httpStatus === 404) await this.refresh();
      throw error;
    }
  }

  async #holdHere(held: boolean, status: 'Hold' | 'Resume'): Promise<void> {
    this.#standing.heldHere = held;
    try {
      await this.#put(status, {});
    } catch (error) {
      this.#standing.heldHere = !held;
      throw error;
    }
  }

  #moveTo(status: CallStatus, reason: string | null, withAnswer: boolean): void {
    if (isFinal(status)) this.#finish(status, reason);
    else move(this.#standing, status, this.#options.environment.now(), withAnswer, this.#emitter.emit);
  }

  /** Ends it here at once, and at the service as soon as that can be. */
  async #leave(
    status: FinalStatus,
    farewell: Parameters<CallRequests['leave']>[0],
    by: 'local' | null = 'local',
  ): Promise<void> {
    const told = this.#requests.leave(farewell);
    this.#finish(status, null, by);
    await told;
  }

  /** `by` null: whoever the reason points to. */
  #finish(status: FinalStatus, reason: string | null, by: 'local' | 'network' | null = null): void {
    if (this.end !== null) return;
    const { answeredAt } = this;
    const durationMs = answeredAt === null ? null : this.#options.environment.now() - answeredAt;
    const end = endOf(status, reason, by, durationMs);
    Object.assign(this.#standing, { status, end });
    this.#recovery.stop();
    this.#media?.close();
    this.#emitter.emit('statusChanged', status);
    this.#emitter.emit('ended', end);
    this.#emitter.clear();
    this.#options.onEnded(this);
  }

  async #put(status: CallStatus, description: Record<string, unknown>): Promise<void> {
    const news = await this.#requests.put(status, description);
    if (news === null || this.end !== null) return;
    this.#negotiation.take(news, this.status);
    this.#moveTo(news.status, null, false);
  }

  #check(allowed: boolean): void {
    if (this.end !== null) throw new CallingError('call-over');
    if (!allowed) throw new CallingError('wrong-moment');
  }
}
