/** The softphone: signs in, registers this browser, makes and takes one call at a time. */
import { type Call, CallingClient, CallingError, endText } from '../client/index.ts';
import { signOut, tokenSource, whoAmI } from './sign-in.ts';
import { createSounds } from './sound.ts';
import { createView, type View } from './view.ts';

declare global {
  interface Window {
    /** For the browser's console and for tests. */
    lineside?: { client: CallingClient };
  }
}

const REGISTER_AGAIN_MS = 5000;

async function start(): Promise<void> {
  let current: Call | null = null;
  let leave = async () => {};
  let client: CallingClient | null = null;

  const sounds = createSounds();
  const view = createView(
    {
      dial: (number, anonymous) => void dial(number, anonymous),
      answer: () => void attempt(view, async () => current?.answer()),
      decline: () => void attempt(view, async () => current?.reject()),
      hangup: () => void attempt(view, async () => current?.hangup()),
      mute(on) {
        current?.mute(on);
        if (current !== null) view.refresh(current);
      },
      hold: on => void attempt(view, async () => (on ? current?.hold() : current?.unhold())),
      digit: digit => void attempt(view, async () => current?.sendDigits(digit)),
      microphone: deviceId =>
        void attempt(view, async () =>
          client?.useMicrophone(deviceId === '' ? true : { deviceId: { exact: deviceId } }),
        ),
      speaker: deviceId => sounds.useSpeaker(deviceId),
      ring(loud) {
        sounds.loud = loud;
      },
      signOut: () => void leave(),
    },
    sounds.loud,
  );

  async function dial(number: string, anonymous: boolean): Promise<void> {
    if (client === null || current !== null) return;
    view.reason('');
    view.status('Calling…');
    view.show({ type: 'calling' });
    try {
      follow(await client.call(number, { anonymous }));
    } catch (error) {
      view.show({ type: 'ready' });
      view.status('Ready');
      view.reason(sentence(error));
    }
  }

  function follow(call: Call): void {
    current = call;
    const clock = setInterval(() => view.refresh(call), 500);
    const ended = () => {
      clearInterval(clock);
      if (current === call) current = null;
      sounds.stop();
      view.play(null);
      view.show({ type: 'ready' });
      view.status('Call ended');
      if (call.end !== null) view.reason(endText(call.end, call.direction));
    };
    if (call.end !== null) {
      ended();
      return;
    }
    call.on('statusChanged', () => {
      if (call.end !== null) return;
      view.refresh(call);
      if (call.direction === 'inbound' && call.answeredAt !== null) talk(call);
    });
    call.on('ended', ended);
    call.on('connected', () => sounds.stop());
    // Sound of the network's own goes before ours.
    call.on('ringing', ({ earlyMedia }) => {
      if (call.direction === 'outbound' && !earlyMedia && call.media !== 'flowing') sounds.ringback();
    });
    view.reason('');
    if (call.direction === 'outbound' || call.answeredAt !== null) talk(call);
    else {
      view.show({ type: 'incoming', call });
      sounds.ring();
    }
    view.refresh(call);
  }

  let shown: Call | null = null;
  function talk(call: Call): void {
    view.play(call.remoteStream);
    if (shown === call) return;
    shown = call;
    view.show({ type: 'talk', call });
  }

  const signedIn = await whoAmI();
  if (signedIn === null) {
    view.show({ type: 'signed-out' });
    view.status('Signed out');
    return;
  }
  const opened = new CallingClient({ token: tokenSource(signedIn.csrf) });
  client = opened;
  window.lineside = { client: opened };
  leave = async () => {
    view.status('Signing out…');
    await opened.close();
    await signOut(signedIn.csrf).catch(() => {});
    location.replace('/softphone/');
  };
  opened.on('incoming', call => {
    if (current === null) follow(call);
    else void call.reject('busy').catch(() => {});
  });
  opened.on('connectionChanged', ({ state }) => {
    if (current !== null) return;
    if (state === 'offline') view.status('Connection lost, trying again…');
    if (state === 'registered') view.status('Ready');
  });
  opened.on('unregistered', ({ error }) => {
    if (error === null || opened.state === 'closed') return;
    view.show({ type: 'waiting' });
    view.reason(sentence(error));
    setTimeout(() => void register(opened, view, resumed), REGISTER_AGAIN_MS);
  });
  const resumed = (call: Call | null) => {
    if (call !== null && current !== null) void call.hangup().catch(() => {});
    else if (call !== null) follow(call);
    else if (current === null) {
      view.show({ type: 'ready' });
      view.status('Ready');
    }
  };
  view.number(signedIn.number ?? '');
  view.show({ type: 'waiting' });
  await register(opened, view, resumed);
}

/** Registers, and goes on with the call the page had before it was loaded again; while the service is busy it tries again, a sign-in that has ended shows the way back in. */
async function register(client: CallingClient, view: View, resumed: (call: Call | null) => void): Promise<void> {
  view.status('Registering…');
  try {
    const { number } = await client.register();
    view.number(number);
    view.reason('');
    resumed(await client.resume());
  } catch (error) {
    view.reason(sentence(error));
    if (error instanceof CallingError && error.code < 20000) {
      view.show({ type: 'signed-out' });
      view.status('Signed out');
      return;
    }
    view.status('Not registered');
    if (error instanceof CallingError && error.retryable)
      setTimeout(() => void register(client, view, resumed), REGISTER_AGAIN_MS);
  }
}

async function attempt(view: View, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    view.reason(sentence(error));
  }
}

function sentence(error: unknown): string {
  if (!(error instanceof CallingError)) return 'Something went wrong; reload the page.';
  return [error.message, ...error.solutions].join(' ');
}

start().catch(() => {
  const status = document.getElementById('status');
  if (status !== null) status.textContent = 'The service cannot be reached. Reload the page to try again.';
});
