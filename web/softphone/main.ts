/** The softphone page: signs in, and joins what is shown with what is done. */
import { browserEnvironment, CallingClient, openTabs } from '../client/index.ts';
import { createPhone, type Phone } from './phone.ts';
import { signOut, tokenSource, whoAmI } from './sign-in.ts';
import { createSounds } from './sound.ts';
import { createView } from './view.ts';

declare global {
  interface Window {
    /** For the browser's console and for tests. */
    lineside?: { client: CallingClient };
  }
}

async function start(): Promise<void> {
  let phone: Phone | null = null;
  let leave = async () => {};
  const sounds = createSounds();
  const view = createView(
    {
      dial: (number, anonymous, video) => void phone?.dial(number, anonymous, video),
      answer: video => void phone?.answer(video),
      decline: () => void phone?.decline(),
      hangup: () => void phone?.hangup(),
      mute: on => void phone?.mute(on),
      hold: on => void phone?.hold(on),
      video: on => void phone?.video(on),
      answerVideo: accept => void phone?.answerVideo(accept),
      digit: digit => void phone?.digit(digit),
      microphone: id => void phone?.microphone(id === '' ? true : { deviceId: { exact: id } }),
      camera: id => void phone?.camera(id === '' ? true : { deviceId: { exact: id } }),
      speaker: deviceId => sounds.useSpeaker(deviceId),
      ring(loud) {
        sounds.loud = loud;
      },
      signOut: () => void leave(),
    },
    sounds.loud,
  );

  // A profile has one sign-in: what one tab does to it holds for all.
  const tabs = openTabs('lineside.sign-in', word => {
    if (word === 'signing out') void phone?.leave();
    if (word === 'signed out' || (word === 'signed in' && phone === null)) location.reload();
  });
  const signedIn = await whoAmI();
  if (signedIn === null) {
    view.show({ type: 'signed-out' });
    view.status('Signed out');
    return;
  }
  tabs.say('signed in');
  const environment = browserEnvironment();
  const { emergencyNumbers } = signedIn;
  const client = new CallingClient({ token: tokenSource(signedIn.csrf), emergencyNumbers, environment });
  window.lineside = { client };
  const made = createPhone({ client, view, sounds, after: environment.after });
  phone = made;
  leave = async () => {
    tabs.say('signing out');
    await made.leave();
    await signOut(signedIn.csrf).catch(() => {});
    tabs.say('signed out');
    location.replace('/softphone/');
  };
  view.number(signedIn.number ?? '');
  await made.start();
}

start().catch(() => {
  const status = document.getElementById('status');
  if (status !== null) status.textContent = 'The service cannot be reached. Reload the page to try again.';
});
