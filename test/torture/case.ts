/** What a torture case is, and helpers to write messages down. RFC 4475. */
import type { SipMessage } from '../../src/sip/index.ts';

/** The parser's part of the verdict on a datagram. */
export type ParserVerdict =
  | { type: 'accept' }
  /** A request to be refused with this status; `addressed` when enough of it is readable for an answer to find its way. */
  | { type: 'refuse'; status: number; addressed: boolean }
  | { type: 'drop' };

export interface TortureCase {
  /** Name of the case in RFC 4475. */
  name: string;
  clause: string;
  bytes: Buffer;
  verdict: ParserVerdict;
  /** What the layers above the parser make of an accepted message. */
  above?: string;
  /** The first status a user agent of ours answers an accepted request with; 100: it rings. */
  answer?: number;
  /** Facts of an accepted message that the parser must have got right. */
  check?: (message: SipMessage) => void;
}

export const accept: ParserVerdict = { type: 'accept' };
export const drop: ParserVerdict = { type: 'drop' };

export function refuse(status: number, addressed = true): ParserVerdict {
  return { type: 'refuse', status, addressed };
}

/** The text as bytes, each line ended by CRLF; the newline in front goes, so that a message can start on a line of its own. */
export function wire(text: string): Buffer {
  return Buffer.from(text.replace(/^\n/, '').replaceAll('\n', '\r\n'), 'utf8');
}
