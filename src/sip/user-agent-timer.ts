/** Timers of the machines that the user agent drives. */
import type { SipTimers } from './transaction/port.ts';

export type TimerEffect<Name extends string> =
  | { type: 'start-timer'; name: Name; ms: number }
  | { type: 'stop-timer'; name: Name };

/** Starts or stops a timer of the machine `owner`, an id unique in the agent; what it fires is the input that `due` takes. */
export function performTimer<Name extends string>(
  timers: SipTimers,
  owner: string,
  effect: TimerEffect<Name>,
  due: (input: { type: 'timer'; name: Name }) => void,
): void {
  const { name } = effect;
  const key = `${owner}.${name}`;
  if (effect.type === 'start-timer') timers.start(key, effect.ms, () => due({ type: 'timer', name }));
  else timers.stop(key);
}
