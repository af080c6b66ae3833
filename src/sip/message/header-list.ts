/** The implementation of `Headers`: parallel arrays in message order, lists split and typed views parsed on first use. */
import { isFieldValue, isToken, isWs, parseDigits, skipWs, splitList } from './chars.ts';
import type { Headers } from './headers.ts';
import type { CSeq, NameAddr, Via } from './message.ts';
import { fieldOf } from './name.ts';
import { parseNameAddr, parseNameAddrs } from './name-addr.ts';
import { parseVia } from './via.ts';

const NONE: readonly never[] = [];
const MAX_UINT32 = 4294967295;
const MAX_CSEQ = 2147483647;

/** Headers with these fields, in this order. Throws TypeError when a name or value holds a control character. */
export function createHeaders(fields: Iterable<readonly [string, string]> = []): Headers {
  const list = new HeaderList([], [], []);
  for (const [name, value] of fields) list.append(name, value);
  return list;
}

export class HeaderList implements Headers {
  readonly #keys: string[];
  readonly #names: string[];
  readonly #values: string[];
  // Views of the fields every message is asked for stand in slots of their own; null means malformed.
  #via: Via | null | undefined;
  #from: NameAddr | null | undefined;
  #to: NameAddr | null | undefined;
  #cseq: CSeq | null | undefined;
  #lists: Map<string, readonly string[]> | undefined;
  #addresses: Map<string, readonly NameAddr[]> | undefined;

  /** Takes the arrays over; keys are those of `fieldOf`. */
  constructor(keys: string[], names: string[], values: string[]) {
    this.#keys = keys;
    this.#names = names;
    this.#values = values;
  }

  /** Puts a field at the end, without looking for others of its name. */
  append(name: string, value: string): void {
    this.#insert(this.#keys.length, fieldOf(name).key, name, value);
  }

  get(name: string): string | undefined {
    const field = fieldOf(name);
    const value = this.#values[this.#keys.indexOf(field.key)];
    return value === undefined || !field.list || !value.includes(',') ? value : splitList(value)[0];
  }

  all(name: string): readonly string[] {
    const field = fieldOf(name);
    const known = this.#lists?.get(field.key);
    if (known !== undefined) return known;
    const result: string[] = [];
    for (let i = this.#keys.indexOf(field.key); i !== -1; i = this.#keys.indexOf(field.key, i + 1)) {
      const value = this.#values[i] ?? '';
      if (field.list && value.includes(',')) result.push(...splitList(value));
      else result.push(value);
    }
    this.#lists ??= new Map();
    this.#lists.set(field.key, result);
    return result;
  }

  has(name: string): boolean {
    return this.#keys.includes(fieldOf(name).key);
  }

  set(name: string, value: string): void {
    const { key } = fieldOf(name);
    const at = this.#keys.indexOf(key);
    if (at === -1) {
      this.#insert(this.#keys.length, key, name, value);
      return;
    }
    check(name, value);
    this.#values[at] = value;
    for (let i = this.#keys.lastIndexOf(key); i > at; i = this.#keys.lastIndexOf(key)) this.#drop(i);
    this.#forget(key);
  }

  add(name: string, value: string): void {
    const { key } = fieldOf(name);
    const last = this.#keys.lastIndexOf(key);
    this.#insert(last === -1 ? this.#keys.length : last + 1, key, name, value);
  }

  prepend(name: string, value: string): void {
    const { key } = fieldOf(name);
    const first = this.#keys.indexOf(key);
    this.#insert(first !== -1 ? first : key === 'Via' ? 0 : this.#keys.length, key, name, value);
  }

  remove(name: string): void {
    const { key } = fieldOf(name);
    for (let i = this.#keys.lastIndexOf(key); i !== -1; i = this.#keys.lastIndexOf(key)) this.#drop(i);
    this.#forget(key);
  }

  removeFirst(name: string): void {
    const field = fieldOf(name);
    const at = this.#keys.indexOf(field.key);
    if (at === -1) return;
    const elements = field.list ? splitList(this.#values[at] ?? '') : NONE;
    if (elements.length > 1) this.#values[at] = elements.slice(1).join(', ');
    else this.#drop(at);
    this.#forget(field.key);
  }

  *entries(): IterableIterator<readonly [string, string]> {
    for (let i = 0; i < this.#names.length; i++) yield [this.#names[i] ?? '', this.#values[i] ?? ''];
  }

  /** Every field as lines of the wire, but for Content-Length. */
  wire(): string {
    let text = '';
    for (let i = 0; i < this.#keys.length; i++) {
      if (this.#keys[i] !== 'Content-Length') text += `${this.#names[i]}: ${this.#values[i]}\r\n`;
    }
    return text;
  }

  clone(): HeaderList {
    return new HeaderList(this.#keys.slice(), this.#names.slice(), this.#values.slice());
  }

  via(): Via | undefined {
    if (this.#via === undefined) this.#via = read(this.get('Via'), parseVia);
    return this.#via ?? undefined;
  }

  from(): NameAddr | undefined {
    if (this.#from === undefined) this.#from = read(this.get('From'), parseNameAddr);
    return this.#from ?? undefined;
  }

  to(): NameAddr | undefined {
    if (this.#to === undefined) this.#to = read(this.get('To'), parseNameAddr);
    return this.#to ?? undefined;
  }

  cseq(): CSeq | undefined {
    if (this.#cseq === undefined) this.#cseq = read(this.get('CSeq'), parseCSeq);
    return this.#cseq ?? undefined;
  }

  callId(): string | undefined {
    return this.get('Call-ID');
  }

  contacts(): readonly NameAddr[] {
    return this.nameAddrs('Contact');
  }

  nameAddrs(name: string): readonly NameAddr[] {
    const { key } = fieldOf(name);
    const known = this.#addresses?.get(key);
    if (known !== undefined) return known;
    if (!this.#keys.includes(key)) return NONE;
    const result = parseNameAddrs(this.all(key)) ?? NONE;
    this.#addresses ??= new Map();
    this.#addresses.set(key, result);
    return result;
  }

  number(name: string): number | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    let end = 0;
    while (end < value.length && !isWs(value.charCodeAt(end)) && value[end] !== ';' && value[end] !== '(') end++;
    return parseDigits(value.slice(0, end), fieldOf(name).key === 'Max-Forwards' ? 255 : MAX_UINT32);
  }

  hasToken(name: string, token: string): boolean {
    if (!this.has(name)) return false;
    const wanted = token.toLowerCase();
    for (const value of this.all(name)) {
      const semi = value.indexOf(';');
      const word = semi === -1 ? value : value.slice(0, semi).trimEnd();
      if (word.length === wanted.length && word.toLowerCase() === wanted) return true;
    }
    return false;
  }

  #insert(at: number, key: string, name: string, value: string): void {
    check(name, value);
    // Known fields have an upper-case letter in their key, unknown ones never: those keep the spelling they came with.
    const written = key === name.toLowerCase() ? name : key;
    this.#keys.splice(at, 0, key);
    this.#names.splice(at, 0, written);
    this.#values.splice(at, 0, value);
    this.#forget(key);
  }

  #drop(at: number): void {
    this.#keys.splice(at, 1);
    this.#names.splice(at, 1);
    this.#values.splice(at, 1);
  }

  #forget(key: string): void {
    if (key === 'Via') this.#via = undefined;
    else if (key === 'From') this.#from = undefined;
    else if (key === 'To') this.#to = undefined;
    else if (key === 'CSeq') this.#cseq = undefined;
    this.#lists?.delete(key);
    this.#addresses?.delete(key);
  }
}

function read<T>(value: string | undefined, parse: (text: string) => T | null): T | null {
  return value === undefined ? null : parse(value);
}

/** A line break in a value would let its author write header fields of his own, so it never gets in. */
function check(name: string, value: string): void {
  if (!isToken(name)) throw new TypeError('a header field name is a token');
  if (!isFieldValue(value)) throw new TypeError(`control character in the value of ${name}`);
}

/** Reads "number method"; null when malformed or 2^31 and more. RFC 3261 8.1.1.5. */
export function parseCSeq(text: string): CSeq | null {
  let end = 0;
  while (end < text.length && !isWs(text.charCodeAt(end))) end++;
  const seq = parseDigits(text.slice(0, end), MAX_CSEQ);
  const start = skipWs(text, end);
  if (seq === undefined || start === end) return null;
  const method = text.slice(start).trimEnd();
  return method.length === 0 || method.includes(' ') || method.includes('\t') ? null : { seq, method };
}
