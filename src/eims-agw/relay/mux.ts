/** The one UDP port of a worker towards browsers, on an address of each family: ICE checks find their leg by user name, everything else by a source that has proved itself. RFC 7983. */
import type { EngineCounts } from '../engine.ts';
import { namedCounts } from '../rtp/named-counts.ts';
import { openPort, type UdpPort } from './port.ts';
import { type BindingRequest, parseBindingRequest } from './stun/message.ts';

const MAX_DATAGRAM = 2_048;
/** Buffers of packets on their way into the kernel. */
const RING = 512;
/** The queue is looked at once in so many sends. */
const LOOK_EVERY = 64;
/** What a browser sends before it has heard that its leg is gone. */
const LATE_MS = 5_000;

/** What a leg hears of its sources. Buffers are the leg's to change, and not kept by the mux. */
export interface MuxLeg {
  /** A request that names this leg. The leg bounds how many signatures it looks at. */
  check(request: BindingRequest, address: string, port: number): void;
  dtls(datagram: Buffer, address: string, port: number): void;
  media(packet: Buffer): void;
  /** Whether the leg has heard from this source so lately that another may not have it. */
  holds(address: string, port: number): boolean;
  /** Another leg proved itself from this source. */
  lost(address: string, port: number): void;
}

interface MuxCounts {
  size: number;
  kind: number;
  /** From source port 0, where no answer can go. */
  unanswerable: number;
  unknownSource: number;
  /** From a source whose leg has just ended. */
  late: number;
  stunMalformed: number;
  stunUnknownUser: number;
  sendQueueFull: number;
  socketError: number;
  /** A fault of ours: the datagram was dropped, the worker goes on. */
  fault: number;
}

export interface Mux {
  readonly port: number;
  /** Datagrams that reached no leg, under the names of the metrics; they only grow. */
  named(): EngineCounts;
  addUfrag(ufrag: string, leg: MuxLeg): void;
  dropUfrag(ufrag: string): void;
  /** The source proved itself for this leg; a leg that had it before loses it, or holds it: then false. */
  claim(address: string, port: number, leg: MuxLeg): boolean;
  release(address: string, port: number, leg: MuxLeg): void;
  /** A buffer of 2,048 bytes for one packet, to be given to `send` before the next is asked for; null while the kernel takes no more. */
  buffer(): Buffer | null;
  send(bytes: Buffer, length: number, address: string, port: number): void;
  /** As if it came from the network. */
  receive(datagram: Buffer, address: string, port: number): void;
  close(): void;
}

interface Bound {
  address: string;
  leg: MuxLeg;
}

export interface MuxOptions {
  /** ms, monotonic. */
  now: () => number;
  /** A fault of ours, told at most once a second. */
  onFault: (error: unknown) => void;
}

/** A mux on the first of `ports` that is free on all of `binds`, at most one address of each family; null when none is. Port 0 takes any. */
export async function openMux(
  binds: readonly string[],
  ports: readonly number[],
  options: MuxOptions,
): Promise<Mux | null> {
  const port = await openPort(binds, ports);
  return port === null ? null : createMux(port, options);
}

function createMux(udp: UdpPort, options: MuxOptions): Mux {
  const byUfrag = new Map<string, MuxLeg>();
  const bySource = new Map<number, Bound[]>();
  /** When sources were released, oldest first. */
  const released = new Map<string, number>();
  const counts = noCounts();
  const ring: Buffer[] = [];
  const state = { next: 0, crowded: false, faultAt: Number.NEGATIVE_INFINITY };

  const find = (address: string, port: number): MuxLeg | null => {
    const there = bySource.get(port);
    if (there === undefined) return null;
    for (const entry of there) if (entry.address === address) return entry.leg;
    return null;
  };
  /** Counts a datagram that no leg takes. */
  const unwanted = (why: 'unknownSource' | 'stunUnknownUser', address: string, port: number) => {
    const at = released.get(`${address} ${port}`);
    counts[at !== undefined && options.now() - at < LATE_MS ? 'late' : why] += 1;
  };
  const check = (datagram: Buffer, address: string, port: number) => {
    const request = parseBindingRequest(datagram);
    if (request === null) {
      counts.stunMalformed += 1;
      return;
    }
    const leg = byUfrag.get(request.ufrag);
    // No limit by network: many browsers may have one address, and whoever forges it could use theirs up.
    if (leg === undefined) unwanted('stunUnknownUser', address, port);
    else leg.check(request, address, port);
  };
  const dispatch = (datagram: Buffer, address: string, port: number) => {
    const { length } = datagram;
    const first = datagram[0] ?? 255;
    if (port === 0) counts.unanswerable += 1;
    else if (length === 0 || length > MAX_DATAGRAM) counts.size += 1;
    else if (first < 4) check(datagram, address, port);
    else if (first >= 128 && first < 192) {
      const leg = find(address, port);
      if (leg === null) unwanted('unknownSource', address, port);
      else leg.media(datagram);
    } else if (first >= 20 && first < 64) {
      const leg = find(address, port);
      if (leg === null) unwanted('unknownSource', address, port);
      else leg.dtls(datagram, address, port);
    } else counts.kind += 1;
  };
  const receive = (datagram: Buffer, address: string, port: number) => {
    try {
      dispatch(datagram, address, port);
    } catch (error) {
      counts.fault += 1;
      const now = options.now();
      if (now - state.faultAt < 1_000) return;
      state.faultAt = now;
      options.onFault(error);
    }
  };
  udp.listen(receive, () => {
    counts.socketError += 1;
  });

  return {
    port: udp.number,
    named: () => namedCounts('port', counts),
    addUfrag: (ufrag, leg) => byUfrag.set(ufrag, leg),
    dropUfrag: ufrag => byUfrag.delete(ufrag),
    claim(address, port, leg) {
      const there = bySource.get(port);
      const entry = there?.find(e => e.address === address);
      if (there === undefined) bySource.set(port, [{ address, leg }]);
      else if (entry === undefined) there.push({ address, leg });
      else if (entry.leg !== leg) {
        // Whoever has a leg of his own and can forge an address must not take a stranger's call with it.
        if (entry.leg.holds(address, port)) return false;
        entry.leg.lost(address, port);
        entry.leg = leg;
      }
      return true;
    },
    release(address, port, leg) {
      const there = bySource.get(port);
      const left = there?.filter(e => e.address !== address || e.leg !== leg) ?? [];
      if (left.length > 0) bySource.set(port, left);
      else bySource.delete(port);
      const now = options.now();
      for (const [source, at] of released) {
        if (now - at < LATE_MS) break;
        released.delete(source);
      }
      // Anew at the end: the map is in the order of its times.
      released.delete(`${address} ${port}`);
      released.set(`${address} ${port}`, now);
    },
    buffer() {
      if (state.crowded || state.next % LOOK_EVERY === 0) {
        // Slots behind the next `LOOK_EVERY` sends must have left the queue.
        state.crowded = udp.waiting() > RING - 2 * LOOK_EVERY;
        if (state.crowded) {
          counts.sendQueueFull += 1;
          return null;
        }
      }
      const slot = state.next;
      state.next = (slot + 1) % RING;
      let buffer = ring[slot];
      if (buffer === undefined) {
        buffer = Buffer.allocUnsafeSlow(MAX_DATAGRAM);
        ring[slot] = buffer;
      }
      return buffer;
    },
    send: udp.send,
    receive,
    close: udp.close,
  };
}

function noCounts(): MuxCounts {
  return {
    size: 0,
    kind: 0,
    unanswerable: 0,
    unknownSource: 0,
    late: 0,
    stunMalformed: 0,
    stunUnknownUser: 0,
    sendQueueFull: 0,
    socketError: 0,
    fault: 0,
  };
}
