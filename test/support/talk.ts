/** What a test does with a call: speak a tone, press keys, listen, wait. On any WebRTC peer of the tests. */
import type { BrowserPeer } from './media-browser.ts';
import { measureTone, type Tone, toneFrames } from './tone.ts';

const A_LAW = 8;
const TELEPHONE_EVENT = 126;
const FRAME_MS = 20;

/** Sends a tone for `ms` and gives back the payloads that came meanwhile. */
export async function talk(peer: BrowserPeer, hz: number, ms: number): Promise<Uint8Array[]> {
  const heard = peer.rtp.length;
  for (const [i, payload] of toneFrames(hz, Math.ceil(ms / FRAME_MS)).entries()) {
    await peer.send({ pt: A_LAW, seq: 1000 + i, ts: 160 * i, marker: i === 0, payload });
    await pause(FRAME_MS);
  }
  return peer.rtp.slice(heard).map(packet => packet.payload);
}

/** The strongest tone of the last second that came. */
export function heardBy(peer: BrowserPeer): Tone {
  return measureTone(
    peer.rtp
      .filter(packet => packet.header.payloadType === A_LAW)
      .slice(-50)
      .map(packet => packet.payload),
  );
}

/** Presses one key for 100 ms as a browser does: updates, then the end three times. RFC 4733 2.5.1. */
export async function press(peer: BrowserPeer, digit: string, seq: number): Promise<void> {
  const event = '0123456789*#'.indexOf(digit);
  const ts = 160 * seq;
  for (let n = 0; n < 8; n += 1) {
    const end = n >= 5;
    const duration = 160 * Math.min(n + 1, 5);
    const payload = Uint8Array.of(event, (end ? 0x80 : 0) | 10, duration >> 8, duration & 0xff);
    await peer.send({ pt: TELEPHONE_EVENT, seq: seq + n, ts, marker: n === 0, payload });
    if (!end) await pause(FRAME_MS);
  }
}

/** The keys whose presses came in, each once. */
export function keysAt(peer: BrowserPeer): string {
  const pressed = new Map<number, string>();
  for (const { header, payload } of peer.rtp) {
    if (header.payloadType === TELEPHONE_EVENT) pressed.set(header.timestamp, '0123456789*#'[payload[0] ?? 99] ?? '?');
  }
  return [...pressed.values()].join('');
}

export async function until(fits: () => boolean | Promise<boolean>, what: string, ms = 10_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await fits())) {
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await pause(FRAME_MS);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
