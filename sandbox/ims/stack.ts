/** Sockets and transaction layer of one SIP element of the sandbox. */
import { randomBytes } from 'node:crypto';
import {
  createSipTransport,
  createTransactionLayer,
  type DrivenTransactionLayer,
  type ServerTransactionUser,
  type SipTimers,
  type SipTransport,
} from '../../src/sip/index.ts';

export interface Stack {
  readonly port: number;
  /** Builds the layer around its user; once. */
  layer(user: ServerTransactionUser): DrivenTransactionLayer;
  close(): Promise<void>;
}

export interface StackOptions {
  host: string;
  /** 0: the system chooses. */
  port: number;
  timers: SipTimers;
  /** True for a user agent. */
  singleVia: boolean;
}

const ATTEMPTS = 5;

/** Opens UDP and TCP on one port. Rejects when the port cannot be had. */
export async function openStack(options: StackOptions): Promise<Stack> {
  let driven: DrivenTransactionLayer | null = null;
  const transport = await openTransport(options, {
    onMessage: (...args) => driven?.receive(...args),
    onBroken: (...args) => driven?.broken(...args),
  });
  return {
    port: transport.listening[0]?.port ?? 0,
    layer(user) {
      driven = createTransactionLayer({
        wire: transport,
        timers: options.timers,
        now: () => performance.now(),
        random: () => randomBytes(9).toString('hex'),
        user,
        singleVia: options.singleVia,
      });
      return driven;
    },
    async close() {
      driven?.close();
      await transport.close();
    },
  };
}

type Doors = Pick<Parameters<typeof createSipTransport>[0], 'onMessage' | 'onBroken'>;

/** A port the system chose for UDP may be taken for TCP: then another one is asked for. */
async function openTransport(options: StackOptions, doors: Doors): Promise<SipTransport> {
  const { host, port, timers } = options;
  for (let attempt = 1; ; attempt++) {
    const listen = [
      { transport: 'udp' as const, host, port },
      { transport: 'tcp' as const, host, port },
    ];
    const transport = await createSipTransport({ listen, timers, ...doors });
    const ports = new Set(transport.listening.map(socket => socket.port));
    if (ports.size === 1) return transport;
    await transport.close();
    if (attempt === ATTEMPTS) throw new Error(`no port of ${host} is free for both UDP and TCP`);
  }
}
