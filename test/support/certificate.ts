/** A certificate that nobody vouches for: for pages off the loopback address, and servers of TURN over TLS. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** PEM files in `folder`. Throws when OpenSSL does not make them. */
export function certificate(folder: string, addresses: readonly string[]): { cert: string; key: string } {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const how = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const what = [
    '-subj',
    '/CN=Lineside test',
    '-addext',
    `subjectAltName=${addresses.map(address => `IP:${address}`).join(',')}`,
  ];
  const { status, stderr } = spawnSync('openssl', ['req', ...how, ...what, '-keyout', key, '-out', cert]);
  if (status !== 0) throw new Error(`OpenSSL made no certificate: ${String(stderr ?? 'is openssl there?')}`);
  return { cert, key };
}
