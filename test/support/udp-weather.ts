/** A stretch of network between two UDP ends: loses, copies, delays and reorders by a seed, and forgets its port like a NAT. */
import { createSocket, type Socket } from 'node:dgram';

export interface Weather {
  /** 0 to 1. */
  loss: number;
  copies: number;
  /** Each datagram waits between none and this, ms; so they overtake each other. */
  delayMs: number;
}

interface End {
  address: string;
  port: number;
}

export interface Stretch {
  /** Where the near end sends to. */
  near: End;
  /** Where the far end sends to, and sees the near end. */
  far(): End;
  /** From now on the far end sees the near end on another port. */
  rebind(): Promise<void>;
  close(): void;
}

/** Joins whoever sends to `near` (or `nearEnd`, when the far end speaks first) with `farEnd`; both sides on `host`. */
export async function stretch(
  host: string,
  farEnd: End,
  weather: Weather,
  seed: number,
  nearEnd: End | null = null,
): Promise<Stretch> {
  const random = generator(seed);
  const timers = new Set<NodeJS.Timeout>();
  let known = nearEnd;
  const near = await bound(host);
  let far = await bound(host);
  const carry = (socket: () => Socket, datagram: Buffer, to: End) => {
    const times = random() < weather.loss ? 0 : random() < weather.copies ? 2 : 1;
    for (let i = 0; i < times; i += 1) {
      const timer = setTimeout(() => {
        timers.delete(timer);
        socket().send(datagram, to.port, to.address);
      }, random() * weather.delayMs);
      timers.add(timer);
    }
  };
  const back = (datagram: Buffer) => {
    if (known !== null) carry(() => near, datagram, known);
  };
  near.on('message', (datagram, from) => {
    known = from;
    carry(() => far, datagram, farEnd);
  });
  far.on('message', back);
  return {
    near: near.address(),
    far: () => far.address(),
    async rebind() {
      const old = far;
      far = await bound(host);
      far.on('message', back);
      old.close();
    },
    close() {
      for (const timer of timers) clearTimeout(timer);
      near.close();
      far.close();
    },
  };
}

function bound(host: string): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', lookup: (name, _options, callback) => callback(null, name, 4) });
  return new Promise(resolve => socket.bind(0, host, () => resolve(socket)));
}

/** Numbers from 0 to 1 by xorshift. */
function generator(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}
