/** The SDK's root: registers the device, makes calls, announces incoming ones. */
import { Call } from './call.ts';
import { type Channel, createChannel, type Snapshot } from './channel.ts';
import { deviceId } from './device-id.ts';
import { createEmitter, type Listener } from './emitter.ts';
import { browserEnvironment, type Environment } from './environment.ts';
import { CallingError } from './errors.ts';
import { createHttp, type Http, type Token } from './http.ts';
import { type KeptCall, keepCall, takeKeptCall } from './kept-call.ts';
import { type CallMedia, type MediaState, openMedia } from './media.ts';
import { createRegistrationKeeper, type Registration, type RegistrationKeeper } from './registration.ts';
import { dialAddress, isAnswered, isFinal, partyOf, readSession, type SessionNews } from './session.ts';

export type ClientState = 'idle' | 'registering' | 'registered' | 'offline' | 'closed';

export interface ClientEvents {
  registering: undefined;
  registered: Registration;
  unregistered: { error: CallingError | null };
  incoming: Call;
  connectionChanged: { state: ClientState };
  error: CallingError;
  closed: undefined;
}

export interface ApiPaths {
  registration: string;
  callHandling: string;
  channels: string;
}

export interface CallingClientOptions {
  /** Where the CAMARA APIs are; the page's own origin when absent. */
  apiRoot?: string;
  /** Called when a token is needed. */
  token(): Promise<Token>;
  /** UUID; by default one is made and kept for the browser profile. */
  deviceId?: string;
  iceServers?: RTCIceServer[];
  audio?: MediaTrackConstraints | boolean;
  paths?: Partial<ApiPaths>;
  /** What is used of the browser; for tests. */
  environment?: Environment;
}

const PATHS: ApiPaths = {
  registration: '/webrtc-registration/v0.4rc1',
  callHandling: '/webrtc-call-handling/v0.4rc1',
  channels: '/webrtc-notification-channels/v0.1',
};

/** Events may overtake the answer that names their call: this many are kept for calls not known yet. */
const MAX_EARLY_EVENTS = 64;

export class CallingClient {
  readonly deviceId: string;
  readonly #options: CallingClientOptions;
  readonly #environment: Environment;
  readonly #paths: ApiPaths;
  readonly #http: Http;
  readonly #emitter = createEmitter<ClientEvents>();
  readonly #keeper: RegistrationKeeper;
  readonly #calls = new Map<string, Call>();
  readonly #stopListening: ReadonlyArray<() => void>;
  #channel: Channel | null = null;
  #state: ClientState = 'idle';
  #early: SessionNews[] = [];
  #placing = 0;
  #audio: MediaTrackConstraints | boolean;
  #shown: Snapshot = { sessions: [], registrations: [] };

  constructor(options: CallingClientOptions) {
    this.#options = options;
    this.#audio = options.audio ?? true;
    this.#environment = options.environment ?? browserEnvironment();
    this.#paths = { ...PATHS, ...options.paths };
    this.#http = createHttp(options.apiRoot ?? '', options.token, this.#environment);
    this.deviceId = options.deviceId ?? deviceId(this.#environment.profile, () => this.#environment.uuid());
    this.#keeper = createRegistrationKeeper({
      http: this.#http,
      environment: this.#environment,
      path: this.#paths.registration,
      deviceId: this.deviceId,
      onChanged: registration => this.#emitter.emit('registered', registration),
      onLost: error => void this.#lost(error),
    });
    this.#stopListening = [
      this.#environment.whenOnline(() => this.#online()),
      this.#environment.whenLeaving(() => this.#leaving()),
    ];
  }

  get state(): ClientState {
    return this.#state;
  }

  /** Numbers this device calls from and is called at. */
  get numbers(): readonly string[] {
    return this.#keeper.current === null ? [] : [this.#keeper.current.number];
  }

  get calls(): ReadonlyMap<string, Call> {
    return this.#calls;
  }

  on<Name extends keyof ClientEvents>(name: Name, listener: Listener<ClientEvents[Name]>): () => void {
    return this.#emitter.on(name, listener);
  }

  /** Registers this device, or finds its registration again after a reload; events come from now on. Rejects with CallingError. */
  async register(): Promise<Registration> {
    if (this.#state === 'closed') throw new CallingError('not-registered');
    if (this.#keeper.current !== null && this.#channel !== null) return this.#keeper.current;
    this.#move('registering');
    this.#emitter.emit('registering', undefined);
    try {
      // Events first: a call that comes in between the two would be lost.
      await this.#openChannel();
      const registration = await this.#keeper.start();
      this.#move('registered');
      this.#emitter.emit('registered', registration);
      this.#compare(this.#shown);
      return registration;
    } catch (error) {
      await this.#keeper.stop().catch(() => {});
      await this.#channel?.stop();
      this.#channel = null;
      this.#move('idle');
      throw error;
    }
  }

  /** Ends the registration and its calls. */
  async unregister(): Promise<void> {
    await Promise.allSettled([...this.#calls.values()].map(call => call.hangup()));
    try {
      await this.#keeper.stop();
    } finally {
      await this.#channel?.stop();
      this.#channel = null;
      if (this.#state !== 'closed') this.#move('idle');
      this.#emitter.emit('unregistered', { error: null });
    }
  }

  /** The microphone of this and all later calls, as constraints. Rejects with CallingError when a call cannot go on with it. */
  async useMicrophone(audio: MediaTrackConstraints | boolean): Promise<void> {
    this.#audio = audio;
    await Promise.all([...this.#calls.values()].map(call => call.useMicrophone(audio)));
  }

  /** Calls +country and number, a tel: or sip: address, or an emergency service (112, 911, urn:service:sos). Resolves when the service has taken the call. Rejects with CallingError. */
  async call(to: string, options: { anonymous?: boolean } = {}): Promise<Call> {
    const registration = this.#keeper.current;
    if (registration === null) throw new CallingError('not-registered');
    const receiverAddress = dialAddress(to);
    if (receiverAddress === null) throw new CallingError('number-not-dialable');
    let call: Call | null = null;
    let lastState: MediaState = 'new';
    const media = await this.#openMedia(state => {
      lastState = state;
      call?.mediaChanged(state);
    });
    this.#placing += 1;
    try {
      const own = `tel:${registration.number}`;
      const body = {
        originatorAddress: options.anonymous === true ? 'sip:anonymous@anonymous.invalid' : own,
        receiverAddress,
        offer: { sdp: await media.offer() },
      };
      const news = readSession(
        await this.#http.request({
          method: 'POST',
          path: `${this.#paths.callHandling}/sessions`,
          headers: { registrationId: registration.registrationId },
          body,
        }),
      );
      if (news === null) throw new CallingError('service');
      call = this.#adopt(news, 'outbound', media);
      call.mediaChanged(lastState);
      return call;
    } catch (error) {
      media.close();
      throw error;
    } finally {
      this.#placing -= 1;
      if (this.#placing === 0) this.#early = [];
    }
  }

  /**
   * After `register` of a page that was loaded again: goes on with the call that was answered in it. Null: there was none,
   * or it is over. Rejects with CallingError when the microphone is refused; the call is ended then.
   */
  async resume(): Promise<Call | null> {
    if (this.#keeper.current === null) throw new CallingError('not-registered');
    const kept = takeKeptCall(this.#environment.tab);
    if (kept === null || this.#calls.has(kept.id)) return null;
    const path = `${this.#paths.callHandling}/sessions/${encodeURIComponent(kept.id)}`;
    const news = readSession(await this.#http.request({ method: 'GET', path }).catch(nothingFound));
    if (news === null || !isAnswered(news.status)) return null;
    let call: Call | null = null;
    let media: CallMedia;
    try {
      media = await this.#openMedia(state => call?.mediaChanged(state));
    } catch (error) {
      await this.#http.request({ method: 'DELETE', path }).catch(() => {});
      throw error;
    }
    call = this.#adopt(news, kept.direction, media, kept);
    await call.reconnect();
    return call;
  }

  /** Ends everything; the client cannot be used again. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#move('closed');
    for (const stop of this.#stopListening) stop();
    await this.unregister().catch(() => {});
    this.#emitter.emit('closed', undefined);
    this.#emitter.clear();
  }

  #online(): void {
    this.#channel?.wake();
    for (const call of this.#calls.values()) void call.reconnect();
  }

  /** Whether the page comes again nobody knows: an answered call is kept for it, one that nobody has answered is given up. */
  #leaving(): void {
    for (const call of this.#calls.values()) {
      const kept = call.keep();
      if (kept !== null) keepCall(this.#environment.tab, kept);
      else if (call.direction === 'outbound') void call.hangup().catch(() => {});
    }
  }

  #openMedia(onState: (state: MediaState) => void): Promise<CallMedia> {
    return openMedia({
      environment: this.#environment,
      audio: this.#audio,
      iceServers: this.#options.iceServers ?? [],
      onState,
    });
  }

  async #openChannel(): Promise<void> {
    this.#channel ??= createChannel({
      http: this.#http,
      environment: this.#environment,
      path: this.#paths.channels,
      deviceId: this.deviceId,
      onEvent: ({ type, data }) => this.#hear(type, data),
      onSnapshot: snapshot => {
        this.#shown = snapshot;
        if (this.#keeper.current !== null) this.#compare(snapshot);
      },
      onState: state => {
        if (this.#state === 'registered' && state === 'closed') this.#move('offline');
        if (this.#state === 'offline' && state === 'open') this.#move('registered');
      },
      onRefused: error => this.#emitter.emit('error', error),
    });
    await this.#channel.start();
  }

  #hear(type: string, data: Record<string, unknown>): void {
    switch (type.slice(type.lastIndexOf('.') + 1)) {
      case 'session-invitation':
      case 'session-status': {
        const news = readSession(data);
        if (news !== null) this.#session(news, type.endsWith('session-invitation'));
        return;
      }
      case 'registration-ends':
        if (data['registrationId'] !== this.#keeper.current?.registrationId) return;
        if (data['terminationReason'] === 'REGISTRATION_EXPIRED') this.#keeper.renew();
        else
          void this.#lost(new CallingError('registration-refused', { message: 'The network ended the registration.' }));
        return;
    }
  }

  #session(news: SessionNews, invitation: boolean): void {
    const known = this.#calls.get(news.mediaSessionId);
    if (known !== undefined) known.apply(news);
    else if (invitation) this.#invite(news);
    else if (this.#placing > 0 && this.#early.length < MAX_EARLY_EVENTS) this.#early.push(news);
  }

  #invite(news: SessionNews): void {
    const call = this.#adopt(news, 'inbound', null);
    if (call.end !== null) return;
    this.#emitter.emit('incoming', call);
    call.alert().catch(error => {
      // Over already, or answered before we said that it rings.
      if (error instanceof CallingError && error.httpStatus === 404) void call.refresh();
    });
  }

  #adopt(
    news: SessionNews,
    direction: 'inbound' | 'outbound',
    media: CallMedia | null,
    kept: KeptCall | null = null,
  ): Call {
    const originator = partyOf(news.originatorAddress ?? '', news.originatorName);
    const receiver = partyOf(news.receiverAddress ?? '', news.receiverName);
    const call = new Call({
      id: news.mediaSessionId,
      direction,
      local: direction === 'outbound' ? originator : receiver,
      remote: direction === 'outbound' ? receiver : originator,
      http: this.#http,
      environment: this.#environment,
      path: this.#paths.callHandling,
      media,
      kept,
      openMedia: onState => this.#openMedia(onState),
      onEnded: ended => this.#calls.delete(ended.id),
    });
    this.#calls.set(call.id, call);
    call.apply(news);
    const early = this.#early.filter(other => other.mediaSessionId === call.id);
    // The caller of `call()` gets the call first, then what has happened to it meanwhile.
    if (early.length > 0) this.#environment.after(0, () => early.forEach(other => void call.apply(other)));
    return call;
  }

  /** After a time without events: what is over is ended here, what is new is announced. */
  #compare(snapshot: Snapshot): void {
    const shown = new Map<string, SessionNews>();
    for (const value of snapshot.sessions) {
      const news = readSession(value);
      if (news !== null && !isFinal(news.status)) shown.set(news.mediaSessionId, news);
    }
    for (const call of this.#calls.values()) {
      const news = shown.get(call.id);
      if (news === undefined) void call.refresh();
      else call.apply(news);
    }
    const own = this.#keeper.current === null ? null : `tel:${this.#keeper.current.number}`;
    for (const news of shown.values()) {
      const waiting = news.status === 'Initial' || news.status === 'Ringing';
      const forUs =
        own !== null && news.originatorAddress !== own && news.offer !== undefined && news.answer === undefined;
      if (waiting && forUs && !this.#calls.has(news.mediaSessionId)) this.#invite(news);
    }
  }

  async #lost(error: CallingError): Promise<void> {
    await this.#keeper.stop().catch(() => {});
    await this.#channel?.stop();
    this.#channel = null;
    if (this.#state === 'closed') return;
    this.#move('idle');
    this.#emitter.emit('unregistered', { error });
  }

  #move(state: ClientState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#emitter.emit('connectionChanged', { state });
  }
}

/** What is not there any more is no error to one who asks whether it is. */
function nothingFound(error: unknown): null {
  if (error instanceof CallingError && error.httpStatus === 404) return null;
  throw error;
}
