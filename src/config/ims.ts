/** Settings of the IMS the numbers live in: one realm, or several that differ in some of them. */
import { Type } from 'typebox';
import { area, choice, choices, flag, inherited, integer, list, text } from './area.ts';
import { realmMedia } from './media.ts';

const headerRule = Type.Object(
  {
    methods: Type.Optional(Type.Array(Type.Enum(['REGISTER', 'SUBSCRIBE', 'INVITE']))),
    remove: Type.Optional(Type.Array(Type.String())),
    add: Type.Optional(Type.Record(Type.String(), Type.String())),
  },
  { additionalProperties: false },
);

/** What each realm may say for itself. */
const realmFields = {
  mode: choice(
    'How the core sees Lineside: `trusted`, a node that authenticates its users itself, at the I-CSCF; `client`, an IMS client behind a P-CSCF, by digest or AKA; `trunk`, a SIP peer without registration of users.',
    'trusted',
    ['trusted', 'client', 'trunk'],
  ),
  home: text('Home network domain.', 'ims.mnc001.mcc001.3gppnetwork.org'),
  entry: text(
    'First hop: the I-CSCF (`trusted`), the P-CSCF (`client`), or the peer (`trunk`); host:port, or a name alone that is looked up by SRV.',
    '127.0.0.1:5070',
  ),
  targets: list(
    'Servers of the first hop in place of looking up `ims.entry`, tried in this order: host:port, with `;transport=tcp`, `;priority=1`, `;weight=10` where needed.',
  ),
  transport: choice('Transport towards the core.', 'tcp', ['udp', 'tcp', 'tls']),
  impu: text(
    'Template of the public identity; {number} is the number with +, {digits} without, {home} the domain.',
    'sip:{number}@{home}',
  ),
  impi: text('Template of the private identity, with the same words.', 'web-{digits}@{home}'),
  identityFile: text(
    'JSON file (64 MiB at most) or YAML file (256 KiB) with identities by number: `impi`, `impu`, and for `client` `password`, or `k` and `opc` (or `op`) for AKA. What it leaves out comes from the templates; a number it does not hold is refused. Read again when it changes.',
  ),
  identityUrl: text(
    'Web service that knows the identities of a number, such as https://provisioning.example/{number}; it answers the fields of `identityFile` as JSON, or 404.',
  ),
  identityTokenFile: text('File with the bearer token for it.'),
  identityTimeoutMs: integer('How long the web service may take.', 2000, 10, 30_000),
  identityCacheS: integer('How long an answer of the web service is kept; 0 asks every time.', 300, 0, 86_400),
  passwords: Type.Record(Type.String(), Type.String(), {
    default: {},
    description: 'Digest passwords of private identities, for `client`.',
  }),
  passwordTemplate: text('Digest password of an identity that nothing else has one for; {digits} as above.'),
  digestMinimum: choice(
    'Weakest digest that a password answers; a challenge of a weaker one alone is a refusal.',
    'MD5',
    ['MD5', 'SHA-256', 'SHA-512-256'],
  ),
  digestNoQop: choice(
    'Answer to a challenge without qop: in the form of RFC 2617 without it, or as if it had said `auth` (RFC 8760).',
    'legacy',
    ['legacy', 'auth'],
  ),
  trunkUser: text('User name that answers a challenge of the peer, for `trunk`; empty answers none.'),
  trunkPassword: text('Its password.'),
  trunkRegister: choice(
    'Whether a trunk registers itself: `pilot`, its pilot number as any phone would; `bulk`, all its numbers at once by RFC 6140.',
    'none',
    ['none', 'pilot', 'bulk'],
  ),
  trunkAor: text('Public identity a trunk registers, such as sip:+15550100000@ims.example.'),
  regEvent: flag(
    'Subscribe to the registration state of each number, so that a removal by the network is heard.',
    true,
  ),
  regEventExpiresS: integer('Expires of that subscription.', 600_000, 60, 2_000_000),
  outbound: flag(
    'Register with reg-id and outbound (RFC 5626), so that a core keeps several contacts of one private identity.',
    false,
  ),
  tnaIndicator: text('Value of integrity-protected in a trusted-node REGISTER.', 'auth-done'),
  tnaRealm: text('Realm of its Authorization; empty is `home`.'),
  tnaNonce: text('Nonce of its Authorization, for a core that wants one.'),
  ioiPrefix: text('What stands before `home` in the orig-ioi of a node that registers; empty for nothing.', 'Type 1'),
  authorizationEntity: text(
    "Domain of the authorisation server (WAF) when it is a third party's: told to the core in a trusted-node REGISTER, which has to know it.",
  ),
  ruriForm: choice('Form of a telephone number in Request-URI and To.', 'sip', ['sip', 'tel']),
  userPhone: flag('Write user=phone into SIP URIs of telephone numbers in calls.', true),
  registerUserPhone: flag('Write user=phone into To and From of REGISTER and SUBSCRIBE.', false),
  callerHeader: choice(
    'Header that says who calls: `usual` is P-Asserted-Identity, for `client` P-Preferred-Identity.',
    'usual',
    ['usual', 'asserted', 'preferred', 'none'],
  ),
  callerForms: choices('Forms of the number in P-Asserted-Identity, in order.', ['sip', 'tel'], ['sip', 'tel']),
  headerRules: Type.Array(headerRule, {
    default: [],
    description:
      'Changes to the header fields of what Lineside sends: each rule has `methods` (REGISTER, SUBSCRIBE, INVITE; none: all), `remove` (names) and `add` (name: value, with {number}, {digits}, {home}).',
  }),
  sessionExpiresS: integer('Session-Expires of a call out; not below `minSeS`.', 1800, 90, 86_400),
  minSeS: integer('Min-SE of a call out.', 90, 90, 86_400),
  preconditionLocal: choice('Strength of our side in an offer with preconditions, which follows a 421.', 'optional', [
    'none',
    'optional',
    'mandatory',
  ]),
  preconditionRemote: choice('Strength of the far side in it.', 'optional', ['none', 'optional', 'mandatory']),
  releaseCause: flag('Say why in a CANCEL or BYE by the causes of TS 24.229 too (Reason: RELEASE_CAUSE).', true),
  displayName: flag('Send the originatorName of the API as display name in From.', false),
  earlyMediaDefault: choice(
    'Early media when the network never sent P-Early-Media: pass it, or pass it only after a reliable 18x.',
    'reliable',
    ['open', 'reliable', 'closed'],
  ),
  correlatorHeader: text('Header that carries the x-correlator into SIP; empty sends none.'),
  accessNetworkInfo: text('P-Access-Network-Info we add; empty sends none.'),
};

const realm = Type.Object(
  {
    name: Type.String({ minLength: 1 }),
    prefixes: Type.Array(Type.String(), { minItems: 1 }),
    media: Type.Optional(realmMedia),
    ...inherited(realmFields),
  },
  { additionalProperties: false },
);

export const ims = area('The operator’s IMS', {
  ...realmFields,
  registerExpiresS: integer('Expiry asked for in a REGISTER.', 3600, 10, 604_800),
  reclaim: flag('Register again, once, when somebody else removed our binding while devices are registered.', false),
  realms: Type.Array(realm, {
    default: [],
    description:
      'Several realms at once: each has a `name`, `prefixes` of its numbers (+49, +1555; the longest wins) and any setting of this area from `mode` to `accessNetworkInfo` that differs; under `media` the same for `imsHost`, `imsAdvertisedHost`, `imsHost6`, `imsAdvertisedHost6` (these four together), `imsPrefer`, `prefixes`, `imsSrtp`, `imsNatLatch`, `webCodecs` and `imsCodecs` of the area `media`. None: the area is the one realm, of every number.',
  }),
});
