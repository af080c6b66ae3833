/** The ng protocol of rtpengine: a cookie and a bencoded dictionary in each datagram. */
import { createSocket } from 'node:dgram';

type Value = string | number | Value[] | { [key: string]: Value };
export type Dictionary = Record<string, Value>;

export interface Ng {
  /** Asks and resolves with the answer; asks again when none comes. Rejects on `result: error` and after 2 s. */
  ask(request: Dictionary): Promise<Dictionary>;
  close(): void;
}

const AGAIN_MS = 250;
const TRIES = 8;

export function openNg(host: string, port: number): Ng {
  const socket = createSocket('udp4');
  const asked = new Map<string, (answer: Dictionary) => void>();
  let serial = 0;
  socket.on('message', datagram => {
    const space = datagram.indexOf(' ');
    asked.get(datagram.toString('latin1', 0, space))?.(decode(datagram, space + 1)[0] as Dictionary);
  });
  return {
    async ask(request) {
      serial += 1;
      const cookie = `${process.pid}-${serial}`;
      const heard = Promise.withResolvers<Dictionary>();
      asked.set(cookie, heard.resolve);
      // The cookie makes a repeated request harmless: the daemon repeats its answer.
      const datagram = `${cookie} ${encode(request)}`;
      let tries = 0;
      const push = () => {
        tries += 1;
        if (tries > TRIES) heard.reject(new Error(`rtpengine did not answer to "${String(request['command'])}"`));
        else socket.send(datagram, port, host);
      };
      push();
      const timer = setInterval(push, AGAIN_MS);
      try {
        const answer = await heard.promise;
        if (answer['result'] === 'error') throw new Error(`rtpengine says: ${String(answer['error-reason'])}`);
        return answer;
      } finally {
        clearInterval(timer);
        asked.delete(cookie);
      }
    },
    close: () => socket.close(),
  };
}

function encode(value: Value): string {
  if (typeof value === 'number') return `i${value}e`;
  if (typeof value === 'string') return `${Buffer.byteLength(value)}:${value}`;
  if (Array.isArray(value)) return `l${value.map(encode).join('')}e`;
  const pairs = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `d${pairs.map(([key, part]) => encode(key) + encode(part)).join('')}e`;
}

/** The value at `at`, and where it ends. */
function decode(bytes: Buffer, at: number): [Value, number] {
  const kind = String.fromCharCode(bytes[at] ?? 0);
  if (kind === 'i') {
    const end = bytes.indexOf('e', at);
    return [Number(bytes.toString('latin1', at + 1, end)), end + 1];
  }
  if (kind !== 'l' && kind !== 'd') {
    const colon = bytes.indexOf(':', at);
    const end = colon + 1 + Number(bytes.toString('latin1', at, colon));
    return [bytes.toString('utf8', colon + 1, end), end];
  }
  const parts: Value[] = [];
  let next = at + 1;
  while (next < bytes.length && bytes[next] !== 'e'.charCodeAt(0)) {
    const [part, end] = decode(bytes, next);
    parts.push(part);
    next = end;
  }
  if (kind === 'l') return [parts, next + 1];
  const pairs = parts.flatMap((part, i) => (i % 2 === 0 ? [[String(part), parts[i + 1] ?? '']] : []));
  return [Object.fromEntries(pairs), next + 1];
}
