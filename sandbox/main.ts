/** `npm start`: starts the sandbox, tells what to try, ends everything on Ctrl-C. */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { type Coturn, startCoturn } from '../lab/coturn.ts';
import { startFault } from '../src/runtime/start-fault.ts';
import { endOnSignal } from './end.ts';
import { GatewayFault, type Sandbox, startSandbox } from './sandbox.ts';

const HELP = `Usage: npm start [-- --host ADDRESS] [--data DIRECTORY] [--emergency] [--turn]

  --host ADDRESS     loopback address of all listeners; 127.0.0.1 when not given
  --data DIRECTORY   keeps registrations, events and keys; without it nothing is left behind
  --emergency        emergency calls go to the small IMS
  --turn             coturn relays for browsers
  --help             print this
`;

function readCommandLine() {
  try {
    const { values } = parseArgs({
      options: {
        host: { type: 'string', default: '127.0.0.1' },
        data: { type: 'string' },
        emergency: { type: 'boolean', default: false },
        turn: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    return values;
  } catch (error) {
    // Node's first sentence; the rest is about quoting.
    process.stderr.write(`${(error as Error).message.split(/\.(?= [A-Z])/)[0]}. ${HELP.split('\n')[0]}\n`);
    process.exit(1);
  }
}

const values = readCommandLine();
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

/** Of its own: the gateway trusts SIP from the sandbox's address, and a relay lends browsers its own. */
const RELAY = '127.0.0.5';

let coturn: Coturn | null = null;

try {
  const emergency = { emergency: { route: 'ecscf', cscfs: [`${values.host}:5070`] } };
  const secret = randomBytes(24).toString('base64url');
  if (values.turn) coturn = await startCoturn({ address: RELAY, peer: values.host, secrets: [secret] });
  const turn = { turn: { urls: ['udp', 'tcp'].map(way => `turn:${RELAY}:3478?transport=${way}`), secret } };
  const settings = { ...(values.emergency ? emergency : {}), ...(values.turn ? turn : {}) };
  const sandbox = await startSandbox({ host: values.host, dataDir: values.data ?? null, settings });
  const close = async () => {
    await sandbox.close();
    await coturn?.stop();
  };
  endOnSignal({ ...sandbox, close });
  process.stdout.write(welcome(sandbox));
} catch (error) {
  await coturn?.stop();
  if (!(error instanceof GatewayFault)) process.stderr.write(`${startFault(error)}\n`);
  process.exit(1);
}

function welcome({ pages, issuer, operations, business }: Sandbox): string {
  const tokenHost = values.host === '127.0.0.1' ? '' : `LINESIDE_TEST_HOST=${values.host} `;
  return `
Lineside sandbox is up.

  softphone and APIs   ${pages}/softphone/
  a business           ${business}
  identity provider    ${issuer}
  API reference        ${pages}/docs
  SIM phones           register at ${values.host}:5070 (README, Try 3)
  operations           ${operations}/readyz  ${operations}/metrics

Try
  1. Open ${pages}/softphone/, sign in as +15550100001, allow the microphone, call +15550109000: you hear yourself.
  2. TOKEN=$(${tokenHost}npm run -s token -- --number +15550100001)
     curl -s -X POST ${pages}/webrtc-registration/v0.4rc1/sessions -H "Authorization: Bearer $TOKEN" \\
       -H 'Content-Type: application/json' -d '{"deviceId":"3f2504e0-4f89-41d3-9a0c-0305e82c3301"}'
  3. Open ${business} as a visitor without an account: press the button, allow the microphone; an echo answers.
${values.turn ? tryTurn(pages, tokenHost) : ''}
Ctrl-C ends everything.
`;
}

function tryTurn(pages: string, tokenHost: string): string {
  return `  4. Relays (coturn, turn:${RELAY}:3478), each time with a new credential; the page has them for its calls:
     TOKEN=$(${tokenHost}npm run -s token -- --number +15550100001)
     curl -s -X POST ${pages}/webrtc-ice-servers/v0.1/retrieve -H "Authorization: Bearer $TOKEN"
`;
}
