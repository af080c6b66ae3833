/** What the button says: which words each state has. The words themselves are in one file for each language. */
import type { EndReason, ErrorName } from '../client/index.ts';
import type { TalkState } from './talk.ts';
import { de } from './words-de.ts';
import { en } from './words-en.ts';

/** Each can be put in another's place. `{name}` is who is called, `{time}` a time of day or a number of seconds. */
export type Words = Lines & Ends & Errors;

/** Why the call is over; `end-failed` stands for each that is not there. */
type Ends = { [Reason in EndReason as `end-${Reason}`]?: string } & { 'end-failed': string };
/** What went wrong; `error-service` stands for each that is not there. */
type Errors = { [Name in ErrorName as `error-${Name}`]?: string } & { 'error-service': string };

interface Lines {
  /** The button, where the page gives it no text. */
  button: string;
  closed: string;
  closedUntil: string;
  opens: string;
  preparing: string;
  asking: string;
  askingHelp: string;
  calling: string;
  ringing: string;
  talking: string;
  muted: string;
  held: string;
  reconnecting: string;
  silent: string;
  ended: string;
  failed: string;
  tryAgainIn: string;
  mute: string;
  keypad: string;
  digits: string;
  hangUp: string;
  cancel: string;
  callAgain: string;
  tryAgain: string;
  close: string;
  smaller: string;
  larger: string;
  star: string;
  hash: string;
}

const LANGUAGES: Readonly<Record<string, Words>> = { en, de };

/** The words of the first language that there is, English at last, with `own` in their place. Languages as in HTML: `de-AT` is German. */
export function wordsOf(language: string, own: Partial<Words> = {}): Words {
  return { ...(LANGUAGES[language.split('-')[0]?.toLowerCase() ?? ''] ?? en), ...own };
}

export function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{(\w+)\}/g, (all, key: string) => values[key] ?? all);
}

/** The line that is always there. */
export function headline(state: TalkState, words: Words): string {
  switch (state.name) {
    case 'idle':
      return '';
    case 'talking':
      if (state.reconnecting) return words.reconnecting;
      if (state.held) return words.held;
      return state.muted ? words.muted : words.talking;
    default:
      return words[state.name];
  }
}

/** The sentence that says more, or nothing. `language` is for times; `now` in ms since the epoch. */
export function sentence(state: TalkState, words: Words, language: string, now: number): string {
  switch (state.name) {
    case 'closed':
      return state.opensAt === null ? '' : fill(words.closedUntil, { time: whenText(state.opensAt, language, now) });
    case 'asking':
      return words.askingHelp;
    case 'ended':
      return words[`end-${state.reason}`] ?? words['end-failed'];
    case 'failed':
      return words[`error-${state.error}`] ?? words['error-service'];
    default:
      return '';
  }
}

const DAY_MS = 86_400_000;

/** "08:00", "Monday at 08:00", "Monday, 4 January at 08:00": as much as is needed, in the visitor's own time. */
export function whenText(at: number, language: string, now: number, timeZone?: string): string {
  const zone = timeZone === undefined ? {} : { timeZone };
  const day = (time: number) => new Intl.DateTimeFormat('en', { dateStyle: 'short', ...zone }).format(time);
  const options: Intl.DateTimeFormatOptions = { hour: 'numeric', minute: '2-digit', ...zone };
  if (day(at) !== day(now)) options.weekday = 'long';
  if (at - now >= 6 * DAY_MS) Object.assign(options, { day: 'numeric', month: 'long' });
  return new Intl.DateTimeFormat(language, options).format(at);
}

/** Minutes and seconds, with hours where there are some. */
export function durationText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (n: number) => String(n).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
