/** A network namespace joined to ours by a veth pair: another host on a wire of its own. For root on Linux, with iproute2. */
import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';

export interface NetworkNamespace {
  readonly name: string;
  /** Our end of the pair. */
  readonly outside: string;
  /** A second address of it, as if of another host. */
  readonly outside2: string;
  /** The other end, and the device it is on over there. */
  readonly inside: string;
  readonly device: string;
  /** Of the same network, and nobody's yet. */
  readonly spare: string;
  /** Gives an address a name, for programs that are started over there from now on. */
  nameHost(address: string, host: string): void;
  /** Starts a program over there. */
  spawn(command: string, args: readonly string[], options: SpawnOptions): ChildProcess;
  /** Ends what runs over there and takes the pair away. */
  close(): void;
}

export const PREFIX = 'lineside-';
/** Pairs within 198.18.0.0/16, which is for tests between networks (RFC 2544): eight addresses each. */
const PAIRS = 8192;

/** Throws an error of one sentence when the namespace cannot be made. It goes with this process at the latest. */
export function openNamespace(): NetworkNamespace {
  if (process.getuid?.() !== 0)
    throw new Error('This test makes a network namespace, which only root may: run it as root.');
  removeLeftOvers();
  const name = `${PREFIX}${process.pid}`;
  const [end, otherEnd] = [`ls${process.pid}a`, `ls${process.pid}b`];
  const base = (process.pid % PAIRS) * 8;
  const address = (host: number) => `198.18.${base >> 8}.${(base & 255) + host}`;
  const [outside, inside, outside2, spare] = [address(1), address(2), address(3), address(4)];
  const interrupted = () => process.exit(1);
  const close = () => {
    process.off('exit', close);
    for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, interrupted);
    remove(name);
  };
  process.on('exit', close);
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, interrupted);
  try {
    ip('netns', 'add', name);
    ip('link', 'add', end, 'type', 'veth', 'peer', 'name', otherEnd, 'netns', name);
    for (const ours of [outside, outside2]) ip('address', 'add', `${ours}/29`, 'dev', end);
    ip('link', 'set', end, 'up');
    ip('-n', name, 'address', 'add', `${inside}/29`, 'dev', otherEnd);
    ip('-n', name, 'link', 'set', otherEnd, 'up');
    ip('-n', name, 'link', 'set', 'lo', 'up');
  } catch (error) {
    close();
    throw error;
  }
  return {
    name,
    outside,
    outside2,
    inside,
    device: otherEnd,
    spare,
    nameHost(address, host) {
      mkdirSync(filesOf(name), { recursive: true });
      writeFileSync(`${filesOf(name)}/hosts`, `127.0.0.1 localhost\n${address} ${host}\n`);
    },
    spawn: (command, args, options) => spawn('ip', ['netns', 'exec', name, command, ...args], options),
    close,
  };
}

/** What `ip netns exec` lays over /etc. */
const filesOf = (name: string) => `/etc/netns/${name}`;

/** Runs `ip`; throws with what it said. */
export function ip(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('ip', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`"ip ${args.join(' ')}" failed: ${(stderr ?? '').trim() || 'is iproute2 there?'}`);
  return stdout;
}

/** The pair ends with the namespace, and that with its last process. */
export function remove(name: string): void {
  const pids = spawnSync('ip', ['netns', 'pids', name], { encoding: 'utf8' }).stdout ?? '';
  for (const pid of pids.split('\n').filter(line => line !== '')) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // Ended meanwhile.
    }
  }
  spawnSync('ip', ['netns', 'delete', name]);
  rmSync(filesOf(name), { recursive: true, force: true });
}

/** Namespaces of test processes that were killed before they could tidy up. */
function removeLeftOvers(): void {
  for (const [, name = '', pid] of ip('netns', 'list').matchAll(/^(lineside-(?:lan-)?(\d+))\b/gm)) {
    try {
      process.kill(Number(pid), 0);
    } catch {
      remove(name);
    }
  }
}
