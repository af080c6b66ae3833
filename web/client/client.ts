/** The SDK's root: registers the device, makes calls, announces incoming ones. */
import { askForCall } from './ask-for-call.ts';
import type { Call } from './call.ts';
import { type CallTable, createCallTable } from './calls.ts';
import { type Channel, createChannel, type Snapshot } from './channel.ts';
import { createDeviceTickets } from './channel-tickets.ts';
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
import { createRegistrationKeeper, type Registration, type RegistrationKeeper } from './registration.ts';
import { dialAddress, readSession } from './session.ts';
import type { Tabs } from './tabs.ts';

export class CallingClient {
  readonly deviceId: string;
  readonly #environment: Environment;
  readonly #paths: ApiPaths;
  readonly #http: Http;
  readonly #emitter = createEmitter<ClientEvents>();
  readonly #keeper: RegistrationKeeper;
  readonly #iceServers: IceServers;
  readonly #emergencyNumbers: readonly string[];
  readonly #calls: CallTable;
  readonly #tabs: Tabs;
  readonly #stopListening: ReadonlyArray<() => void>;
  #channel: Channel | null = null;
  #state: ClientState = 'idle';
  #hearing = false;
  #audio: MediaTrackConstraints | boolean;
  #camera: MediaTrackConstraints | boolean;
  #shown: Snapshot = { sessions: [], registrations: [] };

  constructor(options: CallingClientOptions) {
    this.#audio = options.audio ?? true;
    this.#camera = options.camera ?? CAMERA;
    this.#emergencyNumbers = options.emergencyNumbers ?? [];
    this.#environment = options.environment ?? browserEnvironment();
    this.#paths = { ...PATHS, ...options.paths };
    this.#http = createHttp(options.apiRoot ?? '', options.token, this.#environment);
    this.deviceId = options.deviceId ?? deviceId(this.#environment.profile, () => this.#environment.uuid());
    this.#keeper = createRegistrationKeeper({
      http: this.#http,
      environment: this.#environment,
      path: this.#paths.registration,
      deviceId: this.deviceId,
      onChanged: registration => {
        this.#judge();
        this.#emitter.emit('registered', registration);
      },
      onGone: () => this.#judge(),
      onLost: error => void this.#lost(error),
    });
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
    // The tabs of a profile share their registration: what one ends the others need again.
    this.#tabs = this.#environment.openTabs(ended => {
      if (ended === this.#keeper.current?.registrationId) this.#keeper.renew();
    });
    this.#stopListening = [
      () => this.#tabs.close(),
      this.#environment.whenOnline(() => this.#online()),
      this.#environment.whenOffline(() => this.#channel?.drop()),
      this.#environment.whenLeaving(() => this.#leaving()),
    ];
  }

  get #callsPath(): string {
    return `${this.#paths.callHandling}/sessions`;
  }

  get state(): ClientState {
    return this.#state;
  }

  /** Numbers this device calls from and is called at. */
  get numbers(): readonly string[] {
    return this.#keeper.current === null ? [] : [this.#keeper.current.number];
  }

  get calls(): ReadonlyMap<string, Call> {
    return this.#calls.all;
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
    this.#iceServers.start();
    try {
      // Events first: a call that comes in between the two would be lost.
      await this.#openChannel();
      const registration = await this.#keeper.start();
      // It may have been lost again meanwhile.
      this.#move(this.#hearing ? 'registered' : 'offline');
      this.#emitter.emit('registered', registration);
      this.#calls.compare(this.#shown, registration.number);
      return registration;
    } catch (error) {
      await this.#giveUp();
      this.#move('idle');
      throw error;
    }
  }

  /** Ends the registration and its calls. */
  async unregister(): Promise<void> {
    await Promise.allSettled([...this.#calls.all.values()].map(call => call.hangup()));
    this.#calls.stop();
    this.#iceServers.stop();
    const ended = this.#keeper.current;
    try {
      await this.#keeper.stop();
    } finally {
      if (ended !== null) this.#tabs.say(ended.registrationId);
      await this.#channel?.stop();
      this.#channel = null;
      if (this.#state !== 'closed') this.#move('idle');
      this.#emitter.emit('unregistered', { error: null });
    }
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
    if (this.#keeper.current === null) throw new CallingError('not-registered');
    const receiverAddress = dialAddress(to, this.#emergencyNumbers);
    if (receiverAddress === null) throw new CallingError('number-not-dialable');
    return placeCall(
      this.#calls,
      onState => this.#openMedia(onState),
      async media => {
        if (options.video === true) await media.addVideo(this.#camera);
        const sdp = await media.offer();
        const request = { receiverAddress, anonymous: options.anonymous === true, sdp };
        return this.#keeper.use(registration => askForCall(this.#http, this.#callsPath, registration, request));
      },
    );
  }

  /**
   * After `register` of a page that was loaded again: goes on with the call that was answered in it. Null: there was none,
   * or it is over. Rejects with CallingError when the microphone is refused; the call is ended then.
   */
  async resume(): Promise<Call | null> {
    if (this.#keeper.current === null) throw new CallingError('not-registered');
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
    if (this.#state === 'closed') return;
    this.#move('closed');
    for (const stop of this.#stopListening) stop();
    await this.unregister().catch(() => {});
    this.#emitter.emit('closed', undefined);
    this.#emitter.clear();
  }

  #online(): void {
    this.#channel?.wake();
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

  async #openChannel(): Promise<void> {
    this.#channel ??= createChannel({
      environment: this.#environment,
      tickets: createDeviceTickets({
        http: this.#http,
        environment: this.#environment,
        path: this.#paths.channels,
        deviceId: this.deviceId,
      }),
      onEvent: ({ type, data }) => this.#hear(type, data),
      onSnapshot: snapshot => {
        this.#shown = snapshot;
        this.#calls.reachable();
        const { current } = this.#keeper;
        if (current === null) return;
        this.#calls.compare(snapshot, current.number);
        if (!holds(snapshot, current)) this.#keeper.renew();
      },
      onState: state => {
        this.#hearing = state === 'open';
        this.#judge();
      },
      onRefused: error => void this.#lost(error),
    });
    await this.#channel.start();
  }

  #hear(type: string, data: Record<string, unknown>): void {
    switch (type.slice(type.lastIndexOf('.') + 1)) {
      case 'session-invitation':
      case 'session-status': {
        const news = readSession(data);
        if (news !== null) this.#calls.hear(news, type.endsWith('session-invitation'));
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

  /** Without a registration there is nothing to keep up for it. */
  async #giveUp(): Promise<void> {
    this.#iceServers.stop();
    await this.#keeper.stop().catch(() => {});
    await this.#channel?.stop();
    this.#channel = null;
  }

  async #lost(error: CallingError): Promise<void> {
    if (this.#state === 'registered') this.#move('offline');
    await this.#giveUp();
    if (this.#state === 'closed') return;
    this.#move('idle');
    this.#emitter.emit('unregistered', { error });
  }

  /** Registered is who can be called: with a registration, and with events that tell of the call. */
  #judge(): void {
    if (this.#state !== 'registered' && this.#state !== 'offline') return;
    this.#move(this.#hearing && this.#keeper.current !== null ? 'registered' : 'offline');
  }

  #move(state: ClientState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#emitter.emit('connectionChanged', { state });
  }
}

/** False: the registration ended while nobody listened. */
function holds({ registrations }: Snapshot, { registrationId }: Registration): boolean {
  return registrations.some(shown => (shown as { registrationId?: unknown } | null)?.registrationId === registrationId);
}
