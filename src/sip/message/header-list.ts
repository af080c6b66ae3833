/** The implementation of `Headers`: fields in message order, cut out, split and parsed only when asked for. */
import { parseCSeq } from './cseq.ts';
import type { Headers } from './headers.ts';
import type { CSeq, NameAddr, Via } from './message.ts';
import { type FieldInfo, fieldOf, sameField } from './name.ts';
import { parseNameAddr, parseNameAddrList } from './name-addr.ts';
import { codeAt, isToken, isWs, load, readDigits } from './scan.ts';
import { isFieldValue, parseList } from './value.ts';
import { parseVia } from './via.ts';

const NONE: readonly never[] = [];
const MAX_UINT32 = 4294967295;

const VIA = fieldOf('Via');
const FROM = fieldOf('From');
const TO = fieldOf('To');
const CSEQ = fieldOf('CSeq');
const CALL_ID = fieldOf('Call-ID');
const CONTACT = fieldOf('Contact');
const CONTENT_LENGTH = fieldOf('Content-Length');
const MAX_FORWARDS = fieldOf('Max-Forwards');

/** One field. Never changed: clones and answers share it. */
export interface Field {
  readonly info: FieldInfo;
  /** Its value stands here, from `from` up to and without `to`: in the head of its message, or alone. */
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

/** Headers with these fields, in this order. Throws TypeError when a name or value holds a control character. */
export function createHeaders(fields: Iterable<readonly [string, string]> = []): HeaderList {
  const list = new HeaderList([]);
  for (const [name, value] of fields) list.append(name, value);
  return list;
}

export class HeaderList implements Headers {
  readonly #fields: Field[];
  // Views of the fields every message is asked for stand in slots of their own; null means malformed or absent.
  #via: Via | null | undefined;
  #from: NameAddr | null | undefined;
  #to: NameAddr | null | undefined;
  #cseq: CSeq | null | undefined;
  #contacts: readonly NameAddr[] | undefined;
  #lists: Map<string, readonly string[]> | undefined;
  #addresses: Map<string, readonly NameAddr[]> | undefined;

  /** Takes the array over. */
  constructor(fields: Field[]) {
    this.#fields = fields;
  }

  /** Puts a field at the end, without looking for others of its name. */
  append(name: string, value: string): void {
    const info = fieldOf(name);
    this.#fields.push(checked(info, name, value));
    this.#forget(info);
  }

  get(name: string): string | undefined {
    const field = this.#first(fieldOf(name));
    if (field === undefined) return undefined;
    return field.info.list ? fieldElements(field)[0] : fieldValue(field);
  }

  all(name: string): readonly string[] {
    const info = fieldOf(name);
    const known = this.#lists?.get(info.key);
    if (known !== undefined) return known;
    const result: string[] = [];
    for (const field of this.#fields) {
      if (!sameField(field.info, info)) continue;
      if (info.list) result.push(...fieldElements(field));
      else result.push(fieldValue(field));
    }
    this.#lists ??= new Map();
    this.#lists.set(info.key, result);
    return result;
  }

  has(name: string): boolean {
    return this.#first(fieldOf(name)) !== undefined;
  }

  set(name: string, value: string): void {
    const info = fieldOf(name);
    const at = this.#indexOf(info);
    if (at === -1) {
      this.#insert(this.#fields.length, info, name, value);
      return;
    }
    const field = checked(info, name, value);
    this.remove(name);
    this.#fields.splice(at, 0, field);
  }

  add(name: string, value: string): void {
    const info = fieldOf(name);
    const last = this.#fields.findLastIndex(field => sameField(field.info, info));
    this.#insert(last === -1 ? this.#fields.length : last + 1, info, name, value);
  }

  prepend(name: string, value: string): void {
    const info = fieldOf(name);
    const first = this.#indexOf(info);
    this.#insert(first !== -1 ? first : info === VIA ? 0 : this.#fields.length, info, name, value);
  }

  remove(name: string): void {
    const info = fieldOf(name);
    for (let i = this.#indexOf(info); i !== -1; i = this.#indexOf(info)) this.#fields.splice(i, 1);
    this.#forget(info);
  }

  removeFirst(name: string): void {
    const info = fieldOf(name);
    const at = this.#indexOf(info);
    const field = this.#fields[at];
    if (field === undefined) return;
    const elements = info.list ? fieldElements(field) : NONE;
    if (elements.length > 1) this.#fields[at] = alone(info, elements.slice(1).join(', '));
    else this.#fields.splice(at, 1);
    this.#forget(info);
  }

  *entries(): IterableIterator<readonly [string, string]> {
    for (const field of this.#fields) yield [field.info.name, fieldValue(field)];
  }

  /** Every field as lines of the wire, but for Content-Length. */
  wire(): string {
    let text = '';
    for (const field of this.#fields) {
      if (field.info !== CONTENT_LENGTH) text += `${field.info.name}: ${fieldValue(field)}\r\n`;
    }
    return text;
  }

  clone(): HeaderList {
    return new HeaderList(this.#fields.slice());
  }

  filter(wanted: (name: string) => boolean): HeaderList {
    return new HeaderList(this.#fields.filter(({ info }) => wanted(info.name)));
  }

  /** The first value of a field, read where it stands: what `parse` makes of it (null when malformed), undefined without the field. */
  parseFirst<T>(info: FieldInfo, parse: (text: string, from: number, to: number) => T | null): T | null | undefined {
    const field = this.#first(info);
    if (field === undefined) return undefined;
    const { text, from, to } = field;
    const value = parse(text, from, to);
    if (value !== null || !info.list) return value;
    // A list of one element is read as it stands, and no other can be.
    const [first = ''] = fieldElements(field);
    return parse(first, 0, first.length);
  }

  via(): Via | undefined {
    if (this.#via === undefined) this.#via = this.parseFirst(VIA, parseVia) ?? null;
    return this.#via ?? undefined;
  }

  from(): NameAddr | undefined {
    if (this.#from === undefined) this.#from = this.parseFirst(FROM, parseNameAddr) ?? null;
    return this.#from ?? undefined;
  }

  to(): NameAddr | undefined {
    if (this.#to === undefined) this.#to = this.parseFirst(TO, parseNameAddr) ?? null;
    return this.#to ?? undefined;
  }

  cseq(): CSeq | undefined {
    if (this.#cseq === undefined) this.#cseq = this.parseFirst(CSEQ, parseCSeq) ?? null;
    return this.#cseq ?? undefined;
  }

  callId(): string | undefined {
    const field = this.#first(CALL_ID);
    return field === undefined ? undefined : fieldValue(field);
  }

  contacts(): readonly NameAddr[] {
    this.#contacts ??= this.#parseAddresses(CONTACT);
    return this.#contacts;
  }

  nameAddrs(name: string): readonly NameAddr[] {
    const info = fieldOf(name);
    if (info === CONTACT) return this.contacts();
    const known = this.#addresses?.get(info.key);
    if (known !== undefined) return known;
    const result = this.#parseAddresses(info);
    this.#addresses ??= new Map();
    this.#addresses.set(info.key, result);
    return result;
  }

  number(name: string): number | undefined {
    const info = fieldOf(name);
    const field = this.#first(info);
    if (field === undefined) return undefined;
    const { text, from, to } = field;
    load(text, from, to);
    let end = from;
    for (; end < to; end++) {
      const code = codeAt(end);
      if (isWs(code) || code === 0x3b || code === 0x28) break;
    }
    return readDigits(info === MAX_FORWARDS ? 255 : MAX_UINT32, from, end);
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

  #parseAddresses(info: FieldInfo): readonly NameAddr[] {
    let result: NameAddr[] | undefined;
    for (const { info: other, text, from, to } of this.#fields) {
      if (!sameField(other, info)) continue;
      const found = parseNameAddrList(text, from, to);
      if (found === null || (found.length > 1 && !info.list)) return NONE;
      if (result === undefined) result = found;
      else result.push(...found);
    }
    if (result === undefined) return NONE;
    // "*" stands alone. RFC 3261 10.2.2.
    return result.length > 1 && result.some(({ uri }) => uri === '*') ? NONE : result;
  }

  #indexOf(info: FieldInfo): number {
    for (let i = 0; i < this.#fields.length; i++) {
      const field = this.#fields[i];
      if (field !== undefined && sameField(field.info, info)) return i;
    }
    return -1;
  }

  #first(info: FieldInfo): Field | undefined {
    for (const field of this.#fields) if (sameField(field.info, info)) return field;
    return undefined;
  }

  #insert(at: number, info: FieldInfo, name: string, value: string): void {
    this.#fields.splice(at, 0, checked(info, name, value));
    this.#forget(info);
  }

  #forget(info: FieldInfo): void {
    if (info === VIA) this.#via = undefined;
    else if (info === FROM) this.#from = undefined;
    else if (info === TO) this.#to = undefined;
    else if (info === CSEQ) this.#cseq = undefined;
    else if (info === CONTACT) this.#contacts = undefined;
    this.#lists?.delete(info.key);
    this.#addresses?.delete(info.key);
  }
}

function fieldValue({ text, from, to }: Field): string {
  return text.slice(from, to);
}

function fieldElements({ text, from, to }: Field): string[] {
  return parseList(text, from, to);
}

function alone(info: FieldInfo, value: string): Field {
  return { info, text: value, from: 0, to: value.length };
}

/** A field made by us. A line break in a value would let its author write header fields of his own, so it never gets in. */
function checked(info: FieldInfo, name: string, value: string): Field {
  if (info.id === 0 && !isToken(name)) throw new TypeError('a header field name is a token');
  if (!isFieldValue(value)) throw new TypeError(`control character in the value of ${name}`);
  return alone(info, value);
}
