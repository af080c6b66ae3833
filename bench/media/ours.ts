/** Our own media plane as a process of its own: its SDP work counts, as that of the peers does. */
import { join } from 'node:path';
import type { Asked, Told } from './host.ts';
import type { MediaRelay } from './media-relay.ts';
import type { Wire } from './wire.ts';

export async function startOurs(wire: Wire, engine: 'relay' | 'libdatachannel', calls: number): Promise<MediaRelay> {
  const child = wire.spawn(
    process.execPath,
    [join(import.meta.dirname, 'host.ts'), wire.inside, wire.outside, engine, String(calls)],
    { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
  );
  const waiting: Array<(told: Told) => void> = [];
  child.on('message', (told: Told) => waiting.shift()?.(told));
  const next = () =>
    new Promise<Told>((resolve, reject) => {
      child.once('exit', code => reject(new Error(`the media host ended (exit ${code})`)));
      waiting.push(told => {
        child.removeAllListeners('exit');
        resolve(told);
      });
    });
  const ask = (asked: Asked) => {
    child.send(asked);
    return next();
  };
  await next();
  return {
    pid: child.pid ?? 0,
    connect: (call, browserOffer, phoneAnswer) => ask({ type: 'connect', call, browserOffer, phoneAnswer }),
    async release(call) {
      await ask({ type: 'release', call });
    },
    async close() {
      if (!child.connected) return;
      const gone = new Promise(resolve => child.once('exit', resolve));
      child.disconnect();
      await gone;
    },
  };
}
