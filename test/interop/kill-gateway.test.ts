/** What survives when processes die: media workers, and the gateway itself with kill -9. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { Device, fetchToken } from '../support/camara.ts';
import { type BrowserPeer, browserPeer } from '../support/media-browser.ts';
import { ADA } from '../support/number.ts';

const HOST = '127.0.0.32';

let sandbox: Sandbox;
let log = '';
const peers: BrowserPeer[] = [];
const devices: Device[] = [];

before(async () => {
  sandbox = await startSandbox({
    host: HOST,
    dataDir: null,
    onLog: text => {
      log += text;
    },
  });
});
after(async () => {
  for (const peer of peers) await peer.close();
  for (const device of devices) device.close();
  await sandbox?.close();
});

async function device(): Promise<Device> {
  const made = new Device(sandbox.pages, await fetchToken(sandbox.issuer, ADA));
  devices.push(made);
  await made.register();
  return made;
}

/** Direct children of a process. Linux only, as the tests are. */
function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .filter(child => {
      try {
        const stat = readFileSync(`/proc/${child}/stat`, 'utf8');
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid;
      } catch {
        return false;
      }
    });
}

async function call(from: Device): Promise<{ id: string; close(): Promise<void> }> {
  const peer = browserPeer();
  peers.push(peer);
  const created = await from.startCall('+15550109000', await peer.offer(), ADA);
  assert.equal(created.status, 201, JSON.stringify(created.body));
  const id: string = created.body.mediaSessionId;
  const event = await from.waitFor(e => e.data.mediaSessionId === id && e.data.answer !== undefined);
  await peer.accept(event.data.answer.sdp);
  await from.waitStatus(id, 'Connected');
  return { id, close: () => peer.close() };
}

test('a killed media worker ends its calls with a reason, and the very next call works', async () => {
  const ada = await device();
  const first = await call(ada);
  const workers = childrenOf(sandbox.gatewayPid());
  assert.ok(workers.length > 0, 'there is a media worker');
  for (const worker of workers) process.kill(worker, 'SIGKILL');
  const ended = await ada.waitStatus(first.id, 'Terminated');
  assert.match(ended.data.reason, /GW;cause=\d+;text="[^"]*media[^"]*"/);
  const second = await call(ada);
  await ada.hangUp(second.id);
  await ada.waitStatus(second.id, 'Terminated');
  await Promise.all([first.close(), second.close()]);
  ada.close();
});

test('after kill -9 registrations and subscriptions are back and lost calls are closed with their events', async () => {
  const ada = await device();
  const lost = await call(ada);
  const before = await ada.call('GET', `/webrtc-registration/v0.4rc1/sessions/${ada.registrationId}`);
  assert.equal(before.status, 200);
  const subscriptions = await ada.call('GET', '/webrtc-events-subscriptions/v0.3rc1/subscriptions');
  assert.ok(subscriptions.body.length > 0);

  process.kill(sandbox.gatewayPid(), 'SIGKILL');
  await sandbox.gatewayEnded();
  await sandbox.restartGateway();

  const again = await ada.call('GET', `/webrtc-registration/v0.4rc1/sessions/${ada.registrationId}`);
  assert.deepEqual(again.body, before.body);
  assert.deepEqual(
    (await ada.call('GET', '/webrtc-events-subscriptions/v0.3rc1/subscriptions')).body,
    subscriptions.body,
  );
  await ada.reconnect();
  const ended = await ada.waitStatus(lost.id, 'Terminated');
  assert.match(ended.data.reason, /^GW;cause=/);
  assert.deepEqual(
    ada.statuses(lost.id).filter(status => status === 'Terminated'),
    ['Terminated'],
  );
  assert.equal((await ada.call('GET', `/webrtc-call-handling/v0.4rc1/sessions/${lost.id}`)).status, 404);

  // The number is registered with the core again: a call from it goes through.
  const next = await call(ada);
  await ada.hangUp(next.id);
  await ada.waitStatus(next.id, 'Terminated');
  await Promise.all([lost.close(), next.close()]);
  ada.close();
  assert.doesNotMatch(log, /uncaught|unhandled/i);
});
