/** Test help: a DNS whose records are written down, that counts questions and can be made to fail. */
import type { Dns, NaptrRecord, SrvRecord } from '../../src/sip/locate/dns.ts';

export interface FakeDns extends Dns {
  naptrs: Record<string, NaptrRecord[]>;
  srvs: Record<string, SrvRecord[]>;
  hosts: Record<string, string[]>;
  ttlS: number;
  /** Every question from now on fails. */
  down: boolean;
  /** Questions so far. */
  asked: string[];
}

export function createFakeDns(hosts: Record<string, string[]> = {}): FakeDns {
  async function answer<T>(question: string, records: T): Promise<T> {
    dns.asked.push(question);
    if (dns.down) throw new Error('the DNS is down');
    return records;
  }
  const dns: FakeDns = {
    naptrs: {},
    srvs: {},
    hosts,
    ttlS: 60,
    down: false,
    asked: [],
    naptr: name => answer(`NAPTR ${name}`, dns.naptrs[name] ?? []),
    srv: name => answer(`SRV ${name}`, dns.srvs[name] ?? []),
    addresses: name => answer(`A ${name}`, { addresses: dns.hosts[name] ?? [], ttlS: dns.ttlS }),
  };
  return dns;
}
