/** Asks the authorization server about a token that says nothing by itself. RFC 7662; CAMARA digest 3.2. */
import { createPrivateKey, type KeyObject, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { SignJWT } from 'jose';
import { Agent, request } from 'undici';
import type { Settings } from '../config/settings.ts';
import type { Clock } from '../runtime/clock.ts';
import { isTrusted } from './issuer-keys.ts';

type IntrospectionResult =
  | { type: 'claims'; claims: Record<string, unknown> }
  /** Not good: the server says so. */
  | { type: 'inactive' }
  /** The server could not be asked; the reason is one for the log. */
  | { type: 'fault'; reason: string };

export interface Introspection {
  /** Never rejects. Equal questions at the same time are asked once. */
  ask(token: string): Promise<IntrospectionResult>;
  close(): Promise<void>;
}

export interface IntrospectionParts {
  settings: Settings['auth'];
  clock: Clock;
}

const TIMEOUT_MS = 5000;
const LIMIT_BYTES = 65_536;
/** Questions under way; more are not asked: a flood of made-up tokens must not become one at the server. */
const MOST_AT_ONCE = 128;
/** ICM allows a client assertion at most 300 s. */
const ASSERTION_S = 60;
const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** Throws RangeError or Error with one sentence when the settings cannot be used. */
export function createIntrospection({ settings, clock }: IntrospectionParts): Introspection {
  const url = settings.introspectionUrl;
  if (!isTrusted(url)) throw new RangeError('auth.introspectionUrl must be an https URL.');
  if (settings.introspectionClientId === '') throw new RangeError('auth.introspectionClientId is needed.');
  const key = settings.introspectionKeyFile === '' ? null : keyOf(settings.introspectionKeyFile);
  const agent = new Agent({
    connect: { timeout: TIMEOUT_MS },
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
    maxResponseSize: LIMIT_BYTES,
    connections: 8,
  });
  const underway = new Map<string, Promise<IntrospectionResult>>();

  async function put(token: string): Promise<IntrospectionResult> {
    try {
      const { statusCode, body } = await request(url, { ...(await question(token)), method: 'POST' });
      if (statusCode !== 200) {
        await body.dump();
        return { type: 'fault', reason: `it answered ${statusCode}` };
      }
      const answer: unknown = await body.json();
      if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) {
        return { type: 'fault', reason: 'it did not answer with a JSON object' };
      }
      const claims = answer as Record<string, unknown>;
      return claims['active'] === true ? { type: 'claims', claims } : { type: 'inactive' };
    } catch (fault) {
      return { type: 'fault', reason: fault instanceof Error ? fault.message : 'unknown fault' };
    }
  }

  async function question(token: string) {
    const form = new URLSearchParams({ token, token_type_hint: 'access_token' });
    const headers: Record<string, string> = {
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
    };
    const { introspectionClientId: clientId, introspectionClientSecret: secret } = settings;
    if (key === null) headers['authorization'] = `Basic ${btoa(`${encode(clientId)}:${encode(secret)}`)}`;
    else {
      form.set('client_id', clientId);
      form.set('client_assertion_type', JWT_BEARER);
      form.set('client_assertion', await assertion(key, clientId, settings.issuers[0] ?? url, clock.now()));
    }
    const signal = AbortSignal.timeout(2 * TIMEOUT_MS);
    return { dispatcher: agent, headers, body: form.toString(), signal };
  }

  return {
    ask(token) {
      const same = underway.get(token);
      if (same !== undefined) return same;
      if (underway.size >= MOST_AT_ONCE)
        return Promise.resolve({ type: 'fault', reason: 'too many are asked at once' });
      const asked = put(token).finally(() => underway.delete(token));
      underway.set(token, asked);
      return asked;
    },
    close: () => agent.destroy(),
  };
}

/** `private_key_jwt`, RFC 7523 3. */
function assertion(key: KeyObject, clientId: string, audience: string, now: number): Promise<string> {
  const at = Math.floor(now / 1000);
  return new SignJWT({})
    .setProtectedHeader({ alg: algorithmOf(key) })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(audience)
    .setJti(randomUUID())
    .setIssuedAt(at)
    .setExpirationTime(at + ASSERTION_S)
    .sign(key);
}

function keyOf(file: string): KeyObject {
  try {
    const key = createPrivateKey(readFileSync(file));
    algorithmOf(key);
    return key;
  } catch {
    throw new Error(
      `The key ${file} of auth.introspectionKeyFile is not a private key (PEM) of RSA, P-256, P-384 or Ed25519.`,
    );
  }
}

function algorithmOf({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): string {
  if (type === 'rsa') return 'PS256';
  if (type === 'ed25519') return 'EdDSA';
  if (details?.namedCurve === 'prime256v1') return 'ES256';
  if (details?.namedCurve === 'secp384r1') return 'ES384';
  throw new RangeError('No algorithm for this key.');
}

/** RFC 6749 2.3.1: both parts are form-encoded before they are joined. */
function encode(text: string): string {
  return new URLSearchParams({ x: text }).toString().slice(2);
}
