/** Answers 401 and 407 for one call or registration, each request once. RFC 3261 22, RFC 8760, RFC 3310. */
import { akaPassword } from './auth/aka.ts';
import { answerChallenge, type Challenge, chooseChallenge } from './auth/digest.ts';
import type { Header, RequestSpec } from './dialog/types.ts';
import type { SipResponse } from './message/message.ts';
import type { Credentials } from './user-agent-types.ts';

/** The header field that answers the challenge of this response to `spec`, or null when there is none or it was tried. */
export type Authorizer = (response: SipResponse, spec: RequestSpec) => Header | null;

const NOBODY: Authorizer = () => null;
/** Nonces remembered; beyond them the oldest are forgotten. */
const MAX_NONCES = 64;
/** How often in a row a SIM tells its home where it is before it gives up. */
const MAX_RESYNCS = 2;

/** What an answer is made of beside the challenge. */
interface Proof {
  password: string | Uint8Array;
  auts?: string;
}

/** An authorizer with these credentials. A refusal of an answered nonce without `stale` means that the secret is wrong. */
export function createAuthorizer(
  credentials: Credentials | undefined,
  randomHex: (bytes: number) => string,
): Authorizer {
  if (credentials === undefined) return NOBODY;
  const { username, password, card } = credentials;
  /** How often each nonce was used; one that only met AUTS counts as not answered. */
  const answered = new Map<string, number>();
  const can = ({ aka }: Challenge) => (aka === null ? password !== undefined : card !== undefined);
  let resyncs = 0;

  function remember(nonce: string): number {
    const nc = (answered.get(nonce) ?? 0) + 1;
    if (answered.size >= MAX_NONCES) answered.delete(answered.keys().next().value ?? '');
    answered.set(nonce, nc);
    return nc;
  }

  /** Null: the challenge is not our home's, which an empty response says. RFC 3310 3.4. */
  function proofOf({ aka, algorithm, nonce }: Challenge): Proof | null {
    if (aka === null) return { password: password ?? '' };
    const answer = card?.answer(nonce) ?? { type: 'refused' };
    switch (answer.type) {
      case 'ok':
        resyncs = 0;
        return { password: akaPassword(aka, algorithm, answer) };
      case 'resync':
        resyncs += 1;
        return { password: '', auts: answer.auts };
      case 'refused':
        return null;
      default:
        return answer satisfies never;
    }
  }

  return (response, spec) => {
    const proxy = response.status === 407;
    if (response.status !== 401 && !proxy) return null;
    const challenge = chooseChallenge(response.headers.all(proxy ? 'Proxy-Authenticate' : 'WWW-Authenticate'), can);
    if (challenge === null) return null;
    const name = proxy ? 'Proxy-Authorization' : 'Authorization';
    const carried = spec.headers.find(([field]) => field === name)?.[1];
    const refused = carried !== undefined && [...answered.keys()].some(nonce => carried.includes(`nonce="${nonce}"`));
    if (refused && (!challenge.stale || answered.has(challenge.nonce))) return null;
    const proof = proofOf(challenge);
    if (resyncs > MAX_RESYNCS) return null;
    const nc = proof?.auts === undefined ? remember(challenge.nonce) : 1;
    const body = Buffer.from(spec.body?.content ?? '', 'utf8');
    const { method, uri } = spec;
    const request = { challenge, username, method, uri, nc, cnonce: randomHex(8), body };
    const value = answerChallenge({ ...request, ...(proof ?? { password: '' }) });
    return [name, proof === null ? value.replace(/response="[^"]*"/, 'response=""') : value];
  };
}
