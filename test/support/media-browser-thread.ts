/** A browser peer in a thread of its own: says its offer, takes the answer, and can be ended whatever it is waiting for. */
import { once } from 'node:events';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { browserPeer } from './media-browser.ts';

export interface BrowserThread {
  offer: string;
  accept(answer: string): void;
  close(): Promise<unknown>;
}

export async function browserThread(): Promise<BrowserThread> {
  const thread = new Worker(new URL(import.meta.url));
  const [offer] = await once(thread, 'message');
  return { offer, accept: answer => thread.postMessage(answer), close: () => thread.terminate() };
}

if (!isMainThread && parentPort !== null) {
  const peer = browserPeer();
  parentPort.on('message', answer => void peer.accept(answer));
  parentPort.postMessage(await peer.offer());
}
