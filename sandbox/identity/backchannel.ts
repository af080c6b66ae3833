/** The subscriber is asked on the phone: OpenID CIBA in poll mode, as CAMARA's profile has it. The sandbox's phones say yes after a moment. */
import type Provider from 'oidc-provider';
import { type Configuration, errors } from 'oidc-provider';
import { apiScopes, PURPOSE, subscriberByNumber } from './subscriber.ts';

export const CIBA_GRANT = 'urn:openid:params:grant-type:ciba';

type Ciba = NonNullable<NonNullable<Configuration['features']>['ciba']>;

/** How long a subscriber thinks it over, in ms. */
const THINKING_MS = 500;

/** The settings of the backchannel; `provider` is asked once it is there. */
export function backchannel(provider: () => Provider, resource: string): Ciba {
  return {
    enabled: true,
    deliveryModes: ['poll'],
    async processLoginHint(_ctx, hint) {
      const number = /^tel:(\+[1-9]\d{4,14})$/.exec(hint ?? '')?.[1];
      const subscriber = number === undefined ? undefined : subscriberByNumber(number);
      if (subscriber === undefined) {
        throw new errors.UnknownUserId('login_hint must be tel: and the number of a subscriber of the sandbox');
      }
      return subscriber.subject;
    },
    async processLoginHintToken() {
      throw new errors.InvalidRequest('login_hint_token is not supported; use login_hint');
    },
    // Taken and ignored, as the profile says.
    async validateBindingMessage() {},
    async validateRequestContext() {},
    async verifyUserCode() {},
    async triggerAuthenticationDevice(_ctx, request, account, client) {
      const timer = setTimeout(() => {
        void agree(
          provider(),
          resource,
          String(request.jti),
          account.accountId,
          client.clientId,
          String(request.scope),
        );
      }, THINKING_MS);
      timer.unref();
    },
  };
}

async function agree(
  provider: Provider,
  resource: string,
  requestId: string,
  accountId: string,
  clientId: string,
  asked: string,
): Promise<void> {
  const grant = new provider.Grant({ accountId, clientId });
  grant.addOIDCScope(asked);
  const known = new Set([...apiScopes, PURPOSE]);
  grant.addResourceScope(
    resource,
    asked
      .split(' ')
      .filter(name => known.has(name))
      .join(' '),
  );
  await grant.save();
  await provider.backchannelResult(requestId, grant, { acr: 'phone', authTime: Math.floor(Date.now() / 1000) });
}
