/** Words known beforehand, found in the scratch buffer without making a string of them. */
import { codeAt } from './scan.ts';

interface Entry<T> {
  /** Where it stands in `LETTERS`. */
  readonly at: number;
  readonly length: number;
  readonly value: T;
}

/** By length, first and last byte; where two words meet the first has the place. */
export type Words<T> = ReadonlyArray<Entry<T> | undefined>;

const SLOTS = 1024;
/** The letters of the words of all tables, in one array as there is one scratch buffer. */
const LETTERS = new Uint8Array(8192);
let written = 0;

/** A table of words and what each stands for. It is a short cut and no more: a word whose place was taken is not found. */
export function wordTable<T>(words: Iterable<readonly [string, T]>): Words<T> {
  const table: Array<Entry<T> | undefined> = new Array(SLOTS).fill(undefined);
  for (const [word, value] of words) {
    const { length } = word;
    const slot = slotOf(length, word.charCodeAt(0), word.charCodeAt(length - 1));
    if (table[slot] !== undefined) continue;
    table[slot] = { at: written, length, value };
    LETTERS.set(Buffer.from(word, 'latin1'), written);
    written += length;
  }
  return table;
}

/** A table of words that stand for themselves, given with spaces between them. */
export function spelled(words: string): Words<string> {
  return wordTable(words.split(' ').map(word => [word, word]));
}

/** What the word from `from` to `to` stands for; undefined when the table does not have it. */
export function wordAt<T>(table: Words<T>, from: number, to: number): T | undefined {
  const entry = table[slotOf(to - from, codeAt(from), codeAt(to - 1))];
  if (entry === undefined || entry.length !== to - from) return undefined;
  const { at, length } = entry;
  for (let i = 0; i < length; i++) if (codeAt(from + i) !== LETTERS[at + i]) return undefined;
  return entry.value;
}

function slotOf(length: number, first: number, last: number): number {
  return (length * 67 + first * 13 + last) & (SLOTS - 1);
}
