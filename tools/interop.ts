/** `npm run interop [-- SUITE...]`: Lineside against real peers. Exits non-zero when a peer is missing. */
import { existsSync } from 'node:fs';
import { runAll } from './run.ts';

/** Suites and the files that hold them; a suite joins the list with its first test. */
export const suites: Readonly<Record<string, readonly string[]>> = {
  browsers: ['test/interop/browser-*.test.ts'],
  api: ['test/interop/api-*.test.ts'],
  kamailio: ['test/interop/kamailio-*.test.ts'],
  phone: ['test/interop/phone-*.test.ts'],
  sipp: ['test/interop/sipp-*.test.ts'],
  kill: ['test/interop/kill-*.test.ts'],
  dtls: ['test/interop/dtls-*.test.ts'],
  tls: ['test/interop/tls-*.test.ts'],
};

const peers: ReadonlyArray<{ suite: string; file: string; name: string }> = [
  { suite: 'browsers', file: '/usr/bin/chromium', name: 'Chromium' },
  { suite: 'browsers', file: '/usr/bin/firefox-esr', name: 'Firefox' },
  { suite: 'browsers', file: '/usr/sbin/ip', name: 'iproute2' },
  { suite: 'phone', file: '/usr/bin/chromium', name: 'Chromium' },
  { suite: 'phone', file: '/usr/bin/baresip', name: 'baresip' },
  { suite: 'sipp', file: '/usr/bin/sipp', name: 'SIPp' },
  { suite: 'dtls', file: '/usr/bin/openssl', name: 'OpenSSL' },
  { suite: 'tls', file: '/usr/bin/openssl', name: 'OpenSSL' },
  { suite: 'kamailio', file: '/usr/sbin/kamailio', name: 'Kamailio' },
];

export const interopTests = (names: readonly string[]) => ({
  name: `interop: ${names.join(', ')}`,
  command: process.execPath,
  // One file at a time: each starts a sandbox of its own, and the machine may have two cores.
  args: ['--test', '--test-concurrency=1', '--test-timeout=300000', ...names.flatMap(name => suites[name] ?? [])],
});

if (import.meta.main) {
  const wanted = process.argv.slice(2);
  const names = wanted.length > 0 ? wanted : Object.keys(suites);
  for (const name of names) {
    if (!(name in suites)) {
      console.error(`There is no suite "${name}"; there are ${Object.keys(suites).join(', ')}.`);
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
  await runAll([interopTests(names)]);
}
