/** What the media bench measures: any program that joins a browser's media with plain RTP. */
import type { Wire } from './wire.ts';

export interface MediaRelay {
  /** Its first process; those below it count too. */
  readonly pid: number;
  /** Joins a browser that offers with a phone that answers; resolves with what each of them is told. */
  connect(call: number, browserOffer: string, phoneAnswer: string): Promise<{ toBrowser: string; toPhone: string }>;
  release(call: number): Promise<void>;
  close(): Promise<void>;
}

/** Starts it on the inner host of the wire, ready for so many calls. */
export type StartRelay = (wire: Wire, calls: number) => Promise<MediaRelay>;

/** One sentence that says why a relay cannot be measured here. */
export class NotHere extends Error {}
