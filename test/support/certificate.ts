/** A certificate that nobody vouches for: for pages off the loopback address, and servers of TURN over TLS. */
import { spawnSync } from 'node:child_process';
import { isIP } from 'node:net';
import { join } from 'node:path';

/** PEM files in `folder`. Throws when OpenSSL does not make them. */
export function certificate(folder: string, hosts: readonly string[]): { cert: string; key: string } {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const how = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const names = hosts.map(host => `${isIP(host) === 0 ? 'DNS' : 'IP'}:${host}`).join(',');
  const what = ['-subj', '/CN=Lineside test', '-addext', `subjectAltName=${names}`];
  const { status, stderr } = spawnSync('openssl', ['req', ...how, ...what, '-keyout', key, '-out', cert]);
  if (status !== 0) throw new Error(`OpenSSL made no certificate: ${String(stderr ?? 'is openssl there?')}`);
  return { cert, key };
}
