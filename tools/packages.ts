/** The Debian packages the tests need: installed when missing and allowed, else named. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const KAMAILIO = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/kamailio/modules`;

const needed: ReadonlyArray<{ file: string; packageName: string }> = [
  { file: '/usr/bin/chromium', packageName: 'chromium' },
  { file: '/usr/bin/firefox-esr', packageName: 'firefox-esr' },
  { file: '/usr/sbin/ip', packageName: 'iproute2' },
  { file: '/usr/bin/openssl', packageName: 'openssl' },
  { file: '/usr/bin/baresip', packageName: 'baresip-core' },
  { file: '/usr/bin/sipp', packageName: 'sip-tester' },
  { file: '/usr/sbin/kamailio', packageName: 'kamailio' },
  { file: '/usr/bin/rtpengine', packageName: 'rtpengine-daemon' },
  // The encoders of AMR and AMR-WB.
  { file: '/usr/share/doc/libavcodec-extra59', packageName: 'libavcodec-extra59' },
  { file: '/usr/bin/turnserver', packageName: 'coturn' },
  { file: '/usr/sbin/nft', packageName: 'nftables' },
  { file: '/usr/lib/python3/dist-packages/pylibsrtp', packageName: 'python3-pylibsrtp' },
  { file: `${KAMAILIO}/ims_icscf.so`, packageName: 'kamailio-ims-modules' },
  { file: `${KAMAILIO}/presence.so`, packageName: 'kamailio-presence-modules' },
  { file: `${KAMAILIO}/tls.so`, packageName: 'kamailio-tls-modules' },
];

/** Installs what is missing; exits with 1 and one sentence when it cannot. */
export function ensurePackages(): void {
  const missing = needed.filter(({ file }) => !existsSync(file)).map(({ packageName }) => packageName);
  if (missing.length === 0) return;
  const debian = existsSync('/usr/bin/apt-get');
  if (!debian || process.getuid?.() !== 0) {
    console.error(
      `The tests need these Debian packages: ${missing.join(' ')}. Install them, or run this as root on Debian.`,
    );
    process.exit(1);
  }
  console.log(`Installing Debian packages: ${missing.join(' ')}`);
  const apt = (...args: string[]) =>
    spawnSync('apt-get', args, {
      stdio: ['ignore', 'ignore', 'inherit'],
      // Daemons among them are not started: the first word is for init scripts, the second for systemd.
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1', SYSTEMD_OFFLINE: '1' },
    }).status === 0;
  if (!(apt('update', '-q') && apt('install', '-y', '-q', '--no-install-recommends', ...missing))) {
    console.error(`These Debian packages could not be installed: ${missing.join(' ')}.`);
    process.exit(1);
  }
}
