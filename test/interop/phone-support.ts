/** A sandbox with phones, API devices and WebRTC peers on it: what the tests with a real SIP phone share. */

import assert from 'node:assert/strict';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { type CloudEvent, Device, fetchToken } from '../support/camara.ts';
import { type BrowserPeer, browserPeer } from '../support/media-browser.ts';
import { type Phone, type PhoneOptions, startPhone, type WireMessage } from '../support/phone.ts';
import { until } from '../support/talk.ts';
import { unhurried } from '../support/unhurried.ts';

export interface Rung {
  device: Device;
  invitation: CloudEvent;
  id: string;
}

export interface Line {
  id: string;
  peer: BrowserPeer;
}

export interface Floor {
  sandbox: Sandbox;
  log(): string;
  phone(number: string, toneHz: number, options?: Partial<PhoneOptions>): Promise<Phone>;
  device(number: string): Promise<Device>;
  peer(): BrowserPeer;
  /** Places a call from a device; the first answer of an event is applied as a page would. */
  call(device: Device, receiver: string, number: string): Promise<Line>;
  /** Waits for the invitation of a device that has none yet but `seen`. */
  rung(device: Device, seen?: readonly string[]): Promise<Rung>;
  /** PUT Connected with an answer of a new peer. */
  answer(rung: Rung): Promise<Line>;
  /** Signs devices out and ends phones. */
  leave(...parties: Array<Device | Phone>): Promise<void>;
  /** Waits until no call is left anywhere in the gateway. */
  quiet(ms?: number): Promise<void>;
  close(): Promise<void>;
}

/** `settings` go over the sandbox's own. */
export async function openFloor(host: string, settings: Record<string, Record<string, unknown>> = {}): Promise<Floor> {
  let log = '';
  const sandbox = await startSandbox({
    host,
    dataDir: null,
    settings: unhurried(settings),
    onLog: text => {
      log += text;
    },
  });
  return floorOf(sandbox, host, () => log);
}

/** On a sandbox that somebody else has started and will close. */
export function floorOf(sandbox: Sandbox, host: string, log: () => string): Floor {
  const phones = new Set<Phone>();
  const devices = new Set<Device>();
  const peers: BrowserPeer[] = [];
  const floor: Floor = {
    sandbox,
    log,
    async phone(number, toneHz, options = {}) {
      const phone = await startPhone({ registrar: host, number, toneHz, ...options });
      phones.add(phone);
      return phone;
    },
    async device(number) {
      const device = new Device(sandbox.pages, await fetchToken(sandbox.issuer, number));
      devices.add(device);
      await device.register();
      return device;
    },
    peer() {
      const peer = browserPeer();
      peers.push(peer);
      return peer;
    },
    async call(device, receiver, number) {
      const peer = floor.peer();
      const created = await device.startCall(receiver, await peer.offer(), number);
      assert.equal(created.status, 201, JSON.stringify(created.body));
      const id: string = created.body.mediaSessionId;
      const decides = ({ data }: CloudEvent) =>
        data.mediaSessionId === id && (data.answer !== undefined || FINAL.has(data.status));
      device
        .waitFor(decides, 30_000)
        .then(({ data }) => (data.answer === undefined ? undefined : peer.accept(data.answer.sdp)))
        // What waits for the media says that there is none.
        .catch(() => {});
      return { id, peer };
    },
    async rung(device, seen = []) {
      const invitation = await device.waitFor(
        event => event.type.endsWith('.session-invitation') && !seen.includes(event.data.mediaSessionId),
      );
      return { device, invitation, id: invitation.data.mediaSessionId };
    },
    async answer({ device, invitation, id }) {
      const peer = floor.peer();
      const sdp = await peer.answer(invitation.data.offer.sdp);
      const put = await device.putStatus(id, { status: 'Connected', answer: { sdp: preferALaw(sdp) } });
      assert.equal(put.status, 200, JSON.stringify(put.body));
      await until(() => peer.connected(), 'the media connection');
      return { id, peer };
    },
    async leave(...parties) {
      for (const party of parties) {
        if (party instanceof Device) {
          devices.delete(party);
          await party.leave();
        } else {
          phones.delete(party);
          await party.close();
        }
      }
    },
    async quiet(ms = 10_000) {
      let found = '';
      await until(async () => {
        found = await busyGauges(sandbox.operations);
        return found === '';
      }, 'no call left').catch(error => {
        throw new Error(`${String(error)} (${ms} ms): ${found}`);
      });
    },
    async close() {
      for (const device of devices) device.close();
      for (const phone of phones) await phone.close();
      for (const peer of peers) await peer.close();
      await sandbox.close();
    },
  };
  return floor;
}

/** werift lists PCMU first; the tones of the tests are A-law. */
export const preferALaw = (sdp: string): string => sdp.replace('SAVPF 0 8', 'SAVPF 8 0');

const FINAL = new Set(['Terminated', 'SessionCancelled', 'Declined', 'Failed', 'NoAnswer', 'NotReachable', 'Busy']);

const OF_CALLS = ['calls', 'call_legs', 'sip_dialogs', 'media_sessions'];

/** Gauges of calls that are not zero, as text. */
async function busyGauges(operations: string): Promise<string> {
  const text = await (await fetch(`${operations}/metrics`)).text();
  return OF_CALLS.map(name => new RegExp(`^lineside_${name} (.+)$`, 'm').exec(text)?.[0] ?? `${name} is missing`)
    .filter(line => !line.endsWith(' 0'))
    .join(', ');
}

/** Messages a phone saw whose start line and text fit. */
export function seen(messages: readonly WireMessage[], startLine: RegExp, text: RegExp = /^/): WireMessage[] {
  return messages.filter(message => startLine.test(message.startLine) && text.test(message.text));
}
