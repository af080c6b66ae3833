/** The elements of the button and of its panel, made once; what they show is `view.ts`'s to say. */
import { element, icon } from './build.ts';

const KEYS = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '0', '#'] as const;

export type Panel = ReturnType<typeof buildPanel>;

const button = (part: string, ...children: Array<Node | string>) =>
  element('button', { type: 'button', part, class: part }, ...children);

/** A round button with its word below. */
function control(part: string, ...icons: SVGSVGElement[]) {
  const text = element('span', { class: 'text' });
  const made = element(
    'button',
    { type: 'button', part: `control ${part}`, class: `control ${part}` },
    element('span', { class: 'disc' }, ...icons),
    text,
  );
  return { button: made, text };
}

export function buildPanel() {
  const note = element('span', { part: 'note', class: 'note' });
  const fallback = element('span');
  const label = element('span', { class: 'label' }, element('slot', {}, fallback));
  const launcher = button('button', icon('call'), element('span', { class: 'lines' }, label, note));
  const who = element('h2', { part: 'name', class: 'who', id: 'who' });
  const status = element('p', { part: 'status', class: 'status', role: 'status' });
  const timer = element('p', { part: 'timer', class: 'timer', role: 'timer' });
  const avatar = element('span', { part: 'avatar', class: 'avatar', 'aria-hidden': 'true' }, icon('call'));
  const smaller = button('smaller', icon('smaller'));
  const close = button('close', icon('close'));
  const message = element('p', { part: 'message', class: 'message', role: 'status' });
  const digits = element('output', { part: 'digits', class: 'digits' });
  const keys = KEYS.map(key => element('button', { type: 'button', part: 'key', class: 'key', value: key }, key));
  const pad = element('div', { part: 'keypad', class: 'pad', role: 'group', id: 'pad' }, ...keys);
  const padArea = element('div', { class: 'pad-area' }, digits, pad);
  const mute = control('mute', icon('mute'), icon('muted'));
  const keypad = control('keypad-toggle', icon('keypad'));
  const hangUp = control('hang-up', icon('hangUp'));
  const controls = element('div', { part: 'controls', class: 'controls' }, mute.button, keypad.button, hangUp.button);
  const againText = element('span');
  const again = button('again', icon('call'), againText);
  const panel = element(
    'section',
    { part: 'panel', class: 'panel', role: 'dialog', 'aria-labelledby': 'who', tabindex: '-1', popover: 'manual' },
    element('div', { class: 'head' }, avatar, element('div', { class: 'titles' }, who, status, timer), smaller, close),
    message,
    padArea,
    controls,
    again,
  );
  launcher.setAttribute('aria-haspopup', 'dialog');
  keypad.button.setAttribute('aria-controls', 'pad');
  const audio = element('audio', { autoplay: true });
  return {
    launcher,
    fallback,
    note,
    panel,
    who,
    status,
    timer,
    avatar,
    smaller,
    close,
    message,
    digits,
    keys,
    pad,
    padArea,
    mute,
    keypad,
    hangUp,
    controls,
    again,
    againText,
    audio,
  };
}
