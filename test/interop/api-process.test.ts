/** The process as an operator meets it: faults of the start in one sentence, and an end that leaves nothing running. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startSandbox } from '../../sandbox/sandbox.ts';
import { Device, fetchToken } from '../support/camara.ts';
import { chromiumOffer } from '../support/media-sdp.ts';

const ROOT = join(import.meta.dirname, '../..');
const HOST = '127.0.0.35';
const SANDBOX = '127.0.0.36';

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

interface Started {
  child: ChildProcess;
  ended: Promise<Ended>;
  said(): string;
}

function start(args: string[], env: Record<string, string>, command = process.execPath): Started {
  const child = spawn(command, args, { cwd: ROOT, env: { ...process.env, ...env }, detached: true });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', text => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', text => {
    stderr += text;
  });
  const ended = new Promise<Ended>(resolve => child.once('close', code => resolve({ code, stdout, stderr })));
  return { child, ended, said: () => stdout };
}

/** Settings that bind nothing anybody else uses. */
const quiet = {
  LINESIDE_API_HOST: HOST,
  LINESIDE_SIP_HOST: HOST,
  LINESIDE_OPS_HOST: HOST,
  LINESIDE_MEDIA_WEB_HOST: HOST,
  LINESIDE_MEDIA_IMS_HOST: HOST,
  LINESIDE_STORE_KIND: 'memory',
  LINESIDE_LOG_LEVEL: 'error',
  LINESIDE_AUTH_ISSUERS: 'https://id.example',
};

async function fault(args: string[], env: Record<string, string>): Promise<string> {
  const { code, stderr } = await start(['src/main.ts', ...args], { ...quiet, ...env }).ended;
  assert.equal(code, 1, stderr);
  assert.equal(stderr.trim().split('\n').length, 1, `one sentence, not: ${stderr}`);
  return stderr.trim();
}

test('bad settings are one sentence that names the setting', async () => {
  assert.match(await fault([], { LINESIDE_SIP_PORT: 'many' }), /LINESIDE_SIP_PORT must be a whole number/);
  assert.match(await fault([], { LINESIDE_LOG_LEVEL: 'loud' }), /"log\.level"/);
  assert.match(await fault([], { LINESIDE_TYPO: '1' }), /LINESIDE_TYPO is not a setting/);
  assert.match(await fault(['--config', 'no-such-file.yaml'], {}), /no-such-file\.yaml cannot be read/);
  assert.match(await fault(['--colour'], {}), /Usage:/);
  assert.match(await fault(['lineside.yaml'], {}), /^Unexpected argument 'lineside\.yaml'\. Usage:/);
  assert.match(await fault([], { LINESIDE_AUTH_ISSUERS: '' }), /"auth\.issuers"/);
  assert.match(
    await fault([], { LINESIDE_TLS_CERT: '/no/such/cert.pem', LINESIDE_TLS_KEY: '/no/such/key.pem' }),
    /cert\.pem/,
  );
  assert.match(
    await fault([], { LINESIDE_STORE_KIND: 'sqlite', LINESIDE_STORE_FILE: '/dev/null/lineside.sqlite' }),
    /\/dev\/null/,
  );
});

test('--check says that good settings are good, and starts nothing', async () => {
  const { code, stdout } = await start(['src/main.ts', '--check'], quiet).ended;
  assert.equal(code, 0);
  assert.match(stdout, /settings are good/);
});

test('--check finds what a start would find', async () => {
  for (const [env, sentence] of [
    [{ LINESIDE_AUTH_ALGORITHMS: 'none' }, /auth\.algorithms/],
    [{ LINESIDE_SINK_PORTS: 'abc' }, /sink ports "abc"/],
    [{ LINESIDE_IMS_ENTRY: 'no port' }, /"ims\.entry"/],
    [{ LINESIDE_WEB_ENABLED: 'true' }, /"web\.(issuer|pagesDir)"/],
  ] as const) {
    assert.match(await fault(['--check'], env), sentence);
  }
});

test('--help says what there is', async () => {
  const { code, stdout } = await start(['src/main.ts', '--help'], {}).ended;
  assert.equal(code, 0);
  assert.match(stdout, /--check.*--dry-run/s);
});

for (const [what, port] of [
  ['API', 9091],
  ['operations', 9093],
  ['SIP', 5060],
] as const) {
  test(`a ${what} port in use is named`, async () => {
    const holder = createServer().listen(port, HOST);
    await new Promise(resolve => holder.once('listening', resolve));
    try {
      assert.match(await fault([], {}), new RegExp(`${HOST}:${port}.* in use`));
    } finally {
      holder.close();
    }
  });
}

/** Processes of one process group that still run. */
function groupOf(pgid: number): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .filter(pid => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return Number(group) === pgid && state !== 'Z';
      } catch {
        return false;
      }
    });
}

/** `npm start`, as everybody starts it, in a process group of its own as a terminal would give it. */
async function npmStart(t: TestContext): Promise<Started & { pgid: number }> {
  const started = start(['start', '--', '--host', SANDBOX], {}, 'npm');
  const pgid = started.child.pid ?? 0;
  t.after(() => {
    for (const pid of groupOf(pgid)) process.kill(pid, 'SIGKILL');
  });
  const until = Date.now() + 60_000;
  while (!started.said().includes('Ctrl-C ends everything') && Date.now() < until) await sleep(50);
  assert.ok(groupOf(pgid).length >= 4, 'npm, sandbox, gateway and media worker run');
  return { ...started, pgid };
}

async function nothingLeft(pgid: number): Promise<void> {
  const end = Date.now() + 10_000;
  while (groupOf(pgid).length > 0 && Date.now() < end) await sleep(50);
  assert.deepEqual(groupOf(pgid), []);
}

test('Ctrl-C ends a live call with its BYE and its event, then the sandbox and all that it started', async t => {
  const { ended, said, pgid } = await npmStart(t);
  const device = new Device(`http://${SANDBOX}:9091`, await fetchToken(`http://${SANDBOX}:9092`, '+15550100001'));
  t.after(() => device.close());
  await device.register();
  const { body } = await device.startCall('+15550109001', chromiumOffer(), '+15550100001');
  await device.waitStatus(body.mediaSessionId, 'Connected');
  process.kill(-pgid, 'SIGINT');
  await device.waitStatus(body.mediaSessionId, 'Terminated', 5000);
  await ended;
  await nothingLeft(pgid);
  assert.match(said(), /call ended by us/);
  assert.match(said(), /Lineside has ended/);
});

test('SIGTERM to npm alone, as a supervisor sends it, ends everything in order', async t => {
  const { child, ended, said, pgid } = await npmStart(t);
  child.kill('SIGTERM');
  await ended;
  await nothingLeft(pgid);
  assert.match(said(), /Lineside has ended/);
});

test('SIGTERM lets a live call go on, refuses new ones, and ends the call when the time is over', async t => {
  const sandbox = await startSandbox({
    host: SANDBOX,
    dataDir: null,
    onLog: () => {},
    settings: { ops: { host: SANDBOX, drainMs: 1500 } },
  });
  t.after(() => sandbox.close());
  const device = new Device(sandbox.pages, await fetchToken(sandbox.issuer, '+15550100001'));
  t.after(() => device.close());
  await device.register();
  const { body } = await device.startCall('+15550109001', chromiumOffer(), '+15550100001');
  await device.waitStatus(body.mediaSessionId, 'Connected');
  process.kill(sandbox.gatewayPid(), 'SIGTERM');
  const drained = async () => (await fetch(`${sandbox.operations}/readyz`)).status === 503;
  while (!(await drained())) await sleep(20);
  assert.equal((await device.startCall('+15550109001', chromiumOffer(), '+15550100001')).status, 503);
  assert.equal(
    (await device.call('GET', `/webrtc-call-handling/v0.4rc1/sessions/${body.mediaSessionId}`)).body.status,
    'Connected',
  );
  await device.waitStatus(body.mediaSessionId, 'Terminated', 10_000);
  assert.equal(await sandbox.gatewayEnded(), 0);
});

test('the gateway does not outlive a sandbox that is killed', { timeout: 90_000 }, async () => {
  const { child, said } = start(['sandbox/main.ts', '--host', SANDBOX], {});
  while (!said().includes('Ctrl-C ends everything')) {
    assert.equal(child.exitCode, null, said());
    await sleep(50);
  }
  child.kill('SIGKILL');
  await nothingLeft(child.pid ?? 0);
});
