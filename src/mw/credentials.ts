/** What answers a challenge of the core, by network mode: passwords, and SIMs in software. IMS digest 2.8, 2.9. */
import type { RealmSettings } from '../config/realm.ts';
import { type AkaCard, type Credentials, createAkaCard, opcOf } from '../sip/index.ts';
import { filled, type IdentityRow, type ImsIdentity } from './identities.ts';

/** Credentials of an identity (null: of the node itself), or undefined: a trusted node answers none, a trunk has one account. */
export type CredentialsOf = (identity: ImsIdentity | null) => Credentials | undefined;

const MAX_CARDS = 100_000;

export function createCredentials(realm: RealmSettings): CredentialsOf {
  const digest = { minimum: realm.digestMinimum, noQop: realm.digestNoQop };
  /** By private identity; a card knows which challenges are of the past, so it outlives its registration. */
  const cards = new Map<string, { keys: string; card: AkaCard }>();

  function cardOf({ impi, secret }: ImsIdentity): AkaCard | undefined {
    const { k, opc = '', op = '' } = secret;
    if (k === undefined || (opc === '' && op === '')) return undefined;
    const keys = `${k} ${opc} ${op}`;
    const known = cards.get(impi);
    if (known?.keys === keys) return known.card;
    const key = Buffer.from(k, 'hex');
    const made = { k: key, opc: opc === '' ? opcOf(key, Buffer.from(op, 'hex')) : Buffer.from(opc, 'hex') };
    const card = createAkaCard(made);
    if (cards.size >= MAX_CARDS) cards.delete(cards.keys().next().value ?? '');
    cards.set(impi, { keys, card });
    return card;
  }

  function ofClient(identity: ImsIdentity): Credentials | undefined {
    const { impi: username, number, home, secret } = identity;
    const password = passwordOf(secret, username) ?? filled(realm.passwordTemplate, number, home);
    const card = cardOf(identity);
    if (password === '' && card === undefined) return undefined;
    return { username, digest, ...(password === '' ? {} : { password }), ...(card === undefined ? {} : { card }) };
  }

  function passwordOf(secret: IdentityRow, impi: string): string | undefined {
    return secret.password ?? realm.passwords[impi];
  }

  return identity => {
    switch (realm.mode) {
      case 'trusted':
        return undefined;
      case 'client':
        return identity === null ? undefined : ofClient(identity);
      case 'trunk':
        return realm.trunkUser === ''
          ? undefined
          : { username: realm.trunkUser, password: realm.trunkPassword, digest };
      default:
        return realm.mode satisfies never;
    }
  };
}
