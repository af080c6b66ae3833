/** A DTLS association of ours on a real UDP socket, and an openssl process as its peer. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDtls } from '../../src/eims-agw/relay/dtls/association.ts';
import type { Dtls, DtlsEffect, DtlsOptions } from '../../src/eims-agw/relay/dtls/types.ts';

export interface UdpEnd {
  dtls: Dtls;
  port: number;
  events: DtlsEffect[];
  /** Sends to `port` of the same host, once the peer is there. */
  connect(port: number): void;
  /** The next effect of this type, or an error when the association ends without it. */
  wait<T extends DtlsEffect['type']>(type: T): Promise<Extract<DtlsEffect, { type: T }>>;
  closeDtls(): void;
  stop(): void;
}

/** Binds a socket on `host`; a server answers the first source it hears. */
export async function openUdpEnd(host: string, options: DtlsOptions): Promise<UdpEnd> {
  const socket: Socket = createSocket('udp4');
  socket.bind(0, host);
  await once(socket, 'listening');
  const dtls = createDtls(options);
  const events: DtlsEffect[] = [];
  let peerPort = 0;
  let peerAddress = host;
  let timer: NodeJS.Timeout | undefined;
  let wake = (): void => undefined;
  const run = (act: (now: number, out: DtlsEffect[]) => void): void => {
    const out: DtlsEffect[] = [];
    act(performance.now(), out);
    for (const effect of out) {
      if (effect.type === 'send') socket.send(effect.datagram, peerPort, peerAddress);
      else if (effect.type === 'set-timer' || effect.type === 'stop-timer') {
        clearTimeout(timer);
        if (effect.type === 'set-timer')
          timer = setTimeout(() => run(dtls.timeout), Math.max(1, effect.at - performance.now()));
      } else events.push(effect);
    }
    wake();
  };
  socket.on('message', (datagram, from) => {
    if (peerPort === 0) {
      peerPort = from.port;
      peerAddress = from.address;
    }
    run((now, out) => dtls.receive(datagram, now, out));
  });
  const wait: UdpEnd['wait'] = async type => {
    for (;;) {
      for (const event of events) if (event.type === type) return event as Extract<DtlsEffect, { type: typeof type }>;
      const last = events.at(-1);
      if (last?.type === 'failed') throw new Error(`${last.reason}: ${last.detail}`);
      await new Promise<void>(resolve => {
        wake = resolve;
      });
    }
  };
  return {
    dtls,
    port: socket.address().port,
    events,
    connect(port) {
      peerPort = port;
      run((now, out) => dtls.start(now, out));
    },
    wait,
    closeDtls: () => run((now, out) => dtls.close(now, out)),
    stop() {
      clearTimeout(timer);
      socket.close();
    },
  };
}

export interface OpenSsl {
  /** All it wrote so far. */
  output(): string;
  /** Waits for a match in its output; fails when it ends first. */
  find(pattern: RegExp): Promise<RegExpExecArray>;
  type(line: string): void;
  /** Ends it and waits for that. */
  stop(): Promise<void>;
}

/** Starts `openssl` with these arguments; its standard input stays open. */
export function startOpenSsl(args: readonly string[]): OpenSsl {
  const child: ChildProcess = spawn('/usr/bin/openssl', args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let text = '';
  let over = false;
  let wake = (): void => undefined;
  const add = (chunk: Buffer): void => {
    text += chunk.toString('latin1');
    wake();
  };
  child.stdout?.on('data', add);
  child.stderr?.on('data', add);
  child.stdin?.on('error', () => undefined);
  const ended = once(child, 'close').then(() => {
    over = true;
    wake();
  });
  return {
    output: () => text,
    async find(pattern) {
      for (;;) {
        const match = pattern.exec(text);
        if (match !== null) return match;
        if (over) throw new Error(`openssl ended without ${pattern}: ${text}`);
        await new Promise<void>(resolve => {
          wake = resolve;
        });
      }
    },
    type: line => child.stdin?.write(`${line}\n`),
    async stop() {
      if (!over) child.kill('SIGKILL');
      await ended;
    },
  };
}

interface Files {
  certificate: string;
  key: string;
}

/** A folder with certificates that openssl made: `kinds` are names for arguments of `openssl req -newkey`. */
export function makeFiles(kinds: Readonly<Record<string, readonly string[]>>): {
  files: Record<string, Files>;
  remove(): void;
} {
  const folder = mkdtempSync(join(tmpdir(), 'dtls-'));
  const files: Record<string, Files> = {};
  for (const [name, newKey] of Object.entries(kinds)) {
    const certificate = join(folder, `${name}.pem`);
    const key = join(folder, `${name}.key`);
    const args = ['req', '-x509', '-nodes', '-subj', '/CN=peer', '-days', '2', '-keyout', key, '-out', certificate];
    execFileSync('/usr/bin/openssl', [...args, ...newKey], { stdio: 'ignore' });
    files[name] = { certificate, key };
  }
  return { files, remove: () => rmSync(folder, { recursive: true }) };
}
