/** `npm run lab`: the IMS core in the foreground until Ctrl-C; `-- up` in the background, `-- down` ends it. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startCore, stopCore } from './core.ts';
import { processOf } from './process.ts';
import { HOME_DOMAIN, PARTS, PORTS } from './settings.ts';

const USAGE = 'Usage: npm run lab [-- up|down] [--address 127.0.0.1] [--folder DIRECTORY]';

function fail(sentence: string): never {
  console.error(sentence);
  process.exit(1);
}

function readCommandLine() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        address: { type: 'string', default: '127.0.0.1' },
        folder: { type: 'string' },
        trusted: { type: 'string', default: '127.0.0.2,127.0.0.3' },
      },
    });
  } catch {
    return fail(USAGE);
  }
}

const { values, positionals } = readCommandLine();
const { address } = values;
const folder = values.folder ?? join(tmpdir(), `lineside-lab-${address}`);
const [command = 'run'] = positionals;
if (!['run', 'up', 'down'].includes(command)) fail(USAGE);

if (command === 'down') {
  await stopCore(folder);
  console.log('The lab is down.');
  process.exit(0);
}
const started = performance.now();
try {
  await startCore({ address, folder, trusted: values.trusted.split(','), life: 'own' });
} catch (error) {
  fail((error as Error).message);
}
console.log(`
The IMS core is up after ${((performance.now() - started) / 1000).toFixed(1)} s.

  I-CSCF          ${address}:${PORTS.icscf}   udp, tcp: where Lineside registers (ims.entry)
  S-CSCF          ${address}:${PORTS.scscf}
  access proxy    ${address}:${PORTS.pcscf}   for SIP phones: user +1555010000N, digest user +1555010000N@${HOME_DOMAIN}, password pw-phone-1555010000N
  HSS control     http://${address}:${PORTS.hssControl}/trace
  home domain     ${HOME_DOMAIN}
  logs            ${folder}

Next: npm run lab:gateway
`);
if (command === 'run') {
  let ending = false;
  const end = () => {
    if (ending) return;
    ending = true;
    void stopCore(folder).then(() => process.exit(0));
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  while (PARTS.some(part => processOf(folder, part) !== null)) await sleep(500);
  if (!ending) process.exit(0);
}
