/** Ordered header fields, read only when asked for. Typed views are parsed once and kept. RFC 3261 7.3. */
import type { CSeq, NameAddr, Via } from './message.ts';

/** Names are taken in any case and in compact form; what is written keeps order and uses the canonical long form. */
export interface Headers {
  /** First value of the field, folding undone, or undefined. */
  get(name: string): string | undefined;
  /** Every value; fields that are lists (Via, Contact, Route, Supported, ...) are split at their commas. */
  all(name: string): readonly string[];
  has(name: string): boolean;
  /** Replaces all values of the field by one, at the place of the first. */
  set(name: string, value: string): void;
  /** Appends a value after the last one of that field. */
  add(name: string, value: string): void;
  /** Puts a value before the first one of that field (a Via, a Record-Route). */
  prepend(name: string, value: string): void;
  remove(name: string): void;
  /** Removes the first value only (the top Via, the top Route). */
  removeFirst(name: string): void;
  /** Name and raw value of every field, in order. */
  entries(): Iterable<readonly [string, string]>;
  clone(): Headers;
  /** Like `clone`, of those fields alone whose canonical name passes. */
  filter(wanted: (name: string) => boolean): Headers;

  // Typed views: undefined or empty when absent or malformed (a parsed message has passed the checks of its mandatory fields).
  via(): Via | undefined;
  from(): NameAddr | undefined;
  to(): NameAddr | undefined;
  cseq(): CSeq | undefined;
  callId(): string | undefined;
  contacts(): readonly NameAddr[];
  /** Any list of name-addrs: Route, Record-Route, Path, Service-Route, P-Asserted-Identity, P-Associated-URI. */
  nameAddrs(name: string): readonly NameAddr[];
  /** Unsigned integer field: Expires, Max-Forwards, RSeq, Min-SE, Content-Length. */
  number(name: string): number | undefined;
  /** True when a list field (Supported, Require, Allow) holds the token, compared without case. */
  hasToken(name: string, token: string): boolean;
}
