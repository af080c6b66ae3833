/** The key that seals secrets in the store: a file of its own, made at the first start. */
import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { makeFolder } from './folder.ts';
import { StoreError } from './migration.ts';

const KEY_BYTES = 32;
/** Base64url without padding: 32 bytes are 43 characters. */
const FORM = /^[A-Za-z0-9_-]{43}$/;
const OTHERS = 0o007;

/**
 * The 32 bytes in `file`; a missing file is made with a random key, for its owner only (mode 0600).
 * Throws StoreError with one sentence when it cannot be read or made, holds no key, or everybody may read it.
 */
export function readKeyFile(file: string): Buffer {
  try {
    return readKey(file) ?? makeKey(file) ?? readAgain(file);
  } catch (error) {
    if (error instanceof StoreError) throw error;
    const { code = 'unknown fault' } = error as NodeJS.ErrnoException;
    throw new StoreError(`The key file ${file} of store.keyFile cannot be used: ${code}.`, { cause: error });
  }
}

/** Null when there is no such file. */
function readKey(file: string): Buffer | null {
  const handle = openUnless('ENOENT', file, 'r');
  if (handle === null) return null;
  try {
    if ((fstatSync(handle).mode & OTHERS) !== 0) {
      throw new StoreError(`The key file ${file} may be used by everybody on this host; make it private (chmod 600).`);
    }
    const text = readFileSync(handle, 'utf8').trim();
    if (!FORM.test(text)) throw new StoreError(`The key file ${file} holds no key: 43 characters of base64url.`);
    return Buffer.from(text, 'base64url');
  } finally {
    closeSync(handle);
  }
}

/** Null when another process made it first. */
function makeKey(file: string): Buffer | null {
  makeFolder(dirname(resolve(file)));
  const handle = openUnless('EEXIST', file, 'wx');
  if (handle === null) return null;
  try {
    const key = randomBytes(KEY_BYTES);
    writeSync(handle, `${key.toString('base64url')}\n`);
    // What is sealed with it may be on the disk sooner than the key.
    fsyncSync(handle);
    return key;
  } finally {
    closeSync(handle);
  }
}

function readAgain(file: string): Buffer {
  const key = readKey(file);
  if (key === null) throw new StoreError(`The key file ${file} comes and goes.`);
  return key;
}

function openUnless(code: string, file: string, flags: 'r' | 'wx'): number | null {
  try {
    return openSync(file, flags, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === code) return null;
    throw error;
  }
}
