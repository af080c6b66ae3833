/** Digest credentials towards the core, by network mode. IMS digest 2.8. */
import type { Settings } from '../config/settings.ts';
import type { Credentials } from '../sip/index.ts';

/** What answers a challenge for this private identity, or undefined: a trusted node answers none, a trunk has one account. */
export function credentialsOf(ims: Settings['ims'], impi: string): Credentials | undefined {
  switch (ims.mode) {
    case 'trusted':
      return undefined;
    case 'client': {
      const digits = /\d{7,15}/.exec(impi)?.[0] ?? '';
      const password = ims.passwords[impi] ?? ims.passwordTemplate.replaceAll('{digits}', digits);
      return password === '' ? undefined : { username: impi, password };
    }
    case 'trunk':
      return ims.trunkUser === '' ? undefined : { username: ims.trunkUser, password: ims.trunkPassword };
    default:
      return ims.mode satisfies never;
  }
}
