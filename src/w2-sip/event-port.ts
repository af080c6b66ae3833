/** The event side with the SIP front door before it: what is for a user agent goes down its connection, after the commit as all events do. */
import type { EventEffect } from '../ep-cscf/effect.ts';
import type { EventsPort } from '../ep-cscf/ports.ts';
import type { Device } from './device.ts';
import type { Devices } from './devices.ts';

interface Planned {
  /** It may leave once so much is kept. */
  mark: number;
  device: Device;
  effect: EventEffect;
}

export function withDevices(
  inner: EventsPort,
  devices: Devices,
  hear: (device: Device, effect: EventEffect) => void,
): EventsPort {
  const waiting: Planned[] = [];
  let made = 0;
  let gone = 0;
  const planned = (): number => inner.planned() + made;

  return {
    plan(effect, now) {
      const device = devices.heard(effect);
      const { event } = effect;
      const ours = device !== null && isFor(device, event, waiting);
      if (ours) {
        made += 1;
        waiting.push({ mark: planned(), device, effect });
      }
      // An application may have subscribed to the end of the registration too.
      return ours && event.kind !== 'registration-ends' ? [] : inner.plan(effect, now);
    },
    planned,
    dispatch(upTo) {
      for (let next = waiting[0]; next !== undefined && next.mark <= upTo; next = waiting[0]) {
        waiting.shift();
        gone += 1;
        hear(next.device, next.effect);
      }
      inner.dispatch(upTo - gone);
    },
  };
}

/** Calls that an application makes with the same registration are the application's. */
function isFor(device: Device, event: EventEffect['event'], waiting: readonly Planned[]): boolean {
  if (event.kind === 'registration-ends') return event.registrationId === device.registrationId;
  if (event.kind === 'session-invitation' || device.expects(event.mediaSessionId)) return true;
  return waiting.some(
    ({ effect }) => 'mediaSessionId' in effect.event && effect.event.mediaSessionId === event.mediaSessionId,
  );
}
