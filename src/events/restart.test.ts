/** A gateway killed in the middle of deliveries: every event it owed still arrives, in order. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createSqliteStore } from '../store/sqlite.ts';

const path = (name: string) => fileURLToPath(new URL(`../../test/support/${name}`, import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'lineside-events-'));
const children: ChildProcess[] = [];
const arrived: Array<{ id: string; call: string; number: number }> = [];
let heard: () => void = () => {};
const server = createServer({ key: readFileSync(path('tls/server.key')), cert: readFileSync(path('tls/server.pem')) });
server.on('request', async (request, response) => {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  const { id, data } = JSON.parse(body);
  arrived.push({ id, call: data.mediaSessionId, number: data.sequenceNumber });
  response.writeHead(204).end();
  heard();
});

after(() => {
  for (const child of children) if (child.exitCode === null) child.kill('SIGKILL');
  server.close();
  server.closeAllConnections();
  rmSync(directory, { recursive: true, force: true });
});

function run(file: string, sink: string, count: number): ChildProcess {
  const child = spawn(process.execPath, [path('event-child.ts'), file, sink, String(count)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_EXTRA_CA_CERTS: path('tls/ca.pem') },
  });
  children.push(child);
  return child;
}

it('delivers what a killed process owed, in order', { timeout: 120_000 }, async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sink = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const file = join(directory, 'store.sqlite');
  const first = run(file, sink, 5000);
  let told = '';
  first.stdout?.on('data', chunk => {
    told += String(chunk);
  });
  heard = () => {
    if (arrived.length === 150) first.kill('SIGKILL');
  };
  await once(first, 'close');
  assert.equal(first.signalCode, 'SIGKILL');
  const owed = told.slice(0, told.lastIndexOf('\n')).split('\n');
  const before = createSqliteStore(file);
  assert.ok(before.load('outbox').length > 0, 'it died in the middle');
  before.close();

  const second = run(file, sink, 0);
  const missing = () => {
    const have = new Set(arrived.map(({ call, number }) => `${call}:${number}`));
    return owed.filter(each => !have.has(each));
  };
  heard = () => {
    // Repeats come first; what is owed ends with its last.
    if (missing().length === 0) second.kill('SIGTERM');
  };
  await once(second, 'close');
  assert.deepEqual(missing(), []);
  const seen = new Set<string>();
  const last = new Map<string, number>();
  for (const { id, call, number } of arrived) {
    if (seen.has(id)) continue;
    seen.add(id);
    assert.equal(number, (last.get(call) ?? 0) + 1, `of ${call}`);
    last.set(call, number);
  }
});
