/** The secret shared with the TURN servers: from the settings, or from a file of its own. */
import { readFileSync, statSync } from 'node:fs';
import { type Settings, SettingsError } from './settings.ts';
import { SECRET_LENGTH } from './turn-sense.ts';

const OTHERS = 0o007;

/** Empty when none is set. Throws SettingsError with one sentence when the file cannot be read, is everybody's to read, or holds no secret. */
export function turnSecretOf({ secret, secretFile }: Pick<Settings['turn'], 'secret' | 'secretFile'>): string {
  if (secretFile === '') return secret;
  let held: string;
  let mode: number;
  try {
    mode = statSync(secretFile).mode;
    held = readFileSync(secretFile, 'utf8').trim();
  } catch (error) {
    throw unusable(`the file ${secretFile} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  if ((mode & OTHERS) !== 0) {
    throw unusable(`the file ${secretFile} may be used by everybody on this host; make it private (chmod 600)`);
  }
  if (held.length < SECRET_LENGTH || /\s/.test(held)) {
    throw unusable(`the file ${secretFile} holds no secret: one word of ${SECRET_LENGTH} characters or more`);
  }
  return held;
}

function unusable(why: string): SettingsError {
  return new SettingsError(`The setting "turn.secretFile" cannot be used: ${why}.`);
}
