/** Digest credentials towards the core, by network mode. IMS digest 2.8. */
import type { RealmSettings } from '../config/realm.ts';
import type { Credentials } from '../sip/index.ts';
import { filled, type ImsIdentity } from './identities.ts';

/** What answers a challenge for this identity (null: for the node itself), or undefined: a trusted node answers none, a trunk has one account. */
export function credentialsOf(realm: RealmSettings, identity: ImsIdentity | null): Credentials | undefined {
  switch (realm.mode) {
    case 'trusted':
      return undefined;
    case 'client':
      return identity === null ? undefined : clientCredentials(realm, identity);
    case 'trunk':
      return realm.trunkUser === '' ? undefined : { username: realm.trunkUser, password: realm.trunkPassword };
    default:
      return realm.mode satisfies never;
  }
}

function clientCredentials(realm: RealmSettings, identity: ImsIdentity): Credentials | undefined {
  const { impi, number, home, secret } = identity;
  const password = secret.password ?? realm.passwords[impi] ?? filled(realm.passwordTemplate, number, home);
  return password === '' ? undefined : { username: impi, password };
}
