/** Settings of the access-token check (WAF). */
import { area, choice, integer, list, text } from './area.ts';

export const auth = area('Access tokens', {
  issuers: list('Issuers whose tokens are taken; their keys are found by OpenID discovery.'),
  audience: text('Audience a token must name.', 'lineside'),
  algorithms: list('Signature algorithms taken.', ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA']),
  numberClaim: text('Claim that holds the subscriber’s number.', 'phone_number'),
  emergencyAddressClaim: text(
    'Claim that says whether the operator has an address for emergency calls of the number: true, or the address itself. A registration without it is refused (EMERGENCY_ADDRESS_MISSING). Empty: not looked at.',
  ),
  clockSkewS: integer('Clock difference forgiven.', 10, 0, 300),
  dpopAgeS: integer('How old the proof of a DPoP-bound token may be.', 60, 5, 300),
  introspection: choice(
    'Which tokens the authorization server is asked about (RFC 7662): none, those that are no JWT of an issuer above, or all.',
    'none',
    ['none', 'opaque', 'all'],
  ),
  introspectionUrl: text('Introspection endpoint, https.'),
  introspectionClientId: text('client_id of the gateway there.'),
  introspectionClientSecret: text('Its secret, sent by HTTP Basic; not needed with `auth.introspectionKeyFile`.'),
  introspectionKeyFile: text(
    'Its private key (PEM) for `private_key_jwt`; the audience is the first of `auth.issuers`.',
  ),
  introspectionCacheMs: integer('How long a good answer counts; bad ones are never kept.', 60_000, 0, 60_000),
  jwksCacheMs: integer('How long an issuer’s keys are kept.', 600_000, 1000),
});
