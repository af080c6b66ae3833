/** One call as an application sees it: its status, its sound, what can be done with it. */

import { createEmitter, type Listener } from './emitter.ts';
import { type CallEnd, endOf } from './end.ts';
import type { Environment } from './environment.ts';
import { CallingError } from './errors.ts';
import type { Http } from './http.ts';
import type { KeptCall } from './kept-call.ts';
import { type CallMedia, dtmfTones, type MediaState } from './media.ts';
import { createRecovery, type Recovery } from './recovery.ts';
import {
  type CallStatus,
  type FinalStatus,
  isAnswered,
  isFinal,
  type Party,
  readSession,
  type SessionNews,
} from './session.ts';

export interface CallEvents {
  /** Every change; the call's own properties are already new. */
  statusChanged: CallStatus;
  ringing: { earlyMedia: boolean };
  connected: undefined;
  held: { by: 'local' | 'remote' };
  resumed: undefined;
  muted: boolean;
  digits: string;
  /** The sound was lost and may come back. */
  reconnecting: { layer: 'media' };
  reconnected: { layer: 'media' };
  ended: CallEnd;
}

export interface CallOptions {
  id: string;
  direction: 'inbound' | 'outbound';
  local: Party;
  remote: Party;
  http: Http;
  environment: Environment;
  /** Base path of webrtc-call-handling below the API root. */
  path: string;
  /** Outbound: open already. Inbound: opened by `answer`. */
  media: CallMedia | null;
  /** What it was before its page was loaded again. */
  kept: KeptCall | null;
  openMedia(onState: (state: MediaState) => void): Promise<CallMedia>;
  onEnded(call: Call): void;
}

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
  #status: CallStatus = 'Initial';
  #muted = false;
  #heldHere = false;
  #sequence = 0;
  #offer: string | null = null;
  #answered = false;
  #answeredAt: number | null = null;
  #ending = false;
  #end: CallEnd | null = null;
  #work: Promise<unknown> = Promise.resolve();
  #remote: Party;
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
    this.#recovery = createRecovery(options.environment, () => this.#renewMedia());
    if (options.kept === null) return;
    this.#answered = true;
    this.#answeredAt = options.kept.answeredAt;
    this.#heldHere = options.kept.heldHere;
    this.mute(options.kept.muted);
  }

  /** Its name may become known only when it answers. */
  get remote(): Party {
    return this.#remote;
  }

  /** The CAMARA status, unchanged. */
  get status(): CallStatus {
    return this.#status;
  }

  get media(): MediaState {
    return this.#mediaState;
  }

  get muted(): boolean {
    return this.#muted;
  }

  /** ms since the epoch, or null before the answer. */
  get answeredAt(): number | null {
    return this.#answeredAt;
  }

  /** How it ended, or null while it lives. */
  get end(): CallEnd | null {
    return this.#end;
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

  /** Answers an incoming call. Rejects with CallingError; the call rings on when the microphone is refused. */
  async answer(): Promise<void> {
    this.#check(this.direction === 'inbound' && !this.#answered && this.#offer !== null);
    const offer = this.#offer ?? '';
    this.#answered = true;
    let media: CallMedia;
    try {
      media = await this.#options.openMedia(state => this.mediaChanged(state));
    } catch (error) {
      this.#answered = false;
      throw error;
    }
    if (this.#end !== null) {
      media.close();
      throw new CallingError('call-over');
    }
    this.#media = media;
    media.mute(this.#muted);
    try {
      await this.#put('Connected', { answer: { sdp: await media.answer(offer) } });
    } catch (error) {
      media.close();
      this.#media = null;
      this.#answered = false;
      if (error instanceof CallingError && error.httpStatus === 404) void this.refresh();
      throw error;
    }
  }

  /** Refuses an incoming call. */
  async reject(reason: 'busy' | 'decline' = 'decline'): Promise<void> {
    this.#check(this.direction === 'inbound' && !isAnswered(this.#status));
    this.#ending = true;
    if (reason === 'busy') await this.#ended(() => this.#request('PUT', '/status', { status: 'Busy' }));
    else await this.#ended(() => this.#request('DELETE', ''));
    this.#finish(reason === 'busy' ? 'Busy' : 'Declined', null);
  }

  /** Ends the call, or gives up calling. */
  async hangup(): Promise<void> {
    if (this.#end !== null) return;
    if (this.direction === 'inbound' && !isAnswered(this.#status)) return this.reject();
    this.#ending = true;
    try {
      await this.#ended(() => this.#request('DELETE', ''));
    } catch (error) {
      // The sound stops here at once; the service notices the silence when it could not be told.
      this.#media?.close();
      throw error;
    }
    this.#finish(isAnswered(this.#status) ? 'Terminated' : 'SessionCancelled', null);
  }

  async hold(): Promise<void> {
    this.#check(isAnswered(this.#status));
    this.#heldHere = true;
    await this.#put('Hold', {});
  }

  async unhold(): Promise<void> {
    this.#check(this.#status === 'Hold');
    await this.#put('Resume', {});
    this.#heldHere = false;
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
    if (this.#end !== null) return;
    const sequence = news.sequenceNumber;
    if (sequence !== undefined) {
      if (sequence <= this.#sequence) return;
      const gap = this.#sequence !== 0 && sequence > this.#sequence + 1;
      this.#sequence = sequence;
      if (gap && !isFinal(news.status)) void this.refresh();
    }
    if (this.direction === 'outbound' && news.receiverName !== undefined)
      this.#remote = { ...this.#remote, display: news.receiverName };
    this.#takeDescriptions(news);
    this.#moveTo(news.status, news.reason ?? null, news.answer?.sdp !== undefined);
  }

  /** Asks the service how the call stands; one it no longer knows is over. For CallingClient. */
  async refresh(): Promise<void> {
    try {
      const news = readSession(await this.#request('GET', ''));
      if (news !== null) this.apply(news);
    } catch (error) {
      if (error instanceof CallingError && error.httpStatus === 404) {
        this.#finish(this.#answeredAt === null ? 'SessionCancelled' : 'Terminated', null);
      }
    }
  }

  /** Tells the caller that it rings here. For CallingClient. */
  async alert(): Promise<void> {
    if (this.#status === 'Initial') await this.#put('Ringing', {});
  }

  /** For CallingClient. */
  mediaChanged(state: MediaState): void {
    const before = this.#mediaState;
    if (this.#end !== null || before === state) return;
    this.#mediaState = state;
    if (isAnswered(this.#status)) this.#recovery.mediaChanged(state);
    const broken = before === 'recovering' || before === 'lost';
    if (state === 'flowing' && broken) this.#emitter.emit('reconnected', { layer: 'media' });
    if (state !== 'flowing' && before === 'flowing') this.#emitter.emit('reconnecting', { layer: 'media' });
  }

  /** Brings the sound of an answered call over a new connection: the network or the page is another one. For CallingClient. */
  async reconnect(): Promise<void> {
    if (this.#end === null && isAnswered(this.#status)) await this.#recovery.now();
  }

  /** What the next page of this tab needs to go on with an answered call; null when there is none. For CallingClient. */
  keep(): KeptCall | null {
    if (this.#end !== null || this.#answeredAt === null) return null;
    const { id, direction } = this;
    return { id, direction, heldHere: this.#heldHere, muted: this.#muted, answeredAt: this.#answeredAt };
  }

  /** One attempt. The far end notices nothing: the service answers the new offer by itself. */
  async #renewMedia(): Promise<void> {
    const media = this.#media;
    await this.#work;
    if (media === null || this.#end !== null) return;
    if (this.#mediaState !== 'new') {
      media.renew();
      this.mediaChanged('recovering');
    }
    try {
      const body = { status: this.#heldHere ? 'Hold' : 'Connected', offer: { sdp: await media.offer() } };
      const news = readSession(await this.#request('PUT', '/status', body));
      if (news?.answer?.sdp === undefined) throw new CallingError('service');
      await media.accept(news.answer.sdp);
    } catch (error) {
      if (error instanceof CallingError && error.httpStatus === 404) await this.refresh();
      throw error;
    }
  }

  #takeDescriptions(news: SessionNews): void {
    const offer = news.offer?.sdp;
    const answer = news.answer?.sdp;
    if (this.direction === 'outbound' && !this.#answered && answer !== undefined) {
      this.#answered = true;
      this.#then(async media => media.accept(answer));
      return;
    }
    if (this.direction === 'inbound' && this.#offer === null && offer !== undefined) {
      this.#offer = offer;
      return;
    }
    // A new offer of the gateway in an answered call waits for our answer. CAMARA digest 6.3.
    if (isAnswered(this.#status) && offer !== undefined && answer === undefined && offer !== this.#offer) {
      this.#offer = offer;
      const { status } = news;
      this.#then(async media => {
        await this.#put(status, { answer: { sdp: await media.answer(offer) } });
      });
    }
  }

  /** One negotiation at a time, in order; one that fails ends the call, for it has no sound. */
  #then(step: (media: CallMedia) => Promise<void>): void {
    this.#work = this.#work.then(async () => {
      if (this.#media === null || this.#end !== null) return;
      try {
        await step(this.#media);
      } catch {
        void this.#request('DELETE', '').catch(() => {});
        this.#finish('Failed', null);
      }
    });
  }

  #moveTo(status: CallStatus, reason: string | null, withAnswer: boolean): void {
    const before = this.#status;
    if (isFinal(status)) {
      this.#finish(status, reason);
      return;
    }
    if (status === before || (isAnswered(before) && !isAnswered(status))) return;
    this.#status = status;
    if (isAnswered(status) && this.#answeredAt === null) this.#answeredAt = this.#options.environment.now();
    this.#emitter.emit('statusChanged', status);
    if (status === 'Ringing') this.#emitter.emit('ringing', { earlyMedia: withAnswer });
    if (status === 'Connected' && !isAnswered(before)) this.#emitter.emit('connected', undefined);
    if (status === 'Hold') this.#emitter.emit('held', { by: this.#heldHere ? 'local' : 'remote' });
    if (before === 'Hold') this.#emitter.emit('resumed', undefined);
  }

  #finish(status: FinalStatus, reason: string | null): void {
    if (this.#end !== null) return;
    const now = this.#options.environment.now();
    this.#status = status;
    this.#end = endOf(status, reason, this.#ending, this.#answeredAt === null ? null : now - this.#answeredAt);
    this.#recovery.stop();
    this.#media?.close();
    this.#emitter.emit('statusChanged', status);
    this.#emitter.emit('ended', this.#end);
    this.#emitter.clear();
    this.#options.onEnded(this);
  }

  async #put(status: CallStatus, more: Record<string, unknown>): Promise<void> {
    const news = readSession(await this.#request('PUT', '/status', { status, ...more }));
    if (news !== null && this.#end === null) {
      this.#takeDescriptions(news);
      this.#moveTo(news.status, null, false);
    }
  }

  #request(method: 'GET' | 'PUT' | 'DELETE', tail: string, body?: unknown): Promise<unknown> {
    const path = `${this.#options.path}/sessions/${encodeURIComponent(this.id)}${tail}`;
    return this.#options.http.request({ method, path, ...(body === undefined ? {} : { body }) });
  }

  /** A call that is gone already is as ended as one we end. */
  async #ended(request: () => Promise<unknown>): Promise<void> {
    try {
      await request();
    } catch (error) {
      if (!(error instanceof CallingError) || error.httpStatus !== 404) throw error;
    }
  }

  #check(allowed: boolean): void {
    if (this.#end !== null) throw new CallingError('call-over');
    if (!allowed) throw new CallingError('wrong-moment');
  }
}
