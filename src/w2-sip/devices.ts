/** The registered user agents, by their registration and by the connection they are on. */
import type { EventEffect } from '../ep-cscf/effect.ts';
import { maySee } from '../ep-cscf/identity.ts';
import type { DeviceId, E164 } from '../ep-cscf/ids.ts';
import { createDevice, type Device } from './device.ts';
import type { CloseCause, Flow } from './flow.ts';
import type { Registered } from './line.ts';
import type { DoorNode } from './node.ts';

export interface Devices {
  add(made: Registered & Pick<Device, 'access' | 'contact'>): Device;
  find(number: E164, deviceId: DeviceId): Device | null;
  /** The device that speaks on a connection. */
  of(flow: Flow): Device | null;
  /** Whom an event is for. */
  heard(effect: EventEffect): Device | null;
  /** The device goes on by this connection. */
  join(device: Device, flow: Flow): void;
  end(device: Device, cause: CloseCause | null): void;
  /** A connection is gone. */
  lost(flow: Flow): void;
  all(): Iterable<Device>;
  readonly size: number;
}

export function createDevices(node: DoorNode): Devices {
  const byKey = new Map<string, Device>();
  const byFlow = new Map<string, Device>();

  function forget(device: Device): void {
    const key = keyOf(device);
    if (byKey.get(key) === device) byKey.delete(key);
    if (device.flow !== null && byFlow.get(device.flow.id) === device) byFlow.delete(device.flow.id);
  }

  return {
    add(made) {
      const device = createDevice(node, made, why => {
        node.log.info({ registration: device.registrationId, why }, 'a SIP user agent is given up');
        forget(device);
      });
      byKey.set(keyOf(device), device);
      return device;
    },
    find: (number, deviceId) => byKey.get(keyOf({ number, deviceId })) ?? null,
    of: flow => byFlow.get(flow.id) ?? null,
    heard({ audience }) {
      const device = byKey.get(keyOf(audience));
      return device !== undefined && maySee(audience, device.who) ? device : null;
    },
    join(device, flow) {
      if (device.flow !== null) byFlow.delete(device.flow.id);
      byFlow.set(flow.id, device);
      device.join(flow);
    },
    end(device, cause) {
      forget(device);
      device.end(cause);
    },
    lost(flow) {
      const device = byFlow.get(flow.id);
      byFlow.delete(flow.id);
      if (device?.flow === flow) device.lost();
    },
    all: () => byKey.values(),
    get size() {
      return byKey.size;
    },
  };
}

function keyOf({ number, deviceId }: { number: E164; deviceId: DeviceId }): string {
  return `${number} ${deviceId}`;
}
