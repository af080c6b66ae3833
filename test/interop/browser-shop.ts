/** Visitors of the demo business and its button, in whatever browser. */
import assert from 'node:assert/strict';
import type { AnyPage } from './browser-support.ts';

interface ButtonState {
  name: string;
  muted?: boolean;
  reason?: string;
  error?: string;
}

type Button = HTMLElement & { state: ButtonState; visitor: { current: unknown } };

/** For a page before its own scripts: shows the call of its first button where the listening helpers look, and keeps what the button says. */
export function followButton(): void {
  const calls = () => {
    const current = document.querySelector<Button>('lineside-call')?.visitor.current ?? null;
    return new Map(current === null ? [] : [['current', current]]);
  };
  const said: string[] = [];
  const client = {
    get calls() {
      return calls();
    },
  };
  Object.assign(globalThis, { lineside: { client }, said });
  addEventListener('lineside-call-state', event => said.push((event as CustomEvent<ButtonState>).detail.name));
}

export const stateOf = (page: AnyPage): Promise<ButtonState> =>
  page
    .evaluate(name => document.querySelector<Button>(name)?.state ?? { name: 'none' }, 'lineside-call')
    // On its way to another page.
    .catch(() => ({ name: 'none' }));

/** Waits until the first button of the page says so. */
export async function waitState(page: AnyPage, name: string, timeoutMs = 30_000): Promise<ButtonState> {
  const until = Date.now() + timeoutMs;
  for (;;) {
    const state = await stateOf(page);
    if (state.name === name) return state;
    if (Date.now() > until) assert.fail(`The button is ${JSON.stringify(state)}, not ${name}.`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}
