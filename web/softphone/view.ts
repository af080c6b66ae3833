/** What the page shows and hears: the elements, and which of them are seen when. */
import type { Call } from '../client/index.ts';
import { partyText, statusText, timeText } from './words.ts';

type Screen =
  | { type: 'signed-out' }
  /** Signed in, not registered. */
  | { type: 'waiting' }
  | { type: 'ready' }
  | { type: 'calling' }
  | { type: 'incoming'; call: Call }
  | { type: 'talk'; call: Call };

export interface ViewActions {
  dial(number: string): void;
  answer(): void;
  decline(): void;
  hangup(): void;
  mute(on: boolean): void;
  hold(on: boolean): void;
  digit(digit: string): void;
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

const DIGITS = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '0', '#'];

function find<T extends HTMLElement>(id: string, kind: new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`The page has no ${id}.`);
  return element;
}

export function createView(actions: ViewActions): View {
  const section = (id: string) => find(id, HTMLElement);
  const button = (id: string) => find(id, HTMLButtonElement);
  const [input, audio, dialForm] = [
    find('dial-input', HTMLInputElement),
    find('remote-audio', HTMLAudioElement),
    find('dial', HTMLFormElement),
  ];
  const [mute, hold, callButton] = [button('mute'), button('hold'), button('call-button')];
  const say = (id: string, text: string) => {
    const element = section(id);
    if (element.textContent !== text) element.textContent = text;
  };

  dialForm.addEventListener('submit', event => {
    event.preventDefault();
    actions.dial(input.value);
  });
  button('answer').addEventListener('click', () => actions.answer());
  button('decline').addEventListener('click', () => actions.decline());
  button('hangup').addEventListener('click', () => actions.hangup());
  button('sign-out').addEventListener('click', () => actions.signOut());
  mute.addEventListener('click', () => actions.mute(mute.getAttribute('aria-pressed') !== 'true'));
  hold.addEventListener('click', () => actions.hold(hold.getAttribute('aria-pressed') !== 'true'));
  fillPad(section('dial-pad'), digit => {
    input.value += digit;
  });
  fillPad(section('digit-pad'), digit => {
    actions.digit(digit);
    say('digits', `${section('digits').textContent}${digit}`.slice(-32));
  });

  return {
    show(screen) {
      section('welcome').hidden = screen.type !== 'signed-out';
      section('own').hidden = screen.type === 'signed-out';
      dialForm.hidden = screen.type !== 'ready' && screen.type !== 'calling';
      callButton.disabled = screen.type !== 'ready';
      section('incoming').hidden = screen.type !== 'incoming';
      section('talk').hidden = screen.type !== 'talk';
      if (screen.type === 'incoming') {
        say('caller', partyText(screen.call.remote));
        button('answer').focus();
      }
      if (screen.type === 'talk') {
        say('remote', partyText(screen.call.remote));
        say('digits', '');
        button('hangup').focus();
      }
      if (screen.type === 'ready') input.focus();
    },
    number: number => say('number', number),
    status: text => say('status', text),
    reason: text => say('end-reason', text),
    refresh(call) {
      const answered = call.answeredAt !== null;
      say('status', statusText(call));
      say('timer', call.answeredAt === null ? '' : timeText(Date.now() - call.answeredAt));
      mute.setAttribute('aria-pressed', String(call.muted));
      hold.setAttribute('aria-pressed', String(call.status === 'Hold'));
      hold.disabled = !answered;
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

function fillPad(pad: HTMLElement, press: (digit: string) => void): void {
  for (const digit of DIGITS) {
    const key = document.createElement('button');
    key.type = 'button';
    key.textContent = digit;
    key.setAttribute('aria-label', digit === '*' ? 'star' : digit === '#' ? 'hash' : digit);
    key.addEventListener('click', () => press(digit));
    pad.append(key);
  }
}
