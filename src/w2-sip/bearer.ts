/** Bearer tokens in SIP: how they are shown, and the challenge for who shows none. RFC 8898, TS 24.371 A.3. */
import type { ExtraHeaders, Headers, Refusal } from '../sip/index.ts';

/** `token`: one bearer token; `none`: no credentials; `other`: some that are no bearer token, or several. */
export type Shown = { type: 'token'; token: string } | { type: 'none' } | { type: 'other' };

/** RFC 6750 2.1, and the form of TS 24.371 A.3 with a quoted parameter. */
const TOKEN = /^bearer +(?:access_token *= *"([A-Za-z0-9._~+/-]+=*)"|([A-Za-z0-9._~+/-]+=*))$/i;

export function shownIn(headers: Headers): Shown {
  const [value, ...others] = headers.all('Authorization');
  if (value === undefined) return { type: 'none' };
  const [, quoted, plain] = TOKEN.exec(value.trim()) ?? [];
  const token = quoted ?? plain;
  if (token === undefined || others.length > 0) return { type: 'other' };
  return { type: 'token', token };
}

export interface ChallengeFacts {
  realm: string;
  /** All that a token has to allow. */
  scopes: readonly string[];
  /** https URL, or null: none is named. */
  authzServer: string | null;
}

/** 401. `error`: credentials were shown, and are of no use. RFC 8898 4, RFC 6750 3. */
export function challenge({ realm, scopes, authzServer }: ChallengeFacts, error: 'invalid_token' | null): Refusal {
  const params = [`realm="${realm}"`, `scope="${scopes.join(' ')}"`];
  if (authzServer !== null) params.push(`authz_server="${authzServer}"`);
  if (error !== null) params.push(`error="${error}"`);
  const headers: ExtraHeaders = [['WWW-Authenticate', `Bearer ${params.join(', ')}`]];
  return { status: 401, reason: 'Unauthorized', headers };
}
