/** Identities from a table: a JSON or YAML file by number, read again when it has changed. */
import { readFileSync, statSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { E164_PATTERN } from '../ep-cscf/ids.ts';
import type { IdentitySource } from './identities.ts';

/** How often a look-up asks whether the file has changed, in ms. */
const LOOK_MS = 2000;
/** It is read between two messages: JSON of this size takes about a second, YAML of this size as well. */
const MAX_JSON_BYTES = 64 * 1024 * 1024;
const MAX_YAML_BYTES = 256 * 1024;

/** Throws with one sentence when the file cannot be read; later faults are told to `log` and the rows stay as they were. */
export function createIdentityFile(file: string, log: (reason: string) => void, now = Date.now): IdentitySource {
  let table = read(file);
  let lookedAt = now();

  function refresh(): void {
    if (now() - lookedAt < LOOK_MS) return;
    lookedAt = now();
    try {
      if (statSync(file).mtimeMs !== table.mtimeMs) table = read(file);
    } catch (error) {
      log(error instanceof Error ? error.message : 'the table of identities cannot be read');
    }
  }

  return (number, tell) => {
    refresh();
    tell(table.rows.get(number) ?? null, null);
  };
}

function read(file: string): { rows: Map<string, unknown>; mtimeMs: number } {
  const fault = (what: string) => new Error(`The table of identities ${file} ${what}.`);
  const isJson = file.endsWith('.json');
  let text: string;
  let at: { size: number; mtimeMs: number };
  try {
    at = statSync(file);
    text = at.size > MAX_JSON_BYTES ? '' : readFileSync(file, 'utf8');
  } catch (error) {
    throw fault(`cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown fault'}`);
  }
  if (at.size > MAX_JSON_BYTES) throw fault('is larger than 64 MiB; ask a web service (identityUrl) instead');
  if (!isJson && at.size > MAX_YAML_BYTES) throw fault('is larger than 256 KiB as YAML; write it as JSON');
  let tree: unknown;
  try {
    // In the plainest YAML everything is text: a number with its + stays one, and so does a password of digits.
    tree = isJson ? JSON.parse(text) : parseYaml(text, { schema: 'failsafe' });
  } catch {
    // The parser's own words would quote the file, keys and all.
    throw fault('is neither JSON nor YAML');
  }
  if (typeof tree !== 'object' || tree === null || Array.isArray(tree)) throw fault('must hold rows by number');
  const rows = new Map(Object.entries(tree));
  for (const number of rows.keys()) if (!E164_PATTERN.test(number)) throw fault('has a key that is no +number');
  return { rows, mtimeMs: at.mtimeMs };
}
