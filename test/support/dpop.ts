/** A client that proves it holds a key. RFC 9449. */
import { createHash, randomUUID } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose';

export interface Prover {
  /** What a token is bound to: `cnf.jkt`. */
  thumbprint: string;
  /** A proof for one request; `token` null at the token endpoint. `change` replaces claims (undefined: leaves them out), `header` parts of the header. */
  prove(
    request: { method: string; url: string; token: string | null; atMs: number },
    change?: Record<string, unknown>,
    header?: Record<string, unknown>,
  ): Promise<string>;
}

export async function createProver(alg = 'ES256'): Promise<Prover> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = await exportJWK(publicKey);
  return {
    thumbprint: await calculateJwkThumbprint(jwk),
    prove({ method, url, token, atMs }, change = {}, header = {}) {
      const ath = token === null ? undefined : createHash('sha256').update(token).digest('base64url');
      const claims = { jti: randomUUID(), iat: Math.floor(atMs / 1000), htm: method, htu: url, ath, ...change };
      const given = Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
      return new SignJWT(given).setProtectedHeader({ alg, typ: 'dpop+jwt', jwk, ...header }).sign(privateKey);
    },
  };
}
