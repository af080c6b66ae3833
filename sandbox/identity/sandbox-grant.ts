/** The sandbox-only grant: any token a demo or a test wants, also expired ones or ones for somebody else. */
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import { AUDIENCE, apiScopes, subscriberByNumber } from './subscriber.ts';

export const sandboxGrantParameters = ['number', 'client', 'scope', 'ttl', 'audience', 'two_legged'];

export interface TokenContent {
  subject: string;
  clientId: string;
  audience: string;
  scope: string;
  /** Seconds from now; negative: expired already. */
  ttlS: number;
  number: string | null;
}

const MAX_TTL_S = 86_400;

/** Handler of the grant; `sign` makes the JWT. Refuses with invalid_request in one sentence. */
export function sandboxGrant(sign: (content: TokenContent) => Promise<string>) {
  return async (ctx: KoaContextWithOIDC): Promise<void> => {
    const client = ctx.oidc.client;
    if (client === undefined) throw new errors.InvalidClient('client authentication is needed');
    const content = contentOf(ctx.oidc.params ?? {}, client.clientId);
    ctx.body = {
      access_token: await sign(content),
      token_type: 'Bearer',
      expires_in: content.ttlS,
      scope: content.scope,
    };
  };
}

function contentOf(params: Record<string, unknown>, clientId: string): TokenContent {
  const value = (name: string): string | null => {
    const found = params[name];
    return typeof found === 'string' && found !== '' ? found : null;
  };
  const ttlS = Number(value('ttl') ?? '3600');
  if (!Number.isInteger(ttlS) || Math.abs(ttlS) > MAX_TTL_S) {
    throw new errors.InvalidRequest(`ttl must be whole seconds between -${MAX_TTL_S} and ${MAX_TTL_S}`);
  }
  const scope = value('scope') ?? apiScopes.join(' ');
  if (scope.length > 4096) throw new errors.InvalidRequest('scope is too long');
  const common = { clientId, audience: value('audience') ?? AUDIENCE, scope, ttlS };
  if (value('two_legged') === 'true') return { ...common, subject: clientId, number: null };
  const number = value('number');
  const subscriber = number === null ? undefined : subscriberByNumber(number);
  if (subscriber === undefined) {
    throw new errors.InvalidRequest('number must be a subscriber of the sandbox, +15550100001 to +15550100005');
  }
  return { ...common, subject: subscriber.subject, number: subscriber.number };
}
