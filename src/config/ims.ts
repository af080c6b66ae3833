/** Settings of the IMS the numbers live in. */
import { area, choice, flag, integer, text } from './area.ts';

export const ims = area('The operator’s IMS', {
  home: text('Home network domain.', 'ims.mnc001.mcc001.3gppnetwork.org'),
  entry: text('First hop of a REGISTER, the I-CSCF: host:port.', '127.0.0.1:5070'),
  transport: choice('Transport towards the core.', 'tcp', ['udp', 'tcp']),
  impi: text(
    'Template of the private identity; {digits} is the number without +, {home} the domain.',
    'web-{digits}@{home}',
  ),
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
