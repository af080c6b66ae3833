/** What the button and its panel show of a state, and where the focus goes. */
import type { Panel } from './panel.ts';
import type { TalkState } from './talk.ts';
import { durationText, fill, headline, sentence, type Words, whenText } from './words.ts';

export interface Look {
  state: TalkState;
  words: Words;
  /** Of times, as BCP 47. */
  language: string;
  /** Who is called. */
  name: string;
  /** Nothing comes from the microphone. */
  silent: boolean;
}

export interface View {
  render(look: Look): void;
  open(): void;
  close(): void;
  readonly isOpen: boolean;
  /** A panel that leaves room for the page. */
  small(on: boolean): void;
  pad(on: boolean): void;
  readonly padShown: boolean;
  /** They were sent. */
  digits(digits: string): void;
  /** How loud it is, 0 to 1. */
  level(here: number, there: number): void;
}

const BUSY: ReadonlySet<TalkState['name']> = new Set(['preparing', 'asking', 'calling', 'ringing', 'talking']);
const DIGITS_SHOWN = 16;

/** Whether something goes on that can be ended. */
export const isBusy = ({ name }: TalkState): boolean => BUSY.has(name);

export function createView(panel: Panel, now: () => number): View {
  let open = false;
  let padShown = false;
  let last: Look | null = null;
  const box = panel.panel;
  const active = () => (box.getRootNode() as ShadowRoot).activeElement;

  function again({ state, words }: Look): void {
    const failed = state.name === 'failed';
    const leftS = failed && state.retryAt !== null ? Math.ceil((state.retryAt - now()) / 1000) : 0;
    const ready = failed ? words.tryAgain : words.callAgain;
    say(panel.againText, leftS > 0 ? fill(words.tryAgainIn, { time: String(leftS) }) : ready);
    // Not `disabled`, which would lose the focus and hide the wait from who hears the page.
    panel.again.setAttribute('aria-disabled', String(leftS > 0));
    panel.again.hidden = !failed && state.name !== 'ended';
  }

  function controls({ state, words }: Look): void {
    const talking = state.name === 'talking';
    const muted = talking && state.muted;
    panel.controls.hidden = !isBusy(state);
    panel.mute.button.hidden = !talking;
    panel.mute.button.setAttribute('aria-pressed', String(muted));
    panel.keypad.button.hidden = !talking;
    panel.keypad.button.setAttribute('aria-expanded', String(padShown));
    panel.padArea.hidden = !talking || !padShown;
    // Its word stays while it is pressed, as a toggle's must.
    say(panel.mute.text, words.mute);
    say(panel.keypad.text, words.keypad);
    say(panel.hangUp.text, talking ? words.hangUp : words.cancel);
    name(panel.pad, words.keypad);
    name(panel.digits, words.digits);
    for (const key of panel.keys) {
      if (key.value === '*') name(key, words.star);
      if (key.value === '#') name(key, words.hash);
    }
  }

  function frame({ state, words }: Look): void {
    const small = box.hasAttribute('data-small');
    name(panel.close, words.close);
    name(panel.smaller, small ? words.larger : words.smaller);
    panel.close.hidden = isBusy(state);
    panel.smaller.hidden = !isBusy(state);
  }

  function launcher({ state, words, language }: Look, time: string): void {
    say(panel.fallback, words.button);
    say(panel.note, noteOf(state, words, language, time, now()));
    panel.launcher.setAttribute('aria-expanded', String(open));
  }

  function render(look: Look): void {
    const { state, words, language } = look;
    const before = last?.state.name;
    const focus = active();
    last = look;
    if (before !== state.name) {
      padShown = false;
      say(panel.digits, '');
      if (!isBusy(state)) box.removeAttribute('data-small');
    }
    for (const part of [box, panel.launcher]) part.dataset['state'] = state.name;
    box.dataset['tone'] = toneOf(state);
    const time = timeOf(state, now());
    const unheard = look.silent && state.name === 'talking' && !state.muted && !state.held;
    say(panel.who, look.name);
    say(panel.status, headline(state, words));
    say(panel.timer, time);
    say(panel.message, unheard ? words.silent : sentence(state, words, language, now()));
    controls(look);
    again(look);
    frame(look);
    launcher(look, time);
    // Where a button was that is gone nobody can press anything.
    if (open && focus !== null && focus.closest('[hidden]') !== null) (panel.again.hidden ? box : panel.again).focus();
  }

  function refresh(): void {
    if (last !== null) render(last);
  }

  return {
    render,
    open() {
      if (!open) {
        open = true;
        box.dataset['open'] = 'true';
        box.removeAttribute('data-small');
        box.showPopover?.();
      }
      refresh();
      box.focus();
    },
    close() {
      const inside = box.contains(active());
      open = false;
      box.dataset['open'] = 'false';
      box.hidePopover?.();
      if (inside) panel.launcher.focus();
      refresh();
    },
    get isOpen() {
      return open;
    },
    small(on) {
      box.toggleAttribute('data-small', on);
      refresh();
    },
    pad(on) {
      padShown = on;
      refresh();
      (on ? panel.keys[0] : panel.keypad.button)?.focus();
    },
    get padShown() {
      return padShown;
    },
    digits(digits) {
      say(panel.digits, `${panel.digits.textContent}${digits}`.slice(-DIGITS_SHOWN));
    },
    level(here, there) {
      panel.mute.button.style.setProperty('--level', String(here));
      panel.avatar.style.setProperty('--level', String(there));
    },
  };
}

/** Written only when it changes: each time may be read out. */
function say(node: HTMLElement, text: string): void {
  if (node.textContent !== text) node.textContent = text;
  node.hidden = text === '';
}

function name(node: HTMLElement, text: string): void {
  node.setAttribute('aria-label', text);
}

function toneOf(state: TalkState): 'good' | 'bad' | 'plain' {
  if (state.name === 'failed' || (state.name === 'talking' && state.reconnecting)) return 'bad';
  return state.name === 'talking' && !state.muted && !state.held ? 'good' : 'plain';
}

function timeOf(state: TalkState, now: number): string {
  if (state.name === 'talking') return durationText(now - state.since);
  return state.name === 'ended' && state.durationMs !== null ? durationText(state.durationMs) : '';
}

/** The second line of the button. */
function noteOf(state: TalkState, words: Words, language: string, time: string, now: number): string {
  if (state.name === 'closed')
    return state.opensAt === null ? words.closed : fill(words.opens, { time: whenText(state.opensAt, language, now) });
  if (state.name === 'talking') return `${headline(state, words)} ${time}`;
  return isBusy(state) ? headline(state, words) : '';
}
