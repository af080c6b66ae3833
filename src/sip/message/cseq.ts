/** CSeq: a number and the method it counts. RFC 3261 20.16. */
import type { CSeq } from './message.ts';
import { readMethod } from './method.ts';
import { load, readDigits, skipWs, wordEnd } from './scan.ts';

const MAX_CSEQ = 2147483647;

/** Reads "number method"; null when malformed or 2^31 and more. RFC 3261 8.1.1.5. */
export function parseCSeq(text: string, from = 0, to: number = text.length): CSeq | null {
  load(text, from, to);
  const end = wordEnd(from, to);
  const seq = readDigits(MAX_CSEQ, from, end);
  const start = skipWs(end, to);
  const methodEnd = wordEnd(start, to);
  if (seq === undefined || start === end || methodEnd === start || skipWs(methodEnd, to) !== to) return null;
  return { seq, method: readMethod(text, start, methodEnd) };
}
