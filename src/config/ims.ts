/** Settings of the IMS the numbers live in. */
import { Type } from 'typebox';
import { area, choice, flag, integer, text } from './area.ts';

export const ims = area('The operator’s IMS', {
  mode: choice(
    'How the core sees Lineside: `trusted`, a node that authenticates its users itself, at the I-CSCF; `client`, an IMS client behind a P-CSCF, by digest; `trunk`, a SIP peer without registration.',
    'trusted',
    ['trusted', 'client', 'trunk'],
  ),
  home: text('Home network domain.', 'ims.mnc001.mcc001.3gppnetwork.org'),
  entry: text(
    'First hop: the I-CSCF (`trusted`), the P-CSCF (`client`), or the peer (`trunk`); host:port.',
    '127.0.0.1:5070',
  ),
  transport: choice('Transport towards the core.', 'tcp', ['udp', 'tcp']),
  impi: text(
    'Template of the private identity; {digits} is the number without +, {home} the domain.',
    'web-{digits}@{home}',
  ),
  passwords: Type.Record(Type.String(), Type.String(), {
    default: {},
    description: 'Digest passwords of private identities, for `client`.',
  }),
  passwordTemplate: text('Digest password of an identity that `ims.passwords` does not name; {digits} as above.'),
  trunkUser: text('User name that answers a challenge of the peer, for `trunk`; empty answers none.'),
  trunkPassword: text('Its password.'),
  registerExpiresS: integer('Expiry asked for in a REGISTER.', 3600, 10, 604_800),
  regEvent: flag(
    'Subscribe to the registration state of each number, so that a removal by the network is heard.',
    true,
  ),
  reclaim: flag('Register again, once, when somebody else removed our binding while devices are registered.', false),
  tnaIndicator: text('Value of integrity-protected in a trusted-node REGISTER.', 'auth-done'),
  ruriForm: choice('Form of a telephone number in Request-URI and To.', 'sip', ['sip', 'tel']),
  displayName: flag('Send the originatorName of the API as display name in From.', false),
  earlyMediaDefault: choice(
    'Early media when the network never sent P-Early-Media: pass it, or pass it only after a reliable 18x.',
    'reliable',
    ['open', 'reliable', 'closed'],
  ),
  correlatorHeader: text('Header that carries the x-correlator into SIP; empty sends none.'),
  accessNetworkInfo: text('P-Access-Network-Info we add; empty sends none.'),
});
