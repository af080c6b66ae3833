/** Debian's Firefox in a network namespace, driven from here over WebDriver BiDi. */
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, connect } from 'puppeteer-core';
import type { NetworkNamespace } from './network-namespace.ts';

/** Of the microphone. Far from Chromium's and from those of the service numbers. */
export const FIREFOX_HZ = 700;

export interface Firefox {
  /** A browser profile of its own. */
  profile(): Promise<BrowserContext>;
  close(): Promise<void>;
}

/** The real product of Debian with a microphone that plays a tone, without asking, and nothing that calls home. */
const PREFERENCES: Readonly<Record<string, boolean | number | string>> = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.navigator.audio.fake_frequency': FIREFOX_HZ,
  'media.autoplay.default': 0,
  'media.autoplay.blocking_policy': 0,
  'remote.active-protocols': 1,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'app.normandy.enabled': false,
  'app.update.disabledForTesting': true,
  'datareporting.policy.dataSubmissionEnabled': false,
  'datareporting.healthreport.uploadEnabled': false,
  'toolkit.telemetry.enabled': false,
  'toolkit.telemetry.server': '',
  'extensions.systemAddon.update.enabled': false,
  'media.gmp-manager.updateEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': '',
};

const START_MS = 60_000;

/** Rejects with one sentence when Firefox does not come up. */
export async function startFirefox(network: NetworkNamespace): Promise<Firefox> {
  const folder = mkdtempSync(join(tmpdir(), 'lineside-firefox-'));
  const lines = Object.entries(PREFERENCES).map(([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});\n`);
  writeFileSync(join(folder, 'user.js'), lines.join(''));
  const firefox = network.spawn(
    '/usr/bin/firefox-esr',
    ['--headless', '--no-remote', '--profile', folder, '--remote-debugging-port', '0'],
    { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, HOME: folder, MOZ_CRASHREPORTER_DISABLE: '1' } },
  );
  const ended = new Promise<void>(resolve => {
    firefox.once('exit', () => resolve());
    firefox.once('error', () => resolve());
  });
  let forward: ChildProcess | null = null;
  const stop = async () => {
    forward?.kill();
    firefox.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const port = await listening(firefox, /WebDriver BiDi listening on ws:\/\/127\.0\.0\.1:(\d+)/, 'stderr');
    // Firefox is driven from its own loopback address only.
    forward = network.spawn(process.execPath, ['-e', FORWARD, network.inside, port], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await listening(forward, /(ready)/, 'stdout');
    const browser = await connect({
      browserWSEndpoint: `ws://${network.inside}:${port}/session`,
      headers: { Host: `127.0.0.1:${port}` },
      protocol: 'webDriverBiDi',
      acceptInsecureCerts: true,
      defaultViewport: null,
    });
    return {
      profile: () => browser.createBrowserContext(),
      async close() {
        await browser.close().catch(() => {});
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Carries connections from the wire to the same port of the loopback address. */
const FORWARD = `
const net = require('node:net');
const [host, port] = process.argv.slice(1);
net.createServer(near => {
  const far = net.connect(Number(port), '127.0.0.1');
  near.pipe(far).pipe(near);
  for (const side of [near, far]) side.on('error', () => { near.destroy(); far.destroy(); });
}).listen(Number(port), host, () => console.log('ready'));
`;

/** Waits for what a program says when it listens; resolves to the first group. */
function listening(child: ChildProcess, pattern: RegExp, stream: 'stdout' | 'stderr'): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    const fail = (why: string) =>
      reject(new Error(`${child.spawnargs[4] ?? 'The program'} ${why}: ${said.slice(-300)}`));
    const timer = setTimeout(() => fail(`was not up within ${START_MS / 1000} s`), START_MS);
    child.once('error', error => fail(error.message));
    child.once('exit', () => fail('ended at once'));
    child[stream]?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const [, found] = pattern.exec(said) ?? [];
      if (found === undefined) return;
      clearTimeout(timer);
      resolve(found);
    });
  });
}
