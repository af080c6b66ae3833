/** Test help: the Kamailio core of `lab/` and a gateway attached to it, each on a loopback address of its own. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type LabCore, startCore } from '../../lab/core.ts';
import { PORTS } from '../../lab/settings.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { Device, fetchToken } from './camara.ts';
import { type BrowserPeer, browserPeer } from './media-browser.ts';
import { measureTone, toneFrames } from './tone.ts';
import { unhurried } from './unhurried.ts';

export interface LabBench {
  core: LabCore;
  sandbox: Sandbox;
  log: string[];
  /** A device with its channel open, not registered. */
  device(number: string): Promise<Device>;
  registered(number: string): Promise<Device>;
  peer(): BrowserPeer;
  close(): Promise<void>;
}

export async function startLabBench(
  coreAddress: string,
  host: string,
  settings: Record<string, Record<string, unknown>> = {},
  hop: 'icscf' | 'pcscf' = 'icscf',
): Promise<LabBench> {
  const folder = mkdtempSync(join(tmpdir(), 'lineside-lab-'));
  const core = await startCore({ address: coreAddress, folder, trusted: [host], life: 'ours' });
  const log: string[] = [];
  const devices: Device[] = [];
  const peers: BrowserPeer[] = [];
  let sandbox: Sandbox;
  try {
    sandbox = await startSandbox({
      host,
      dataDir: null,
      core: { entry: `${coreAddress}:${PORTS[hop]}`, addresses: [coreAddress] },
      settings: unhurried(settings),
      onLog: text => log.push(text),
    });
  } catch (error) {
    await core.close();
    throw error;
  }
  const bench: LabBench = {
    core,
    sandbox,
    log,
    async device(number) {
      const device = new Device(sandbox.pages, await fetchToken(sandbox.issuer, number));
      devices.push(device);
      await device.openChannel();
      return device;
    },
    async registered(number) {
      const device = new Device(sandbox.pages, await fetchToken(sandbox.issuer, number));
      devices.push(device);
      await device.register();
      return device;
    },
    peer() {
      const peer = browserPeer();
      peers.push(peer);
      return peer;
    },
    async close() {
      for (const peer of peers) await peer.close();
      for (const device of devices) device.close();
      await sandbox.close();
      await core.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return bench;
}

export async function until(fits: () => boolean | Promise<boolean>, what: string, ms = 10_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await fits())) {
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await sleep(50);
  }
}

/** One figure of the gateway's metrics; labels as they stand in the text. 0 when it is not there. */
export async function metric(sandbox: Sandbox, name: string): Promise<number> {
  const text = await (await fetch(`${sandbox.operations}/metrics`)).text();
  const line = text.split('\n').find(one => one.startsWith(`lineside_${name} `));
  return Number(line?.split(' ').at(-1) ?? 0);
}

export interface Pair {
  /** Session of the caller's and of the callee's device. */
  out: string;
  in: string;
  caller: BrowserPeer;
  callee: BrowserPeer;
}

/** The caller's call, ringing at the callee's device. */
export async function ringing(bench: LabBench, from: Device, to: Device, number: string, own: string) {
  const caller = bench.peer();
  const seen = to.events.length;
  const created = await from.startCall(number, await caller.offer(), own);
  assert.equal(created.status, 201, JSON.stringify(created.body));
  const out: string = created.body.mediaSessionId;
  const invitation = await to.waitFor(e => e.type.endsWith('.session-invitation') && to.events.indexOf(e) >= seen);
  const leg: string = invitation.data.mediaSessionId;
  assert.equal((await to.putStatus(leg, { status: 'Ringing' })).status, 200);
  await from.waitStatus(out, 'Ringing');
  return { out, leg, caller, invitation };
}

/** A call through the core, answered, with both media connections up. */
export async function connected(bench: LabBench, from: Device, to: Device, number: string, own: string): Promise<Pair> {
  const { out, leg, caller, invitation } = await ringing(bench, from, to, number, own);
  const callee = bench.peer();
  // werift lists PCMU first; the tones of the tests are A-law.
  const sdp = (await callee.answer(invitation.data.offer.sdp)).replace('SAVPF 0 8', 'SAVPF 8 0');
  assert.equal((await to.putStatus(leg, { status: 'Connected', answer: { sdp } })).status, 200);
  const answered = await from.waitFor(e => e.data.mediaSessionId === out && e.data.answer !== undefined);
  await caller.accept(answered.data.answer.sdp);
  await from.waitStatus(out, 'Connected');
  await until(() => caller.connected() && callee.connected(), 'both media connections');
  return { out, in: leg, caller, callee };
}

/** Both talk for `ms`; what each has heard must be the other's tone. */
export async function hearEachOther(pair: Pair, ms = 1500): Promise<void> {
  await Promise.all([talk(pair.caller, 600, ms), talk(pair.callee, 900, ms)]);
  const heard = (peer: BrowserPeer) => measureTone(peer.rtp.slice(-40).map(packet => packet.payload)).hz;
  assert.equal(heard(pair.callee), 600);
  assert.equal(heard(pair.caller), 900);
}

async function talk(peer: BrowserPeer, hz: number, ms: number): Promise<void> {
  for (const [i, payload] of toneFrames(hz, Math.ceil(ms / 20)).entries()) {
    await peer.send({ pt: 8, seq: 1000 + i, ts: 160 * i, marker: i === 0, payload });
    await sleep(20);
  }
}
