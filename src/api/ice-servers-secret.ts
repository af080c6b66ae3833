/** The secret shared with the TURN servers, as long as the process runs: a new one is taken from the file on SIGHUP. */
import type { Settings } from '../config/settings.ts';
import { turnSecretOf } from '../config/turn-secret.ts';
import type { Log } from '../runtime/log.ts';

export interface IceServersSecret {
  current(): string;
  /** Reads the file again; one that cannot be used leaves the old secret, and a line in the log. */
  reload(): void;
}

/** Throws SettingsError when there is a file and it cannot be used. */
export function iceServersSecret(settings: Settings['turn'], log: Log): IceServersSecret {
  let held = turnSecretOf(settings);
  return {
    current: () => held,
    reload() {
      if (settings.secretFile === '') return;
      try {
        held = turnSecretOf(settings);
        log.info({}, 'the secret of the TURN servers was read again');
      } catch (error) {
        log.error(
          { fault: (error as Error).message },
          'the secret of the TURN servers cannot be used; the old one stays',
        );
      }
    },
  };
}
