/** A credential that a TURN server checks by itself, with nothing but a secret it shares with us: the "TURN REST" convention, as coturn has it (use-auth-secret). CAMARA digest 11c. */
import { createHmac } from 'node:crypto';

export interface TurnCredential {
  /** `<end in seconds since the epoch>:<id>` */
  username: string;
  /** Base64 of HMAC-SHA1 over the username. */
  credential: string;
}

/** `id` is random and says nothing of the user; `endsAt` in ms since the epoch, rounded down to a second. */
export function turnCredential(secret: string, id: string, endsAt: number): TurnCredential {
  const username = `${Math.floor(endsAt / 1000)}:${id}`;
  return { username, credential: createHmac('sha1', secret).update(username).digest('base64') };
}
