/** Answers 401 and 407 for one call or registration, each request once. RFC 3261 22, RFC 8760, RFC 3310. */
import { akaPassword } from './auth/aka.ts';
import { parseAuthValue } from './auth/auth-param.ts';
import { answerChallenge, type Challenge, chooseChallenge } from './auth/digest.ts';
import type { DigestAlgorithm } from './auth/digest-algorithm.ts';
import type { Header, RequestSpec } from './dialog/types.ts';
import type { SipResponse } from './message/message.ts';
import type { Credentials } from './user-agent-types.ts';

export interface Authorizer {
  /** The header field that answers the challenge of this response to `spec`, or null when there is none or it was tried. */
  answer(response: SipResponse, spec: RequestSpec): Header | null;
  /** The next request as it is sent: with the answer ahead of its challenge when the server has named a nonce for it, once. RFC 7616 3.5. */
  ahead(spec: RequestSpec): RequestSpec;
}

const NOBODY: Authorizer = { answer: () => null, ahead: spec => spec };
const FIELDS = [
  { status: 401, challenge: 'WWW-Authenticate', credentials: 'Authorization', info: 'Authentication-Info' },
  {
    status: 407,
    challenge: 'Proxy-Authenticate',
    credentials: 'Proxy-Authorization',
    info: 'Proxy-Authentication-Info',
  },
] as const;
/** From the weakest. */
const STRENGTH: readonly DigestAlgorithm[] = ['MD5', 'SHA-256', 'SHA-512-256'];
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
  const { username, password, card, digest = { minimum: 'MD5', noQop: 'legacy' } } = credentials;
  const enough = STRENGTH.indexOf(digest.minimum);
  /** How often each nonce was used; one that only met AUTS counts as not answered. */
  const answered = new Map<string, number>();
  const can = ({ aka, algorithm }: Challenge) =>
    aka === null ? password !== undefined && STRENGTH.indexOf(algorithm) >= enough : card !== undefined;
  let resyncs = 0;
  /** Last challenge answered with a password, by the field that answers it, and what is to be said unasked. */
  const challenged = new Map<string, Challenge>();
  let next: { field: string; challenge: Challenge } | null = null;

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

  function write(spec: RequestSpec, challenge: Challenge, nc: number, proof: Proof): string {
    const body = Buffer.from(spec.body?.content ?? '', 'utf8');
    const { method, uri } = spec;
    return answerChallenge({
      challenge,
      username,
      method,
      uri,
      nc,
      cnonce: randomHex(8),
      body,
      noQop: digest.noQop,
      ...proof,
    });
  }

  /** A 2xx may name the nonce of the next request. */
  function learn({ headers }: SipResponse): void {
    for (const { info, credentials: field } of FIELDS) {
      const challenge = challenged.get(field);
      const nonce = parseAuthValue(`Digest ${headers.get(info) ?? ''}`)?.params.get('nextnonce');
      if (challenge !== undefined && nonce !== undefined) next = { field, challenge: { ...challenge, nonce } };
    }
  }

  function answer(response: SipResponse, spec: RequestSpec): Header | null {
    if (response.status >= 200 && response.status < 300) learn(response);
    const fields = FIELDS.find(({ status }) => status === response.status);
    const challenge = fields === undefined ? null : chooseChallenge(response.headers.all(fields.challenge), can);
    if (fields === undefined || challenge === null) return null;
    const name = fields.credentials;
    const carried = spec.headers.find(([field]) => field === name)?.[1];
    const refused = carried !== undefined && [...answered.keys()].some(nonce => carried.includes(`nonce="${nonce}"`));
    if (refused && (!challenge.stale || answered.has(challenge.nonce))) return null;
    const proof = proofOf(challenge);
    if (resyncs > MAX_RESYNCS) return null;
    const nc = proof?.auts === undefined ? remember(challenge.nonce) : 1;
    if (challenge.aka === null) challenged.set(name, challenge);
    const value = write(spec, challenge, nc, proof ?? { password: '' });
    return [name, proof === null ? value.replace(/response="[^"]*"/, 'response=""') : value];
  }

  return {
    answer,
    ahead(spec) {
      if (next === null) return spec;
      const { field, challenge } = next;
      // Should the server not know it any more, that says nothing of the password.
      next = null;
      const header: Header = [field, write(spec, challenge, 1, { password: password ?? '' })];
      return { ...spec, headers: [...spec.headers.filter(([name]) => name !== field), header] };
    },
  };
}
