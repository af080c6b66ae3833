/** `npm run lab:gateway`: Lineside, with the sandbox's identity provider and pages, against the core of `npm run lab`. */
import { parseArgs } from 'node:util';
import { endOnSignal } from '../sandbox/end.ts';
import { startSandbox } from '../sandbox/sandbox.ts';
import { startFault } from '../src/runtime/start-fault.ts';
import { PORTS } from './settings.ts';

const { values } = parseArgs({
  options: {
    core: { type: 'string', default: '127.0.0.1' },
    host: { type: 'string', default: '127.0.0.1' },
    sip: { type: 'string', default: '127.0.0.2' },
    data: { type: 'string' },
  },
});

try {
  const sandbox = await startSandbox({
    host: values.host,
    dataDir: values.data ?? null,
    core: { entry: `${values.core}:${PORTS.icscf}`, addresses: [values.core] },
    settings: { sip: { host: values.sip } },
  });
  endOnSignal(sandbox);
  console.log(`
Lineside is attached to the core at ${values.core}, its SIP on ${values.sip}:5060.

  softphone   ${sandbox.pages}/softphone/   two browsers, +15550100001 and +15550100002: call each other through the core

Ctrl-C ends it.`);
} catch (error) {
  process.stderr.write(`${startFault(error)}\n`);
  process.exit(1);
}
