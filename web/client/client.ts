/** The SDK's root: registers the device, makes calls, announces incoming ones. */
import { askForCall } from './ask-for-call.ts';
import type { Call } from './call.ts';
import { type CallTable, createCallTable } from './calls.ts';
import {
  type ApiPaths,
  CAMERA,
  type CallingClientOptions,
  type ClientEvents,
  type ClientState,
  PATHS,
} from './client-parts.ts';
import { deviceId } from './device-id.ts';
import { createEmitter, type Listener } from './emitter.ts';
import { browserEnvironment, type Environment } from './environment.ts';
import { CallingError } from './errors.ts';
import { createHttp, type Http } from './http.ts';
import { createIceServers, fixedIceServers, type IceServers } from './ice-servers.ts';
import { keepCall, takeKeptCall } from './kept-call.ts';
import { type CallMedia, type MediaState, openMedia } from './media.ts';
import { placeCall, resumeCall } from './place-call.ts';
import { createPresence, type Presence } from './presence.ts';
import type { Registration } from './registration.ts';
import { dialAddress } from './session.ts';

export class CallingClient {
  readonly deviceId: string;
  readonly #environment: Environment;
  readonly #paths: ApiPaths;
  readonly #http: Http;
  readonly #emitter = createEmitter<ClientEvents>();
  readonly #iceServers: IceServers;
  readonly #emergencyNumbers: readonly string[];
  readonly #calls: CallTable;
  readonly #presence: Presence;
  readonly #stopListening: ReadonlyArray<() => void>;
  #audio: MediaTrackConstraints | boolean;
  #camera: MediaTrackConstraints | boolean;

  constructor(options: CallingClientOptions) {
    this.#audio = options.audio ?? true;
    this.#camera = options.camera ?? CAMERA;
    this.#emergencyNumbers = options.emergencyNumbers ?? [];
    this.#environment = options.environment ?? browserEnvironment();
    this.#paths = { ...PATHS, ...options.paths };
    this.#http = createHttp(options.apiRoot ?? '', options.token, this.#environment);
    this.deviceId = options.deviceId ?? deviceId(this.#environment.profile, () => this.#environment.uuid());
    this.#iceServers =
      options.iceServers === undefined
        ? createIceServers({ http: this.#http, environment: this.#environment, path: this.#paths.iceServers })
        : fixedIceServers(options.iceServers);
    this.#calls = createCallTable({
      http: this.#http,
      environment: this.#environment,
      path: this.#callsPath,
      openMedia: onState => this.#openMedia(onState),
      camera: () => this.#camera,
      onIncoming: call => this.#emitter.emit('incoming', call),
    });
    this.#presence = createPresence({
      http: this.#http,
      environment: this.#environment,
      paths: this.#paths,
      deviceId: this.deviceId,
      calls: this.#calls,
      iceServers: this.#iceServers,
      emit: this.#emitter.emit,
    });
    this.#stopListening = [
      this.#environment.whenOnline(() => this.#online()),
      this.#environment.whenOffline(() => this.#presence.drop()),
      this.#environment.whenLeaving(() => this.#leaving()),
    ];
  }

  get #callsPath(): string {
    return `${this.#paths.callHandling}/sessions`;
  }

  get state(): ClientState {
    return this.#presence.state;
  }

  /** Numbers this device calls from and is called at. */
  get numbers(): readonly string[] {
    const { registration } = this.#presence;
    return registration === null ? [] : [registration.number];
  }

  get calls(): ReadonlyMap<string, Call> {
    return this.#calls.all;
  }

  on<Name extends keyof ClientEvents>(name: Name, listener: Listener<ClientEvents[Name]>): () => void {
    return this.#emitter.on(name, listener);
  }

  /** Registers this device, or finds its registration again after a reload; events come from now on. Rejects with CallingError. */
  register(): Promise<Registration> {
    return this.#presence.register();
  }

  /** Ends the registration and its calls. Rejects with CallingError. */
  unregister(): Promise<void> {
    return this.#presence.unregister(this.#endCalls());
  }

  /** The microphone of this and all later calls, as constraints. Rejects with CallingError when a call cannot go on with it. */
  async useMicrophone(audio: MediaTrackConstraints | boolean): Promise<void> {
    this.#audio = audio;
    await Promise.all([...this.#calls.all.values()].map(call => call.useMicrophone(audio)));
  }

  /** The camera of this and all later calls, as constraints. Rejects with CallingError when a call cannot go on with it. */
  async useCamera(video: MediaTrackConstraints | boolean): Promise<void> {
    this.#camera = video;
    await Promise.all([...this.#calls.all.values()].map(call => call.useCamera(video)));
  }

  /** Calls +country and number, a tel: or sip: address, or an emergency service (112, 911, one of `emergencyNumbers`, urn:service:sos). With `video` the camera is opened and offered; a far end without video leaves the sound. Resolves when the service has taken the call. Rejects with CallingError. */
  async call(to: string, options: { anonymous?: boolean; video?: boolean } = {}): Promise<Call> {
    if (this.#presence.registration === null) throw new CallingError('not-registered');
    const receiverAddress = dialAddress(to, this.#emergencyNumbers);
    if (receiverAddress === null) throw new CallingError('number-not-dialable');
    return placeCall(
      this.#calls,
      onState => this.#openMedia(onState),
      async media => {
        if (options.video === true) await media.addVideo(this.#camera);
        const sdp = await media.offer();
        const request = { receiverAddress, anonymous: options.anonymous === true, sdp };
        return this.#presence.use(registration => askForCall(this.#http, this.#callsPath, registration, request));
      },
    );
  }

  /**
   * After `register` of a page that was loaded again: goes on with the call that was answered in it. Null: there was none,
   * or it is over. Rejects with CallingError when the microphone is refused; the call is ended then.
   */
  async resume(): Promise<Call | null> {
    if (this.#presence.registration === null) throw new CallingError('not-registered');
    const kept = takeKeptCall(this.#environment.tab);
    if (kept === null || this.#calls.all.has(kept.id)) return null;
    return resumeCall(this.#calls, {
      http: this.#http,
      path: this.#callsPath,
      kept,
      keepAgain: () => keepCall(this.#environment.tab, kept),
      openMedia: onState => this.#openMedia(onState),
      dress: async media => {
        if (kept.video) await media.addVideo(this.#camera).catch(() => {});
      },
    });
  }

  /** Ends everything; the client cannot be used again. */
  async close(): Promise<void> {
    if (this.state === 'closed') return;
    for (const stop of this.#stopListening) stop();
    await this.#presence.close(this.#endCalls());
    this.#emitter.emit('closed', undefined);
    this.#emitter.clear();
  }

  async #endCalls(): Promise<void> {
    await Promise.allSettled([...this.#calls.all.values()].map(call => call.hangup()));
    this.#calls.stop();
  }

  #online(): void {
    this.#presence.wake();
    this.#iceServers.wake();
    this.#calls.reachable();
    for (const call of this.#calls.all.values()) void call.reconnect();
  }

  /** Whether the page comes again nobody knows: an answered call is kept for it, one that nobody has answered is given up. */
  #leaving(): void {
    for (const call of this.#calls.all.values()) {
      const kept = call.keep();
      if (kept !== null) keepCall(this.#environment.tab, kept);
      else if (call.direction === 'outbound') void call.hangup().catch(() => {});
    }
  }

  #openMedia(onState: (state: MediaState) => void): Promise<CallMedia> {
    return openMedia({
      environment: this.#environment,
      audio: this.#audio,
      iceServers: this.#iceServers,
      onState,
    });
  }
}
