/** Answers 401 and 407 for one call or registration, each request once. RFC 3261 22, RFC 8760. */
import { answerChallenge, chooseChallenge } from './auth/digest.ts';
import type { Header, RequestSpec } from './dialog/types.ts';
import type { SipResponse } from './message/message.ts';
import type { Credentials } from './user-agent-types.ts';

/** The header field that answers the challenge of this response to `spec`, or null when there is none or it was tried. */
export type Authorizer = (response: SipResponse, spec: RequestSpec) => Header | null;

const NOBODY: Authorizer = () => null;
/** Nonces remembered; beyond them the oldest are forgotten. */
const MAX_NONCES = 64;

/** An authorizer with these credentials. A refusal of an answered nonce without `stale` means that the password is wrong. */
export function createAuthorizer(
  credentials: Credentials | undefined,
  randomHex: (bytes: number) => string,
): Authorizer {
  if (credentials === undefined) return NOBODY;
  /** How often each nonce was used. */
  const answered = new Map<string, number>();
  return (response, spec) => {
    const proxy = response.status === 407;
    if (response.status !== 401 && !proxy) return null;
    const challenge = chooseChallenge(response.headers.all(proxy ? 'Proxy-Authenticate' : 'WWW-Authenticate'));
    if (challenge === null) return null;
    const name = proxy ? 'Proxy-Authorization' : 'Authorization';
    const carried = spec.headers.find(([field]) => field === name)?.[1];
    const refused = carried !== undefined && [...answered.keys()].some(nonce => carried.includes(`nonce="${nonce}"`));
    if (refused && (!challenge.stale || answered.has(challenge.nonce))) return null;
    const nc = (answered.get(challenge.nonce) ?? 0) + 1;
    if (answered.size >= MAX_NONCES) answered.delete(answered.keys().next().value ?? '');
    answered.set(challenge.nonce, nc);
    const value = answerChallenge({
      challenge,
      username: credentials.username,
      password: credentials.password,
      method: spec.method,
      uri: spec.uri,
      nc,
      cnonce: randomHex(8),
      body: Buffer.from(spec.body?.content ?? '', 'utf8'),
    });
    return [name, value];
  };
}
