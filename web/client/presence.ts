/** Whether this page can be called: its registration and its channel, made one after the other and given up together. */
import type { CallTable } from './calls.ts';
import { type Channel, createChannel, type Snapshot } from './channel.ts';
import { createDeviceTickets } from './channel-tickets.ts';
import type { ApiPaths, ClientEvents, ClientState } from './client-parts.ts';
import type { Emitter } from './emitter.ts';
import type { Environment } from './environment.ts';
import { CallingError } from './errors.ts';
import type { Http } from './http.ts';
import type { IceServers } from './ice-servers.ts';
import { createRegistrationKeeper, type Registration, type RegistrationKeeper } from './registration.ts';
import { readSession } from './session.ts';

export interface PresenceParts {
  http: Http;
  environment: Environment;
  paths: Pick<ApiPaths, 'registration' | 'channels'>;
  deviceId: string;
  calls: Pick<CallTable, 'all' | 'over' | 'hear' | 'compare' | 'reachable'>;
  iceServers: Pick<IceServers, 'start' | 'stop'>;
  emit: Emitter<ClientEvents>['emit'];
}

export interface Presence {
  readonly state: ClientState;
  readonly registration: Registration | null;
  use: RegistrationKeeper['use'];
  /** One registering at a time, after every leaving that was begun before. Rejects with CallingError. */
  register(): Promise<Registration>;
  /** Ends registration and channel after `before`; a registering under way rejects. Rejects with CallingError. */
  unregister(before: Promise<unknown>): Promise<void>;
  /** The same, for good. Does not reject. */
  close(before: Promise<unknown>): Promise<void>;
  /** The network is there again. */
  wake(): void;
  /** The network is gone. */
  drop(): void;
}

export function createPresence({
  http,
  environment,
  paths,
  deviceId,
  calls,
  iceServers,
  emit,
}: PresenceParts): Presence {
  let state: ClientState = 'idle';
  let channel: Channel | null = null;
  /** What the channel showed last; null: it tells nothing now. */
  let shown: Snapshot | null = null;
  let registering: Promise<Registration> | null = null;
  let ending: Promise<void> | null = null;
  /** Why the registering under way cannot go on. */
  let refusal: CallingError | null = null;

  const keeper = createRegistrationKeeper({
    http,
    environment,
    path: paths.registration,
    deviceId,
    onChanged(registration) {
      judge();
      // Kept for a call alone, it is nobody's news.
      if (state !== 'idle') emit('registered', registration);
    },
    onGone: judge,
    onLost: error => void lost(error, letGo),
  });
  // The tabs of a profile share their registration: what one ends the others need again.
  const tabs = environment.openTabs(ended => {
    if (ended === keeper.current?.registrationId) keeper.renew();
  });

  function move(next: ClientState): void {
    if (state === next || state === 'closed') return;
    state = next;
    emit('connectionChanged', { state });
  }

  /** Registered is who can be called: with a registration, and with events that tell of the call. */
  function reach(): ClientState {
    return shown !== null && keeper.current !== null ? 'registered' : 'offline';
  }

  function judge(): void {
    if (state === 'registered' || state === 'offline') move(reach());
  }

  async function make(before: ReadonlyArray<Promise<unknown> | null>): Promise<Registration> {
    if (before.some(work => work !== null)) await Promise.allSettled(before);
    if (state === 'closed') throw new CallingError('not-registered');
    if (keeper.current !== null && channel !== null) return keeper.current;
    refusal = null;
    move('registering');
    emit('registering', undefined);
    iceServers.start();
    try {
      // Events first: a call that comes in between the two would be lost.
      if (channel === null) await openChannel();
      const registration = await keeper.start();
      if (refusal !== null) throw refusal;
      move(reach());
      emit('registered', registration);
      if (shown !== null) calls.compare(shown, registration.number);
      return registration;
    } catch (error) {
      await giveUp().catch(() => {});
      move('idle');
      throw refusal ?? error;
    }
  }

  function openChannel(): Promise<void> {
    channel = createChannel({
      environment,
      tickets: createDeviceTickets({ http, environment, path: paths.channels, deviceId }),
      onEvent: ({ type, data }) => hear(type, data),
      onSnapshot: show,
      onState(now) {
        if (now === 'open') return;
        shown = null;
        judge();
      },
      onRefused: error => void lost(error, giveUp),
    });
    return channel.start();
  }

  function show(snapshot: Snapshot): void {
    shown = snapshot;
    calls.reachable();
    const { current } = keeper;
    if (current !== null && !holds(snapshot, current)) keeper.renew();
    judge();
    if (current !== null) calls.compare(snapshot, current.number);
  }

  function hear(type: string, data: Record<string, unknown>): void {
    switch (type.slice(type.lastIndexOf('.') + 1)) {
      case 'session-invitation':
      case 'session-status': {
        const news = readSession(data);
        if (news !== null) calls.hear(news, type.endsWith('session-invitation'));
        return;
      }
      case 'registration-ends':
        if (data['registrationId'] !== keeper.current?.registrationId) return;
        if (data['terminationReason'] === 'REGISTRATION_EXPIRED') keeper.renew();
        else
          void lost(
            new CallingError('registration-refused', { message: 'The network ended the registration.' }),
            letGo,
          );
        return;
    }
  }

  async function stopHearing(): Promise<void> {
    iceServers.stop();
    const open = channel;
    channel = null;
    shown = null;
    await open?.stop();
  }

  /** Without a registration there is nothing to keep up for it. Rejects with CallingError when the service was not told. */
  async function letGo(): Promise<void> {
    const [told] = await Promise.allSettled([keeper.stop(), stopHearing()]);
    if (told.status === 'rejected') throw told.reason;
  }

  /** Nobody asked for it: calls go on, and with them their registration, whose end would be theirs. */
  async function giveUp(): Promise<void> {
    if (calls.all.size === 0) return letGo();
    void calls.over().then(() => (state === 'idle' ? keeper.stop().catch(() => {}) : undefined));
    await stopHearing();
  }

  /** What begins while this goes on waits for its end. */
  function end(work: () => Promise<void>): Promise<void> {
    const mine = work().finally(() => {
      if (ending === mine) ending = null;
    });
    ending = mine;
    return mine;
  }

  function lost(error: CallingError, leave: () => Promise<void>): Promise<void> {
    if (state === 'registering') {
      // What is under way rejects, and gives up what it has made.
      refusal = error;
      return stopHearing();
    }
    if (state === 'registered') move('offline');
    return end(async () => {
      await leave().catch(() => {});
      if (state === 'closed') return;
      move('idle');
      emit('unregistered', { error });
    });
  }

  function unregister(before: Promise<unknown>): Promise<void> {
    return end(async () => {
      await before;
      const ended = keeper.current;
      try {
        await letGo();
      } finally {
        if (ended !== null) tabs.say(ended.registrationId);
        move('idle');
        emit('unregistered', { error: null });
      }
    });
  }

  return {
    get state() {
      return state;
    },
    get registration() {
      return state === 'idle' ? null : keeper.current;
    },
    use: request => keeper.use(request),
    register() {
      if (ending === null && registering !== null) return registering;
      const mine = make([ending, registering]).finally(() => {
        if (registering === mine) registering = null;
      });
      registering = mine;
      return mine;
    },
    unregister,
    async close(before) {
      move('closed');
      await unregister(before).catch(() => {});
      tabs.close();
    },
    wake: () => channel?.wake(),
    drop: () => channel?.drop(),
  };
}

/** False: the registration ended while nobody listened. */
function holds({ registrations }: Snapshot, { registrationId }: Registration): boolean {
  return registrations.some(shown => (shown as { registrationId?: unknown } | null)?.registrationId === registrationId);
}
