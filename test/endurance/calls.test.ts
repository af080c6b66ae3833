/** Three thousand calls in a row in one process: every table, port and timer is empty afterwards, and memory stays level. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { DOMAIN, SUBSCRIBERS } from '../../sandbox/subscribers.ts';
import { checkSettings } from '../../src/config/settings.ts';
import { createGateway, type Gateway } from '../../src/gateway.ts';
import { Device, fetchToken } from '../support/camara.ts';

const HOST = '127.0.0.34';
const CALLS = 3000;
const ECHO = '+15550109000';

/** A browser's offer; nobody stands behind it, the calls live by signalling and by the media plane's own resources. */
const OFFER = [
  'v=0',
  'o=- 4611731400430051336 2 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111 0 8 126',
  'c=IN IP4 0.0.0.0',
  'a=rtcp:9 IN IP4 0.0.0.0',
  'a=ice-ufrag:Yq3k',
  'a=ice-pwd:0b66f472495ef0ccac7bda653ab6be49',
  `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => 'A5').join(':')}`,
  'a=setup:actpass',
  'a=mid:0',
  'a=sendrecv',
  'a=rtcp-mux',
  'a=rtpmap:111 opus/48000/2',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:8 PCMA/8000',
  'a=rtpmap:126 telephone-event/8000',
  '',
].join('\r\n');

function settings(issuer: string, file: string) {
  return checkSettings({
    public: { url: `http://${HOST}:9091` },
    api: { host: HOST, ratePerClient: 1_000_000, ratePerUser: 1_000_000, ratePerAddress: 1_000_000, clients: {} },
    auth: { issuers: [issuer] },
    // Short timers, so that transactions do not linger for half a minute.
    sip: { host: HOST, trustedPeers: [HOST], t1Ms: 20, t2Ms: 80, t4Ms: 100 },
    ims: { home: DOMAIN, entry: `${HOST}:5070` },
    // The machine is kept busy on purpose.
    media: { webHost: HOST, imsHost: HOST, shedLagMs: 10_000 },
    store: { file },
    ops: { host: HOST },
    log: { level: 'error' },
  });
}

async function oneCall(device: Device, number: string): Promise<void> {
  const created = await device.startCall(ECHO, OFFER, number);
  assert.equal(created.status, 201, JSON.stringify(created.body));
  const id: string = created.body.mediaSessionId;
  await device.waitStatus(id, 'Connected');
  assert.equal((await device.hangUp(id)).status, 204);
  await device.waitStatus(id, 'Terminated');
}

/** `count` calls, three at a time on each device. */
async function calls(devices: Array<{ device: Device; number: string }>, count: number): Promise<void> {
  let left = count;
  const lanes = devices.flatMap(({ device, number }) =>
    [1, 2, 3].map(async () => {
      while (left > 0) {
        left -= 1;
        await oneCall(device, number);
      }
    }),
  );
  await Promise.all(lanes);
  for (const { device } of devices) device.events.length = 0;
}

function heapBytes(): number {
  const { gc } = globalThis;
  assert.ok(gc, 'run with --expose-gc');
  gc();
  gc();
  return process.memoryUsage().heapUsed;
}

/** UDP ports of the IMS media range that are bound on the test's address, read from the kernel. */
function openMediaPorts(): number[] {
  const address = HOST.split('.')
    .reverse()
    .map(part => Number(part).toString(16).padStart(2, '0').toUpperCase())
    .join('');
  return [...readFileSync('/proc/net/udp', 'utf8').matchAll(/ ([0-9A-F]{8}):([0-9A-F]{4}) [0-9A-F]{8}:/g)]
    .filter(([, host]) => host === address)
    .map(([, , port]) => Number.parseInt(port ?? '0', 16))
    .filter(port => port >= 21_000 && port <= 24_999);
}

async function untilEmpty(gateway: Gateway): Promise<void> {
  const end = Date.now() + 10_000;
  while (Object.values(gateway.sizes()).some(size => size > 0) && Date.now() < end) await sleep(100);
}

test(`${CALLS} calls leave nothing behind`, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'lineside-endurance-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const network = fork(join(import.meta.dirname, '../support/network-child.ts'), [HOST]);
  t.after(() => network.connected && network.disconnect());
  const [{ issuer }] = (await once(network, 'message')) as [{ issuer: string }];
  const gateway = await createGateway(settings(issuer, join(folder, 'lineside.sqlite')));
  await gateway.start();
  t.after(() => gateway.close({ drain: false }));

  const devices: Array<{ device: Device; number: string }> = [];
  for (const { number } of SUBSCRIBERS) {
    const device = new Device(`http://${HOST}:9091`, await fetchToken(issuer, number));
    await device.register();
    devices.push({ device, number });
  }
  t.after(() => {
    for (const { device } of devices) device.close();
  });

  await calls(devices, 1000);
  await sleep(2000);
  const first = heapBytes();
  await calls(devices, CALLS - 1000);
  await sleep(2000);
  const last = heapBytes();
  t.diagnostic(
    `heap after 1000 calls ${first}, after ${CALLS} calls ${last} bytes: ${((last / first - 1) * 100).toFixed(2)} %`,
  );
  assert.ok(last < first * 1.05, `the heap grew from ${first} to ${last} bytes`);

  for (const { device } of devices) await device.leave();
  await untilEmpty(gateway);
  // The TCP connections to the core stay open: they belong to the node, not to a call.
  const left = Object.entries(gateway.sizes()).filter(([name, size]) => size > 0 && name !== 'mw.connections');
  assert.deepEqual(left, []);
  assert.deepEqual(openMediaPorts(), []);
});
