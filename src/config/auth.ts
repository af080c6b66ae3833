/** Settings of the access-token check (WAF). */
import { area, integer, list, text } from './area.ts';

export const auth = area('Access tokens', {
  issuers: list('Issuers whose tokens are taken; their keys are found by OpenID discovery.'),
  audience: text('Audience a token must name.', 'lineside'),
  algorithms: list('Signature algorithms taken.', ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA']),
  numberClaim: text('Claim that holds the subscriber’s number.', 'phone_number'),
  clockSkewS: integer('Clock difference forgiven.', 10, 0, 300),
  jwksCacheMs: integer('How long an issuer’s keys are kept.', 600_000, 1000),
});
