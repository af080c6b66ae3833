/** What the sandbox says when it is up: where everything is, and the tries of the README by their numbers. */
import type { Sandbox } from './sandbox.ts';

export interface WelcomeOptions {
  host: string;
  emergency: boolean;
  /** Address that relays lend; null: none run. */
  relay: string | null;
}

type Places = Pick<Sandbox, 'pages' | 'issuer' | 'operations' | 'business'>;

export function welcome(places: Places, options: WelcomeOptions): string {
  const { pages, issuer, operations, business } = places;
  const tries = triesOf(places, options).map((text, index) => `  ${index + 1}. ${text}`);
  return `
Lineside sandbox is up.

  softphone and APIs   ${pages}/softphone/
  a business           ${business}
  identity provider    ${issuer}
  API reference        ${pages}/docs
  SIM phones           register at ${options.host}:5070
  operations           ${operations}/readyz  ${operations}/metrics

Try, as the README tells it at length
${tries.join('\n')}

Ctrl-C ends everything.
`;
}

function triesOf({ pages, business }: Places, { host, emergency, relay }: WelcomeOptions): string[] {
  const token = `TOKEN=$(${host === '127.0.0.1' ? '' : `LINESIDE_TEST_HOST=${host} `}npm run -s token -- --number +15550100001)`;
  return [
    `Hear yourself: open ${pages}/softphone/, sign in as +15550100001, allow the microphone, call +15550109000.`,
    `The APIs by hand:
     ${token}
     curl -s -X POST ${pages}/webrtc-registration/v0.4rc1/sessions -H "Authorization: Bearer $TOKEN" \\
       -H 'Content-Type: application/json' -d '{"deviceId":"3f2504e0-4f89-41d3-9a0c-0305e82c3301"}'`,
    `A phone and the browser on one number: register any SIP softphone as +15550100002 at ${host}:5070, password pw-phone-15550100002.`,
    `An emergency call: ${emergency ? 'dial 112 on the softphone page; the emergency centre of this sandbox echoes.' : 'start with --emergency, dial 112.'}`,
    `A visitor without an account: open ${business}, press the button, allow the microphone; an echo answers.`,
    relay === null
      ? 'Relays for browsers in closed networks: start with --turn.'
      : `Relays for browsers in closed networks: coturn at turn:${relay}:3478 is in use. Each credential is new:
     ${token}
     curl -s -X POST ${pages}/webrtc-ice-servers/v0.1/retrieve -H "Authorization: Bearer $TOKEN"`,
  ];
}
