/** Three thousand calls in a row through one gateway, which has the process to itself: every table, port and timer is empty afterwards, and memory stays level. */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { DOMAIN } from '../../sandbox/subscribers.ts';
import { checkSettings } from '../../src/config/settings.ts';
import { createGateway, type Gateway } from '../../src/gateway.ts';

const HOST = '127.0.0.34';
const CALLS = 3000;

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
    // Full after the first thousand, so that what is kept on purpose does not look like a leak.
    store: { file, recordsKept: 500 },
    ops: { host: HOST },
    log: { level: 'error' },
  });
}

/** Waits for the next answer of `callers-child.ts` and fails with its fault. */
async function done(child: ChildProcess): Promise<void> {
  const [{ fault }] = (await once(child, 'message')) as [{ fault: string }];
  assert.equal(fault, '');
}

async function order(callers: ChildProcess, calls: number): Promise<void> {
  callers.send({ calls });
  await done(callers);
}

/** What is left when V8 has given back all it can, bytecode too, which takes it several rounds: how much it keeps otherwise is chance. */
function heapBytes(): number {
  const { gc } = globalThis;
  assert.ok(gc, 'run with --expose-gc');
  for (let round = 0; round < 5; round += 1) gc({ type: 'major', flavor: 'last-resort', execution: 'sync' });
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

/** What is more than in the `idle` node, once 10 s have passed at most. Connections belong to the node, and the core opens one of its own. */
async function leftIn(gateway: Gateway, idle: Readonly<Record<string, number>>): Promise<Array<[string, number]>> {
  const more = ([name, size]: [string, number]) => name !== 'mw.connections' && size > (idle[name] ?? 0);
  const look = () => Object.entries(gateway.sizes()).filter(more);
  const end = Date.now() + 10_000;
  while (look().length > 0 && Date.now() < end) await sleep(100);
  return look();
}

test(`${CALLS} calls leave nothing behind`, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'lineside-endurance-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const network = fork(join(import.meta.dirname, '../support/network-child.ts'), [HOST]);
  t.after(() => network.connected && network.disconnect());
  const [{ issuer }] = (await once(network, 'message')) as [{ issuer: string }];
  const gateway = await createGateway(settings(issuer, join(folder, 'lineside.sqlite')));
  await gateway.start();
  // By then it has asked the core whether it lives.
  await sleep(2000);
  const idle = gateway.sizes();
  t.after(() => gateway.close({ drain: false }));

  const callers = fork(join(import.meta.dirname, '../support/callers-child.ts'), [`http://${HOST}:9091`, issuer]);
  t.after(() => callers.connected && callers.disconnect());
  await done(callers);

  await order(callers, 1000);
  await sleep(2000);
  const first = heapBytes();
  await order(callers, CALLS - 1000);
  await sleep(2000);
  const last = heapBytes();
  t.diagnostic(
    `heap after 1000 calls ${first}, after ${CALLS} calls ${last} bytes: ${((last / first - 1) * 100).toFixed(2)} %`,
  );
  assert.ok(last < first * 1.02, `the heap grew from ${first} to ${last} bytes`);

  await order(callers, 0);
  assert.deepEqual(await leftIn(gateway, idle), []);
  assert.deepEqual(openMediaPorts(), []);
});
