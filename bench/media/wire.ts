/** Where the media bench runs: its load on one host, what is measured on another, joined by a wire; on loopback where that cannot be had. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { openNamespace } from '../../test/support/network-namespace.ts';

export interface Wire {
  /** Address of the load. */
  readonly outside: string;
  /** Address of what is measured. */
  readonly inside: string;
  /** Both are loopback addresses. */
  readonly loopback: boolean;
  /** Starts a program over there; its process id is the program's own. */
  spawn(command: string, args: readonly string[], options: SpawnOptions): ChildProcess;
  close(): void;
}

/** A network namespace for root; two loopback addresses for others. */
export function openWire(): Wire {
  if (process.getuid?.() === 0) return { ...openNamespace(), loopback: false };
  return { outside: '127.0.61.1', inside: '127.0.61.2', loopback: true, spawn, close: () => undefined };
}
