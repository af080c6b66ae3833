/** `npm start`: starts the sandbox, tells what to try, ends everything on Ctrl-C. */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { type Coturn, startCoturn } from '../lab/coturn.ts';
import { startFault } from '../src/runtime/start-fault.ts';
import { endOnSignal } from './end.ts';
import { GatewayFault, startSandbox } from './sandbox.ts';
import { welcome } from './welcome.ts';

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
  const ecscf = { emergency: { route: 'ecscf', cscfs: [`${values.host}:5070`] } };
  const secret = randomBytes(24).toString('base64url');
  if (values.turn) coturn = await startCoturn({ address: RELAY, peer: values.host, secrets: [secret] });
  const turn = { turn: { urls: ['udp', 'tcp'].map(way => `turn:${RELAY}:3478?transport=${way}`), secret } };
  const settings = { ...(values.emergency ? ecscf : {}), ...(values.turn ? turn : {}) };
  const sandbox = await startSandbox({ host: values.host, dataDir: values.data ?? null, settings });
  const close = async () => {
    await sandbox.close();
    await coturn?.stop();
  };
  endOnSignal({ ...sandbox, close });
  const { host, emergency } = values;
  process.stdout.write(welcome(sandbox, { host, emergency, relay: values.turn ? RELAY : null }));
} catch (error) {
  await coturn?.stop();
  if (!(error instanceof GatewayFault)) process.stderr.write(`${startFault(error)}\n`);
  process.exit(1);
}
