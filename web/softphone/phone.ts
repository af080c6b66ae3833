/** What the softphone does: it registers, makes and takes one call at a time, and says in plain words what goes on. Knows no element of the page. */
import { type Call, type CallingClient, CallingError, type Environment, endText } from '../client/index.ts';
import type { Sounds } from './sound.ts';
import type { View } from './view.ts';

export interface PhoneParts {
  client: CallingClient;
  view: View;
  sounds: Pick<Sounds, 'ring' | 'ringback' | 'stop'>;
  after: Environment['after'];
}

/** Nothing here rejects: what goes wrong is shown. */
export interface Phone {
  /** Registers, and goes on with the call that the page had before it was loaded again. */
  start(): Promise<void>;
  dial(number: string, anonymous: boolean, video?: boolean): Promise<void>;
  answer(video?: boolean): Promise<void>;
  decline(): Promise<void>;
  hangup(): Promise<void>;
  hold(on: boolean): Promise<void>;
  mute(on: boolean): Promise<void>;
  video(on: boolean): Promise<void>;
  answerVideo(accept: boolean): Promise<void>;
  digit(digit: string): Promise<void>;
  microphone(audio: MediaTrackConstraints | boolean): Promise<void>;
  camera(video: MediaTrackConstraints | boolean): Promise<void>;
  /** Ends the call and the registration: the user signs out, here or in another tab. */
  leave(): Promise<void>;
}

const REGISTER_AGAIN_MS = 5000;
const TICK_MS = 500;
const OUT_OF_REACH = 'The service cannot be reached; trying again. You can hang up all the same.';

export function createPhone({ client, view, sounds, after }: PhoneParts): Phone {
  let current: Call | null = null;
  /** Whose screen is shown. */
  let shown: Call | null = null;
  let reason = '';
  let signInOver = false;
  let left = false;

  /** One line: the sentence about what was done last, or, more pressing in a call, that the service is away. */
  function tell(sentence: string): void {
    reason = sentence;
    view.reason(current !== null && client.state === 'offline' ? OUT_OF_REACH : reason);
  }

  function failed(error: unknown): void {
    if (left) return;
    tell(sentenceOf(error));
    if (!isSignInOver(error)) return;
    signInOver = true;
    if (current === null) signedOut();
  }

  function signedOut(): void {
    view.show({ type: 'signed-out' });
    view.status('Signed out');
  }

  /** Without a call: ready for the next one, where there is a registration; `otherwise` is said where there is none. */
  function rest(status: string, otherwise = 'Not registered'): void {
    const { state } = client;
    if (state !== 'registered' && state !== 'offline') {
      waiting(otherwise);
      return;
    }
    view.show({ type: 'ready' });
    view.status(state === 'offline' ? 'Connection lost, trying again…' : status);
  }

  function waiting(status: string): void {
    view.show({ type: 'waiting' });
    view.status(status);
  }

  /** A success takes away what was said before it, unless it said something itself. */
  async function attempt(work: () => Promise<unknown> | undefined): Promise<void> {
    const [before, call] = [reason, current];
    try {
      const doing = work();
      // The call is over already: nothing was done, and how it ended stays.
      if (doing === undefined) return;
      await doing;
      if (reason === before) tell('');
    } catch (error) {
      // How a call ended was told; that a late wish for it was refused says nothing more.
      if (call === null || call.end === null) failed(error);
    }
    if (current !== null) view.refresh(current);
  }

  /** `trouble`: what was said of why there is no registration; a success takes it away, and nothing else. */
  async function register(trouble = ''): Promise<void> {
    if (left) return;
    if (current === null) view.status('Registering…');
    try {
      const { number } = await client.register();
      view.number(number);
      if (reason === trouble) tell('');
      const call = await client.resume();
      if (call !== null && current !== null) void call.hangup();
      else if (call !== null) follow(call);
      else if (current === null) rest('Ready');
    } catch (error) {
      failed(error);
      if (signInOver) return;
      // The call of the page before could not go on; the registration stands.
      if (client.state === 'registered' && current === null) rest('Ready');
      else if (current === null) view.status('Not registered');
      if (error instanceof CallingError && error.retryable) registerAgain();
    }
  }

  function registerAgain(): void {
    const trouble = reason;
    after(REGISTER_AGAIN_MS, () => void register(trouble));
  }

  function follow(call: Call): void {
    current = call;
    tell('');
    if (call.end !== null) {
      ended(call);
      return;
    }
    call.on('statusChanged', () => {
      if (call.end === null) view.refresh(call);
      if (call.end === null && call.direction === 'inbound' && call.answeredAt !== null) talk(call);
    });
    call.on('ended', () => ended(call));
    call.on('connected', () => sounds.stop());
    for (const name of ['reconnecting', 'reconnected', 'videoChanged', 'videoAsked'] as const)
      call.on(name, () => view.refresh(call));
    // Sound of the network's own goes before ours.
    call.on('ringing', ({ earlyMedia }) => {
      if (call.direction === 'outbound' && !earlyMedia && call.media !== 'flowing') sounds.ringback();
    });
    if (call.direction === 'outbound' || call.answeredAt !== null) talk(call);
    else {
      view.show({ type: 'incoming', call });
      sounds.ring();
    }
    tick(call);
  }

  function tick(call: Call): void {
    if (current !== call) return;
    view.refresh(call);
    after(TICK_MS, () => tick(call));
  }

  function talk(call: Call): void {
    view.play(call.remoteStream);
    if (shown === call) return;
    shown = call;
    view.show({ type: 'talk', call });
  }

  function ended(call: Call): void {
    if (current !== call) return;
    current = null;
    sounds.stop();
    view.play(null);
    if (left) return;
    if (signInOver) signedOut();
    else rest('Call ended', 'Call ended');
    if (call.end !== null) tell(endText(call.end, call.direction));
  }

  client.on('incoming', call => {
    if (current === null) follow(call);
    else void call.reject('busy');
  });
  client.on('connectionChanged', ({ state }) => {
    tell(reason);
    if (current !== null) return;
    if (state === 'offline') view.status('Connection lost, trying again…');
    if (state === 'registered') view.status('Ready');
  });
  client.on('unregistered', ({ error }) => {
    if (error === null || left) return;
    if (current === null) waiting('Not registered');
    failed(error);
    if (!signInOver) registerAgain();
  });

  return {
    start() {
      view.show({ type: 'waiting' });
      return register();
    },
    async dial(number, anonymous, video = false) {
      if (current !== null) return;
      tell('');
      view.status('Calling…');
      view.show({ type: 'calling' });
      try {
        follow(await client.call(number, { anonymous, video }));
      } catch (error) {
        rest('Ready');
        failed(error);
      }
    },
    answer: (video = false) => attempt(() => current?.answer({ video })),
    decline: () => attempt(() => current?.reject()),
    hangup: () => attempt(() => current?.hangup()),
    hold: on => attempt(() => (on ? current?.hold() : current?.unhold())),
    mute: on => attempt(async () => current?.mute(on)),
    video: on => attempt(() => (on ? current?.addVideo() : current?.removeVideo())),
    answerVideo: accept => attempt(() => current?.answerVideo(accept)),
    digit: digit => attempt(() => current?.sendDigits(digit)),
    camera: video => attempt(() => client.useCamera(video)),
    microphone: audio => attempt(() => client.useMicrophone(audio)),
    async leave() {
      left = true;
      tell('');
      waiting('Signing out…');
      await client.close();
    },
  };
}

/** What else is not allowed stays so after another sign-in. */
function isSignInOver(error: unknown): boolean {
  return error instanceof CallingError && (error.name === 'token-unavailable' || error.name === 'token-refused');
}

function sentenceOf(error: unknown): string {
  if (!(error instanceof CallingError)) return 'Something went wrong; reload the page.';
  if (isSignInOver(error)) return 'Your sign-in has ended. Sign in again.';
  return [error.message, ...error.solutions].join(' ');
}
