/** A network behind a router that masquerades, as at home: its address towards the world, and with it every port, can change at any moment. */
import { spawnSync } from 'node:child_process';
import { nft } from './firewall.ts';
import { ip, type NetworkNamespace, openNamespace, PREFIX, remove } from './network-namespace.ts';

export interface Nat extends NetworkNamespace {
  /** The router gets another address and forgets all it has translated: what is sent now leaves from there, and from other ports. */
  rebind(): void;
}

const [ROUTER, HOST] = ['192.168.77.1', '192.168.77.2'];
const DEVICES = ['lan0', 'lan1'] as const;
/** Ports before the change and after it. */
const PORTS = ['40000-40999', '41000-41999'] as const;

/** What is spawned in it runs behind the router. Throws an error of one sentence when it cannot be made. */
export function openNat(): Nat {
  const router = openNamespace();
  const lan = `${PREFIX}lan-${process.pid}`;
  const close = () => {
    process.off('exit', close);
    remove(lan);
    router.close();
  };
  process.on('exit', close);
  const [towardsLan, towardsRouter] = DEVICES;
  try {
    ip('netns', 'add', lan);
    ip('-n', router.name, 'link', 'add', towardsLan, 'type', 'veth', 'peer', 'name', towardsRouter, 'netns', lan);
    for (const [name, device, address] of [
      [router.name, towardsLan, ROUTER],
      [lan, towardsRouter, HOST],
    ] as const) {
      ip('-n', name, 'address', 'add', `${address}/24`, 'dev', device);
      ip('-n', name, 'link', 'set', device, 'up');
    }
    ip('-n', lan, 'link', 'set', 'lo', 'up');
    ip('-n', lan, 'route', 'add', 'default', 'via', ROUTER);
    forward(router);
    masquerade(router, PORTS[0]);
  } catch (error) {
    close();
    throw error;
  }
  return {
    ...router,
    name: lan,
    rebind() {
      // The kernel forgets what was masqueraded as an address when that is gone.
      ip('-n', router.name, 'address', 'del', `${router.inside}/29`, 'dev', router.device);
      masquerade(router, PORTS[1]);
      ip('-n', router.name, 'address', 'add', `${router.spare}/29`, 'dev', router.device);
    },
    close,
  };
}

function masquerade(router: NetworkNamespace, ports: string): void {
  nft(
    router,
    `table ip nat
delete table ip nat
table ip nat {
  chain leaving {
    type nat hook postrouting priority srcnat
    oifname "${router.device}" meta l4proto { tcp, udp } masquerade to :${ports}
  }
}
`,
  );
}

function forward(router: NetworkNamespace): void {
  const command = ['netns', 'exec', router.name, 'sysctl', '-qw', 'net.ipv4.ip_forward=1'];
  const { status, stderr } = spawnSync('ip', command, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`The router cannot forward: ${(stderr ?? '').trim()}`);
}
