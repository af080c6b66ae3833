/** `npm start`: starts the sandbox, tells what to try, ends everything on Ctrl-C. */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { type Coturn, startCoturn } from '../lab/coturn.ts';
import { startFault } from '../src/runtime/start-fault.ts';
import { endOnSignal } from './end.ts';
import { startSandbox } from './sandbox.ts';

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    data: { type: 'string' },
    /** Emergency calls go to the small IMS. */
    emergency: { type: 'boolean', default: false },
    /** coturn relays for browsers. */
    turn: { type: 'boolean', default: false },
  },
});

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
  process.stdout.write(welcome(sandbox.pages, sandbox.issuer, sandbox.operations));
} catch (error) {
  await coturn?.stop();
  process.stderr.write(`${startFault(error)}\n`);
  process.exit(1);
}

function welcome(pages: string, issuer: string, operations: string): string {
  const tokenHost = values.host === '127.0.0.1' ? '' : `LINESIDE_TEST_HOST=${values.host} `;
  return `
Lineside sandbox is up.

  softphone and APIs   ${pages}/softphone/
  identity provider    ${issuer}
  operations           ${operations}/readyz  ${operations}/metrics

Try
  1. Open ${pages}/softphone/, sign in as +15550100001, allow the microphone, call +15550109000: you hear yourself.
  2. TOKEN=$(${tokenHost}npm run -s token -- --number +15550100001)
     curl -s -X POST ${pages}/webrtc-registration/v0.4rc1/sessions -H "Authorization: Bearer $TOKEN" \\
       -H 'Content-Type: application/json' -d '{"deviceId":"3f2504e0-4f89-41d3-9a0c-0305e82c3301"}'
${values.turn ? tryTurn(pages, tokenHost) : ''}
Ctrl-C ends everything.
`;
}

function tryTurn(pages: string, tokenHost: string): string {
  return `  3. Relays (coturn, turn:${RELAY}:3478), each time with a new credential; the page has them for its calls:
     TOKEN=$(${tokenHost}npm run -s token -- --number +15550100001)
     curl -s -X POST ${pages}/webrtc-ice-servers/v0.1/retrieve -H "Authorization: Bearer $TOKEN"
`;
}
