/** Test help: certificates of SIP peers, all but the stranger's of one authority. */
import { readFileSync } from 'node:fs';
import type { TlsSide } from '../../src/sip/transport/types.ts';

export type Holder = 'gateway' | 'core' | 'dns' | 'user' | 'plain' | 'stranger';

/** Path of a test certificate, key, or of the authority. */
export const tlsFile = (name: string) => new URL(`./tls/sip/${name}`, import.meta.url).pathname;

/** The TLS side of one of them, that asks its peers for certificates. */
export function sideOf(holder: Holder, change: Partial<TlsSide> = {}): TlsSide {
  const file = (name: string) => readFileSync(tlsFile(name));
  return {
    cert: file(`${holder}.pem`),
    key: file(`${holder}.key`),
    ca: file('ca.pem'),
    mutual: true,
    peers: [],
    ...change,
  };
}
