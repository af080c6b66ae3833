/** What a closed network lets out: a firewall inside a network namespace. For root on Linux, with nftables. */
import { spawnSync } from 'node:child_process';
import type { NetworkNamespace } from './network-namespace.ts';

export interface Opening {
  address: string;
  kind: 'tcp' | 'udp';
  ports: readonly number[];
}

/** Lets out what goes to `openings`, and answers; nothing else. Throws when nftables does not take it. */
export function closeBut(network: NetworkNamespace, openings: readonly Opening[]): void {
  const open = openings.map(
    ({ address, kind, ports }) => `ip daddr ${address} ${kind} dport { ${ports.join(', ')} } accept`,
  );
  nft(
    network,
    `table inet closed
delete table inet closed
table inet closed {
  counter refused { }
  chain out {
    type filter hook output priority 0; policy drop;
    oif lo accept
    ip daddr ${network.inside} accept
    ct direction reply accept
    ${open.join('\n    ')}
    meta l4proto udp counter name refused
  }
}
`,
  );
}

/** UDP packets that were not let out since `closeBut`. */
export function refusedDatagrams(network: NetworkNamespace): number {
  const said = nft(network, 'list counter inet closed refused\n');
  return Number(/packets (\d+)/.exec(said)?.[1] ?? Number.NaN);
}

/** Feeds nftables within a network; throws with what it said. */
export function nft(network: NetworkNamespace, input: string): string {
  const { status, stdout, stderr } = spawnSync('ip', ['netns', 'exec', network.name, 'nft', '-f', '-'], {
    input,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`nft failed: ${(stderr ?? '').trim() || 'is nftables there?'}`);
  return stdout;
}
