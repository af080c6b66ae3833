/** `npm run interop [-- SUITE...]`: Lineside against real peers. Exits non-zero when a peer is missing. */
import { existsSync, globSync } from 'node:fs';
import { run, runQuietly, type Step } from './run.ts';

/** Suites and the files that hold them; a suite joins the list with its first test. */
const suites: Readonly<Record<string, readonly string[]>> = {
  browsers: ['test/interop/browser-*.test.ts'],
  api: ['test/interop/api-*.test.ts'],
  kamailio: ['test/interop/kamailio-*.test.ts'],
  phone: ['test/interop/phone-*.test.ts'],
  sipp: ['test/interop/sipp-*.test.ts'],
  kill: ['test/interop/kill-*.test.ts'],
  rtpengine: ['test/interop/rtpengine-*.test.ts'],
  dtls: ['test/interop/dtls-*.test.ts'],
  srtp: ['test/interop/srtp-*.test.ts'],
  tls: ['test/interop/tls-*.test.ts'],
  turn: ['test/interop/turn-*.test.ts'],
};

/** Names of all suites. */
export const allSuites = Object.keys(suites);

/**
 * Suites that run beside each other: browsers, which keep a core busy; those that mostly wait, for timers or for slow
 * clients; and media of phones and daemons.
 */
const lanes: ReadonlyArray<readonly string[]> = [
  ['browsers'],
  ['kamailio', 'sipp', 'api', 'kill'],
  ['rtpengine', 'phone', 'turn', 'dtls', 'srtp', 'tls'],
];

const peers: ReadonlyArray<{ suite: string; file: string; name: string }> = [
  { suite: 'browsers', file: '/usr/bin/chromium', name: 'Chromium' },
  { suite: 'browsers', file: '/usr/bin/firefox-esr', name: 'Firefox' },
  { suite: 'browsers', file: '/usr/sbin/ip', name: 'iproute2' },
  { suite: 'browsers', file: '/usr/sbin/nft', name: 'nftables' },
  { suite: 'phone', file: '/usr/bin/chromium', name: 'Chromium' },
  { suite: 'phone', file: '/usr/bin/baresip', name: 'baresip' },
  { suite: 'sipp', file: '/usr/bin/sipp', name: 'SIPp' },
  { suite: 'dtls', file: '/usr/bin/openssl', name: 'OpenSSL' },
  { suite: 'srtp', file: '/usr/lib/python3/dist-packages/pylibsrtp', name: 'libsrtp for Python' },
  { suite: 'tls', file: '/usr/bin/openssl', name: 'OpenSSL' },
  { suite: 'turn', file: '/usr/bin/turnserver', name: 'coturn' },
  { suite: 'turn', file: '/usr/bin/chromium', name: 'Chromium' },
  { suite: 'turn', file: '/usr/bin/firefox-esr', name: 'Firefox' },
  { suite: 'turn', file: '/usr/sbin/ip', name: 'iproute2' },
  { suite: 'turn', file: '/usr/sbin/nft', name: 'nftables' },
  { suite: 'turn', file: '/usr/bin/openssl', name: 'OpenSSL' },
  { suite: 'kamailio', file: '/usr/sbin/kamailio', name: 'Kamailio' },
  { suite: 'kamailio', file: '/usr/bin/baresip', name: 'baresip' },
  { suite: 'rtpengine', file: '/usr/bin/rtpengine', name: 'rtpengine' },
  { suite: 'rtpengine', file: '/usr/bin/chromium', name: 'Chromium' },
  { suite: 'rtpengine', file: '/usr/bin/firefox-esr', name: 'Firefox' },
  { suite: 'rtpengine', file: '/usr/bin/baresip', name: 'baresip' },
  { suite: 'rtpengine', file: '/usr/sbin/ip', name: 'iproute2' },
];

const fileStep = (file: string): Step => ({
  name: file,
  command: process.execPath,
  args: ['--test', '--test-timeout=300000', file],
});

const filesOf = (names: readonly string[]): string[] => names.flatMap(name => globSync(suites[name] ?? []).sort());

/** One file after the other: each starts a sandbox of its own. Gives those that failed. */
async function runLane(files: readonly string[]): Promise<string[]> {
  const failed: string[] = [];
  for (const file of files) {
    const started = performance.now();
    if ((await runQuietly(fileStep(file))) !== 0) failed.push(file);
    console.log(`  ${file}: ${seconds(started)} s\n`);
  }
  return failed;
}

/**
 * Runs the suites. What fails is run once more, alone, at the end, for these tests play in real time and a machine that
 * others use may stand still for seconds; what fails twice ends the process with 1, what failed once is named.
 */
export async function runInterop(names: readonly string[]): Promise<void> {
  const started = performance.now();
  console.log(`\n— interop: ${names.join(', ')}`);
  const wanted = lanes.map(lane => filesOf(lane.filter(name => names.includes(name))));
  const failed = (await Promise.all(wanted.map(runLane))).flat();
  for (const file of failed) {
    console.log(`\n— once more: ${file}`);
    if ((await run(fileStep(file))) === 0) continue;
    console.error(`\n${file} failed twice.`);
    process.exit(1);
  }
  if (failed.length > 0) console.log(`  Failed at first, passed alone: ${failed.join(', ')}`);
  console.log(`  interop: ${seconds(started)} s`);
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(1);
}

if (import.meta.main) {
  const wanted = process.argv.slice(2);
  const names = wanted.length > 0 ? wanted : allSuites;
  for (const name of names) {
    if (!(name in suites)) {
      console.error(`There is no suite "${name}"; there are ${allSuites.join(', ')}.`);
      process.exit(1);
    }
  }
  const missing = peers.filter(peer => names.includes(peer.suite) && !existsSync(peer.file));
  if (missing.length > 0) {
    console.error(
      `Missing: ${[...new Set(missing.map(peer => peer.name))].join(', ')}. "npm test" installs what is missing when it runs as root on Debian.`,
    );
    process.exit(1);
  }
  await runInterop(names);
}
