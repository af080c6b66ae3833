/** What the page shows and hears: the elements, and which of them are seen when. */
import type { Call, Party } from '../client/index.ts';
import { createDeviceChoice } from './devices.ts';
import { createPicture } from './picture.ts';
import { badgeText, nameText, numberText, statusText, timeText } from './words.ts';

type Screen =
  | { type: 'signed-out' }
  /** Signed in, not registered. */
  | { type: 'waiting' }
  | { type: 'ready' }
  | { type: 'calling' }
  | { type: 'incoming'; call: Call }
  | { type: 'talk'; call: Call };

export interface ViewActions {
  dial(number: string, anonymous: boolean, video: boolean): void;
  answer(video: boolean): void;
  decline(): void;
  hangup(): void;
  mute(on: boolean): void;
  hold(on: boolean): void;
  video(on: boolean): void;
  /** What is said to a far end that asks for video. */
  answerVideo(accept: boolean): void;
  digit(digit: string): void;
  microphone(deviceId: string): void;
  camera(deviceId: string): void;
  speaker(deviceId: string): void;
  ring(loud: boolean): void;
  signOut(): void;
}

export interface View {
  show(screen: Screen): void;
  number(number: string): void;
  status(text: string): void;
  reason(text: string): void;
  /** Renews what changes within a call. */
  refresh(call: Call): void;
  play(stream: MediaStream | null): void;
}

const KEYS: ReadonlyArray<readonly [digit: string, letters: string]> = [
  ['1', ''],
  ['2', 'ABC'],
  ['3', 'DEF'],
  ['4', 'GHI'],
  ['5', 'JKL'],
  ['6', 'MNO'],
  ['7', 'PQRS'],
  ['8', 'TUV'],
  ['9', 'WXYZ'],
  ['*', ''],
  ['0', '+'],
  ['#', ''],
];
const TITLE = document.title;
const LONG_PRESS_MS = 500;

function find<T extends HTMLElement>(id: string, kind: new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`The page has no ${id}.`);
  return element;
}

/** `loud`: whether ringing is on at the start. */
export function createView(actions: ViewActions, loud: boolean): View {
  const section = (id: string) => find(id, HTMLElement);
  const button = (id: string) => find(id, HTMLButtonElement);
  const [input, audio, dialForm] = [
    find('dial-input', HTMLInputElement),
    find('remote-audio', HTMLAudioElement),
    find('dial', HTMLFormElement),
  ];
  const [mute, hold, keypad, callButton] = [button('mute'), button('hold'), button('keypad'), button('call-button')];
  const [withhold, ring] = [find('withhold', HTMLInputElement), find('ring', HTMLInputElement)];
  const select = (id: string) => find(id, HTMLSelectElement);
  const [video, videoCall] = [button('video'), button('video-call')];
  const picture = createPicture({
    stage: section('stage'),
    badge: section('remote-badge'),
    remote: find('remote-video', HTMLVideoElement),
    own: find('own-video', HTMLVideoElement),
    button: video,
    question: section('video-question'),
    answers: section('video-answers'),
  });
  const say = (id: string, text: string) => {
    const element = section(id);
    if (element.textContent !== text) element.textContent = text;
  };
  let shown: Screen['type'] = 'signed-out';

  const toggleVideo = () => {
    if (!video.disabled) actions.video(video.getAttribute('aria-pressed') !== 'true');
  };
  const toggleMute = () => actions.mute(mute.getAttribute('aria-pressed') !== 'true');
  const press = (digit: string) => {
    actions.digit(digit);
    openKeypad(true);
    say('digits', `${section('digits').textContent}${digit}`.slice(-32));
  };
  const openKeypad = (on: boolean) => {
    keypad.setAttribute('aria-expanded', String(on));
    section('digit-area').hidden = !on;
  };
  const names = (id: string, party: Party) => {
    const number = document.createElement('small');
    number.textContent = numberText(party);
    section(id).replaceChildren(nameText(party), ...(number.textContent === '' ? [] : [' ', number]));
    say(`${id}-badge`, badgeText(party));
  };

  dialForm.addEventListener('submit', event => {
    event.preventDefault();
    actions.dial(input.value, withhold.checked, event.submitter === videoCall);
  });
  button('erase').addEventListener('click', () => {
    input.value = input.value.slice(0, -1);
    input.focus();
  });
  button('answer').addEventListener('click', () => actions.answer(false));
  button('answer-video').addEventListener('click', () => actions.answer(true));
  button('take-video').addEventListener('click', () => actions.answerVideo(true));
  button('refuse-video').addEventListener('click', () => actions.answerVideo(false));
  video.addEventListener('click', toggleVideo);
  button('decline').addEventListener('click', () => actions.decline());
  button('hangup').addEventListener('click', () => actions.hangup());
  button('sign-out').addEventListener('click', () => actions.signOut());
  mute.addEventListener('click', toggleMute);
  hold.addEventListener('click', () => actions.hold(hold.getAttribute('aria-pressed') !== 'true'));
  keypad.addEventListener('click', () => openKeypad(keypad.getAttribute('aria-expanded') !== 'true'));
  ring.checked = loud;
  ring.addEventListener('change', () => actions.ring(ring.checked));
  const type = (character: string) => {
    input.value += character;
  };
  fillPad(section('dial-pad'), type, type);
  fillPad(section('digit-pad'), press);
  addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const isKey = KEYS.some(([digit]) => digit === event.key);
    if (shown === 'incoming' && event.key === 'Escape') actions.decline();
    if (event.target instanceof HTMLSelectElement) return;
    // Typed beside the field, it lands in it.
    if (shown === 'ready' && (isKey || event.key === '+')) input.focus();
    if (shown !== 'talk') return;
    if (isKey && !keypad.disabled) press(event.key);
    if (event.key.toLowerCase() === 'm') toggleMute();
    if (event.key.toLowerCase() === 'v') toggleVideo();
  });
  const devices = createDeviceChoice(select('microphone'), select('camera'), select('speaker'), {
    microphone: actions.microphone,
    camera: actions.camera,
    speaker(deviceId) {
      actions.speaker(deviceId);
      void audio.setSinkId?.(deviceId).catch(() => {});
    },
  });
  section('speaker-choice').hidden = !('setSinkId' in audio);

  return {
    show(screen) {
      const afterCall = shown === 'talk' || shown === 'incoming';
      const wasSignedIn = shown !== 'signed-out';
      shown = screen.type;
      const signedIn = screen.type !== 'signed-out';
      section('welcome').hidden = signedIn;
      section('own').hidden = !signedIn;
      section('sound').hidden = !signedIn;
      dialForm.hidden = screen.type !== 'ready' && screen.type !== 'calling';
      callButton.disabled = screen.type !== 'ready';
      videoCall.disabled = callButton.disabled;
      section('incoming').hidden = screen.type !== 'incoming';
      section('talk').hidden = screen.type !== 'talk';
      document.title = screen.type === 'incoming' ? `${nameText(screen.call.remote)} is calling` : TITLE;
      if (screen.type === 'incoming') {
        names('caller', screen.call.remote);
        section('answer-video-action').hidden = !screen.call.asksVideo;
        button('answer').focus();
      }
      if (screen.type === 'talk') {
        names('remote', screen.call.remote);
        say('digits', '');
        openKeypad(false);
        // Not a button: the Enter that answered must not press the next one.
        section('talk').focus();
      }
      picture.refresh(screen.type === 'talk' ? screen.call : null);
      // After a call not the field: the Enter that hung up would dial again.
      if (screen.type === 'ready') (afterCall ? dialForm : input).focus();
      if (wasSignedIn && !signedIn) find('sign-in', HTMLAnchorElement).focus();
      if (signedIn) void devices.refresh();
    },
    number: number => say('number', number),
    status: text => say('status', text),
    reason: text => say('end-reason', text),
    refresh(call) {
      const answered = call.answeredAt !== null;
      say('status', statusText(call));
      if (shown === 'talk') names('remote', call.remote);
      if (shown === 'talk') picture.refresh(call);
      say('timer', call.answeredAt === null ? '' : timeText(Date.now() - call.answeredAt));
      say('mute', call.muted ? 'Muted' : 'Mute');
      mute.setAttribute('aria-pressed', String(call.muted));
      hold.setAttribute('aria-pressed', String(call.heldBy === 'local' || call.heldBy === 'both'));
      hold.disabled = !answered;
      keypad.disabled = !answered && call.media !== 'flowing';
      section('digit-hint').hidden = keypad.disabled;
    },
    play(stream) {
      if (audio.srcObject !== stream) audio.srcObject = stream;
      if (stream !== null) {
        audio.play().catch(() => {
          // The browser wants a click first; the next one on the page starts it.
          addEventListener('click', () => void audio.play().catch(() => {}), { once: true });
        });
      }
    },
  };
}

/** `pressLong` gets the sign a key has beside its figure, when the key is held down. */
function fillPad(pad: HTMLElement, press: (digit: string) => void, pressLong?: (sign: string) => void): void {
  for (const [digit, letters] of KEYS) {
    const key = document.createElement('button');
    const [figure, small] = [document.createElement('span'), document.createElement('small')];
    key.type = 'button';
    figure.textContent = digit;
    small.textContent = letters;
    key.append(figure, ...(letters === '' ? [] : [small]));
    if (digit === '*' || digit === '#') key.setAttribute('aria-label', digit === '*' ? 'star' : 'hash');
    const wasLong = letters === '+' && pressLong !== undefined ? holdDown(key, () => pressLong(letters)) : () => false;
    key.addEventListener('click', () => {
      if (!wasLong()) press(digit);
    });
    pad.append(key);
  }
}

/** Calls `work` when the key is held down; the function returned says of the click that follows whether it was. */
function holdDown(key: HTMLElement, work: () => void): () => boolean {
  let long = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  key.addEventListener('pointerdown', () => {
    long = false;
    timer = setTimeout(() => {
      long = true;
      work();
    }, LONG_PRESS_MS);
  });
  for (const end of ['pointerup', 'pointerleave', 'pointercancel'])
    key.addEventListener(end, () => clearTimeout(timer));
  key.addEventListener('contextmenu', event => event.preventDefault());
  return () => {
    const was = long;
    long = false;
    return was;
  };
}
