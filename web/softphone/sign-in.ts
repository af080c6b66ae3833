/** Who is signed in, and the short access tokens the page's back end hands out. */
import { CallingError, type Token } from '../client/index.ts';

export interface SignedIn {
  /** Masked; null when the identity provider did not tell. */
  number: string | null;
  csrf: string;
  /** What the service takes for emergency calls. */
  emergencyNumbers: readonly string[];
}

/** Null: nobody is. Throws when the back end cannot be reached. */
export async function whoAmI(): Promise<SignedIn | null> {
  const response = await fetch('/session', { cache: 'no-store' });
  if (!response.ok) throw new Error(`The session cannot be read: ${response.status}.`);
  const body = (await response.json()) as { signedIn: boolean } & SignedIn;
  if (!body.signedIn) return null;
  const { number, csrf, emergencyNumbers } = body;
  return { number, csrf, emergencyNumbers };
}

/** The token callback of the SDK. */
export function tokenSource(csrf: string): () => Promise<Token> {
  return async () => {
    const response = await fetch('/session/token', { method: 'POST', headers: { 'x-csrf-token': csrf } });
    if (response.status === 401 || response.status === 403) throw new CallingError('token-unavailable');
    if (!response.ok) throw new CallingError('busy-service', { httpStatus: response.status });
    return (await response.json()) as { accessToken: string; expiresAt: string };
  };
}

export async function signOut(csrf: string): Promise<void> {
  await fetch('/sign-out', { method: 'POST', headers: { 'x-csrf-token': csrf } });
}
