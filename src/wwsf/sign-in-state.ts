/** What one sign-in must remember until its callback, kept encrypted in the browser: no memory for strangers to fill. */
import { randomBytes } from 'node:crypto';
import { EncryptJWT, jwtDecrypt } from 'jose';

export interface SignInState {
  /** Guards the callback against forged answers. RFC 6749 10.12 */
  state: string;
  /** Ties the ID token to this sign-in. OpenID Connect Core 3.1.2.1 */
  nonce: string;
  /** PKCE. RFC 7636 4.1 */
  verifier: string;
  /** Path of ours to go back to. */
  returnTo: string;
}

export interface SignInStates {
  fresh(returnTo: string): SignInState;
  seal(state: SignInState): Promise<string>;
  /** Null when it is not ours, or older than the limit. */
  open(sealed: string): Promise<SignInState | null>;
}

/** `lifeMs`: how long a person may take to sign in. The key lives as long as the process. */
export function createSignInStates(lifeMs: number, now: () => number): SignInStates {
  const key = randomBytes(32);
  const random = (bytes: number) => randomBytes(bytes).toString('base64url');
  return {
    fresh: returnTo => ({ state: random(24), nonce: random(24), verifier: random(32), returnTo }),
    seal: state =>
      new EncryptJWT({ ...state })
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
        .setExpirationTime(Math.ceil((now() + lifeMs) / 1000))
        .encrypt(key),
    async open(sealed) {
      try {
        const { payload } = await jwtDecrypt(sealed, key, {
          currentDate: new Date(now()),
          keyManagementAlgorithms: ['dir'],
          contentEncryptionAlgorithms: ['A256GCM'],
        });
        const { state, nonce, verifier, returnTo } = payload as Record<string, unknown>;
        if (![state, nonce, verifier, returnTo].every(value => typeof value === 'string')) return null;
        return { state, nonce, verifier, returnTo } as SignInState;
      } catch {
        return null;
      }
    },
  };
}

/** The path to go back to: one of ours on this origin, else the softphone. */
export function safeReturnTo(asked: unknown): string {
  return typeof asked === 'string' && /^\/(?![/\\])[\w\-./?=&%]{0,200}$/.test(asked) ? asked : '/softphone/';
}
