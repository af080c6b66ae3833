/** The directory that keeps a sandbox's state between its runs. */
import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { StartError } from '../src/runtime/start-fault.ts';
import { makeFolder } from '../src/store/folder.ts';

/** Makes it when it is missing. Throws StartError with one sentence when it is no directory that can be written to. */
export function makeDataDir(path: string): void {
  try {
    makeFolder(resolve(path));
    accessSync(path, constants.W_OK);
  } catch {
    throw refusal(path, 'it can be neither made nor written to');
  }
  if (!statSync(path).isDirectory()) throw refusal(path, 'it is not a directory');
}

function refusal(path: string, why: string): StartError {
  return new StartError(`The data directory ${path} cannot be used: ${why}.`);
}
